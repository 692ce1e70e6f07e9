"""A home is backed up and restored whole; locks keep versions, and what nothing names is pruned."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.history.releases.held import accept, accepted_snapshot
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.upkeep import backup as backup_room
from nh_platform.operations.upkeep.pruning import RawChoice
from nh_platform.planning.verification import verify
from nh_platform.reading import open_store
from nh_platform.session import ConfigError, DamagedFile, NhError, UnknownSession
from nh_platform.store import Store
from nh_platform_tests.homes import make_home


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with Dagster's history, a review, a lock, and raw files."""
    home = tmp_path_factory.mktemp("made") / "home"
    make_home(home, ("ibl",))
    operations.sync(home, "ibl")
    assert not operations.materialize(home, "ibl").failed
    operations.backfill(home, "ibl", dry_run=False)
    (home / "reviews" / "ibl").mkdir(parents=True)
    (home / "reviews" / "ibl" / "notes.txt").write_text("seen")
    operations.lock(home, "paper-1", "ibl", reason="figure 3")
    raw = home / "raw" / "d4" / "d41d8cd98f00b204e9800998ecf8427e"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(b"")
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def stored_files(home: Path) -> dict[str, bytes]:
    files = (path for path in (home / "store").rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(home)): path.read_bytes() for path in files if not path.name.endswith(".lock")}


def counts(home: Path) -> dict[str, int]:
    status = operations.status(home).sources["ibl"]
    assert not isinstance(status, NhError)
    return {name: value for name, value in vars(status).items() if name.startswith("n_") and isinstance(value, int)}


def runs(home: Path) -> list[str]:
    with operations.open_home(home) as at:
        return sorted(run.run_id for run in at.instance.get_runs())


def test_a_restored_home_has_the_same_status_and_nothing_is_computed_anew(home: Path, tmp_path: Path) -> None:
    before, ran = counts(home), runs(home)
    found = operations.backup(home, tmp_path / "backups")
    restored = operations.restore(tmp_path / "backups", tmp_path / "new")
    assert restored.n_files == found.n_files > 40
    assert stored_files(tmp_path / "new") == stored_files(home)
    assert counts(tmp_path / "new") == before
    assert runs(tmp_path / "new") == ran != []
    assert operations.materialize(tmp_path / "new", "ibl").plans == ()
    assert verify(Store(tmp_path / "new" / "store")).damages == ()
    assert (tmp_path / "new" / "reviews" / "ibl" / "notes.txt").read_text() == "seen"
    assert [lock.name for lock in operations.locks_of(tmp_path / "new")] == ["paper-1"]
    assert found.left_out == ("1 raw files, which are fetched again (--raw copies them)",)
    assert not (tmp_path / "new" / "raw" / "d4").exists()


def test_raw_files_come_too_where_asked_for(home: Path, tmp_path: Path) -> None:
    assert operations.backup(home, tmp_path / "backups", raw=True).left_out == ()
    operations.restore(tmp_path / "backups", tmp_path / "new")
    assert (tmp_path / "new" / "raw" / "d4" / "d41d8cd98f00b204e9800998ecf8427e").read_bytes() == b""


def test_a_second_backup_copies_what_changed_and_links_the_rest(home: Path, tmp_path: Path) -> None:
    first = operations.backup(home, tmp_path / "backups")
    os.rename(first.folder, first.folder.with_name("2026-01-01T000000Z"))
    second = operations.backup(home, tmp_path / "backups")
    assert second.n_bytes == first.n_bytes
    tables = [*second.folder.rglob("*.h5"), *second.folder.rglob("*.parquet")]
    assert {path.stat().st_nlink for path in tables} == {2}
    assert second.n_copied_bytes <= first.n_copied_bytes - sum(path.stat().st_size for path in tables)
    operations.restore(second.folder, tmp_path / "new")
    assert stored_files(tmp_path / "new") == stored_files(home)


def test_damage_is_named_on_both_sides(home: Path, tmp_path: Path) -> None:
    found = operations.backup(home, tmp_path / "backups")
    (spikes,) = found.folder.rglob("spikes.h5")
    intact = spikes.read_bytes()
    spikes.write_bytes(intact[:-1] + b"x")
    with pytest.raises(DamagedFile, match=r"spikes\.h5.*nothing was restored"):
        operations.restore(found.folder, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    spikes.unlink()
    with pytest.raises(DamagedFile, match=r"spikes\.h5.*lacks it"):
        operations.restore(found.folder, tmp_path / "new")
    (stored,) = (home / "store").rglob("spikes.h5")
    stored.write_bytes(intact[:-1])
    shutil.rmtree(tmp_path / "backups")
    found = operations.backup(home, tmp_path / "backups")
    text, of_lock = found.refused
    assert str(stored) in text
    assert "nh verify --repair" in text
    assert "lock paper-1: it names versions that are damaged" in of_lock
    assert not list(found.folder.rglob("raw_spikes/*"))
    assert list(found.folder.rglob("units/*/provenance.json"))


def test_a_home_that_holds_something_and_a_folder_without_backup_are_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not lie in the home folder"):
        operations.backup(home, home / "backups")
    with pytest.raises(ConfigError, match="holds no backup"):
        operations.restore(home, tmp_path / "new")
    operations.backup(home, tmp_path / "backups")
    with pytest.raises(ConfigError, match=r"it holds store, dagster, reviews, raw, sources\.yaml already"):
        operations.restore(tmp_path / "backups", home)


def test_an_asset_that_is_replaced_meanwhile_is_copied_as_one_version(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(home / "store")
    (session,) = store.sessions("ibl")
    record = store.provenance("ibl", session, "events")
    assert record is not None
    add, once = backup_room.BackupFiles.add, [True]

    def adding(self: backup_room.BackupFiles, path: Path, name: str, *stated: object) -> None:
        if path.parent.parent.name == "events" and once:
            once.clear()
            with store.publish(record.model_copy(update={"data_version": "f" * 64})) as folder:
                (folder / "other.bin").write_bytes(b"other")
        add(self, path, name, *stated)  # type: ignore[arg-type]

    monkeypatch.setattr(backup_room.BackupFiles, "add", adding)
    operations.unlock(home, "paper-1")
    operations.backup(home, tmp_path / "backups")
    operations.restore(tmp_path / "backups", tmp_path / "new")
    events = tmp_path / "new" / "store" / "ibl" / session / "events"
    assert [path.name for path in events.iterdir() if path.is_dir()] == ["f" * 16]
    assert verify(Store(tmp_path / "new" / "store"), ["ibl"], [session]).damages == ()


def test_databases_are_copied_as_they_are_at_one_moment(home: Path, tmp_path: Path) -> None:
    database = home / "dagster" / "history" / "runs.db"
    with sqlite3.connect(database) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("CREATE TABLE never_ended (x)")
        found = operations.backup(home, tmp_path / "backups")
        writer.rollback()
    with sqlite3.connect(found.folder / "dagster" / "history" / "runs.db") as copy:
        names = {row[0] for row in copy.execute("SELECT name FROM sqlite_master")}
    assert "runs" in names
    assert "never_ended" not in names


def test_a_lock_keeps_what_was_read_and_prune_removes_it_afterwards(home: Path) -> None:
    store = Store(home / "store")
    (session,) = store.sessions("ibl")
    before = open_store(home, lock="paper-1").session("ibl", session).provenance("windows")
    record = before.model_copy(update={"data_version": "e" * 64})
    folder = store.folder("ibl", session, "windows")
    with store.publish(record) as target:
        for path in folder.iterdir():
            if path.name != "provenance.json":
                shutil.copy(path, target)
    assert open_store(home).session("ibl", session).provenance("windows").data_version == "e" * 64
    assert open_store(home, lock="paper-1").session("ibl", session).provenance("windows") == before
    assert operations.prune(home).removed == ()
    operations.unlock(home, "paper-1")
    planned = operations.prune(home, "ibl", dry_run=True)
    assert [path for path, _ in planned.removed] == [folder]
    assert planned.n_bytes > 0
    assert folder.exists()
    assert operations.prune(home).removed == planned.removed
    assert not folder.exists()
    assert verify(store).damages == ()
    with pytest.raises(UnknownSession, match="lock paper-1"):
        open_store(home, lock="paper-1")


def test_raw_files_are_removed_on_request_alone(home: Path) -> None:
    listed = Platform(load_settings(home)).manifest("ibl").files["md5"].iloc[0]
    for md5 in (listed, "0" * 32):
        path = home / "raw" / md5[:2] / md5
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"raw")
    assert operations.prune(home).removed == ()
    unlisted = operations.prune(home, raw=RawChoice.unlisted)
    assert sorted(path.name for path, _ in unlisted.removed) == ["0" * 32, "d41d8cd98f00b204e9800998ecf8427e"]
    assert [path.name for path, _ in operations.prune(home, raw=RawChoice.all).removed] == [listed]


def test_a_lock_names_what_can_be_read(home: Path) -> None:
    store = Store(home / "store")
    (session,) = store.sessions("ibl")
    (store.folder("ibl", session, "units") / "provenance.json").write_bytes(b"")
    with pytest.raises(DamagedFile, match="units of ibl session"):
        operations.lock(home, "paper-2", "ibl")
    with pytest.raises(UnknownSession, match="not among the 1 session of the store"):
        operations.lock(home, "paper-2", "ibl", ["nowhere"])


def test_nothing_is_pruned_where_it_is_unknown_what_counts(home: Path) -> None:
    store = Store(home / "store")
    (session,) = store.sessions("ibl")
    operations.unlock(home, "paper-1")
    units = store.asset_folder("ibl", session, "units")
    (units / "current").write_bytes((store.asset_folder("ibl", session, "events") / "current").read_bytes())
    manifest = store.asset_folder("ibl", "_source", "release_manifest")
    shutil.copytree(next(manifest.glob("[0-9a-f]*")), manifest / ("0" * 16))
    for name in ("history", "history.copy"):
        (manifest / name).unlink()
    assert operations.prune(home).removed == ()


def test_the_accepted_release_is_backed_up(home: Path, tmp_path: Path) -> None:
    accept(Store(home / "store"), "ibl", 1)
    operations.backup(home, tmp_path / "backups")
    operations.restore(tmp_path / "backups", tmp_path / "new")
    assert accepted_snapshot(Store(tmp_path / "new" / "store"), "ibl") == 1
