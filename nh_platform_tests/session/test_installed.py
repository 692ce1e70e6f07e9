"""What installed packages bring: each entry point by itself, and what cannot be served is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from nh_platform.session.installed import load
from nh_platform_tests.lab_packages import install, on_the_path

GROUP = "nh_platform.toys"
HERE = __name__


@dataclass(frozen=True)
class Toy:
    """What the packages of these tests bring."""

    name: str


@dataclass(frozen=True)
class ToySet:
    """Several toys together."""

    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[0]


BOX, CASE = ToySet(("box", "lid")), ToySet(("case", "lid"))
BALL, CUBE, BALL_AGAIN, LISTED = Toy("ball"), Toy("cube"), Toy("ball"), Toy(["ball"])  # type: ignore[arg-type]


def test_entries_come_in_the_order_of_their_names_with_their_packages(tmp_path: Path) -> None:
    first = install(tmp_path / "1", {"b": f"{HERE}:CUBE"}, "lab-one", GROUP)
    second = install(tmp_path / "2", {"a": f"{HERE}:BALL"}, "lab-two", GROUP)
    with on_the_path(first, second):
        brought = load(GROUP, Toy)
    assert list(brought.found.items()) == [("ball", BALL), ("cube", CUBE)]
    assert brought.packages == {"ball": "lab-two", "cube": "lab-one"}
    assert brought.problems == ()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("no_such_module:BALL", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("json:BALL", "cannot be loaded: AttributeError: module 'json' has no attribute 'BALL'"),
        ("json:dumps", "cannot be used: json:dumps is of type function and no Toy"),
        ("broken:BALL", "cannot be loaded: SyntaxError: "),
        ("leaving:BALL", "cannot be loaded: SystemExit: 3"),
        ("failing:BALL", "cannot be loaded: ValueError: of several lines"),
        ("stopping:BALL", "cannot be loaded: Stop: at once"),
        (f"{HERE}:LISTED", "cannot be loaded: TypeError: "),
        (f"{HERE}:BALL_AGAIN", "cannot be used: the name 'ball' is taken already, by lab-one"),
    ],
)
def test_what_cannot_be_served_is_named_and_the_others_go_on(tmp_path: Path, value: str, found: str) -> None:
    good = install(tmp_path / "good", {"ball": f"{HERE}:BALL", "cube": f"{HERE}:CUBE"}, "lab-one", GROUP)
    bad = install(tmp_path / "bad", {"toy": value}, "toy-lab", GROUP)
    (bad / "broken.py").write_text("BALL = (\n")
    (bad / "leaving.py").write_text("raise SystemExit(3)\n")
    (bad / "stopping.py").write_text("class Stop(BaseException): ...\n\nraise Stop('at once')\n")
    (bad / "failing.py").write_text("raise ValueError('of\\nseveral  lines')\n")
    with on_the_path(good, bad):
        brought = load(GROUP, Toy)
    assert list(brought.found) == ["ball", "cube"]
    (problem,) = brought.problems
    assert problem.name == "toy"
    assert problem.error.thing == "toy toy of package toy-lab"
    assert problem.error.found.startswith(found)
    assert problem.error.action == "Correct or uninstall the package."


def test_what_the_platform_has_itself_is_not_replaced(tmp_path: Path) -> None:
    with on_the_path(install(tmp_path, {"ball": f"{HERE}:BALL", "cube": f"{HERE}:CUBE"}, group=GROUP)):
        brought = load(GROUP, Toy, frozenset({"ball"}))
    assert list(brought.found) == ["cube"]
    assert brought.problems[0].error.found == "cannot be used: the name 'ball' is taken already, by nh-platform"


def test_one_that_uses_several_names_takes_none_of_another(tmp_path: Path) -> None:
    one = install(tmp_path / "1", {"box": f"{HERE}:BOX"}, "lab-one", GROUP)
    two = install(tmp_path / "2", {"case": f"{HERE}:CASE"}, "lab-two", GROUP)
    with on_the_path(one, two):
        brought = load(GROUP, ToySet)
    assert list(brought.found) == ["box"]
    assert brought.problems[0].error.found == "cannot be used: the name 'lid' is taken already, by lab-one"


def test_each_is_loaded_once_in_a_process(tmp_path: Path) -> None:
    folder = install(tmp_path, {"counted": "counted_lab:TOY"}, group=GROUP)
    (folder / "counted_lab.py").write_text(f"from {HERE} import Toy\nTOY = Toy('counted')\n")
    with on_the_path(folder):
        assert load(GROUP, Toy).found["counted"] is load(GROUP, Toy).found["counted"]
