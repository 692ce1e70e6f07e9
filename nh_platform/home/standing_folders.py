"""Folders that a home needs stand where they should: a file or a link to nowhere in the place of one is said.

Everything below it would fail with a text about some other file. Add here what must be true of a folder before it is
used.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.session import ConfigError


def require_folder(path: Path, action: str) -> None:
    """Refuse a path where no folder is and none can be made; one that is not there yet can be.

    Parameters
    ----------
    path
        Folder, or what stands in its place.
    action
        What a person does about a file that lies there.

    Raises
    ------
    ConfigError
        If it, or a folder that it lies in, is a file or a link that leads nowhere.

    Examples
    --------
    >>> require_folder(Path("/dev/null/data"), "Give another folder.")
    Traceback (most recent call last):
    nh_platform.session.errors.ConfigError: /dev/null: it is a file, and a folder is expected. Give another folder.
    """
    try:
        if path.is_dir():
            return
        place = next((one for one in (path, *path.parents) if one.is_symlink() or one.exists()), None)
        if place is None or place.is_dir():
            return
        if place.is_symlink() and not place.exists():
            found = f"it is a link to {place.readlink()}, which is not there"
            raise ConfigError(str(place), found, "Mount the disk that it leads to, or remove the link.")
    except PermissionError:  # whoever reads it says so
        return
    raise ConfigError(str(place), "it is a file, and a folder is expected", action)
