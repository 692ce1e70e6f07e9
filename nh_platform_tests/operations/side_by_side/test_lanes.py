"""Pieces of work in several processes: their order, what comes back, and what a killed or interrupted one leaves."""

from __future__ import annotations

import os
import pickle
from functools import partial
from pathlib import Path

import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.operations.side_by_side.lanes import LaneLost, Lanes, Piece, cores_at_hand
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_saving import ReviewsChanged
from nh_platform.session import DamagedFile
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
