"""Verification of the store: every stored file held against the hash with which it was published.

Contains the search for damage, over a session, a source or all, and the share of it that an inventory takes each day.
What is found is noted beside the asset, so that it counts as stale and is made again. Making it is `operations`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nh_platform.session import DamagedFile, StoreError
from nh_platform.store import Store
from nh_platform.store.damage_notes import forget_damage, noted_damage
from nh_platform.store.durable import LOST, copy_of, read_regular, unreadable
from nh_platform.store.file_hashes import STRAY, compare, stored_hashes, stray_files
from nh_platform.store.hashing import StoredFile
from nh_platform.store.locking.locks import FOLDER as LOCKS
from nh_platform.store.locking.locks import lock_names, locks_at_rest, read_lock
from nh_platform.store.names import DAMAGED, HISTORY, POINTER, PROVENANCE, SOURCE_RECORDS, SOURCE_WIDE
from nh_platform.store.records import has_versions, is_there
from nh_platform.store.sealed import BrokenSeal, unseal_json, unseal_lines
from nh_platform.store.store_format import FORMAT_FILE, stored_format

ROTATION_DAYS = 30
"""An inventory verifies every session once in so many days."""

_WORKERS = min(4, os.cpu_count() or 1)
"""BLAKE3 lets other threads run: two of them read 1.9 times as fast as one where the bytes are in memory."""


@dataclass(frozen=True)
class Damage:
    """One damaged file of the store.

    Parameters
    ----------
    source, session_id, asset
        Where it belongs; empty text for what belongs to no session, or to no asset.
    version
        Name of the version's folder; empty text for what lies beside the versions.
    path
        The file.
    found
        What is wrong with it.
    """

    source: str
    session_id: str
    asset: str
    version: str
    path: Path
    found: str


@dataclass(frozen=True)
class Verified:
    """Outcome of a verification.

    Parameters
    ----------
    damages
        What is damaged, by source, session and asset.
    n_assets, n_files, n_bytes
        What was compared.
    unreadable
        What cannot be read now, for a reason that says nothing of its bytes, one text each.
    """

    damages: tuple[Damage, ...]
    n_assets: int
    n_files: int
    n_bytes: int
    unreadable: tuple[str, ...] = ()


OnAsset = Callable[[int, int, str], None]
"""Told the number of assets done, that of all, and which is next."""


def verify(
    store: Store,
    sources: Iterable[str] | None = None,
    session_ids: Sequence[str] | None = None,
    on_asset: OnAsset = lambda done, total, name: None,
) -> Verified:
    """Compare every stored file with its hash.

    Parameters
    ----------
    store
        The store.
    sources
        Names of sources; all where None.
    session_ids
        Only these sessions, and nothing that belongs to a whole source.
    on_asset
        Told how far it is.
    """
    if sources is None and (broken := format_damage(store)):
        return Verified((broken,), 0, 0, 0)  # nothing else is read before the format is known
    chosen = store.places() if sources is None else list(sources)
    out_of_reach: list[str] = []
    assets = [one for source in chosen for one in _asset_folders(store, source, session_ids, out_of_reach)]
    damages: list[Damage] = []
    if session_ids is None:
        damages += [one for source in chosen for one in _of_source(store, source)]
        damages += _of_store(store, out_of_reach)
    n_files = n_bytes = 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done, (place, folder) in enumerate(assets):
            on_asset(done, len(assets), " ".join(filter(None, place)))
            try:
                found, files, size = _verify_asset(store, place, folder, pool)
            except StoreError as error:
                out_of_reach.append(str(error))
                continue
            damages += found
            n_files, n_bytes = n_files + files, n_bytes + size
    on_asset(len(assets), len(assets), "")
    return Verified(tuple(damages), len(assets), n_files, n_bytes, tuple(out_of_reach))


def format_damage(store: Store) -> Damage | None:
    """Return what is wrong with the statement of the store's format; None where nothing is."""
    try:
        stored_format(store.root)
    except DamagedFile as error:
        return Damage("", "", "", "", store.root / FORMAT_FILE, error.reason)
    return None


def share_of_day(store: Store, source: str, day: int) -> list[str]:
    """Return the sessions of a source that an inventory verifies on a day: each once in `ROTATION_DAYS`.

    `SOURCE_WIDE` is among them: what belongs to the whole source has a day as well.

    Parameters
    ----------
    store, source
        Which sessions.
    day
        Number of the day, from whatever beginning.
    """
    return [one for one in (*store.sessions(source), SOURCE_WIDE) if _slot(one) == day % ROTATION_DAYS]


def _slot(session_id: str) -> int:
    return int(hashlib.sha256(session_id.encode()).hexdigest()[:8], 16) % ROTATION_DAYS


_Place = tuple[str, str, str]


def _asset_folders(
    store: Store, source: str, session_ids: Sequence[str] | None, out_of_reach: list[str]
) -> Iterator[tuple[_Place, Path]]:
    sessions = [*store.sessions(source), SOURCE_WIDE] if session_ids is None else session_ids
    for session_id in sessions:
        try:
            names = store.published(source, session_id)
        except StoreError as error:
            out_of_reach.append(str(error))
            continue
        for name in names:
            shown = "" if session_id == SOURCE_WIDE else session_id
            yield (source, shown, name), store.asset_folder(source, session_id, name)


def _verify_asset(store: Store, place: _Place, asset: Path, pool: ThreadPoolExecutor) -> tuple[list[Damage], int, int]:
    """Return what is damaged of an asset, and how many files and bytes of it were compared."""
    beside = (POINTER, DAMAGED, HISTORY, copy_of(Path(HISTORY)).name)
    try:
        holds_versions = has_versions(asset)
    except OSError as error:
        raise unreadable(asset, error) from error
    found = [("", *one) for name in beside for one in _broken(asset, name, unseal_lines)]
    files, size = 0, 0
    versions = _counted(store, place)
    if is_there(asset / HISTORY) != is_there(copy_of(asset / HISTORY)):
        found.append(("", asset / HISTORY, "the history, or its copy, is missing"))
    if not is_there(asset / POINTER) and holds_versions:
        found.append(("", asset / POINTER, "the pointer to its version is missing"))
    for version in versions:
        try:
            stated = stored_hashes(version)
        except DamagedFile as error:
            found.append((version.name, version / PROVENANCE, error.reason))
            continue
        except FileNotFoundError:
            with locks_at_rest(store.root):
                is_lost = version in _counted(store, place) and not is_there(version / PROVENANCE)
            if is_lost:  # else it was replaced meanwhile
                found.append((version.name, version / PROVENANCE, "this version counts and is missing"))
            continue
        files, size = files + len(stated) + 1, size + sum(one.size for one in stated.values())
        checks = pool.map(partial(_damage_of, version), stated, stated.values())
        found += [(version.name, version / name, text) for name, text in zip(stated, checks) if text]
        found += [(version.name, version / name, STRAY) for name in stray_files(version)]
    if not found and versions and noted_damage(versions[-1]):
        forget_damage(asset)  # the disk gave other bytes once, and gives the right ones now
    return [Damage(*place, *one) for one in found], files, size


def _counted(store: Store, place: _Place) -> list[Path]:
    """Return the versions of an asset that count, as far as its records can be read: what is damaged is told apart."""
    where = (place[0], place[1] or SOURCE_WIDE, place[2])
    for with_locks in (True, False):
        with contextlib.suppress(DamagedFile):
            return store.counted(*where, with_locks=with_locks)
    return []


def _damage_of(version: Path, name: str, stated: StoredFile) -> str:
    """Return what is wrong with a file of a version; empty text where nothing is, or it was replaced meanwhile."""
    try:
        compare(version, name, stated)
    except DamagedFile as error:
        return error.reason
    except FileNotFoundError:
        return ""
    return ""


def _of_source(store: Store, source: str) -> Iterator[Damage]:
    """Give the damaged records of a whole source."""
    folder = store.root / source / SOURCE_WIDE
    for name in SOURCE_RECORDS:
        for one in (name, copy_of(Path(name)).name):
            for path, text in _broken(folder, one, unseal_json):
                yield Damage(source, "", "", "", path, text)


def _of_store(store: Store, out_of_reach: list[str]) -> Iterator[Damage]:
    """Give the damaged locks of a store."""
    for name in lock_names(store.root):
        try:
            read_lock(store.root, name)
        except DamagedFile as error:
            yield Damage("", "", "", "", store.root / LOCKS / f"{name}.json", error.reason)
        except StoreError as error:
            out_of_reach.append(str(error))


def _broken(folder: Path, name: str, unseal: Callable[[bytes], object]) -> Iterator[tuple[Path, str]]:
    """Give a sealed record of a folder with what is wrong, where it is there and damaged."""
    try:
        unseal(read_regular(folder / name))
    except FileNotFoundError:
        return
    except (BrokenSeal, OSError) as error:
        if isinstance(error, OSError) and error.errno not in LOST:
            raise unreadable(folder / name, error) from error
        yield folder / name, _words(error)


def _words(error: Exception) -> str:
    return error.reason if isinstance(error, DamagedFile) else str(error)
