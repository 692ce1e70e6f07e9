"""The recorded files of a session that no asset reads: ap, lfp, sync and video, listed and fetched on request.

Contains the record of one, the protocols of a source that has them, and the errors that all such sources share. Where a
source keeps them is in its own folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.session.lfp import LfpSlice

if TYPE_CHECKING:
    from nh_platform.downloads.transfers import OnBytes

AP, LFP, SYNC, VIDEO = KINDS = ("ap", "lfp", "sync", "video")


@dataclass(frozen=True)
class RecordedFile:
    """One recorded file of a session.

    Parameters
    ----------
    kind
        One of `KINDS`.
    probe
        The probe that it is of; empty where it is the session's.
    path
        Path relative to the session, or to the source's folder, as upstream names it.
    size
        Bytes as upstream, or the disk, states them; None where nobody does.
    held
        Where it lies; None where it was not fetched.
    """

    kind: str
    probe: str
    path: str
    size: int | None
    held: Path | None


@runtime_checkable
class RecordedFileSource(Protocol):
    """A source with recorded files beside those that its assets read."""

    def recorded_files(self, session: SessionFiles) -> list[RecordedFile]:
        """Return those of a session, in the order of kind, probe and path.

        Raises
        ------
        BadUpstreamData
            If upstream must be asked for them and does not answer.
        """

    def fetch_recorded(
        self, session: SessionFiles, files: Sequence[RecordedFile], on_bytes: OnBytes | None = None
    ) -> None:
        """Download some of them, whole and verified as far as upstream states how; resumed where it broke.

        Raises
        ------
        ConfigError
            If the source reads its files in place.
        BadUpstreamData, StoreError
            Naming the first file that did not come.
        """


@runtime_checkable
class LfpSource(Protocol):
    """A source that opens the local field potential in slices."""

    def read_lfp(self, session: SessionFiles, probe: str, start: float, stop: float) -> LfpSlice:
        """Read that of a probe from ``start`` to before ``stop`` (s on the session clock); only what is needed of it.

        Raises
        ------
        ConfigError
            If the window is none, or lies outside of the recording.
        UnknownSession
            If there is no such probe, it has no LFP, or its file was not fetched; the text says what to do.
        BadUpstreamData
            If the file is damaged or short, or lacks its header.
        """


def require_probe(session: SessionFiles, probe: str) -> None:
    """Check that a session has a probe.

    Raises
    ------
    UnknownSession
        If it has not; the text lists its probes, and names the nearest.
    """
    known = sorted(session.insertions["probe"])
    if probe not in known:
        raise UnknownSession(
            f"probe {probe!r}",
            f"{session.source} session {session.session_id} has {', '.join(known) or 'none'}",
            f"Use one of those.{close_matches(probe, known)}",
        )


def without_lfp(session: SessionFiles, probe: str, found: str) -> UnknownSession:
    """Return the error of a probe of which upstream has no LFP, ready to be raised."""
    thing = f"LFP of {session.source} session {session.session_id}, {probe}"
    return UnknownSession(thing, f"there is none: {found}", "Use another probe or session.")


def not_fetched(session: SessionFiles, probe: str, path: str, action: str = "") -> UnknownSession:
    """Return the error of a file of LFP that was not fetched, ready to be raised; ``action`` where it cannot be."""
    return UnknownSession(
        f"LFP of {session.source} session {session.session_id}, {probe}",
        f"{path} is not here: it is large, and fetched on request alone",
        action or f"Run `nh files {session.source} {session.session_id} --kind lfp --probe {probe} --fetch`.",
    )


def require_kind(kind: str) -> None:
    """Check the name of a kind of recorded file.

    Raises
    ------
    ConfigError
        If there is no such kind.
    """
    if kind not in KINDS:
        found = "there is no such kind of recorded file"
        raise ConfigError(f"kind {kind!r}", found, f"Use: {', '.join(KINDS)}.{close_matches(kind, KINDS)}")
