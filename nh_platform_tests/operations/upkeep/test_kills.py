"""Upkeep that is killed at any point loses nothing that was stored, and the next run of the command finishes it.

A process of its own counts what it asks of the system (files opened, renamed, linked, removed, folders made) and kills
itself, without any clean-up, at a number drawn from all of them.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.home.restoring import RECORD
from nh_platform.operations.upkeep.locking import lock_named
from nh_platform.planning.verification import verify
from nh_platform.session import ConfigError
from nh_platform.store import Store
from nh_platform.store.store_format import stored_format
from nh_platform_tests.homes import make_home
from nh_platform_tests.store.test_file_hashes import publish
from nh_platform_tests.store.test_store_format import OLD, data_versions

pytestmark = pytest.mark.slow

_FORK = multiprocessing.get_context("fork")
_ASKED = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate", "sqlite3.connect")
KILLS = 25
"""Per command; a command asks some 50 to 2,000 times."""


def run_until(act: Callable[[], object], number: int | None) -> tuple[int, int]:
    """Run something in a process that kills itself at its n-th question; return its exit code and its questions."""
    asked = _FORK.Value("i", 0)

    def running() -> None:
        def hook(event: str, _: object) -> None:
            if event in _ASKED:
                asked.value += 1
                if asked.value == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        act()

    process = _FORK.Process(target=running)
    process.start()
    process.join(200)
    assert process.exitcode is not None
    return process.exitcode, asked.value


def kills(make: Callable[[], Callable[[], object]], seed: int, n_kills: int = KILLS) -> Iterator[None]:
    """Kill a command at random points, each time on fresh ground; give control after each kill.

    Parameters
    ----------
    make
        Makes the ground, and returns what is run on it.
    """
    code, n_asked = run_until(make(), None)
    assert (code, n_asked > 0) == (0, True)
    n_kills = min(n_kills, n_asked)
    points = sorted(random.Random(seed).sample(range(1, n_asked + 1), n_kills))
    n_killed = 0
    for point in points:
        code, _ = run_until(make(), point)
        n_killed += code == -signal.SIGKILL
        yield
    assert n_killed >= 0.8 * n_kills  # how often a log or a lock is looked at differs a little


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home with versions that count, that a lock names, and that nothing names."""
    home = tmp_path / "home"
    store = Store(home / "store")
    for version in range(5):
        publish(store, str(version))
        operations.lock(home, f"paper-{version}", "ibl")
    publish(store, "5")
    for version in (0, 2, 3, 4):
        operations.unlock(home, f"paper-{version}")
    for name in ("reviews/ibl/notes.txt", "sources.yaml"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("ibl: {}\n")
    return home


def files(home: Path) -> dict[str, bytes]:
    """Return the content of a home but for locks of processes."""
    found = (path for path in home.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in found}


def test_backup(home: Path, tmp_path: Path) -> None:
    target, before = tmp_path / "backups", files(home)
    operations.backup(home, target)
    whole = files(next(target.iterdir()))

    def make() -> Callable[[], object]:
        shutil.rmtree(target, ignore_errors=True)
        first = operations.backup(home, target).folder
        first.rename(target / "2026-01-01T000000Z")
        return lambda: operations.backup(home, target)

    for _ in kills(make, seed=1):
        made = operations.backup(home, target)
        assert (files(home), made.refused) == (before, ())
        found = sorted(target.iterdir())
        assert len(found) in (2, 3)
        assert all(files(folder) == whole for folder in found)
    shutil.rmtree(tmp_path / "new", ignore_errors=True)
    operations.restore(target, tmp_path / "new")
    assert verify(Store(tmp_path / "new" / "store")).damages == ()


def test_restore(home: Path, tmp_path: Path) -> None:
    made, new = operations.backup(home, tmp_path / "backups").folder, tmp_path / "new"
    expected = {name: content for name, content in files(made).items() if name != "backup.json"}

    def make() -> Callable[[], object]:
        shutil.rmtree(new, ignore_errors=True)
        return lambda: operations.restore(made, new)

    n_refused = 0
    for _ in kills(make, seed=2, n_kills=2 * KILLS):
        if (new / RECORD).exists():
            with pytest.raises(ConfigError, match="is not done"):
                operations.status(new)
            n_refused += 1
        else:
            assert not (new / "store").exists() or files(new) == expected
        if files(new) != expected:
            operations.restore(made, new)
        assert files(new) == expected
        assert verify(Store(new / "store")).damages == ()
    assert n_refused > KILLS


def test_prune(home: Path, tmp_path: Path) -> None:
    ground = shutil.copytree(home, tmp_path / "ground")
    operations.prune(home)
    expected = files(home)

    def make() -> Callable[[], object]:
        shutil.rmtree(home)
        shutil.copytree(ground, home)
        return lambda: operations.prune(home)

    for _ in kills(make, seed=3):
        assert verify(Store(home / "store")).damages == ()
        operations.prune(home)
        assert files(home) == expected
        assert not list(home.rglob(".staging-*"))


def test_lock(home: Path) -> None:
    before = lock_named(home, "paper-1")

    def make() -> Callable[[], object]:
        (home / "store" / ".locks" / "paper-2.json").unlink(missing_ok=True)

        def locking() -> None:
            operations.lock(home, "paper-2", "ibl")
            operations.unlock(home, "paper-2")
            operations.lock(home, "paper-2", "ibl")

        return locking

    for _ in kills(make, seed=4):
        assert verify(Store(home / "store")).damages == ()
        assert [lock.name for lock in operations.locks_of(home)] in (["paper-1"], ["paper-1", "paper-2"])
        made = operations.lock(home, "paper-2", "ibl")
        assert operations.locks_of(home) == [before, made]


def test_migrate(tmp_path: Path) -> None:
    home = tmp_path / "old"

    def make() -> Callable[[], object]:
        shutil.rmtree(home, ignore_errors=True)
        with tarfile.open(OLD) as archive:
            archive.extractall(home, filter="data")
        return lambda: operations.migrate(home)

    make()
    before = data_versions(home / "store")
    for _ in kills(make, seed=5):
        assert operations.migrate(home).problems == ()
        assert stored_format(home / "store") == 2
        assert data_versions(home / "store") == before
        assert verify(Store(home / "store")).damages == ()


def test_repair(tmp_path: Path) -> None:
    home, ground = tmp_path / "home", tmp_path / "ground"
    make_home(home, ("ibl",))
    operations.sync(home, "ibl")
    assert not operations.materialize(home, "ibl").failed
    store = Store(home / "store")
    (session,) = store.sessions("ibl")
    expected = {name: content for name, content in files(home).items() if name.startswith("store/")}
    for asset in ("units", "windows"):
        path = next(store.folder("ibl", session, asset).glob("*.parquet"))
        path.write_bytes(path.read_bytes()[:-1])
    shutil.copytree(home, ground)

    def make() -> Callable[[], object]:
        shutil.rmtree(home)
        shutil.copytree(ground, home)
        return lambda: operations.verify(home, repair=True)

    for _ in kills(make, seed=6, n_kills=3):
        found = operations.verify(home, repair=True)
        assert (found.remaining, found.errors) == ((), ())
        now = {name: content for name, content in files(home).items() if name.startswith("store/")}
        assert {name for name in expected if now.get(name) != expected[name]} == set()
