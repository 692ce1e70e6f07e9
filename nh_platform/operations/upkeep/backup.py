"""Backup of a home folder: its store, reviews, configuration and Dagster history, every file with its hash.

A backup is a folder ``<target>/<UTC time>/`` with the files of the home as they lie there and ``backup.json``, which
states the size and hash of each. A file that the backup before holds with the same bytes is a hard link to it, so that
a backup each day takes what changed. It appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.operations.upkeep.backup_files import BackupFiles, full_disk_in_words, last_backup, partial_folder
from nh_platform.session.errors import ConfigError, DamagedFile, StoreError

if TYPE_CHECKING:
    from nh_platform.home.settings import SourceSettings

_TRIES = 5
"""How often the copying of an asset is begun anew where it was replaced meanwhile."""
_SQLITE = (".db",)
_BESIDE_SQLITE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Backup:
    """Outcome of a backup.

    Parameters
    ----------
    folder
        The folder of the backup.
    n_files, n_bytes
        What it holds.
    n_copied_bytes
        What had to be copied; the rest is linked to the backup before.
    left_out
        What is not in it and why, one text each.
    """

    folder: Path
    n_files: int
    n_bytes: int
    n_copied_bytes: int
    left_out: tuple[str, ...]


def backup(home: Path | str, target: Path | str, *, raw: bool = False, on_progress: OnProgress = unwatched) -> Backup:
    """Copy the store, reviews, configuration, the index of raw files and Dagster's history of a home folder.

    Runs may go on meanwhile: an asset that is replaced while it is copied is copied anew.

    Parameters
    ----------
    home
        The home folder.
    target
        Folder of the backups, outside the home.
    raw
        Copy the raw files too; without, their names and sizes alone: they are fetched again when they are needed.
    on_progress
        Called for each asset.

    Raises
    ------
    ConfigError
        If the target lies in the home folder.
    DamagedFile
        If a stored file is damaged: `nh verify --repair` comes first.
    StoreError
        If the disk of the target is full; the backups before are as they were.
    """
    from nh_platform.store.durable import sync_folder, sync_tree

    folder = Path(target).absolute()
    with open_home(home) as at:
        if folder.is_relative_to(at.platform.settings.home):
            raise ConfigError(str(folder), "a backup does not lie in the home folder", "Name a folder on another disk.")
        folder.mkdir(parents=True, exist_ok=True)
        name = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H%M%SZ")
        partial = partial_folder(folder)
        partial.mkdir()
        try:
            with full_disk_in_words(folder):
                made = BackupFiles(partial, last_backup(folder))
                _copy_store(at, made, on_progress)
                _copy_others(at, made, raw)
                made.write_manifest()
                sync_tree(partial)
                final = folder / name
                os.rename(partial, final)
                sync_folder(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return Backup(
        final, len(made.files), sum(one.size for one in made.files.values()), made.n_copied, tuple(made.left_out)
    )


def _copy_store(home: OpenHome, made: BackupFiles, on_progress: OnProgress) -> None:
    from nh_platform.store.layout import REPLACED
    from nh_platform.store.names import SOURCE_RECORDS, SOURCE_WIDE
    from nh_platform.store.store_format import FORMAT_FILE, require_format

    store = home.platform.store
    require_format(store.root)
    assets = [
        (source, session_id, asset)
        for source in store.sources()
        for session_id in [*store.sessions(source), SOURCE_WIDE]
        for asset in store.published(source, session_id)
    ]
    for asset in sorted(REPLACED):
        n = sum(
            asset in store.replaced(source, session_id)
            for source in store.sources()
            for session_id in store.sessions(source)
        )
        if n:
            made.left_out.append(
                f"{asset} of {n} sessions, an asset of earlier versions ({', '.join(REPLACED[asset])} replace it)"
            )
    for done, place in enumerate(assets):
        on_progress(Progress("assets", done, len(assets), " ".join(place)))
        _copy_asset(home, made, place)
    on_progress(Progress("assets", len(assets), len(assets), "done"))
    beside = [
        store.root / FORMAT_FILE,
        *(path for name in SOURCE_RECORDS for path in store.root.glob(f"*/{SOURCE_WIDE}/{name}*")),
        *store.root.glob(".locks/*.json"),
    ]
    for path in beside:
        if path.is_file():
            made.add(path, f"store/{path.relative_to(store.root).as_posix()}")


def _copy_asset(home: OpenHome, made: BackupFiles, place: tuple[str, str, str]) -> None:
    from nh_platform.store.file_hashes import stored_hashes
    from nh_platform.store.names import HISTORY, POINTER, PROVENANCE

    store = home.platform.store
    asset = store.asset_folder(*place)
    prefix = f"store/{'/'.join(place)}"
    for _ in range(_TRIES):
        pointer = _bytes_of(asset / POINTER)
        versions = store.counted(*place)
        if not versions and pointer is None:
            return  # it is being made for the first time, or could not be: nothing was published
        try:
            for version in versions:
                for name, stated in stored_hashes(version).items():
                    made.add(version / name, f"{prefix}/{version.name}/{name}", stated)
                made.add(version / PROVENANCE, f"{prefix}/{version.name}/{PROVENANCE}")
            for path in (asset / POINTER, *asset.glob(f"{HISTORY}*")):
                made.add(path, f"{prefix}/{path.name}")
        except (FileNotFoundError, DamagedFile):
            if pointer == _bytes_of(asset / POINTER):
                raise
        else:
            if pointer == _bytes_of(asset / POINTER):
                return
        made.forget(prefix)
    raise StoreError(
        str(asset), "it was replaced again and again while it was copied", "Back up when fewer runs go on."
    )


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _copy_others(home: OpenHome, made: BackupFiles, raw: bool) -> None:
    """Copy reviews, configuration, the raw files or their index, and Dagster's history."""
    settings = home.platform.settings
    named = (one for own in settings.sources.values() for one in _files_named(own))
    own = {*settings.home.glob("*.yaml"), *settings.home.glob("*.yml"), *(settings.home / name for name in named)}
    for path in sorted(one for one in own if one.is_file() and one.is_relative_to(settings.home)):
        made.add(path, path.relative_to(settings.home).as_posix())
    for path in _files_below(settings.reviews):
        made.add(path, f"reviews/{path.relative_to(settings.reviews).as_posix()}")
    _copy_raw(settings.home / "raw", made, raw)
    for source, of_source in settings.sources.items():
        _name_what_lies_elsewhere(source, of_source, settings.home, made)
    given = os.environ.get("DAGSTER_HOME")
    if given and Path(given).resolve() != settings.dagster_home.resolve():
        made.left_out.append(f"Dagster's history: DAGSTER_HOME names {os.environ['DAGSTER_HOME']}; back it up there")
        return
    for path in _files_below(settings.dagster_home):
        name = f"dagster/{path.relative_to(settings.dagster_home).as_posix()}"
        if path.name.endswith(_BESIDE_SQLITE) or path.parent == settings.dagster_home:
            continue  # what is written anew: the configuration, and the address of a running `nh ui`
        with _gone_meanwhile():
            (made.add_sqlite if path.suffix in _SQLITE else made.add)(path, name)


def _name_what_lies_elsewhere(source: str, own: SourceSettings, home: Path, made: BackupFiles) -> None:
    """Say which raw files, rulebooks and presets of a source lie outside its home, or of the folder of raw files."""
    raw = home / str(own.read.get("raw_dir") or "raw")
    if raw.resolve() != (home / "raw").resolve():
        made.left_out.append(f"raw files of {source} in {raw} (raw_dir), with or without --raw; back them up there")
    for name in sorted(set(_files_named(own))):
        path = home / name
        if path.is_file() and not path.resolve().is_relative_to(home.resolve()):
            made.left_out.append(f"{path}, which {source} names; back it up there")


def _files_named(own: SourceSettings) -> Iterator[str]:
    """Give the rulebooks and presets of a source that may be files of its home."""
    yield from filter(None, (own.rulebook, *(own.also_rulebooks or ()), *(own.presets or ())))


def _copy_raw(folder: Path, made: BackupFiles, whole: bool) -> None:
    from nh_platform.downloads.raw_files import stored_raw_files, weak_notes
    from nh_platform.store.sealed import seal_json

    stored = stored_raw_files(folder)
    for path in weak_notes(folder):
        made.add(path, f"raw/{path.relative_to(folder).as_posix()}")
    if whole:
        for path in stored:
            made.add(path, f"raw/{path.relative_to(folder).as_posix()}")
    elif stored:
        index = {path.name: path.stat().st_size for path in stored}
        made.add_text("raw/index.json", seal_json({"bytes by md5": index}))
        made.left_out.append(f"{len(stored)} raw files, which are fetched again (--raw copies them)")


@contextlib.contextmanager
def _gone_meanwhile() -> Iterator[None]:
    """Take no notice of a log or database of Dagster's that was purged while it was copied."""
    try:
        yield
    except FileNotFoundError:
        pass
    except sqlite3.OperationalError as error:
        if "unable to open" not in str(error):
            raise


def _files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
