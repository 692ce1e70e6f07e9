"""What goes wrong with a backup is told, and what is damaged or half made on either side gets into none."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.home.full_disk import named_full_disk
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.operations.upkeep import backup_store
from nh_platform.session import ConfigError, StoreError, UnknownSession
from nh_platform.store import Store
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.store.processes import process_name
from nh_platform_tests.store.test_file_hashes import ASSET, publish, record


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home with one published asset, in a moment."""
    publish(Store(tmp_path / "home" / "store"))
    return tmp_path / "home"


def backed_up_before(home: Path, target: Path) -> Path:
    """Back up, and return the folder under an earlier time: two within a second would have one name."""
    folder = operations.backup(home, target).folder
    return folder.rename(folder.with_name("2026-01-01T000000Z"))


def first_file(folder: Path) -> Path:
    """Return a file of the published asset."""
    version = next(path.parent for path in (folder / "store").rglob("provenance.json"))
    return next(path for path in sorted(version.rglob("*")) if path.is_file() and path.name != "provenance.json")


def test_an_error_that_was_raised_from_itself_is_told(tmp_path: Path) -> None:
    error = PermissionError(13, "Permission denied")
    error.__cause__ = error
    with pytest.raises(PermissionError, match="Permission denied"), named_full_disk(tmp_path):
        raise error


def test_a_target_that_cannot_be_written_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "there")

    monkeypatch.setattr(shutil, "copyfileobj", refused)
    with pytest.raises(StoreError, match=r"there: Permission denied\."):
        operations.backup(home, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_an_asset_that_was_never_published_is_passed_over(home: Path, tmp_path: Path) -> None:
    store = Store(home / "store")
    for session_id in ("new", SOURCE_WIDE):
        (store.asset_folder(ASSET[0], session_id, "units") / ".staging-x-1").mkdir(parents=True)
    found = operations.backup(home, tmp_path / "backups")
    assert found.n_files > 0
    assert [path.parent.parent.name for path in found.folder.rglob("units/current")] == [ASSET[1]]


def test_an_asset_that_is_first_published_meanwhile_is_copied_whole(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Store(home / "store").folder(*ASSET)
    shutil.move(folder.parent / "current", tmp_path / "current")
    read, looked = backup_store._bytes_of, []

    def reading(path: Path) -> bytes | None:
        found = read(path)
        if not looked:
            shutil.move(tmp_path / "current", folder.parent / "current")
        looked.append(path)
        return found

    monkeypatch.setattr(backup_store, "_bytes_of", reading)
    found = operations.backup(home, tmp_path / "backups")
    assert (len(looked), found.refused) == (4, ())
    assert (found.folder / "store").joinpath(*ASSET, "current").read_bytes() == (folder.parent / "current").read_bytes()
    assert (found.folder / "store").joinpath(*ASSET, folder.name).is_dir()


def test_what_has_rotted_in_the_backup_before_is_copied_again(home: Path, tmp_path: Path) -> None:
    before = first_file(backed_up_before(home, tmp_path / "backups"))
    before.write_bytes(b"x" * before.stat().st_size)
    found = operations.backup(home, tmp_path / "backups")
    assert first_file(found.folder).read_bytes() == first_file(home).read_bytes()
    assert first_file(found.folder).stat().st_nlink == 1
    assert before.read_bytes() == b"x" * before.stat().st_size
    operations.restore(found.folder, tmp_path / "new")


def test_damage_of_the_store_is_named_by_a_later_backup_too(home: Path, tmp_path: Path) -> None:
    before = backed_up_before(home, tmp_path / "backups")
    publish_as(home, "signals")
    stored = first_file(home)
    stored.write_bytes(b"x" * stored.stat().st_size)
    found = operations.backup(home, tmp_path / "backups")
    (text,) = found.refused
    assert str(stored) in text
    assert "nh verify --repair" in text
    assert [path.parent.name for path in found.folder.rglob("current")] == ["signals"]
    assert os.stat(first_file(before)).st_nlink == 1


def test_a_backup_and_a_restored_home_are_on_the_disk_before_they_appear(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = set[tuple[int, int]](), os.fsync

    def syncing(descriptor: int) -> None:
        facts = os.fstat(descriptor)
        synced.add((facts.st_dev, facts.st_ino))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", syncing)
    found = operations.backup(home, tmp_path / "backups").folder
    operations.restore(found, tmp_path / "new")
    for folder in (tmp_path / "backups", tmp_path / "new"):
        for path in (folder, *folder.rglob("*")):
            assert (path.stat().st_dev, path.stat().st_ino) in synced, path


def test_what_killed_processes_left_is_removed(home: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from nh_platform.store.processes import process_name; print(process_name())"],
        capture_output=True,
        text=True,
        check=True,
    )
    left = tmp_path / "backups" / f".partial-{done.stdout.strip()}-0123abcd"
    running = tmp_path / "backups" / f".partial-{process_name()}-0123abcd"
    for folder in (left, running):
        folder.mkdir(parents=True)
    operations.backup(home, tmp_path / "backups")
    assert not left.exists()
    assert running.exists()


def test_a_home_with_raw_files_is_refused(home: Path, tmp_path: Path) -> None:
    operations.backup(home, tmp_path / "backups")
    (tmp_path / "new" / "raw").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"it holds raw already.*Name an empty folder"):
        operations.restore(tmp_path / "backups", tmp_path / "new")


def test_what_lies_elsewhere_and_what_is_of_earlier_versions_is_named(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_as(home, "behavior")
    shared = tmp_path / "shared"
    (home / "sources.yaml").write_text(f"ibl:\n  read:\n    raw_dir: {shared}\n", encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    texts = operations.backup(home, tmp_path / "backups").left_out
    for words in ("behavior of 1 sessions", f"raw files of ibl in {shared}", "DAGSTER_HOME names"):
        assert [text for text in texts if words in text], words


def test_the_history_is_copied_where_the_variable_names_the_home_s_own(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "dagster" / "history").mkdir(parents=True)
    (home / "dagster" / "history" / "notes.txt").write_text("ran")
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    found = operations.backup(home, tmp_path / "backups")
    assert found.left_out == ()
    assert (found.folder / "dagster" / "history" / "notes.txt").read_text() == "ran"


def test_events_without_a_run_are_backed_up_while_a_daemon_writes_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their database has no name but its ending, and was copied as any file: what stood in its log was not in it."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    with open_instance(load_settings(home)) as daemon:
        for number in range(3):
            daemon.report_runless_asset_event(dg.AssetObservation("upstream", metadata={"number": number}))
        made = operations.backup(home, tmp_path / "backups")
    assert made.refused == ()
    with closing(sqlite3.connect(made.folder / "dagster" / "history" / "runs" / ".db")) as copy:
        assert copy.execute("SELECT count(*) FROM event_logs").fetchone() == (3,)


def test_too_few_characters_stand_for_no_stored_session(home: Path) -> None:
    with Store(home / "store").publish(record().model_copy(update={"session_id": "abcdef"})) as folder:
        (folder / "x").write_bytes(b"x")
    with pytest.raises(UnknownSession, match="too short"):
        operations.lock(home, "paper-1", "ibl", ["abc"])
    assert {one.session_id for one in operations.lock(home, "paper-1", "ibl", ["abcd"]).versions} == {"abcdef"}


def publish_as(home: Path, asset: str) -> None:
    """Publish an asset of a session under another name."""
    with Store(home / "store").publish(record().model_copy(update={"asset": asset})) as folder:
        (folder / "x").write_bytes(b"x")


LOST = {
    "pointer": lambda asset: asset / "current",
    "record": lambda asset: next(asset.glob("*/provenance.json")),
    "table": lambda asset: next(path for path in sorted(asset.glob("*/*")) if path.name != "provenance.json"),
    "version": lambda asset: next(path for path in asset.iterdir() if path.is_dir()),
}


@pytest.mark.parametrize("with_lock", [True, False])
@pytest.mark.parametrize("lost", LOST)
def test_whatever_is_lost_of_an_asset_it_is_named_and_the_others_are_backed_up(
    home: Path, tmp_path: Path, lost: str, with_lock: bool
) -> None:
    publish_as(home, "signals")
    if with_lock:
        operations.lock(home, "paper-1", "ibl")
    path = LOST[lost]((home / "store").joinpath(*ASSET))
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    found = operations.backup(home, tmp_path / "backups")
    text, *of_lock = found.refused
    assert all(words in text for words in (ASSET[1], ASSET[2], "nh verify", "--repair")), text
    assert len(of_lock) == (with_lock and lost != "pointer")
    assert all("lock paper-1: it names versions that are damaged" in one for one in of_lock)
    assert [each.parent.name for each in found.folder.rglob("current")] == ["signals"]
    operations.restore(found.folder, tmp_path / "new")
    assert Store(tmp_path / "new" / "store").assets(*ASSET[:2]) == ["signals"]


def test_a_damaged_lock_or_record_is_named_and_everything_else_backed_up(home: Path, tmp_path: Path) -> None:
    operations.lock(home, "paper-1", "ibl")
    lock, wanted = home / "store" / ".locks" / "paper-1.json", home / "store" / "ibl" / SOURCE_WIDE / "wanted.json"
    wanted.parent.mkdir(exist_ok=True)
    for path in (lock, wanted):
        path.write_bytes(b"{")
    found = operations.backup(home, tmp_path / "backups")
    assert [[str(path) in text for path in (lock, wanted)] for text in found.refused] == [[True, False], [False, True]]
    assert not any((found.folder / path.relative_to(home)).exists() for path in (lock, wanted))
    assert list(found.folder.rglob("current"))


def test_a_target_that_links_lead_into_the_home_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path / "reviews"))
    (home / "store").rename(tmp_path / "elsewhere")
    (home / "store").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(home)
    for target in ("link/backups", "elsewhere/backups", "reviews/backups", f"reviews/../{home.name}/backups"):
        with pytest.raises(ConfigError, match="a backup does not lie in"):
            operations.backup(home, tmp_path / target)
    assert not list(tmp_path.rglob("backups"))


def test_two_backups_of_one_second_are_two(home: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: operations.backup(home, tmp_path / "backups"), range(4)))
    assert len({one.folder for one in found}) == 4
    assert sorted(path.name for path in (tmp_path / "backups").iterdir()) == sorted(one.folder.name for one in found)


def test_reviews_that_links_lead_to_are_backed_up(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reviews = tmp_path / "reviews"
    monkeypatch.setenv("NH_REVIEWS", str(reviews))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "notes.txt").write_text("seen")
    reviews.mkdir()
    (reviews / "ibl").symlink_to(tmp_path / "shared")
    (reviews / "around").symlink_to(reviews)
    found = operations.backup(home, tmp_path / "backups")
    assert (found.folder / "reviews" / "ibl" / "notes.txt").read_text() == "seen"


def test_what_cannot_be_copied_of_the_history_is_named(home: Path, tmp_path: Path) -> None:
    (home / "dagster" / "history").mkdir(parents=True)
    (home / "dagster" / "history" / "runs.db").write_bytes(b"x" * 8192)
    (text,) = operations.backup(home, tmp_path / "backups").refused
    assert "runs.db" in text
