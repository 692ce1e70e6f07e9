"""What is known to be damaged of a stored version: a small file beside it, gone when the asset is made again.

Whoever finds a damaged file notes it, so that everybody else counts the asset as stale before opening it.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.session.errors import DamagedFile
from nh_platform.store.durable import read_regular, write_durably
from nh_platform.store.names import DAMAGED, Place
from nh_platform.store.objects.address import shown
from nh_platform.store.records import record_state, remove_record
from nh_platform.store.sealed import BrokenSeal, seal_lines, unseal_lines

_SEPARATOR = "\t"


def damage_error(path: Path, place: Place, found: str) -> DamagedFile:
    """Return the error that names a damaged file of an asset."""
    return DamagedFile(
        shown(path),
        f"{place.asset} of {place.words} is damaged: {found}",
        f"Run `{' '.join(filter(None, ('nh verify', place.arguments)))} --repair`, which makes {place.asset} again.",
    )


def note_damage(version: Path, name: str, found: str) -> None:
    """Note that a file of a version is damaged in the state that it has, and in what way.

    Raises
    ------
    OSError
        If the store cannot be written to.
    """
    try:
        noted = _noted(version)
    except ValueError:  # what was noted before is lost; this is not
        noted = {}
    now = (_state(version / name), found)
    if noted.get(name) != now:
        lines = [_SEPARATOR.join((one, *stated)) for one, stated in ({**noted, name: now}).items()]
        write_durably(version.parent / DAMAGED, seal_lines([version.name, *lines]))


def noted_damage(version: Path) -> tuple[str, ...]:
    """Return what was noted of the files of a version, a text for each.

    A note is of a file in one state: of a file that was written since, as when the version was mended, it says nothing.
    """
    try:
        noted = _noted(version)
    except (BrokenSeal, ValueError, OSError):
        return (f"{DAMAGED}: the note of what is damaged cannot be read",)
    return tuple(f"{name}: {found}" for name, (state, found) in noted.items() if state == _state(version / name))


def forget_damage(asset: Path) -> None:
    """Remove the note of an asset: it was made again, or its files were found intact."""
    remove_record(asset / DAMAGED)


def _noted(version: Path) -> dict[str, tuple[str, str]]:
    """Return state and finding of every file that was noted of a version; none where the note is of another version."""
    try:
        about, *lines = unseal_lines(read_regular(version.parent / DAMAGED))
    except FileNotFoundError:
        return {}
    parts = [line.split(_SEPARATOR, 2) for line in lines] if about == version.name else []
    return {name: (state, found) for name, state, found in parts}


def _state(path: Path) -> str:
    """Return what tells that a file was written since: inode, time of the last change, size; in a bucket the e_tag."""
    found = record_state(path)
    return "missing" if found is None else "-".join(map(str, found if isinstance(found, tuple) else (found,)))
