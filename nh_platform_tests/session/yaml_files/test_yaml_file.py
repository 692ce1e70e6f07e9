"""YAML files are read as plain data with the line of every value; whatever else they hold is refused at once."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nh_platform.home.settings import load_settings
from nh_platform.qc.published.published_counts import parse_published
from nh_platform.qc.reviews.review_files import read_reviews
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.session import ConfigError
from nh_platform.session.yaml_files import yaml_file as reader
from nh_platform.session.yaml_files.yaml_file import (
    DEEPEST,
    LONGEST_FILE_MB,
    MOST_REPEATED,
    YamlFile,
    parse_yaml,
    read_optional,
    read_text,
)
from nh_platform.windows.presets.preset_files import load_preset

AT_ONCE_S = 5.0
"""Each is refused within a second; a busy machine is given more."""

KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "rulebook": ("mine.yaml", load_rulebook),
    "review": ("ibl/s1.yaml", read_reviews),
    "sources.yaml": ("sources.yaml", lambda path: load_settings(path.parent)),
    "window preset": ("preset.yaml", load_preset),
    "published counts": ("published.yaml", lambda path: parse_published(read_text(path), path.name, frozenset())),
}

ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)

BOMBS: dict[str, tuple[str, int, str]] = {
    "aliases of aliases": (ALIASES, 4, "aliases (*) repeat more than 10,000 values"),
    "a long text repeated": (f"a: &a {'x' * 900_000}\nb: [{'*a, ' * 2}]", 2, "aliases (*) repeat more than"),
    "an alias within itself": ("a: &a [*a]", 1, "an alias (*) stands for nothing above it"),
    "nested lists": ("a: " + "[" * 5_000, 1, "more than 32 lists and mappings lie within each other"),
    "nested mappings": ("{a: " * 100_000, 1, "more than 32 lists and mappings"),
    "nested items": ("- " * 100_000, 1, "more than 32 lists and mappings"),
    "nested keys": ("? " * 100_000, 1, "stands for a key"),
    "a number of 5,000 digits": ("a: b\nc: " + "9" * 5_000, 2, "a number of 5,000 characters"),
    "a hexadecimal number": ("a: 0x" + "f" * 5_000, 1, "a number of 5,002 characters"),
    "a number in base 60": ("a: 1" + ":59" * 5_000, 1, "a number of 15,001 characters"),
    "a number of 30 digits": ("a: " + "9" * 30, 1, "does not fit into 64 bits"),
    "a number without digits": ("a: 0x_", 1, "0x_ is no number"),
    "a number as a key": ("a: b\n5: c", 2, "the key 5 is not text"),
    "a list as a key": ("? [a]\n: b", 1, "stands for a key"),
    "a key twice": ("a: 1\nb: 2\na: 3", 3, "the key 'a' stands twice"),
    "a tag": ("a: !!python/object/apply:os.system [exit]", 1, "a tag (!) is not allowed"),
    "a date with a tag": ("a: !!timestamp 2024-99-99", 1, "a tag (!) is not allowed"),
    "a version of 5,000 digits": (f"%YAML {'9' * 5_000}.1\n---\na: 1", 1, "not valid YAML"),
    "half a character": ('a: "\\ud800"', 1, ""),
    "a character beyond all": ('a: "\\UFFFFFFFF"', 1, "not valid YAML"),
    "an escaped NUL": ('a: b\nc: "\\0"', 2, "stands for a control character"),
    "NUL": ("a: b\nc: \0", 2, "not text: character U+0000 is not allowed"),
    "a control character": ("a: b\nc: \x1b[31m", 2, "not text: character U+001B is not allowed"),
    "a tab": ("a:\n\tb: 1", 2, "not valid YAML: the line is indented by a tab"),
    "two documents": ("a: 1\n---\nb: 1", 2, "a second document begins"),
    "a quote that is not closed": ("a: 'x\nb: 1\n", 3, "not valid YAML: found unexpected end of stream"),
}

DATES = "a: 2024-99-99\nb: 2024-13-01T99:99:99Z\nc: 12:99:99"


def refused(read: Callable[[], object]) -> ConfigError:
    """Return the error with which something is refused, which must be at once."""
    start = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        read()
    assert time.perf_counter() - start < AT_ONCE_S
    assert len(str(caught.value)) < 1_000
    return caught.value


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_in_any_file_is_refused_at_once_with_file_and_line(kind: str, bomb: str, tmp_path: Path) -> None:
    (name, load), (text, line, words) = KINDS[kind], BOMBS[bomb]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    error = refused(lambda: load(path))
    assert error.thing.endswith(f"{name}:{line}")
    assert words in error.found
    assert error.action


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"a: b\nc: \xff\xfe", ":2", "byte 9 is no UTF-8 text"),
        ("a: ü".encode("utf-16"), ":1", "byte 1 is no UTF-8 text"),
        (b"# x\n" * 1_250_000, ":1000001", "it is longer than 4 MB"),
        (None, "", "it cannot be read: it is no file"),
        (DATES.encode(), ":1", ""),
    ],
    ids=["no text", "UTF-16", "too long", "folder", "impossible dates"],
)
def test_a_file_that_cannot_be_one_is_refused_by_name(
    kind: str, content: bytes | None, line: str, words: str, tmp_path: Path
) -> None:
    name, load = KINDS[kind]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.mkdir() if content is None else path.write_bytes(content)
    error = refused(lambda: load(path))
    assert re.search(rf"{re.escape(name)}{line}(?!\d)", error.thing)
    assert words in error.found


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mine.yaml")
    assert "it is no file" in refused(lambda: read_text(tmp_path / "mine.yaml")).found


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("a: 1", encoding="utf-8")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    error = refused(lambda: read_text(path, "ibl/s1.yaml"))
    assert (error.thing, error.found) == ("ibl/s1.yaml", "it cannot be read: Permission denied")


def test_a_file_that_is_not_there_is_named_or_optional(tmp_path: Path) -> None:
    assert read_optional(tmp_path / "absent.yaml") is None
    assert "there is no such file" in refused(lambda: read_text(tmp_path / "absent.yaml")).found
    assert "Not a directory" in refused(lambda: read_optional(Path(__file__) / "absent.yaml")).found


def test_a_file_of_the_greatest_length_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"#" * (LONGEST_FILE_MB * 1_000_000))
    assert parse_yaml(read_text(path), "mine.yaml").data is None


@pytest.mark.parametrize("bomb", BOMBS)
def test_without_the_parser_in_c_the_same_is_refused(bomb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, line, _ = BOMBS[bomb]
    monkeypatch.setattr(reader, "_PARSER", yaml.SafeLoader)
    assert refused(lambda: parse_yaml(text, "f.yaml")).thing == f"f.yaml:{line}"


def test_aliases_stand_for_what_is_above_them() -> None:
    items = ", ".join(["*a"] * (MOST_REPEATED // 3 - 1))  # each repeats three values
    content = parse_yaml(f"a: &a {{b: 1, c: no}}\nd:\n  e: *a\nf: [{items}]", "f.yaml")
    assert content.data["d"] == {"e": {"b": 1, "c": False}}
    assert content.data["f"][-1] == {"b": 1, "c": False}
    assert content.line(("d", "e", "b")) == 3
    refused(lambda: parse_yaml(f"a: &a {{b: 1, c: no}}\nf: [{items}, *a, *a]", "f.yaml"))


def test_neither_an_alias_nor_a_tag_shows_what_may_be_a_password() -> None:
    for text in (
        "password: *hunter2",
        "password: !hunter2",
        "password: &hunter2 !x y",
        "*hunter2 : a",
        "a: !hunter2! b",
    ):
        assert "hunter2" not in str(refused(lambda text=text: parse_yaml(text, "f.yaml")))


def test_every_value_has_its_line_and_dates_stay_text() -> None:
    text = "\ufeff# c\na:\n  - 1\n  - b: 2024-02-30\n    c:\n      [yes,\n       1:30]\nd: =\n<<: 12:61\n"
    content = parse_yaml(text, "f.yaml")
    assert content.data == {"a": [1, {"b": "2024-02-30", "c": [True, 90]}], "d": "=", "<<": "12:61"}
    places: list[tuple[str | int, ...]] = [("a",), ("a", 0), ("a", 1, "b"), ("a", 1, "c"), ("a", 1, "c", 1), ("d",)]
    assert [content.line(place) for place in places] == [2, 3, 4, 5, 7, 8]
    assert content.line(("a", 1, "absent")) == 4
    assert content.at(("a", 1, "b")) == "2024-02-30"
    assert content.at(("a", 7, "b"), "absent") == "absent"


def test_what_deepest_allows_is_read() -> None:
    assert parse_yaml("[" * DEEPEST + "]" * DEEPEST, "f.yaml").data is not None
    refused(lambda: parse_yaml("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "f.yaml"))


@pytest.mark.parametrize("text", ["", "# nothing", "---", "---\n...", "\n\n"])
def test_a_file_without_content_holds_nothing(text: str) -> None:
    assert parse_yaml(text, "f.yaml").data is None


def read(text: str) -> YamlFile | ConfigError:
    try:
        return parse_yaml(text, "f.yaml")
    except ConfigError as error:
        return error


def is_plain(data: Any) -> bool:
    if isinstance(data, dict):
        return all(isinstance(key, str) and is_plain(value) for key, value in data.items())
    return all(map(is_plain, data)) if isinstance(data, list) else data is None or isinstance(data, str | int | float)


@given(
    st.text() | st.text("ab01:,[]{}-&*!?|>'\"%@`#~\\._ex \n\t\r"), st.sampled_from((reader._PARSER, yaml.SafeLoader))
)
def test_any_text_is_plain_data_or_refused_with_its_line(text: str, parser: type) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_PARSER", parser)
        outcome = read(text)
    if isinstance(outcome, ConfigError):
        assert re.fullmatch(r"f\.yaml:[1-9]\d*", outcome.thing)
        assert len(str(outcome)) < 1_000
    else:
        assert is_plain(outcome.data)
        assert all(1 <= line <= len(text) + 1 for line in outcome.lines.values())


PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | PRINTABLE,
    lambda inner: st.lists(inner) | st.dictionaries(PRINTABLE, inner),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine draws slowly
@given(PLAIN)
def test_plain_data_are_read_as_pyyaml_writes_them(data: Any) -> None:
    assert parse_yaml(yaml.safe_dump(data), "f.yaml").data == data
