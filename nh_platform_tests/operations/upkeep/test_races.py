"""Two processes at the same asset, lock or store at once: what both wanted is there, and nothing else is lost."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.operations.upkeep.locking import lock_named
from nh_platform.operations.upkeep.pruning import RawChoice
from nh_platform.planning.verification import verify
from nh_platform.session import StoreError, UnknownSession
from nh_platform.store import Store
from nh_platform.store.locking import locks
from nh_platform.store.version_folders import exclusive
from nh_platform_tests.store.test_file_hashes import ASSET, publish, record

_TURNS = 20
_SPAWN = multiprocessing.get_context("fork")


def at_once(*acts: Callable[[], object]) -> None:
    """Do something in a process each, at once, and require that each ends well."""
    together: Barrier = _SPAWN.Barrier(len(acts))

    def acting(act: Callable[[], object]) -> None:
        together.wait(60)
        act()

    running = [_SPAWN.Process(target=acting, args=(act,)) for act in acts]
    for one in running:
        one.start()
    for one in running:
        one.join(120)
    assert [one.exitcode for one in running] == [0] * len(acts)


def repeatedly(act: Callable[[int], object]) -> Callable[[], None]:
    return lambda: [act(turn) for turn in range(_TURNS)] and None


@pytest.fixture
def home(tmp_path: Path) -> Path:
    publish(Store(tmp_path / "home" / "store"))
    for source in ("ibl", "allen_vc"):
        with Store(tmp_path / "home" / "store").publish(record().model_copy(update={"source": source})) as folder:
            (folder / "x").write_bytes(b"x")
    return tmp_path / "home"


def test_locks_of_one_name_that_two_processes_add_to_keep_both(home: Path) -> None:
    for turn in range(5):
        at_once(*(partial(operations.lock, home, f"paper-{turn}", source) for source in ("ibl", "allen_vc")))
        assert {one.source for one in lock_named(home, f"paper-{turn}").versions} == {"ibl", "allen_vc"}


def test_publishing_pruning_locking_and_backing_up_one_asset(home: Path, tmp_path: Path) -> None:
    store = Store(home / "store")

    def locking(turn: int) -> None:
        operations.lock(home, f"paper-{turn % 3}", "ibl")
        if turn % 3 == 2:
            operations.unlock(home, "paper-0")

    def backing_up() -> None:
        for _ in range(3):
            assert operations.backup(home, tmp_path / "backups").refused == ()

    at_once(
        repeatedly(lambda turn: publish(store, str(turn % 4))),
        repeatedly(lambda turn: publish(store, str(turn % 3))),
        repeatedly(lambda _: operations.prune(home)),
        repeatedly(locking),
        backing_up,
        backing_up,
    )
    assert verify(store).damages == ()
    assert store.data_version(*ASSET) is not None
    for lock in operations.locks_of(home):
        assert all((store.asset_folder(v.source, v.session_id, v.asset) / v.folder).is_dir() for v in lock.versions)
    backups = sorted((tmp_path / "backups").iterdir())
    assert len(backups) == 6
    for number, folder in enumerate(backups):
        operations.restore(folder, tmp_path / f"new-{number}")
        assert verify(Store(tmp_path / f"new-{number}" / "store")).damages == ()


def test_a_lock_that_is_being_made_is_no_damage_to_a_verification(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is written first and its versions are looked for then; one that was replaced between is named no more."""
    store, as_it_is, seen = Store(home / "store"), locks.write_lock, list[tuple[object, ...]]()
    publish(store, "1")

    def replaced_meanwhile(root: Path, lock: locks.Lock) -> None:
        if not seen:
            publish(store, "2")
        as_it_is(root, lock)
        if not seen:
            seen.append(())
            looking.start()
            looking.join(0.5)  # ends only once the lock is whole

    def look() -> None:
        seen.append(verify(Store(store.root)).damages)

    looking = threading.Thread(target=look)
    monkeypatch.setattr(locks, "write_lock", replaced_meanwhile)
    operations.lock(home, "paper", "ibl")
    looking.join(60)
    assert seen == [(), ()]
    (version,) = lock_named(home, "paper").versions
    assert (store.asset_folder(*ASSET) / version.folder).is_dir()


def test_two_that_prune_at_once_remove_everything_once(home: Path) -> None:
    for number in range(5):
        path = home / "raw" / f"{number}0" / f"{number}0".ljust(32, "0")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"raw")
    at_once(*[partial(operations.prune, home, raw=RawChoice.all)] * 2)
    assert not [path for path in (home / "raw").rglob("*") if path.is_file()]


def test_a_lock_that_two_remove_is_gone_and_the_second_is_told(home: Path) -> None:
    operations.lock(home, "paper-1", "ibl")
    operations.unlock(home, "paper-1")
    with pytest.raises(UnknownSession, match="there is none of that name"):
        operations.unlock(home, "paper-1")


def test_an_asset_that_another_process_holds_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nh_platform.store.version_folders._HELD_S", 0.1)
    store = Store(home / "store")
    asset = store.asset_folder(*ASSET)
    with exclusive(asset):
        with pytest.raises(StoreError, match=r"units: another process has been writing it"):
            publish(store, "2")
        (text,) = operations.prune(home, "ibl").kept
        assert "another process" in text
    publish(store, "2")
    assert locks.lock_names(store.root) == []
