"""A store of format 1 is refused with the command that changes it, which computes nothing anew.

``format_1.tar.xz`` is the store of two IBL sessions of 4 units that commit 2bfa31e, the last of format 1, made of
simulated files: all assets, two snapshots of the catalogue, the wanted sessions and the assets across sessions.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import tarfile
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.history.snapshots import list_snapshots
from nh_platform.history.wanted import wanted_sessions
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.staleness import standing_of
from nh_platform.planning.verification import verify
from nh_platform.planning.versions import SourcePlan
from nh_platform.session import DamagedFile, StoreError
from nh_platform.store import Store, store_format
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.store.sealed import seal_json, unseal_json
from nh_platform.store.store_format import FORMAT_FILE, migrate, repair_format, stored_format

OLD = Path(__file__).with_name("format_1.tar.xz")
SESSION = "e5e8aefa-77a2-47b1-b82b-bba6932e06a5"
N_ASSETS = 16
MADE_ANEW = {"raw_spikes", "events", "signals", "windows", "unit_embeddings", "units", "session_report"}
"""What has changed since, or came; assets beside these would be current after the migration alone."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with tarfile.open(OLD) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def data_versions(root: Path) -> dict[str, str]:
    """Return the data version in every record of a store, by path."""
    return {
        str(path.relative_to(root)): json.loads(path.read_bytes())["data_version"]
        for path in root.rglob("provenance.json")
    }


def test_an_old_store_is_refused_with_the_command(home: Path) -> None:
    for act in (
        lambda: Store(home / "store").current("ibl", SESSION, "units"),
        lambda: operations.materialize(home, "ibl", dry_run=True),
        lambda: operations.verify(home),
    ):
        with pytest.raises(StoreError, match=r"it has format 1.*this version reads format 2.*nh migrate"):
            act()
    (status,) = {str(one) for name, one in operations.status(home).sources.items() if name == "ibl"}
    assert "nh migrate" in status


def test_after_the_migration_everything_is_intact_and_current_but_for_what_code_changed(home: Path) -> None:
    before = data_versions(home / "store")
    others = {path: path.read_bytes() for path in home.rglob("*.h5")} | {
        p: p.read_bytes() for p in home.rglob("*.parquet")
    }
    found = operations.migrate(home)
    assert (found.before, found.after, found.n_assets) == (1, 2, N_ASSETS)
    assert data_versions(home / "store") == before
    assert all(path.read_bytes() == content for path, content in others.items())
    platform = Platform(load_settings(home))
    plan = SourcePlan(platform, "ibl")
    standing = standing_of(plan, platform.manifest("ibl").session(SESSION))
    assert (set(standing.stale), standing.damaged) == (MADE_ANEW, {})
    assert [one.number for one in list_snapshots(platform.store, "ibl")] == [1, 2]
    assert wanted_sessions(platform.store, "ibl")[SESSION] == "nh backfill"
    verified = verify(platform.store)
    assert verified.damages == ()
    assert verified.n_assets == N_ASSETS
    assert verified.n_files > len(before)
    assert operations.migrate(home).n_assets == 0


def test_a_file_that_was_damaged_before_is_named_after_it(home: Path) -> None:
    record = next((home / "store" / "ibl" / SESSION / "units").glob("*/provenance.json"))
    record.write_bytes(record.read_bytes()[:-10])
    operations.migrate(home)
    store = Store(home / "store")
    assert store.damaged("ibl", SESSION).keys() == {"units"}
    assert store.data_version("ibl", SESSION, "events") is not None


@pytest.mark.parametrize(
    ("damaged", "content", "asset"),
    [
        (f"ibl/{SESSION}/units/current", b"\xff\xfe", "units"),
        (f"ibl/{SESSION}/units/current", b"", "units"),
        (f"ibl/{SESSION}/units/*/provenance.json", b"[]", "units"),
        ("ibl/_source/wanted.json", b"{", ""),
        ("ibl/_source/release_manifest/history", b"\xff", "release_manifest"),
    ],
)
def test_one_bad_file_does_not_stop_the_migration(home: Path, damaged: str, content: bytes, asset: str) -> None:
    (path,) = (home / "store").glob(damaged)
    path.write_bytes(content)
    found = operations.migrate(home)
    assert [text for text in found.problems if text.startswith(f"{path}: ")], found.problems
    assert stored_format(home / "store") == 2
    store = Store(home / "store")
    assert store.data_version("ibl", SESSION, "events") is not None
    assert store.damaged("ibl", SESSION).keys() == ({asset} if SESSION in damaged else set())
    assert {one.asset for one in verify(store).damages} == {asset}


def _migrate_and_die(root: str, after: int) -> None:
    def on_asset(done: int, total: int, name: str) -> None:
        if done == after:
            os.kill(os.getpid(), signal.SIGKILL)

    migrate(Path(root), on_asset)


@pytest.mark.parametrize("after", [0, 4, N_ASSETS])
def test_a_migration_that_was_killed_goes_on_where_it_was(home: Path, after: int) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_migrate_and_die, args=(str(home / "store"), after))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    if after < N_ASSETS:
        with pytest.raises(StoreError, match="nh migrate"):
            Store(home / "store").current("ibl", SESSION, "units")
        assert operations.migrate(home).n_assets == N_ASSETS - after
    assert verify(Store(home / "store")).damages == ()


def test_a_newer_store_is_refused(home: Path) -> None:
    (home / "store" / FORMAT_FILE).write_bytes(seal_json({"format": 3}))
    for act in (lambda: Store(home / "store").current("ibl", SESSION, "units"), lambda: operations.migrate(home)):
        with pytest.raises(StoreError, match=r"it has format 3, this version reads format 2.*Install the version"):
            act()


def test_a_new_store_states_its_format_and_copied_sessions_are_a_store(home: Path, tmp_path: Path) -> None:
    operations.migrate(home)
    (home / "store" / FORMAT_FILE).unlink()
    assert stored_format(home / "store") == 2
    assert Store(home / "store").current("ibl", SESSION, "units") is not None
    assert stored_format(tmp_path / "nothing") is None
    assert Store(tmp_path / "nothing").current("ibl", SESSION, "units") is None


def test_a_damaged_format_is_named_and_repaired(home: Path) -> None:
    operations.migrate(home)
    path = home / "store" / FORMAT_FILE
    stated = path.read_bytes()
    path.write_bytes(stated.replace(b"2\n}", b"3\n}"))
    with pytest.raises(DamagedFile, match=r"format\.json.*nh verify --repair"):
        Store(home / "store").current("ibl", SESSION, "units")
    assert [one.path for one in operations.verify(home).damages] == [path]
    found = operations.verify(home, repair=True)
    assert ([one.path for one in found.damages], found.remaining) == ([path], ())
    assert path.read_bytes() == stated
    path.write_bytes(b"")
    assert repair_format(home / "store")
    assert not repair_format(home / "store")
    assert unseal_json(path.read_bytes()) == {"format": store_format.FORMAT}


def test_a_lost_pointer_is_damage_whatever_else_names_the_version(home: Path) -> None:
    operations.migrate(home)
    operations.lock(home, "paper-1", "ibl")
    store = Store(home / "store")
    for lost in (home / "store" / "ibl" / SESSION / "units", home / "store" / "ibl" / SOURCE_WIDE / "release_manifest"):
        pointer = lost / "current"
        stated = pointer.read_bytes()
        pointer.unlink()
        assert [one.path for one in verify(store, ["ibl"]).damages] == [pointer]
        pointer.write_bytes(stated)


def test_a_damaged_lock_is_named_and_nothing_else(home: Path) -> None:
    operations.migrate(home)
    operations.lock(home, "paper-1", "ibl")
    path = home / "store" / ".locks" / "paper-1.json"
    stated = path.read_bytes()
    for damage in (lambda: path.write_bytes(stated[1:]), lambda: (path.unlink(), path.mkdir())):
        damage()
        for source in (None, "ibl"):
            assert [one.path for one in operations.verify(home, source).damages] == [path]


def test_what_making_again_does_not_mend_is_said(home: Path) -> None:
    operations.migrate(home)
    first = list_snapshots(Store(home / "store"), "ibl")[0].folder
    (first / "sessions.parquet").write_bytes(b"")
    operations.lock(home, "paper-1", "ibl")
    (home / "store" / ".locks" / "paper-1.json").write_bytes(b"")
    found = operations.verify(home, repair=True)
    assert {one.path.name for one in found.remaining} == {"sessions.parquet", "paper-1.json"}
    assert any("Take it from a backup" in text and str(first) in text for text in found.errors)
    assert any("nh lock remove paper-1" in text for text in found.errors)


def test_the_history_and_what_is_wanted_are_kept_twice(home: Path) -> None:
    operations.migrate(home)
    store = Store(home / "store")
    for record in (
        (home / "store").glob(f"*/{SOURCE_WIDE}/release_manifest/history"),
        (home / "store").rglob("wanted.json"),
    ):
        (path,) = record
        stated = path.read_bytes()
        path.write_bytes(b"")
        assert len(list_snapshots(store, "ibl")) == 2
        assert wanted_sessions(store, "ibl")
        assert [one.path for one in verify(store, ["ibl"]).damages] == [path]
        assert operations.verify(home, "ibl", repair=True).remaining == ()
        assert path.read_bytes() == stated


DAMAGES = {
    "damaged": lambda content: content.replace(b"blake3", b"blake4"),
    "cut": lambda content: content.splitlines(keepends=True)[0],
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("how_many", ["first", "all"])
def test_a_lost_format_is_told_by_what_is_intact(home: Path, damage: str, how_many: str) -> None:
    operations.migrate(home)
    store = home / "store"
    (store / FORMAT_FILE).unlink()
    pointers = sorted(store.glob("*/*/*/current"))
    for pointer in pointers[:1] if how_many == "first" else pointers:
        pointer.write_bytes(DAMAGES[damage](pointer.read_bytes()))
    assert stored_format(store) == 2
    assert operations.migrate(home).n_assets == 0


def test_a_lost_format_of_an_old_store_is_told_by_what_is_intact(home: Path) -> None:
    store = home / "store"
    (store / FORMAT_FILE).unlink(missing_ok=True)
    pointers = sorted(store.glob("*/*/*/current"))
    for pointer in pointers[:-1]:
        pointer.write_bytes(b"\xff")
    assert stored_format(store) == 1
    pointers[-1].unlink()
    assert stored_format(store) == 1, "the records say so"


def test_a_format_that_nothing_tells_is_named_and_repaired(home: Path) -> None:
    operations.migrate(home)
    store = home / "store"
    (store / FORMAT_FILE).unlink()
    for path in (*store.glob("*/*/*/current"), *store.glob("*/*/*/*/provenance.json")):
        path.write_bytes(b"x")
    with pytest.raises(DamagedFile, match=r"format\.json: it is lost.*nh verify --repair"):
        Store(store).current("ibl", SESSION, "units")
    assert [one.path.name for one in operations.verify(home).damages] == [FORMAT_FILE]
    assert repair_format(store)
    assert stored_format(store) == 2


def test_a_full_disk_ends_a_migration_which_then_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync, left = os.fsync, iter(range(9))

    def full(descriptor: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="the disk is full"):
            operations.migrate(home)
    assert stored_format(home / "store") == 1
    found = operations.migrate(home)
    assert (found.problems, stored_format(home / "store")) == ((), 2)
    assert verify(Store(home / "store")).damages == ()


def test_a_store_is_migrated_by_one_process_alone(home: Path) -> None:
    seen = []

    def at_asset(*_: object) -> None:
        if not seen:
            with pytest.raises(StoreError, match="another process migrates it") as caught:
                migrate(home / "store")
            seen.append(caught)
            with pytest.raises(StoreError, match="nh migrate"):  # a reader is told, and never sees half of it
                Store(home / "store").current("ibl", SESSION, "units")

    migrate(home / "store", at_asset)
    assert len(seen) == 1
    assert Store(home / "store").current("ibl", SESSION, "units") is not None
