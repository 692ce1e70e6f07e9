"""The inputs of a step: one published version of each, resolved once and held to until the result is published.

A version's folder never changes while it counts, but whoever publishes its successor removes it. A step that reads
meanwhile would find files missing, and missing tables of `behavior` read as tables that upstream lacks; so a result is
published only if its inputs still count. Add here what must hold between reading an input and publishing. What a step
reads of an input is said in `steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nh_platform.session import StoreError
from nh_platform.store import Provenance, Store
from nh_platform.store.layout import PROVENANCE

TRIES = 3
"""How often a step is begun anew where an input was replaced under it; two publishers of one session are rare enough
that a third replacement is a process that goes on publishing."""


class InputReplaced(StoreError):
    """Something that a step reads was replaced before its result was published; the step can be run again."""


@dataclass(frozen=True)
class StepInput:
    """One input.

    Parameters
    ----------
    folder
        Folder of its version.
    record
        The record in that folder.
    stamp
        Inode and time of the folder's last change [ns]: a version that goes and is published again has the same name.
    """

    folder: Path
    record: Provenance
    stamp: tuple[int, int] | None


@dataclass(frozen=True)
class StepInputs:
    """All inputs of one step for one session.

    Parameters
    ----------
    store
        The store.
    by_asset
        Input by name of asset.
    """

    store: Store
    by_asset: Mapping[str, StepInput]

    def folder(self, asset: str) -> Path:
        """Return the folder of the version that the step reads."""
        return self.by_asset[asset].folder

    def record(self, asset: str) -> Provenance:
        """Return the record of the version that the step reads."""
        return self.by_asset[asset].record

    @property
    def versions(self) -> dict[str, str]:
        """Data version of every input."""
        return {asset: one.record.data_version for asset, one in self.by_asset.items()}

    def replaced(self) -> list[str]:
        """Return the inputs whose version no longer counts, or went and came back; sorted."""
        found = []
        for asset, one in sorted(self.by_asset.items()):
            current = self.store.current(one.record.source, one.record.session_id, asset)
            if current != one.folder or _stamp(one.folder) != one.stamp:
                found.append(asset)
        return found

    def require_current(self) -> None:
        """Stop where an input was replaced since it was resolved.

        Raises
        ------
        InputReplaced
            Naming the session and the inputs.
        """
        replaced = self.replaced()
        if replaced:
            record = self.record(replaced[0])
            raise _replaced(record.source, record.session_id, ", ".join(replaced))


def resolve_inputs(store: Store, source: str, session_id: str, assets: Iterable[str]) -> StepInputs:
    """Return the version that counts of each input, each by one look at its pointer.

    Raises
    ------
    UnknownSession
        If one was never published for that session.
    InputReplaced
        If one is replaced at this moment.
    """
    return StepInputs(store, {asset: _resolve(store, source, session_id, asset) for asset in assets})


def _resolve(store: Store, source: str, session_id: str, asset: str) -> StepInput:
    folder = store.folder(source, session_id, asset)
    stamp = _stamp(folder)
    try:
        return StepInput(folder, Provenance.read(folder / PROVENANCE), stamp)
    except FileNotFoundError as error:
        store.data_version(source, session_id, asset)  # raises where it is damaged and not replaced
        raise _replaced(source, session_id, asset) from error


def _stamp(folder: Path) -> tuple[int, int] | None:
    try:
        facts = folder.stat()
    except FileNotFoundError:
        return None
    return facts.st_ino, facts.st_mtime_ns


def _replaced(source: str, session_id: str, what: str) -> InputReplaced:
    return InputReplaced(
        f"{source} session {session_id}",
        f"{what} was replaced while it was read; nothing was published",
        "Another run publishes the same session. Wait for it, then materialize the session again.",
    )
