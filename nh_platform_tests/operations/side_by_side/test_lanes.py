"""Pieces of work in several processes: their order, what comes back, and what a killed or interrupted one leaves."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome, Progress
from nh_platform.operations.side_by_side import at_hand
from nh_platform.operations.side_by_side.at_hand import cores_at_hand, environment_of_others
from nh_platform.operations.side_by_side.lanes import LaneLost, Lanes
from nh_platform.operations.side_by_side.pieces import Piece
from nh_platform.operations.side_by_side.planned_runs import SessionPlan, run_plans
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_saving import ReviewsChanged
from nh_platform.session import ConfigError, DamagedFile
from nh_platform_tests.operations.side_by_side import works

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def found_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other processes import the pieces of this folder."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def no_home() -> OpenHome:
    raise AssertionError("no piece of these needs a home")


def told(text: str, after: tuple[Piece, ...] = ()) -> Piece:
    return Piece(text, partial(works.tell, text), after)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_piece_is_done_once_after_those_it_comes_after(tmp_path: Path, processes: int) -> None:
    said: list[str] = []
    first, second = told("first"), told("second")
    both = told("after both", (first, second))
    last = told("last", (both,))

    def more(piece: Piece, result: str) -> list[Piece]:
        assert piece.name == result
        return [told("asked for later", (last,))] if piece is first else []

    with Lanes(tmp_path, processes) as lanes:
        results = lanes.run([last, both, first, second], no_home, lambda step: said.append(step.what), more)
    assert sorted(said) == sorted(results.values()) == ["after both", "asked for later", "first", "last", "second"]
    assert said[2:] == ["after both", "last", "asked for later"]


def test_pieces_go_at_the_same_time_in_processes_of_their_own(tmp_path: Path) -> None:
    pieces = [Piece(name, partial(works.meet, tmp_path, name, 3)) for name in "abc"]
    with Lanes(tmp_path, 3) as lanes:
        found = lanes.run(pieces, no_home)
    assert len(set(found.values())) == 3
    assert os.getpid() in found.values()


def test_an_error_of_another_process_is_raised_here_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "seen").mkdir()
    here = Piece("here", partial(works.meet, tmp_path / "seen", "here", 1))
    with Lanes(tmp_path, 2) as lanes, pytest.raises(DamagedFile) as caught:
        lanes.run([Piece("it", works.find_damage), here], no_home)
    assert caught.value.thing == "units of s1"
    assert caught.value.reason == "3 bytes are missing"
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


def test_an_error_that_cannot_travel_says_where_it_was_raised(tmp_path: Path) -> None:
    both = [Piece(name, partial(works.meet, tmp_path, name, 2)) for name in "ab"]
    odd = Piece("odd", works.raise_what_cannot_travel)
    with Lanes(tmp_path, 2) as lanes, pytest.raises((ValueError, RuntimeError), match="odd"):
        lanes.run([*both, odd], no_home)


def test_an_error_that_would_not_come_back_keeps_its_words(tmp_path: Path) -> None:
    both = [Piece(name, partial(works.meet, tmp_path, name, 2)) for name in "ab"]
    odd = [Piece(f"odd {n}", works.raise_what_does_not_come_back) for n in range(2)]
    with Lanes(tmp_path, 2) as lanes, pytest.raises((works.OwnWords, RuntimeError), match="odd: it is"):
        lanes.run([*both, *odd], no_home)


@pytest.mark.parametrize("error", [SystemExit(1), OSError(28, "No space left on device"), ValueError("mine")], ids=repr)
def test_what_cannot_be_told_ends_the_work_and_is_raised(tmp_path: Path, error: BaseException) -> None:
    """Rich leaves by `SystemExit` where nobody reads: the thread that feeds another process dropped it, for ever."""
    here = threading.get_ident()

    def on_progress(_: Progress) -> None:
        if threading.get_ident() != here:
            raise error

    both = [Piece(name, partial(works.meet_and_tell, tmp_path, name, 2)) for name in "ab"]
    with Lanes(tmp_path, 2) as lanes, pytest.raises(type(error)) as caught:
        lanes.run(both, no_home, on_progress)
    assert caught.value is error


def test_what_follows_on_a_piece_may_fail_too(tmp_path: Path) -> None:
    def on_done(*_: object) -> tuple[Piece, ...]:
        raise SystemExit(1)

    both = [Piece(name, partial(works.meet, tmp_path, name, 2)) for name in "ab"]
    with Lanes(tmp_path, 2) as lanes, pytest.raises(SystemExit):
        lanes.run(both, no_home, on_done=on_done)


def test_a_process_that_ended_before_it_began_loses_no_piece(tmp_path: Path) -> None:
    with Lanes(tmp_path, 3) as lanes:
        for other in lanes._others:
            os.kill(other._process.pid, signal.SIGKILL)
        results = lanes.run([told(str(n)) for n in range(5)], no_home)
    assert sorted(results.values()) == list("01234")


def test_the_folder_that_a_person_stands_in_is_not_imported_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "selectors.py").write_text("raise ImportError('of a person')\n", encoding="utf-8")
    (tmp_path / "meeting").mkdir()
    monkeypatch.chdir(tmp_path)
    pieces = [Piece(name, partial(works.meet, tmp_path / "meeting", name, 2)) for name in "ab"]
    with Lanes(tmp_path, 2) as lanes:
        assert len(set(lanes.run(pieces, no_home).values())) == 2


def test_a_package_that_is_not_installed_is_found_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr("sys.path", [str(ROOT), "/of/python"])
    assert environment_of_others()["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "/elsewhere"]
    monkeypatch.setattr("sys.path", [str(ROOT), "/of/python", str(ROOT)])
    assert environment_of_others()["PYTHONPATH"] == "/elsewhere"


def test_matrices_have_one_thread_in_each_other_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    pieces = [Piece(name, partial(works.threads_of_algebra, tmp_path, name, 2)) for name in "ab"]
    with Lanes(tmp_path, 2) as lanes:
        found = dict(lanes.run(pieces, no_home).values())
    del found[os.getpid()]  # a notebook's, which is its owner's
    assert list(found.values()) == [{1}]


def test_pieces_that_hold_nothing_up(tmp_path: Path) -> None:
    def piece(name: str, work: Callable[..., object], on_failure: str) -> Piece:
        return Piece(name, work, on_failure=on_failure)  # type: ignore[arg-type]

    late, over = piece("late", works.find_damage, "go on"), piece("over", works.find_damage, "pass over")
    done: list[str] = []

    def on_done(piece: Piece, _: object) -> tuple[Piece, ...]:
        done.append(piece.name)
        return ()

    with Lanes(tmp_path, 1) as lanes:
        assert lanes.run([over, told("one", (over,))], no_home)[over] is None
        with pytest.raises(DamagedFile):
            lanes.run([late, told("two"), told("three", (late,))], no_home, on_done=on_done)
    assert done == ["late", "three", "two"]


def test_a_killed_process_is_named_and_the_rest_is_done_by_others(tmp_path: Path) -> None:
    pieces = [Piece(f"session {n}", partial(works.die_elsewhere, tmp_path, os.getpid())) for n in range(3)]
    with Lanes(tmp_path, 2) as lanes:
        results = lanes.run(pieces, no_home)
        again = lanes.run([told("one"), told("two")], no_home)
    (lost,) = (one for one in results.values() if isinstance(one, LaneLost))
    assert list(results.values()).count("here") == 2
    assert list(again.values()) == ["one", "two"]
    assert "its process was killed (signal 9, Killed)" in str(lost)
    assert "--processes 1" in str(lost)


def test_an_interruption_comes_to_every_process_and_is_waited_for(tmp_path: Path) -> None:
    pieces = [Piece(name, partial(works.stop_all, tmp_path, os.getpid())) for name in "ab"]
    with Lanes(tmp_path, 2) as lanes, pytest.raises(KeyboardInterrupt):
        lanes.run(pieces, no_home)
    assert (tmp_path / "cleaned up").exists()


def test_an_interruption_that_is_lost_in_another_process_is_sent_again(tmp_path: Path) -> None:
    pieces = [Piece(name, partial(works.lose_an_interruption, tmp_path, os.getpid())) for name in "ab"]
    begun = time.monotonic()
    with Lanes(tmp_path, 2) as lanes, pytest.raises(KeyboardInterrupt):
        lanes.run(pieces, no_home)
    assert (tmp_path / "cleaned up").exists()
    assert time.monotonic() - begun < works.MEETING_S


def test_several_processes_cannot_have_an_instance_that_is_open_here(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("ibl: {read: {mode: local, root: upstream/ibl}}\n", encoding="utf-8")
    home = OpenHome(Platform(load_settings(tmp_path)), instance=object())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="Dagster that is open in this process alone"):
        run_plans(home, [SessionPlan("ibl", "s", ("units",))] * 2, processes=2)


def test_each_process_opens_the_home_for_itself(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("ibl: {read: {mode: local, root: upstream/ibl}}\n", encoding="utf-8")
    home = OpenHome(Platform(load_settings(tmp_path)))
    with Lanes(tmp_path, 2) as lanes:
        found = lanes.run([Piece(name, works.ids_of_home) for name in "abcd"], lambda: home)
    assert {sources for _, sources in found.values()} == {("ibl",)}


def test_errors_of_every_kind_travel() -> None:
    one = ReviewsChanged(SessionReviews("ibl", "s1", ()), "s1.yaml", None)
    again = pickle.loads(pickle.dumps(one))
    assert str(again) == str(one)
    assert vars(again) == vars(one)


def test_as_many_processes_as_cores_but_four_at_most() -> None:
    assert 1 <= cores_at_hand() <= 4


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"),
    [
        ("max 100000", "max", 4),
        ("150000 100000", "max", 1),
        ("300000 100000", "max", 3),
        ("max 100000", "1500000000", 2),
        ("max 100000", "100000000", 1),
        ("nonsense", "nonsense", 4),
    ],
)
def test_a_container_has_as_many_as_it_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpu: str, memory: str, expected: int
) -> None:
    for name, text in {"cpu.max": cpu, "memory.max": memory}.items():
        (tmp_path / name).write_text(f"{text}\n", encoding="ascii")
    monkeypatch.setattr(at_hand, "_CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 64e9}))
    assert cores_at_hand() == expected
