"""What a lock names stays when something newer is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.session import DamagedFile, StoreError, UnknownSession
from nh_platform.store import Store
from nh_platform.store.locking.locked_store import LockedStore
from nh_platform.store.locking.locks import Lock, LockedVersion, lock_names, read_lock, remove_lock, write_lock
from nh_platform_tests.store.test_file_hashes import ASSET, publish, record


def lock_of(version: Path, name: str = "paper-1") -> Lock:
    return Lock(name, "figure 3", (LockedVersion(*ASSET, version.name, record().data_version),))


def versions(store: Store) -> list[str]:
    return sorted(path.name for path in store.asset_folder(*ASSET).iterdir() if path.is_dir())


def test_a_locked_version_stays_and_one_without_a_lock_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = publish(store)
    write_lock(tmp_path, lock_of(first))
    second, third = publish(store, "2"), publish(store, "3")
    assert versions(store) == sorted([first.name, third.name])
    assert second.name not in versions(store)
    assert store.counted(*ASSET) == [first, third]
    remove_lock(tmp_path, "paper-1")
    publish(store, "4")
    assert versions(store) == [store.folder(*ASSET).name]


def test_a_locked_version_that_counts_again_is_the_same_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = publish(store)
    write_lock(tmp_path, lock_of(first))
    publish(store, "2")
    assert publish(store) == first
    assert store.counted(*ASSET) == [first]


def test_a_lock_comes_back_as_it_was_written(tmp_path: Path) -> None:
    lock = lock_of(publish(Store(tmp_path)))
    write_lock(tmp_path, lock)
    assert read_lock(tmp_path, "paper-1") == lock
    assert lock_names(tmp_path) == ["paper-1"]
    assert Store(tmp_path).sources() == ["ibl"]


def test_an_unknown_lock_is_named_with_those_there_are(tmp_path: Path) -> None:
    write_lock(tmp_path, lock_of(publish(Store(tmp_path))))
    for act in (read_lock, remove_lock):
        with pytest.raises(UnknownSession, match=r"paper-2.*paper-1"):
            act(tmp_path, "paper-2")
    with pytest.raises(StoreError, match="cannot be a name"):
        read_lock(tmp_path, "../x")
    with pytest.raises(StoreError, match="names no version"):
        write_lock(tmp_path, Lock("empty", "", ()))


def test_while_a_lock_cannot_be_read_assets_are_published_and_nothing_is_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = publish(store)
    write_lock(tmp_path, lock_of(first))
    (tmp_path / ".locks" / "paper-1.json").write_text("{")
    second = publish(store, "2")
    assert store.folder(*ASSET) == second
    assert versions(store) == sorted([first.name, second.name])
    with pytest.raises(DamagedFile, match=r"paper-1\.json.*damaged"):
        store.counted(*ASSET)


def test_what_is_no_lock_in_the_folder_of_locks_is_passed_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = publish(store)
    write_lock(tmp_path, lock_of(first))
    (tmp_path / ".locks" / "paper-1 (copy).json").write_text("{")
    assert lock_names(tmp_path) == ["paper-1"]
    publish(store, "2")
    publish(store, "3")
    assert first.exists()


def test_the_history_of_a_locked_store_ends_with_what_the_lock_names(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folders = []
    for version in "123":
        with store.publish(record(version), keep_history=True) as folder:
            (folder / "x").write_text(version)
        folders.append(store.folder(*ASSET))
    write_lock(tmp_path, lock_of(folders[1]))
    assert LockedStore(tmp_path, "paper-1").history(*ASSET) == {1: folders[0], 2: folders[1]}
    assert LockedStore(tmp_path, "paper-1").history("ibl", "s2", "units") == {}


def test_nothing_is_published_into_a_locked_store(tmp_path: Path) -> None:
    write_lock(tmp_path, lock_of(publish(Store(tmp_path))))
    with (
        pytest.raises(StoreError, match=r"lock paper-1.*only read"),
        LockedStore(tmp_path, "paper-1").publish(record()),
    ):
        pass
