"""What is known to be damaged of a stored version: a small file beside it, gone when the asset is made again.

Whoever finds a damaged file notes it, so that everybody else counts the asset as stale before opening it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nh_platform.session.errors import DamagedFile
from nh_platform.store.durable import write_durably
from nh_platform.store.names import DAMAGED, Place
from nh_platform.store.sealed import BrokenSeal, seal_lines, unseal_lines


def damage_error(path: Path, place: Place, found: str) -> DamagedFile:
    """Return the error that names a damaged file of an asset."""
    return DamagedFile(
        str(path),
        f"{place.asset} of {place.words} is damaged: {found}",
        f"Run `nh verify {' '.join(filter(None, (place.source, place.session_id)))} --repair`, "
        f"which makes {place.asset} again.",
    )


def note_damage(version: Path, name: str, found: str) -> None:
    """Note that a file of a version is damaged, and in what way.

    Raises
    ------
    OSError
        If the store cannot be written to.
    """
    line = f"{name}: {found}"
    lines = noted_damage(version)
    if line not in lines:
        same_file = f"{name}: "
        _write(version, [*(one for one in lines if not one.startswith(same_file)), line])


def noted_damage(version: Path) -> tuple[str, ...]:
    """Return what was noted of a version, a line for each file; notes of an earlier version are of no account."""
    try:
        about, *lines = unseal_lines((version.parent / DAMAGED).read_bytes())
    except FileNotFoundError:
        return ()
    except (BrokenSeal, ValueError, OSError):
        return (f"{DAMAGED}: the note of what is damaged cannot be read",)
    return tuple(lines) if about == version.name else ()


def forget_damage(asset: Path) -> None:
    """Remove the note of an asset: it was made again, or its files were found intact."""
    (asset / DAMAGED).unlink(missing_ok=True)


def _write(version: Path, lines: Iterable[str]) -> None:
    write_durably(version.parent / DAMAGED, seal_lines([version.name, *lines]))
