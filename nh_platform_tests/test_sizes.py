"""A folder and a module stay as large as a reader takes in at once; what is larger today is named here.

Contains the limits and today's exceptions. A module that grows beyond the limit is cut by its ideas, and the modules of
one idea in a full folder get a folder of their own. Add here what else keeps the package easy to read through.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import nh_platform

PACKAGE = Path(nh_platform.__file__).parent
MOST_FILES = 15
"""Modules, or scripts of a page, side by side in a folder; `__init__` does not count."""
MOST_LINES = 300
KINDS = ("*.py", "*.js")
LARGER = {
    "cli/releases.py",
    "exports/stimulus/compare/comparison.py",
    "session/recording.py",
    "sources/allen/behavior/source.py",
    "sources/allen/coding/source.py",
    "sources/allen/nwb/stimulus_presentations.py",
    "sources/ibl/session/sorting.py",
    "sources/ibl/session/verified_files.py",
    "sources/ibl/source.py",
    "sources/nwb/nwb_file.py",
    "sources/own/phy/source.py",
    "store/layout.py",
}
"""Modules that are longer today. One that is cut leaves the list, and none joins it without a reason."""


def files_by_folder(package: Path) -> dict[str, int]:
    """Return the number of modules, or of scripts, side by side in each folder that holds more than the limit."""
    found = Counter(
        f"{path.parent.relative_to(package).as_posix()}/{kind}"
        for kind in KINDS
        for path in package.rglob(kind)
        if path.name != "__init__.py"
    )
    return {folder: n for folder, n in found.items() if n > MOST_FILES}


def lines_by_module(package: Path) -> dict[str, int]:
    """Return the number of lines of each module and script that has more than the limit."""
    found = {
        path.relative_to(package).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for kind in KINDS
        for path in package.rglob(kind)
    }
    return {module: n for module, n in found.items() if n > MOST_LINES}


def test_no_folder_holds_more_than_a_reader_takes_in() -> None:
    assert files_by_folder(PACKAGE) == {}, f"at most {MOST_FILES} side by side: put those of one idea into a folder"


def test_no_module_is_longer_than_a_reader_takes_in() -> None:
    longer = {module: n for module, n in lines_by_module(PACKAGE).items() if module not in LARGER}
    assert longer == {}, f"at most {MOST_LINES} lines: cut each by its ideas"


def test_a_module_that_was_cut_is_no_exception_any_more() -> None:
    assert LARGER - set(lines_by_module(PACKAGE)) == set(), "take these out of LARGER"


@pytest.mark.parametrize(("kind", "name"), [("py", "module"), ("js", "script")])
def test_one_file_or_one_line_too_many_is_found(tmp_path: Path, kind: str, name: str) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "__init__.py").touch()
    for number in range(MOST_FILES):
        (room / f"{name}{number}.{kind}").write_text("1\n" * MOST_LINES)
    assert (files_by_folder(tmp_path), lines_by_module(tmp_path)) == ({}, {})
    (room / f"more.{kind}").write_text("1\n" * (MOST_LINES + 1))
    assert files_by_folder(tmp_path) == {f"room/*.{kind}": MOST_FILES + 1}
    assert lines_by_module(tmp_path) == {f"room/more.{kind}": MOST_LINES + 1}
