"""A lock names what is there, what is pruned is gone and nobody's, and each source has its own raw files."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app as nh
from nh_platform.cli.upkeep.lock import app
from nh_platform.home.platform import Platform
from nh_platform.operations.upkeep.pruning import RawChoice
from nh_platform.session import StoreError
from nh_platform.session.session_names import MIN_PREFIX
from nh_platform.store import Store
from nh_platform.store.locking import locks
from nh_platform_tests.store.test_file_hashes import ASSET, publish, record


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home with one published asset, in a moment."""
    publish(Store(tmp_path / "home" / "store"))
    return tmp_path / "home"


def test_a_lock_names_the_version_that_took_the_place_of_one_meanwhile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, write, once = Store(home / "store"), locks.write_lock, [True]

    def writing(root: Path, lock: locks.Lock) -> None:
        if once:
            once.clear()
            publish(store, "2")
        write(root, lock)

    monkeypatch.setattr(locks, "write_lock", writing)
    made = operations.lock(home, "paper-1", "ibl")
    assert [one.folder for one in made.versions] == [store.folder(*ASSET).name]
    assert operations.locks_of(home) == [made]


def test_no_lock_is_left_where_every_version_is_replaced_meanwhile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, write, numbers = Store(home / "store"), locks.write_lock, iter(range(2, 99))

    def writing(root: Path, lock: locks.Lock) -> None:
        publish(store, str(next(numbers)))
        write(root, lock)

    monkeypatch.setattr(locks, "write_lock", writing)
    with pytest.raises(StoreError, match=r"lock paper-1.*again and again"):
        operations.lock(home, "paper-1", "ibl")
    assert operations.locks_of(home) == []


def superseded(home: Path) -> Path:
    """Return a version that nothing names any more."""
    store = Store(home / "store")
    first = store.folder(*ASSET)
    operations.lock(home, "paper-1", "ibl")
    publish(store, "2")
    operations.unlock(home, "paper-1")
    return first


def test_what_is_pruned_is_removed_while_no_publication_can_take_it_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, seen = superseded(home), []
    remove = shutil.rmtree

    def removing(path: Path, *args: object, **options: object) -> None:
        if Path(path).parent == first.parent:
            seen.append(path)
            with pytest.raises(TimeoutError):
                FileLock(first.parent / ".lock").acquire(timeout=0)
        remove(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(shutil, "rmtree", removing)
    assert [path for path, _ in operations.prune(home).removed] == [first]
    assert len(seen) == 1


def test_records_that_a_killed_process_left_half_written_are_removed(home: Path) -> None:
    store = Store(home / "store")
    folders = (store.asset_folder(*ASSET), store.root, store.root / ".locks", store.root / "ibl" / "_source")
    old, fresh = [folder / "current.0123abcd.new" for folder in folders], folders[0] / "current.4567abcd.new"
    for path in (*old, fresh):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    for path in old:
        os.utime(path, (0, 0))
    assert {path for path, _ in operations.prune(home, dry_run=True).removed} == set(old)
    assert {size for _, size in operations.prune(home).removed} == {4}
    assert not any(path.exists() for path in old)
    assert fresh.exists()


def test_what_could_not_be_removed_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    superseded(home)

    def refused(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", refused)
    found = operations.prune(home)
    assert found.removed == ()
    assert "could not be removed whole" in found.kept[0]


def test_raw_files_of_another_source_stay(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"ibl": ["1" * 32, "2" * 32], "allen_vc": ["2" * 32, "3" * 32]}
    store = Store(home / "store")
    for source in listed:
        with store.publish(record().model_copy(update={"source": source, "session_id": "_source"})) as folder:
            (folder / "x").write_bytes(b"x")

    class Listing:
        def __init__(self, source: str) -> None:
            self.files = pd.DataFrame({"md5": listed[source]})

    monkeypatch.setattr(Platform, "manifest", lambda _, source: Listing(source))
    for digit in "1234":
        path = home / "raw" / (digit * 2) / (digit * 32)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"raw")
    assert [path.name for path, _ in operations.prune(home, "ibl", raw=RawChoice.all).removed] == ["1" * 32]
    assert sorted(path.name[0] for path in (home / "raw").glob("*/*")) == ["2", "3", "4"]


def test_a_session_whose_id_begins_with_an_underscore_is_counted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(home / "store")
    with store.publish(record().model_copy(update={"session_id": "_s2"})) as folder:
        (folder / "x").write_bytes(b"x")
    monkeypatch.setenv("NH_HOME", str(home))
    made = CliRunner().invoke(app, ["add", "paper-1", "ibl"])
    assert "2 versions of 2 sessions" in made.output


def test_a_full_disk_is_told_and_the_lock_before_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = operations.lock(home, "paper-1", "ibl", reason="figure 3")
    publish(Store(home / "store"), "2")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        for name in ("paper-1", "paper-2"):
            with pytest.raises(StoreError, match=r"\.locks: the disk is full\. Free some space"):
                operations.lock(home, name, "ibl")
    assert operations.locks_of(home) == [before]
    assert [path.name for path in (home / "store" / ".locks").iterdir() if path.name != ".lock"] == ["paper-1.json"]


@pytest.mark.parametrize("command", [["lock", "add"], ["verify"]])
def test_help_says_how_many_characters_of_an_id_do(command: list[str]) -> None:
    text = CliRunner().invoke(nh, [*command, "--help"], env={"COLUMNS": "200"}).output
    assert f"first {MIN_PREFIX} characters or more" in text
