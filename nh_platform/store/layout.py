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
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nh_platform.session import StoreError, UnknownSession
from nh_platform.session.errors import DamagedFile
from nh_platform.store.damage_notes import damage_error, noted_damage
from nh_platform.store.durable import disk_in_words, sync_tree
from nh_platform.store.file_hashes import read_record
from nh_platform.store.hashing import hash_folder
from nh_platform.store.locking import locks
from nh_platform.store.names import PROVENANCE, REPLACED, SOURCE_WIDE, TRAINING_SETS, VERSION_DIGITS, place_of
from nh_platform.store.objects.address import is_address, is_in_bucket, local_root, parse_address, shown
from nh_platform.store.objects.publishing import put_objects
from nh_platform.store.path_parts import path_part_problem
from nh_platform.store.provenance import Provenance
from nh_platform.store.records import folder_names, is_there, look_again
from nh_platform.store.store_format import begin_format, require_format
from nh_platform.store.version_folders import exclusive, history_names, pointer, put_version, staging_name, with_latest

_TRIES, _WAIT_S = 20, 0.01
"""How often a reader looks again where a version was replaced under it: one publisher against one reader for 8 s gave
47 misses in 64,075 readings without."""


@dataclass(frozen=True)
class AssetState:
    """What the store holds of one asset of a session, without opening its files.

    Parameters
    ----------
    data_version
        The data version that counts; None where the asset was never published or its record is damaged.
    damage
        What is known to be damaged of it, a text for each file: pointer, record, and what a
        reader or `nh verify` noted.
    unreadable
        Why it cannot be read now, where the reason says nothing of its bytes; ``damage`` then says so too.
    """

    data_version: str | None
    damage: tuple[str, ...] = ()
    unreadable: StoreError | None = None


class Store:
    """The files of all assets under one folder, or below one prefix of a bucket.

    Parameters
    ----------
    root
        Folder of the store; made when first written to. For a store in a bucket its address, such as
        ``s3://bucket/prefix``, or the folder of this machine that stands for it
        (`nh_platform.store.objects.address.local_root`).

    Attributes
    ----------
    root
        Folder that paths of the store lie below. Of a store in a bucket it holds what this machine read.

    Raises
    ------
    ConfigError
        If the address cannot be one.
    """

    def __init__(self, root: Path | str) -> None:
        is_bucket = isinstance(root, str) and is_address(root)
        self.root = local_root(parse_address(str(root))) if is_bucket else Path(root)
        self._is_format_known = False

    @property
    def address(self) -> str:
        """The store as a person knows it: its folder, or its address."""
        return shown(self.root)

    def asset_folder(self, source: str, session_id: str, asset: str) -> Path:
        """Return the folder that holds the versions of one asset, whether or not it exists.

        Raises
        ------
        StoreError
            If the store is of another format than this version reads and writes.
        """
        if not self._is_format_known:
            self._is_format_known = require_format(self.root)
        for part in (source, session_id, asset):
            if path_part_problem(part):
                raise StoreError(
                    f"store {self.address}", f"{part[:80]!r} cannot be part of a path", "Use letters, digits, _ and -."
                )
        return self.root / source / session_id / asset

    def current(self, source: str, session_id: str, asset: str) -> Path | None:
        """Return the folder of the version that counts, or None where the asset was never published."""
        folder = self.asset_folder(source, session_id, asset)
        name: str | None = None
        for _ in range(_TRIES):
            name = pointer(folder)
            if name is None:
                return None
            version = folder / name
            if is_there(version):
                return version
            look_again(folder)  # a listing of a bucket that was taken meanwhile may have one without the other
            time.sleep(_WAIT_S)  # replaced between the two looks; the pointer names its successor by now
        raise damage_error(folder, place_of(folder / str(name)), f"version {name}, which counts, is not there")

    def usable(self, source: str, session_id: str, asset: str) -> Path | None:
        """Return the folder of the version that counts, None where there is none, or it is damaged or unreadable.

        For what joins many sessions: one damaged asset is told by `state` and must not stop the others.
        """
        try:
            return None if self.state(source, session_id, asset).damage else self.current(source, session_id, asset)
        except StoreError:
            return None

    def state(self, source: str, session_id: str, asset: str) -> AssetState:
        """Return the data version that counts of an asset, and what is known to be damaged of it.

        Files are not hashed: 5,000 assets take well under a second.
        """
        for _ in range(_TRIES):
            try:
                version = self.current(source, session_id, asset)
                if version is None:
                    return AssetState(None)
                record = read_record(version)
            except FileNotFoundError:
                time.sleep(_WAIT_S)  # its version was replaced meanwhile
                continue
            except DamagedFile as error:
                return AssetState(None, (f"{Path(error.thing).name}: {error.reason}",))
            except StoreError as error:
                return AssetState(None, (f"{Path(error.thing).name}: {error.found}",), error)
            return AssetState(str(record["data_version"]), noted_damage(version))
        return AssetState(None, (f"{PROVENANCE}: it cannot be read",))

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
                f"it has no {asset} in the store {self.address}",
                f"Run `nh materialize {source} {session_id}`.",
            )
        return found

    def assets(self, source: str, session_id: str) -> list[str]:
        """Return the assets of a session that have a version which counts, sorted; without those of `REPLACED`.

        Those that are known to be damaged are left out: `damaged` has them.
        """
        names = self.readable_names(source, session_id)
        return [name for name in names if name not in REPLACED and self.usable(source, session_id, name) is not None]

    def damaged(self, source: str, session_id: str) -> dict[str, tuple[str, ...]]:
        """Return what is known to be damaged of a session, by asset: a text for each file, as of `state`.

        What cannot be read now is not among it: `out_of_reach` has that.
        """
        states = {name: self.state(source, session_id, name) for name in self.readable_names(source, session_id)}
        return {
            name: state.damage
            for name, state in states.items()
            if state.damage and state.unreadable is None and name not in REPLACED
        }

    def out_of_reach(self, source: str, session_id: str) -> tuple[str, ...]:
        """Return what of a session cannot be read now, a text each: its folder, or assets of it.

        Permissions, or a volume that is away, say nothing of the bytes: it is not damaged, and not made again.
        """
        try:
            names = self.published(source, session_id)
        except StoreError as error:
            return (str(error),)
        states = (self.state(source, session_id, name) for name in names)
        return tuple(str(state.unreadable) for state in states if state.unreadable is not None)

    def published(self, source: str, session_id: str) -> list[str]:
        """Return the assets of a session that have a folder, damaged or not, sorted; without those of `REPLACED`.

        Raises
        ------
        StoreError
            If the folder of the session cannot be read.
        """
        names = folder_names(self.root / source / session_id)
        return [name for name in names if name not in REPLACED]

    def readable_names(self, source: str, session_id: str) -> list[str]:
        """Return as of `published`, with those of `REPLACED`; none where the folder cannot be read."""
        try:
            return folder_names(self.root / source / session_id)
        except StoreError:
            return []

    def provenance(self, source: str, session_id: str, asset: str) -> Provenance | None:
        """Return the record of the version that counts, or None where the asset was never published.

        Raises
        ------
        DamagedFile
            If the record, or the pointer to it, is not the bytes that were written.
        """
        for _ in range(_TRIES):
            version = self.current(source, session_id, asset)
            if version is None:
                return None
            try:
                return Provenance.read(version)
            except FileNotFoundError:
                time.sleep(_WAIT_S)  # its version was replaced meanwhile
        folder = self.asset_folder(source, session_id, asset)
        raise damage_error(folder / PROVENANCE, place_of(folder / PROVENANCE), "it cannot be read")

    def history(self, source: str, session_id: str, asset: str) -> dict[int, Path]:
        """Return the folders of the versions that counted, by their number from 1, the current one last.

        A version that counted again later has a number for each time. Numbers of versions whose folder was removed by
        hand are left out. Only an asset that was published with ``keep_history`` has more than the current version.
        """
        folder = self.asset_folder(source, session_id, asset)
        try:
            latest = pointer(folder)
        except DamagedFile:
            latest = None  # the log has it, but for a process killed between the two
        names = with_latest(history_names(folder), latest if latest and is_there(folder / latest) else None)
        return {number: folder / name for number, name in enumerate(names, 1) if is_there(folder / name)}

    def counted(self, source: str, session_id: str, asset: str, *, with_locks: bool = True) -> list[Path]:
        """Return the folders of the versions that something names: the history, locks, and last the one that counts.

        Parameters
        ----------
        source, session_id, asset
            Which asset.
        with_locks
            Whether versions count that only a lock names.

        Raises
        ------
        DamagedFile
            If the pointer, the history or a lock cannot be read.
        """
        folder = self.asset_folder(source, session_id, asset)
        kept = locks.kept_versions(self.root, source, session_id, asset) if with_locks else ()
        names = [*sorted(kept), *history_names(folder), *filter(None, [pointer(folder)])]
        last_seen = {name: place for place, name in enumerate(names)}
        return [folder / name for name in sorted(last_seen, key=last_seen.__getitem__)]

    def data_version(self, source: str, session_id: str, asset: str) -> str | None:
        """Return the data version that counts; None where the asset was never published or is known to be damaged."""
        state = self.state(source, session_id, asset)
        return None if state.damage else state.data_version

    def sources(self) -> list[str]:
        """Return the sources that have anything in the store."""
        return [name for name in folder_names(self.root) if name != TRAINING_SETS]

    def places(self) -> list[str]:
        """Return as of `sources`, and `TRAINING_SETS` where there are any: for what goes through the whole store."""
        return folder_names(self.root)

    def sessions(self, source: str) -> list[str]:
        """Return the sessions of a source that have anything in the store."""
        return [name for name in folder_names(self.root / source) if name != SOURCE_WIDE]

    def _kept(self, source: str, session_id: str, asset: str) -> frozenset[str] | None:
        """Return the versions that locks name; None where one cannot be read: nothing may be removed then."""
        try:
            return locks.kept_versions(self.root, source, session_id, asset)
        except StoreError:
            return None

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
        staging = home / staging_name()
        with disk_in_words(home):
            begin_format(self.root)
            staging.mkdir(parents=True)
        try:
            yield staging
            record = provenance.model_copy(update={"files": hash_folder(staging)})
            (staging / PROVENANCE).write_bytes(record.to_bytes())
            sync_tree(staging)
            with exclusive(home):
                kept = self._kept(provenance.source, provenance.session_id, provenance.asset)
                name = provenance.data_version[:VERSION_DIGITS]
                put = put_objects if is_in_bucket(home) else put_version
                put(home, staging, name, keep_history=keep_history, kept=kept)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreError(
                    str(home),
                    "the disk is full; the asset was not published and what was stored is unchanged",
                    "Free some space and materialize the session again.",
                ) from error
            raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
