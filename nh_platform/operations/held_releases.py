"""Releases that are held: tried on some sessions without publishing anything, and accepted."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session import ConfigError, NhError

if TYPE_CHECKING:
    from nh_platform.history.releases.held import HeldRelease

DEFAULT_SESSIONS = 3


@dataclass(frozen=True)
class SessionTrial:
    """Units of one session before and after a held release, by the active rulebook.

    Parameters
    ----------
    session_id
        The session.
    n_good_before, n_good_after
        Good units as they are stored, and as the release makes them.
    came_in, went_out
        Ids of units that become good, and that are no longer.
    error
        Why it could not be tried; empty where it was.
    """

    session_id: str
    n_good_before: int = 0
    n_good_after: int = 0
    came_in: tuple[str, ...] = ()
    went_out: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Accepted:
    """A release that was accepted: number of its snapshot, and how many sessions go on."""

    snapshot: int
    n_sessions: int


def try_release(
    home: Home, source: str, n_sessions: int = DEFAULT_SESSIONS, on_progress: OnProgress = unwatched
) -> list[SessionTrial]:
    """Make the units of some sessions as a held release has them, in a folder that is removed, and compare them.

    Nothing in the store changes and no run is launched. Sessions that are stored and that the release changes come
    first, then those that it brings.

    Raises
    ------
    ConfigError
        If no release of the source is held.
    """
    with open_home(home) as at:
        held = _held(at, source)
        stored = {one for one in held.sessions if at.platform.store.current(source, one, "units")}
        chosen = sorted(held.sessions, key=lambda one: one not in stored)[:n_sessions]
        parent = at.platform.settings.home / "trials"
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            trials: list[SessionTrial] = []
            for session_id in chosen:
                on_progress(Progress("sessions", len(trials), len(chosen), session_id))
                trials.append(_trial(at, source, session_id, Path(folder)))
            on_progress(Progress("sessions", len(chosen), len(chosen), "done"))
    return trials


def accept_release(home: Home, source: str) -> Accepted:
    """Accept the release of a source that is held: the sensor asks for its sessions from the next tick on.

    Raises
    ------
    ConfigError
        If none is held.
    """
    from nh_platform.history.releases.held import accept

    with open_home(home) as at:
        held = _held(at, source)
        accept(at.platform.store, source, held.snapshot.number)
    return Accepted(held.snapshot.number, len(held.sessions))


def _held(home: OpenHome, source: str) -> HeldRelease:
    from nh_platform.planning.session_states import source_states

    home.platform.entry(source)
    held = source_states(home.platform, source).held
    if held is None:
        setting = home.platform.settings.source(source).on_release
        action = (
            "" if setting == "hold" else f" `on_release: hold` under `{source}` in sources.yaml holds the next one."
        )
        raise ConfigError(f"source {source}", "no release of it is held", f"Nothing waits.{action}")
    return held


def _trial(home: OpenHome, source: str, session_id: str, folder: Path) -> SessionTrial:
    from nh_platform.planning.trial import good_units, tried_units

    before = good_units(home.platform, source, session_id)
    try:
        after = tried_units(home.platform, source, session_id, folder)
    except NhError as error:
        return SessionTrial(session_id, len(before), error=str(error))
    came_in, went_out = set(after) - set(before), set(before) - set(after)
    return SessionTrial(session_id, len(before), len(after), tuple(sorted(came_in)), tuple(sorted(went_out)))
