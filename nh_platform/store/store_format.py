"""Format of the store: its number, and the change of a store of an earlier version.

Format 1 (up to version 0.2) had no hashes: records and pointers were plain. Format 2 states the size and hash of every
file, and small records carry their own. Add a step to `migrate` here when the layout or a record changes so that an
earlier version would misread it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nh_platform.session.errors import DamagedFile, StoreError
from nh_platform.store.durable import read_regular, write_durably, write_twice
from nh_platform.store.file_hashes import hash_folder
from nh_platform.store.names import HISTORY, POINTER, PROVENANCE, WANTED
from nh_platform.store.sealed import BrokenSeal, seal_json, unseal_json, unseal_lines
from nh_platform.store.version_folders import exclusive, replace_pointer, with_latest, write_history

FORMAT = 2
FORMAT_FILE = "format.json"

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
            f"store {root}",
            f"it has format {found}, this version reads format {FORMAT}",
            "Install the version of nh-platform that wrote it, or a newer one.",
        )
    raise StoreError(
        f"store {root}",
        f"it has format {found}, which earlier versions wrote; this version reads format {FORMAT}",
        "Run `nh migrate`, which computes nothing anew and adds the hash of every file.",
    )


def stored_format(root: Path) -> int | None:
    """Return the format of a store, None where it holds nothing yet.

    Raises
    ------
    DamagedFile
        If its file cannot be read.
    """
    path = root / FORMAT_FILE
    try:
        return int(unseal_json(read_regular(path))["format"])
    except FileNotFoundError:
        return _format_of_pointers(root)
    except (BrokenSeal, OSError) as error:
        action = "Run `nh verify --repair`, which writes it again."
        raise DamagedFile(str(path), f"the format of the store cannot be read: {error}", action) from error


def begin_format(root: Path) -> None:
    """State the format of a store that is begun."""
    if not (root / FORMAT_FILE).exists():
        root.mkdir(parents=True, exist_ok=True)
        _state(root, FORMAT)


def repair_format(root: Path) -> bool:
    """Write a damaged statement of the format again, as the first pointer shows it; return whether it was damaged."""
    try:
        stored_format(root)
    except DamagedFile:
        _state(root, _format_of_pointers(root) or FORMAT)
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
        If the store is newer than this version.
    """
    found = stored_format(root)
    if found is None or found == FORMAT:
        return Migrated(0, ())
    if found > FORMAT:
        require_format(root)
    _state(root, found)
    pointers = list(_pointers(root))
    changed, problems = 0, list[str]()
    for done, pointer in enumerate(pointers):
        on_asset(done, len(pointers), str(pointer.parent.relative_to(root)))
        try:
            changed += _migrate_asset(pointer.parent, problems)
        except (ValueError, OSError) as error:
            problems.append(f"{pointer}: {error}")
    for wanted in root.glob(f"*/*/{WANTED}"):
        try:
            content = wanted.read_bytes()
            if not _is_sealed(wanted, unseal_json):
                write_twice(wanted, seal_json({"sessions": dict(json.loads(content))}))
        except (ValueError, TypeError, OSError) as error:
            problems.append(f"{wanted}: {error}")
    _state(root, FORMAT)
    on_asset(len(pointers), len(pointers), "")
    return Migrated(changed, tuple(problems))


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


def _format_of_pointers(root: Path) -> int | None:
    """Return the format that the first pointer has: folders of sessions that were copied elsewhere are a store too."""
    first = next(_pointers(root), None)
    return None if first is None else FORMAT if _is_sealed(first) else 1


def _is_sealed(path: Path, unseal: Callable[[bytes], object] = unseal_lines) -> bool:
    try:
        unseal(path.read_bytes())
    except BrokenSeal:
        return False
    return True


def _pointers(root: Path) -> Iterator[Path]:
    """Give the pointer of every asset of a store."""
    return (path for path in sorted(root.glob(f"*/*/*/{POINTER}")) if not path.is_dir())


def _state(root: Path, number: int) -> None:
    write_durably(root / FORMAT_FILE, seal_json({"format": number}))
