"""What docstrings, comments and pages name exists: modules, attributes, files and pages."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import nh_platform

ROOT = Path(nh_platform.__file__).parents[1]
ROOMS = sorted(path.name for path in (ROOT / "nh_platform").iterdir() if (path / "__init__.py").exists())
FOLDERS = ("nh_platform", "nh_platform_tests", "benchmarks", "docs")
FILES = [
    ROOT / "README.md",
    *(path for folder in FOLDERS for kind in ("py", "md") for path in sorted((ROOT / folder).rglob(f"*.{kind}"))),
]

DOTTED = re.compile(r"`(nh_platform(?:\.\w+)+)(?:\(\))?`")
PAGE = re.compile(r"\bdocs/[\w./-]+\.md\b")
SHORTENED = re.compile(rf"`((?:{'|'.join(ROOMS)})\.\w+(?:\.\w+)*)`")
"""A module or function named from its room on; a session's attribute is written so as well."""


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one, or a field of a class."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        module = ".".join(parts[:n])
        try:
            found = importlib.import_module(module)
        except ImportError as error:
            if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
                continue  # there is no such module; else it, or a folder above, needs an extra that is not installed
            file = ROOT.joinpath(*parts[:n]).with_suffix(".py")
            if not file.exists():
                continue
            return set(parts[n : n + 1]) <= written(file)
        for part in parts[n:]:
            fields = getattr(found, "__annotations__", {})
            if not hasattr(found, part) and part not in fields:
                return False
            found = getattr(found, part, None)
        return True
    return False


def written(file: Path) -> set[str]:
    """Return the classes and functions of a module's file, which is not imported."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def named(pattern: re.Pattern[str]) -> dict[str, set[str]]:
    """Return what matches in all texts, each with the files that name it."""
    found: dict[str, set[str]] = {}
    for path in FILES:
        for match in pattern.finditer(path.read_text(encoding="utf-8")):
            found.setdefault(match[match.re.groups and 1], set()).add(str(path.relative_to(ROOT)))
    return found


def test_every_module_and_attribute_that_is_named_exists() -> None:
    names = named(DOTTED)
    assert len(names) > 50
    assert {name: where for name, where in names.items() if not resolves(name)} == {}


def test_every_page_that_is_named_exists() -> None:
    pages = named(PAGE)
    assert len(pages) > 10
    assert {page: where for page, where in pages.items() if not (ROOT / page).is_file()} == {}


def test_what_is_named_from_its_room_on_exists() -> None:
    names = {name: where for name, where in named(SHORTENED).items() if not name.startswith("session.")}
    modules = {name: where for name, where in names.items() if not name.endswith((".yaml", ".csv"))}
    assert {name: where for name, where in modules.items() if not resolves(f"nh_platform.{name}")} == {}


def test_every_page_opens_the_home_and_not_its_store_folder() -> None:
    opened = named(re.compile(r"open_store\((.*?)[,)]"))
    assert len(opened) > 5
    folders = {given: where for given, where in opened.items() if re.search(r"""store["']?$""", given)}
    assert {given: where for given, where in folders.items() if any(one.endswith(".md") for one in where)} == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nh_platform.session.columns", True),
        ("nh_platform.session.columns.Column.name", True),
        ("nh_platform.session.column", False),
        ("nh_platform.assets.record.SessionAsset.lost", False),
        ("nh_platform.load.torch_adapters", True),
        ("nh_platform.load.torch_adapters.collate", True),
        ("nh_platform.load.torch_adapters.collated", False),
    ],
)
def test_names_are_told_apart(name: str, expected: bool) -> None:
    assert resolves(name) is expected
