"""The store of a home: its folder ``store``, or what ``NH_STORE`` names, another folder or the address of a bucket.

Add here how a store is found. What lies in it is `nh_platform.store`'s.
"""

from __future__ import annotations

import os
from pathlib import Path

from nh_platform.session import StoreError
from nh_platform.store.durable import unreadable
from nh_platform.store.objects.address import STORE_VARIABLE, is_address, local_root, parse_address


def stated_store() -> Path | None:
    """Return the store that ``NH_STORE`` names, a folder or the address of a bucket; None where it names none.

    Raises
    ------
    ConfigError
        If it is an address that cannot be one.
    """
    stated = os.environ.get(STORE_VARIABLE)
    if not stated:
        return None
    if is_address(stated):
        return local_root(parse_address(stated, STORE_VARIABLE))
    return Path(stated).absolute()


def store_of(folder: Path) -> tuple[Path, Path | None]:
    """Return the root of the store of a folder, and the folder where it is a home.

    Raises
    ------
    StoreError
        If the folder does not exist, is neither a home folder nor a store, or may not be read.
    ConfigError
        If ``NH_STORE`` is an address that cannot be one.
    """
    try:
        return _store_of(folder)
    except OSError as error:  # another user's, whose group this one is not of
        raise unreadable(Path(error.filename or folder), error) from error


def _store_of(folder: Path) -> tuple[Path, Path | None]:
    stated = stated_store()
    if stated is not None and (stated == folder.absolute() or not any(folder.glob("*/*/*/current"))):
        return stated, None if stated == folder.absolute() else folder
    if not folder.is_dir():
        raise StoreError(str(folder), "there is no such folder", "Run `nh demo`, or give the folder of NH_HOME.")
    root = folder / "store" if (folder / "store").is_dir() else folder
    # A store names its assets' versions in `current`; a folder that is still empty may become one.
    if root == folder and any(folder.iterdir()) and not any(folder.glob("*/*/*/current")):
        homes = sorted(path.parent for path in folder.glob("*/store") if path.is_dir())
        action = f"Open {' or '.join(map(str, homes))}." if homes else "Give a home folder, as that of NH_HOME."
        raise StoreError(str(folder), "it is neither a home folder nor a store", action)
    return root, folder if root != folder else None
