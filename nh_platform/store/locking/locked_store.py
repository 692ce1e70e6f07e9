"""The store as a lock names it: the versions of the lock, whatever has been published since."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from nh_platform.session.errors import StoreError
from nh_platform.store.layout import Store
from nh_platform.store.locking.locks import by_asset, read_lock


class LockedStore(Store):
    """The versions that a lock names; what it does not name is not there.

    Parameters
    ----------
    root
        Folder of the store.
    lock
        Name of the lock.

    Raises
    ------
    UnknownSession
        If there is no such lock.
    DamagedFile
        If its file is not the bytes that were written.
    """

    def __init__(self, root: Path | str, lock: str) -> None:
        super().__init__(root)
        self._lock = lock
        self._folders = by_asset(read_lock(self.root, lock).versions)

    def current(self, source: str, session_id: str, asset: str) -> Path | None:
        """Return the folder of the version that the lock names, or None where it names none."""
        names = self._folders.get((source, session_id, asset), set())
        return next((self.asset_folder(source, session_id, asset) / name for name in names), None)

    def history(self, source: str, session_id: str, asset: str) -> dict[int, Path]:
        """Return the versions that counted up to the one that the lock names; none where it names none.

        A version that counted again later ends it where it counted last.
        """
        locked = self.current(source, session_id, asset)
        if locked is None:
            return {}
        found = super().history(source, session_id, asset)
        last = max((number for number, folder in found.items() if folder == locked), default=None)
        return {1: locked} if last is None else {number: found[number] for number in found if number <= last}

    def publish(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: what a lock names does not change.

        Raises
        ------
        StoreError
            Always.
        """
        raise StoreError(f"lock {self._lock}", "a store opened by a lock is only read", "Open it without the lock.")

    def sessions(self, source: str) -> list[str]:
        """Return the sessions of a source of which the lock names anything."""
        return [one for one in super().sessions(source) if any(key[:2] == (source, one) for key in self._folders)]
