"""Layout of the store: where every asset lies, published whole or not at all.

``<root>/<source>/<session id>/<asset>/<version>/…`` holds the files of one version; ``<asset>/current`` names the
version that counts. A new version is written beside, synced, and then the pointer is replaced, so that a process
killed at any instant leaves the old state or the new one. Outputs of a whole source lie under ``_source`` instead of a
session id. An asset that keeps its history has every version that ever counted beside the current one, and
``<asset>/history`` names them in order, one a line.

A version that is being written lies in a ``.staging-`` folder named after its process. One that a killed process left
is removed by the next publication on the same machine, where processes can be looked for; on another, a week later.

Add here what every asset needs of the store. The format of the files is the codecs' matter.
"""

from __future__ import annotations

import errno
import filecmp
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from nh_platform.session import StoreError, UnknownSession
from nh_platform.store.durable import sync_folder, write_durably
from nh_platform.store.processes import is_running, process_name
from nh_platform.store.provenance import Provenance

PROVENANCE = "provenance.json"
SOURCE_WIDE = "_source"
"""Takes the place of the session id for outputs that belong to a whole source."""

REPLACED = {"behavior": ("events", "signals")}
"""Assets of earlier versions that a store can still hold, by name, with those that took their place (0.3)."""

_POINTER = "current"
_HISTORY = "history"
_STAGING = ".staging-"
_OTHERS_KEPT_S = 7 * 86400
"""How long the staging of another machine is left alone [s]; ``dagster.yaml`` ends a run after four hours."""
_VERSION_DIGITS = 16
_TRIES, _WAIT_S = 20, 0.01
"""How often a reader looks again where a version was replaced under it: one publisher against one reader for 8 s gave
47 misses in 64,075 readings without."""


class Store:
    """The files of all assets under one folder.

    Parameters
    ----------
    root
        Folder of the store; made when first written to.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def asset_folder(self, source: str, session_id: str, asset: str) -> Path:
        """Return the folder that holds the versions of one asset, whether or not it exists."""
        for part in (source, session_id, asset):
            if not part or part in (".", "..") or "/" in part or "\\" in part:
                raise StoreError(
                    f"store {self.root}", f"{part!r} cannot be part of a path", "Use letters, digits, _ and -."
                )
        return self.root / source / session_id / asset

    def current(self, source: str, session_id: str, asset: str) -> Path | None:
        """Return the folder of the version that counts, or None where the asset was never published."""
        folder = self.asset_folder(source, session_id, asset)
        name = ""
        for _ in range(_TRIES):
            try:
                name = (folder / _POINTER).read_text().strip()
            except FileNotFoundError:
                return None
            version = folder / name
            if version.is_dir():
                return version
            time.sleep(_WAIT_S)  # replaced between the two looks; the pointer names its successor by now
        raise StoreError(
            str(folder), f"it points to version {name}, which is not there", "Materialize the asset again."
        )

    def folder(self, source: str, session_id: str, asset: str) -> Path:
        """Return the folder of the version that counts.

        Raises
        ------
        UnknownSession
            If the asset was never published for that session.
        """
        found = self.current(source, session_id, asset)
        if found is None and asset in REPLACED:
            raise UnknownSession(
                f"{source} session {session_id}",
                f"{asset} is an asset of earlier versions",
                f"Read {' and '.join(REPLACED[asset])}, which took its place.",
            )
        if found is None:
            raise UnknownSession(
                f"{source} session {session_id}",
                f"it has no {asset} in the store {self.root}",
                f"Run `nh materialize {source} {session_id}`.",
            )
        return found

    def assets(self, source: str, session_id: str) -> list[str]:
        """Return the assets of a session that have a version which counts, sorted; without those of `REPLACED`."""
        names = _folder_names(self.root / source / session_id)
        return [name for name in names if name not in REPLACED and self.current(source, session_id, name) is not None]

    def replaced(self, source: str, session_id: str) -> list[str]:
        """Return the assets of earlier versions that are stored of a session, sorted."""
        return [name for name in _folder_names(self.root / source / session_id) if name in REPLACED]

    def require_replacement(self, source: str, session_id: str, asset: str) -> None:
        """Check that what took the place of an asset of an earlier version is stored.

        Raises
        ------
        StoreError
            If it is not, or the asset is none of `REPLACED`.
        """
        lacking = [name for name in REPLACED.get(asset, (asset,)) if name not in self.assets(source, session_id)]
        if asset not in REPLACED or lacking:
            raise StoreError(
                f"{source} session {session_id}",
                f"{asset} is kept: {', '.join(lacking) or 'it'} is not stored in its place",
                f"Run `nh materialize {source} --missing` first.",
            )

    def remove_replaced(self, source: str, session_id: str, asset: str) -> None:
        """Remove an asset of an earlier version with everything in its folder.

        Raises
        ------
        StoreError
            As of `require_replacement`.
        """
        self.require_replacement(source, session_id, asset)
        home = self.asset_folder(source, session_id, asset)
        leaving = home.with_name(f".{home.name}-{_staging_name()}")
        os.rename(home, leaving)  # at once, so that nobody finds half of it
        shutil.rmtree(leaving)

    def provenance(self, source: str, session_id: str, asset: str) -> Provenance | None:
        """Return the record of the version that counts, or None where the asset was never published."""
        content = self._record_bytes(source, session_id, asset)
        return None if content is None else Provenance.model_validate_json(content)

    def history(self, source: str, session_id: str, asset: str) -> dict[int, Path]:
        """Return the folders of the versions that counted, by their number from 1, the current one last.

        A version that counted again later has a number for each time. Numbers of versions whose folder was removed by
        hand are left out. Only an asset that was published with ``keep_history`` has more than the current version.
        """
        folder = self.asset_folder(source, session_id, asset)
        names = _with_latest(_logged(folder), _pointed_to(folder))
        return {number: folder / name for number, name in enumerate(names, 1) if (folder / name).is_dir()}

    def data_version(self, source: str, session_id: str, asset: str) -> str | None:
        """Return the data version that counts, or None where the asset was never published.

        Reads the one field of the record: 5,000 assets in well under a second.
        """
        content = self._record_bytes(source, session_id, asset)
        return None if content is None else str(json.loads(content)["data_version"])

    def _record_bytes(self, source: str, session_id: str, asset: str) -> bytes | None:
        for _ in range(_TRIES):
            found = self.current(source, session_id, asset)
            if found is None:
                return None
            try:
                return (found / PROVENANCE).read_bytes()
            except FileNotFoundError:
                time.sleep(_WAIT_S)  # its version was replaced meanwhile
        raise StoreError(
            str(self.asset_folder(source, session_id, asset)),
            f"its current version has no {PROVENANCE}",
            "Materialize the asset again.",
        )

    def sources(self) -> list[str]:
        """Return the sources that have anything in the store."""
        return _folder_names(self.root)

    def sessions(self, source: str) -> list[str]:
        """Return the sessions of a source that have anything in the store."""
        return [name for name in _folder_names(self.root / source) if name != SOURCE_WIDE]

    @contextmanager
    def publish(self, provenance: Provenance, *, keep_history: bool = False) -> Iterator[Path]:
        """Write a new version of an asset: fill the folder that is given, then it becomes the one that counts.

        If the block raises, nothing that was stored changes. Bytes that are stored already are not stored again.

        Parameters
        ----------
        provenance
            The record of the version.
        keep_history
            Keep the versions before, see `history`; an asset that has a history always does.

        Raises
        ------
        StoreError
            If the disk is full; the partly written version is removed.
        """
        home = self.asset_folder(provenance.source, provenance.session_id, provenance.asset)
        home.mkdir(parents=True, exist_ok=True)
        staging = home / _staging_name()
        staging.mkdir()
        try:
            yield staging
            (staging / PROVENANCE).write_bytes(provenance.to_bytes())
            _sync_tree(staging)
            with _exclusive(home):
                keep_history = keep_history or (home / _HISTORY).exists()
                before = _pointed_to(home)
                if before is not None and _same_files(before, staging):
                    return
                version = _version_folder(home, provenance.data_version[:_VERSION_DIGITS], staging, keep_history)
                if not version.exists():
                    os.rename(staging, version)
                _replace_pointer(home, version.name)
                # The log is written after the pointer; a process killed in between is made good by `_with_latest`.
                names = _with_latest(_with_latest(_logged(home), before), version) if keep_history else [version.name]
                if keep_history:
                    write_durably(home / _HISTORY, ("\n".join(names) + "\n").encode())
                _remove_superseded(home, keep=frozenset(names))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise StoreError(
                    str(home),
                    "the disk is full; the asset was not published and what was stored is unchanged",
                    "Free some space and materialize the session again.",
                ) from error
            raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _pointed_to(home: Path) -> Path | None:
    """Return the version that counts if it is there; one that was lost must not keep a new one from being published."""
    try:
        version = home / (home / _POINTER).read_text().strip()
    except FileNotFoundError:
        return None
    return version if version.is_dir() and version != home else None


def _version_folder(home: Path, name: str, staging: Path, keep_history: bool) -> Path:
    """Return the folder for a version: one that is free, or in a history the one that holds the same bytes.

    A version that is published again with other bytes gets the next number, never one that was free meanwhile: a
    reader that still has the path would find other bytes under it in the middle of its reading.
    """
    taken = {1: home / name} if (home / name).exists() else {}
    for child in home.glob(f"{name}-*"):
        if child.name.removeprefix(f"{name}-").isdecimal():
            taken[int(child.name.removeprefix(f"{name}-"))] = child
    if keep_history:
        for _, stored in sorted(taken.items()):
            if _same_files(stored, staging):
                return stored
    number = max(taken, default=0) + 1
    return home / (name if number == 1 else f"{name}-{number}")


def _logged(home: Path) -> list[str]:
    try:
        return (home / _HISTORY).read_text().split()
    except FileNotFoundError:
        return []


def _with_latest(names: list[str], latest: Path | None) -> list[str]:
    """Return a history that ends in ``latest``; the same version again takes the place of the last one."""
    if latest is None:
        return names
    same = bool(names) and names[-1].split("-")[0] == latest.name.split("-")[0]
    return [*(names[:-1] if same else names), latest.name]


def _replace_pointer(home: Path, version: str) -> None:
    fresh = home / f"{_staging_name()}.pointer"
    try:
        with fresh.open("w") as handle:
            handle.write(version + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(fresh, home / _POINTER)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(home)


def _same_files(stored: Path, fresh: Path) -> bool:
    """Return whether two folders hold the same bytes under the same names."""
    names = [
        sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        for folder in (stored, fresh)
    ]
    return names[0] == names[1] and not any(filecmp.cmpfiles(stored, fresh, names[0], shallow=False)[1:])


def _exclusive(home: Path) -> FileLock:
    """Return the lock of one asset: two processes that publish it in turn must not remove each other's version."""
    return FileLock(home / ".lock", timeout=60)


def _remove_superseded(home: Path, keep: frozenset[str]) -> None:
    """Remove older versions, and what processes that are gone left half written.

    A version goes at once, under another name, and then file by file: whoever lists it sees all of it or nothing, and
    a table that is gone already is not taken for one that upstream lacks.
    """
    for child in home.iterdir():
        if not child.is_dir() or child.name in keep:
            continue
        if child.name.startswith(_STAGING):
            if not _is_abandoned(child):
                continue
            leaving = child
        else:
            leaving = home / _staging_name()
            os.rename(child, leaving)
        shutil.rmtree(leaving, ignore_errors=True)


def _staging_name() -> str:
    return f"{_STAGING}{process_name()}-{uuid.uuid4().hex[:8]}"


def _is_abandoned(staging: Path) -> bool:
    """Return whether nobody writes a staging folder any more, by its process, or by its age where that is unknown.

    Unknown are another machine's, and those that name a process by its id alone, as versions up to 0.1 did.
    """
    running = is_running(staging.name.removeprefix(_STAGING).rpartition("-")[0])
    if running is not None:
        return not running
    try:
        return time.time() - staging.stat().st_mtime > _OTHERS_KEPT_S
    except FileNotFoundError:  # its process is done with it
        return False


def _sync_tree(folder: Path) -> None:
    for parent, _, files in os.walk(folder):
        for name in files:
            with open(os.path.join(parent, name), "rb") as handle:
                os.fsync(handle.fileno())
        sync_folder(Path(parent))


def _folder_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(child.name for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
