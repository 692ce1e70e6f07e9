"""The store's part of a backup: assets as they are at one moment, their locks and records.

Add here what a backup must hold of the store. What else of a home is backed up is `backup`.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import OnProgress, Progress
from nh_platform.operations.upkeep.backup_files import BackupFiles
from nh_platform.session.errors import NhError, StoreError, UnknownSession, without_stop

if TYPE_CHECKING:
    from nh_platform.store import Store

_Place = tuple[str, str, str]
_TRIES = 5
"""How often the copying of an asset is begun anew where it was replaced meanwhile."""


def copy_store(store: Store, made: BackupFiles, on_progress: OnProgress) -> None:
    """Copy what counts of a store; what is damaged or cannot be read is named, and everything else copied.

    Parameters
    ----------
    store
        The store.
    made
        The backup that is written.
    on_progress
        Called for each asset.

    Raises
    ------
    StoreError
        If the format of the store cannot be read, or is another one.
    """
    from nh_platform.store.names import REPLACED, SOURCE_WIDE
    from nh_platform.store.records import is_there
    from nh_platform.store.replaced_assets import replaced_assets
    from nh_platform.store.store_format import FORMAT_FILE, require_format

    require_format(store.root)
    assets = []
    for source in store.places():
        for session_id in [*store.sessions(source), SOURCE_WIDE]:
            try:
                assets += [(source, session_id, asset) for asset in store.published(source, session_id)]
            except StoreError as error:  # a folder of another user's
                made.refused.append(str(error))
    for asset in sorted(REPLACED):
        n = sum(
            asset in replaced_assets(store, source, session_id)
            for source in store.places()
            for session_id in store.sessions(source)
        )
        if n:
            made.left_out.append(
                f"{asset} of {n} sessions, an asset of earlier versions ({', '.join(REPLACED[asset])} replace it)"
            )
    with_locks = _are_locks_known(store, made)
    for done, place in enumerate(assets):
        on_progress(Progress("assets", done, len(assets), " ".join(place)))
        _copy_or_refuse(store, made, place, with_locks)
    on_progress(Progress("assets", len(assets), len(assets), "done"))
    _copy_locks(store, made)
    if is_there(store.root / FORMAT_FILE):
        made.add(store.root / FORMAT_FILE, f"store/{FORMAT_FILE}")
    for source in store.places():
        _copy_records(store.root / source / SOURCE_WIDE, f"store/{source}/{SOURCE_WIDE}", made)


def _are_locks_known(store: Store, made: BackupFiles) -> bool:
    """Return whether all locks can be read, and so what they name is known; name those that cannot."""
    from nh_platform.store.locking import locks

    before = len(made.refused)
    for name in locks.lock_names(store.root):
        try:
            locks.read_lock(store.root, name)
        except UnknownSession:  # removed meanwhile
            continue
        except StoreError as error:
            made.refused.append(str(error))
    return len(made.refused) == before


def _copy_locks(store: Store, made: BackupFiles) -> None:
    """Copy the locks that can be read, and what they name now and did not when its asset was copied."""
    from nh_platform.store.locking.locks import locks_at_rest

    lacking: dict[_Place, set[str]] = {}
    with locks_at_rest(store.root):
        for _ in range(_TRIES):
            before, lacking = lacking, {}
            for name in _copied_locks(store, made):
                for place in _not_copied(made, name):
                    lacking.setdefault(place, set()).add(name)
            if not lacking or lacking == before:  # damaged, and named already
                break
            for place in lacking:
                made.forget(f"store/{'/'.join(place)}")
                _copy_or_refuse(store, made, place, with_locks=True, at_rest=True)
    for name in sorted({name for names in lacking.values() for name in names}):
        found = f"lock {name}: it names versions that are damaged, lost, or were replaced meanwhile"
        made.refused.append(f"{found}. It is in the backup, and they are not.")
    made.refused[:] = dict.fromkeys(made.refused)


def _copied_locks(store: Store, made: BackupFiles) -> list[str]:
    """Copy the locks that there are now and can be read; return their names."""
    from nh_platform.store.locking import locks

    made.forget(f"store/{locks.FOLDER}")
    names = []
    for name in locks.lock_names(store.root):
        try:
            locks.read_lock(store.root, name)
            made.add(store.root / locks.FOLDER / f"{name}.json", f"store/{locks.FOLDER}/{name}.json")
        except (FileNotFoundError, NhError):  # removed meanwhile, or named already
            continue
        names.append(name)
    return names


def _not_copied(made: BackupFiles, lock: str) -> set[_Place]:
    """Return the assets of which a lock of the backup names a version that the backup lacks."""
    from nh_platform.store.locking.locks import read_lock
    from nh_platform.store.names import PROVENANCE

    return {
        (one.source, one.session_id, one.asset)
        for one in read_lock(made.folder / "store", lock).versions
        if f"store/{one.source}/{one.session_id}/{one.asset}/{one.folder}/{PROVENANCE}" not in made.files
    }


def _copy_or_refuse(store: Store, made: BackupFiles, place: _Place, with_locks: bool, *, at_rest: bool = False) -> None:
    try:
        _copy_asset(store, made, place, with_locks, at_rest)
    except StoreError as error:
        made.refused.append(str(error))


def _copy_records(folder: Path, prefix: str, made: BackupFiles) -> None:
    """Copy the records of a source that are kept twice, each of the two where it is intact."""
    from nh_platform.store.durable import copy_of, read_regular
    from nh_platform.store.names import SOURCE_RECORDS
    from nh_platform.store.objects.address import shown
    from nh_platform.store.sealed import BrokenSeal, unseal_json

    for path in (one for name in SOURCE_RECORDS for one in (folder / name, copy_of(folder / name))):
        try:
            unseal_json(read_regular(path))
            made.add(path, f"{prefix}/{path.name}")
        except FileNotFoundError:
            continue
        except (BrokenSeal, OSError, StoreError) as error:
            found = f"it is damaged: {without_stop(str(error))}"
            made.refused.append(f"{shown(path)}: {found}. Run `nh verify --repair`, and back up again.")


def _copy_asset(store: Store, made: BackupFiles, place: _Place, with_locks: bool, at_rest: bool) -> None:
    """Copy the versions of an asset that something names, as they are at one moment.

    What is missing counts as lost at a second look alone, at which the locks are at rest (``at_rest``: they are).

    Raises
    ------
    StoreError
        If it was replaced again and again meanwhile, or what it names cannot be read.
    """
    from nh_platform.store.locking.locks import locks_at_rest
    from nh_platform.store.objects.address import shown

    asset = store.asset_folder(*place)
    lost: list[Path] | None = None
    for _ in range(_TRIES):
        with locks_at_rest(store.root) if lost and not at_rest else nullcontext():
            lost = _tried(store, made, place, with_locks, lost)
        if lost is None:
            return
        made.forget(f"store/{'/'.join(place)}")
    raise StoreError(
        shown(asset), "it was replaced again and again while it was copied", "Back up when fewer runs go on."
    )


def _tried(
    store: Store, made: BackupFiles, place: _Place, with_locks: bool, lost_before: list[Path] | None
) -> list[Path] | None:
    """Copy an asset, None where it was the same before and after; else return which files of it were missing."""
    from nh_platform.store.damage_notes import damage_error
    from nh_platform.store.names import HISTORY, POINTER, PROVENANCE, STAGING, place_of
    from nh_platform.store.records import folder_names, is_there, record_names

    asset = store.asset_folder(*place)
    prefix = f"store/{'/'.join(place)}"
    pointer, versions = named = _named_now(store, place, with_locks)
    texts, lost = list[str](), list[Path]()
    for version in versions:
        _copy_version(version, f"{prefix}/{version.name}", made, texts, lost)
    has_versions = versions or any(not one.startswith(STAGING) for one in folder_names(asset))
    if pointer is None and has_versions:
        found = "the pointer to its version is missing"
        texts.append(str(damage_error(asset / POINTER, place_of(asset / POINTER), found)))
    beside = [asset / POINTER, *(asset / one for one in record_names(asset) if one.startswith(HISTORY))]
    if pointer is None or f"{prefix}/{versions[-1].name}/{PROVENANCE}" not in made.files:
        del beside[0]  # it would name what is not there
    try:
        for path in beside:
            made.add(path, f"{prefix}/{path.name}")
    except FileNotFoundError:  # replaced at this instant
        return lost
    if _named_now(store, place, with_locks) != named:
        return lost
    # A version that was replaced and then published again is named as before, and was away between.
    if lost and (lost != lost_before or any(map(is_there, lost))):
        return lost
    if lost and _named_now(store, place, with_locks) != named:
        return lost
    made.refused += texts
    return None


def _named_now(store: Store, place: _Place, with_locks: bool) -> tuple[bytes | None, list[Path]]:
    """Return the pointer of an asset, and the versions that something names: what tells that it was replaced."""
    from nh_platform.store.names import POINTER

    return _bytes_of(store.asset_folder(*place) / POINTER), store.counted(*place, with_locks=with_locks)


def _copy_version(version: Path, prefix: str, made: BackupFiles, texts: list[str], lost: list[Path]) -> None:
    """Copy a version whole or not at all; add to ``texts`` what is wrong where it is not, and which file is missing."""
    from nh_platform.store.damage_notes import damage_error
    from nh_platform.store.file_hashes import stored_hashes
    from nh_platform.store.names import PROVENANCE, place_of

    try:
        for name, stated in stored_hashes(version).items():
            made.add(version / name, f"{prefix}/{name}", stated)
        made.add(version / PROVENANCE, f"{prefix}/{PROVENANCE}")
    except FileNotFoundError as error:
        lost.append(Path(error.filename or version))
        texts.append(str(damage_error(lost[-1], place_of(version), "it is missing")))
    except StoreError as error:
        texts.append(str(error))
    else:
        return
    made.forget(prefix)


def _bytes_of(path: Path) -> bytes | None:
    from nh_platform.store.durable import read_regular, unreadable

    try:
        return read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error
