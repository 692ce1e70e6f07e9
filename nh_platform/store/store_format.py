"""Format of the store: its number, and the change of a store of an earlier version.

Format 1 (up to version 0.2) had no hashes: records and pointers were plain. Format 2 states the size and hash of every
file, and small records carry their own. Add a step to `migrate` here when the layout or a record changes so that an
earlier version would misread it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nh_platform.session.errors import DamagedFile, StoreError
from nh_platform.store.durable import LOST, alone, disk_in_words, read_regular, unreadable, write_durably, write_twice
from nh_platform.store.hashing import hash_folder
from nh_platform.store.names import HISTORY, POINTER, PROVENANCE, WANTED
from nh_platform.store.objects.address import address_of, is_in_bucket, shown
from nh_platform.store.objects.trial import try_out
from nh_platform.store.records import asset_folders, folder_names, is_there
from nh_platform.store.sealed import BrokenSeal, seal_json, unseal_json, unseal_lines
from nh_platform.store.version_folders import exclusive, replace_pointer, with_latest, write_history

FORMAT = 2
FORMAT_FILE = "format.json"
_LOCK = ".migrating.lock"

OnAsset = Callable[[int, int, str], None]


def require_format(root: Path) -> bool:
    """Check that a store is of the format that this version reads and writes; True where it holds anything.

    Raises
    ------
    StoreError
        If it is older or newer; the text says what to do.
    """
    found = stored_format(root)
    if found is None or found == FORMAT:
        return found is not None
    if found > FORMAT:
        raise StoreError(
            f"store {shown(root)}",
            f"it has format {found}, this version reads format {FORMAT}",
            "Install the version of nh-platform that wrote it, or a newer one.",
        )
    raise StoreError(
        f"store {shown(root)}",
        f"it has format {found}, which earlier versions wrote; this version reads format {FORMAT}",
        "Run `nh migrate`, which computes nothing anew and adds the hash of every file.",
    )


def stored_format(root: Path) -> int | None:
    """Return the format of a store, None where it holds nothing yet.

    Raises
    ------
    DamagedFile
        If its file is damaged, or lost and nothing else tells it.
    """
    path = root / FORMAT_FILE
    try:
        return int(unseal_json(read_regular(path))["format"])
    except FileNotFoundError:
        return _format_of_assets(root)
    except (BrokenSeal, OSError) as error:
        if isinstance(error, OSError) and error.errno not in LOST:
            raise unreadable(path, error) from error
        action = "Run `nh verify --repair`, which writes it again."
        raise DamagedFile(shown(path), f"the format of the store cannot be read: {error}", action) from error


def begin_format(root: Path) -> None:
    """State the format of a store that is begun; a bucket is tried out first."""
    if not is_there(root / FORMAT_FILE):
        if is_in_bucket(root):
            try_out(address_of(root))
        root.mkdir(parents=True, exist_ok=True)
        _state(root, FORMAT)


def repair_format(root: Path) -> bool:
    """Write a damaged statement of the format again, as pointers and records show it; return whether it was damaged.

    Where none of them can be read, everything is damaged and is made again in this version's format.
    """
    try:
        stored_format(root)
    except DamagedFile:
        with disk_in_words(root), suppress(DamagedFile):
            _state(root, _format_of_assets(root) or FORMAT)
            return True
        with disk_in_words(root):
            _state(root, FORMAT)
        return True
    return False


@dataclass(frozen=True)
class Migrated:
    """Outcome of a migration of a store.

    Parameters
    ----------
    n_assets
        Assets that were changed.
    problems
        Files that were damaged before and stay as they are, a text for each: reading names them from then on.
    """

    n_assets: int
    problems: tuple[str, ...]


def migrate(root: Path, on_asset: OnAsset = lambda done, total, name: None) -> Migrated:
    """Change a store of format 1 into format 2.

    Nothing is computed anew: every file is read once for its hash, and taken as it is. Stopped at any instant, it goes
    on where it was. A record that cannot be read is left as it is: its asset is damaged from then on, the others go on.

    Parameters
    ----------
    root
        Folder of the store.
    on_asset
        Told the number of assets done, that of all, and the next one.

    Raises
    ------
    StoreError
        If the store is newer than this version, another process migrates it, or the disk is full or refuses to be
        written; it goes on where it was when it is run again.
    """
    found = stored_format(root)
    if found in (None, FORMAT):
        return Migrated(0, ())
    if found > FORMAT:
        require_format(root)
    if is_in_bucket(root):
        action = "Copy it to a disk (`aws s3 sync`), run `nh migrate` there, and copy it back to an empty prefix."
        raise StoreError(f"store {shown(root)}", f"it has format {found} and lies in a bucket", action)
    busy = StoreError(f"store {shown(root)}", "another process migrates it", "Wait for that one.")
    with disk_in_words(root), alone(root / _LOCK, busy):
        done = Migrated(0, ()) if stored_format(root) == FORMAT else _migrate(root, found, on_asset)
        (root / _LOCK).unlink(missing_ok=True)
    return done


def _migrate(root: Path, found: int, on_asset: OnAsset) -> Migrated:
    _state(root, found)
    pointers = list(_pointers(root))
    changed, problems = 0, list[str]()
    for done, pointer in enumerate(pointers):
        on_asset(done, len(pointers), str(pointer.parent.relative_to(root)))
        try:
            changed += _migrate_asset(pointer.parent, problems)
        except (ValueError, OSError) as error:
            problems.append(f"{pointer}: {_damage(error)}")
    for wanted in root.glob(f"*/*/{WANTED}"):
        try:
            content = wanted.read_bytes()
            if not _is_sealed(wanted, unseal_json):
                write_twice(wanted, seal_json({"sessions": dict(json.loads(content))}))
        except (ValueError, TypeError, OSError) as error:
            problems.append(f"{wanted}: {_damage(error)}")
    _state(root, FORMAT)
    on_asset(len(pointers), len(pointers), "")
    return Migrated(changed, tuple(problems))


def _damage(error: Exception) -> Exception:
    """Return an error that says that something was damaged before; any other ends the migration, which then goes on.

    A full disk was taken for damage, and the store for migrated.
    """
    if isinstance(error, OSError) and error.errno not in LOST:
        raise error
    return error


def _migrate_asset(asset: Path, problems: list[str]) -> bool:
    """Give one asset its hashes; the pointer comes last, so that an asset is done where it is sealed.

    Raises
    ------
    ValueError, OSError
        If its pointer or history cannot be read; nothing of it is changed then.
    """
    with exclusive(asset):
        if _is_sealed(asset / POINTER):
            return False
        latest = (asset / POINTER).read_text(encoding="utf-8").strip()
        if not latest or not (asset / latest).is_dir():
            raise ValueError(f"it names version {latest!r}, which is not there")
        if (asset / HISTORY).exists() and not _is_sealed(asset / HISTORY):
            try:
                names = (asset / HISTORY).read_text(encoding="utf-8").split()
            except ValueError as error:
                problems.append(f"{asset / HISTORY}: {error}")
                return False
            write_history(asset, with_latest(names, latest))
        for version in (child for child in asset.iterdir() if (child / PROVENANCE).is_file()):
            record = version / PROVENANCE
            try:
                content = json.loads(record.read_bytes())
                if not isinstance(content, dict):
                    raise ValueError("it is no JSON object")
            except ValueError as error:
                problems.append(f"{record}: {error}")
                continue
            if "blake3" not in content:
                files = {name: stored.model_dump() for name, stored in hash_folder(version).items()}
                write_durably(record, seal_json({**content, "files": files}))
        replace_pointer(asset, latest)
    return True


def _format_of_assets(root: Path) -> int | None:
    """Return the format that pointers and records have: folders of sessions that were copied elsewhere are a store too.

    None where there are none. One that is damaged tells nothing, and one of format 1 is enough: a migration goes on.

    Raises
    ------
    DamagedFile
        If there are some, and none of them can be read.
    """
    found, n_seen = set[int](), 0
    for asset in sorted({path.parent for path in _pointers(root)}):
        n_seen += 1
        found |= _format_of_asset(asset)
        if 1 in found:
            return 1
    for record in () if found else _records(root):
        n_seen += 1
        found |= _format_of_record(record)
    if found or not n_seen:
        return min(found, default=None)
    action = "Run `nh verify --repair`, which states this version's and makes everything again."
    raise DamagedFile(str(root / FORMAT_FILE), "it is lost, and no pointer or record of the store can be read", action)


def _format_of_asset(asset: Path) -> set[int]:
    """Return what the pointer of an asset says of the format; nothing where it is damaged.

    A pointer of format 2 that was cut off after its first line looks like one of format 1; its record does not.
    """
    try:
        content = read_regular(asset / POINTER)
        if _unseals(content, unseal_lines):
            return {FORMAT}
        return _format_of_record(asset / content.decode().strip() / PROVENANCE).intersection({1})
    except (OSError, ValueError):
        return set()


def _format_of_record(path: Path) -> set[int]:
    try:
        content = read_regular(path)
        if _unseals(content, unseal_json):
            return {FORMAT}
        stated = json.loads(content)
    except (OSError, ValueError):
        return set()
    return {1} if isinstance(stated, dict) and "data_version" in stated and "blake3" not in stated else set()


def _unseals(content: bytes, unseal: Callable[[bytes], object]) -> bool:
    try:
        unseal(content)
    except BrokenSeal:
        return False
    return True


def _is_sealed(path: Path, unseal: Callable[[bytes], object] = unseal_lines) -> bool:
    return _unseals(path.read_bytes(), unseal)


def _pointers(root: Path) -> Iterator[Path]:
    """Give the pointer of every asset of a store."""
    return (one / POINTER for one in asset_folders(root) if is_there(one / POINTER) and not (one / POINTER).is_dir())


def _records(root: Path) -> Iterator[Path]:
    """Give the record of every version of a store."""
    versions = (asset / name for asset in asset_folders(root) for name in folder_names(asset))
    return (one / PROVENANCE for one in versions if is_there(one / PROVENANCE))


def _state(root: Path, number: int) -> None:
    write_durably(root / FORMAT_FILE, seal_json({"format": number}))
