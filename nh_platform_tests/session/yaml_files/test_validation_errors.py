"""The first mistake of a file is said by file, line and key, with what was found and what is expected."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from nh_platform.qc.published.published_counts import PublishedRelease
from nh_platform.qc.reviews.review_model import Review
from nh_platform.qc.rules.bibliography import Reference
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session import ConfigError
from nh_platform.session.yaml_files.validation_errors import checked, is_credential
from nh_platform.session.yaml_files.yaml_file import parse_yaml
from nh_platform.sources.ibl import IblSettings
from nh_platform.windows.presets.preset_model import Preset


class Circle(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["circle"]
    radius: float = Field(gt=0)


class Square(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["square"]
    side: int


class Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    day: dt.date | None = None
    stated_by: str = Field(default="", alias="from")
    limit: bool | int | list[int] = False
    mode: Literal["thin", "thick"] = "thin"
    pages: tuple[int, int] | None = None
    tags: str | list[str] = ""
    place: Path | None = None
    shapes: list[Annotated[Circle | Square, Field(discriminator="kind")]] = []
    named: dict[str, Circle] = {}
    address: str = ""
    token: int = 0

    @field_validator("address")
    @classmethod
    def _is_secure(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError(f"{value!r} is no https address")
        return value


ALL = "Allowed here: address, day, from, limit, mode, named, pages, place, shapes, tags, title."

MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "empty": ("", "1", "it is empty, and keys and values are expected", "Begin with the title."),
    "list": ("- a", "1", "it is a list, and keys and values are expected", "Begin with the title."),
    "unknown key": ("title: t\nmod: thin", "2, mod", "unknown key 'mod'", f"{ALL} Did you mean mode, named?"),
    "misspelt": ("day: x\ntile: t", "2, tile", "unknown key 'tile'", f"{ALL} Did you mean title?"),
    "missing": ("day: 2024-01-01", "1, title", "'title' is missing", "Say what it is called."),
    "first from the top": ("title: t\nmode: x\nday: soon", "2, mode", "it is 'x', and it should be", ""),
    "date": ("title: t\nday: 2024-99-99", "2, day", "it is '2024-99-99', and a date is expected, for example", ""),
    "whole number": ("title: t\nlimit: x", "2, limit", "it is 'x', and true or false is expected, or a whole", ""),
    "within a list": ("title: t\nlimit:\n  - 1\n  - x", "4, limit.1", "it is 'x', and a whole number is expected", ""),
    "text of several": ("title: t\ntags:\n  - 5", "3, tags.0", "it is 5, and text is expected (in quotes", ""),
    "too few": ("title: t\npages: [1]", "2, pages", "it has too few values", "Correct this value."),
    "too many": ("title: t\npages: [1, 2, 3]", "2, pages", "it is a list, and it should have at most 2 items", ""),
    "no list": ("title: t\npages: 5", "2, pages", "it is 5, and a list is expected, for example [a, b]", ""),
    "path": ("title: t\nplace: [a]", "2, place", "it is a list, and the path of a folder or file is expected", ""),
    "kind": (
        "title: t\nshapes:\n- kind: disc",
        "3, shape 1, kind",
        "it is 'disc', and it should be one of 'circle', 'square'",
        "",
    ),
    "no kind": ("title: t\nshapes:\n- side: 1", "3, shape 1, kind", "'kind' is missing", "Add it."),
    "no shape": ("title: t\nshapes: [disc]", "2, shape 1", "it is text, and keys and values are expected", ""),
    "key of a kind": (
        "title: t\nshapes:\n- kind: circle\n  side: 1\n  radius: 1",
        "4, shape 1, side",
        "unknown key 'side'",
        "Allowed here: kind, radius.",
    ),
    "value of a kind": (
        "title: t\nshapes:\n- kind: circle\n  radius: -1",
        "4, shape 1, radius",
        "it is -1, and it should be greater than 0",
        "Correct this value.",
    ),
    "key by name": (
        "title: t\nnamed:\n  a:\n    {kind: circle, radios: 1}",
        "4, named.a.radios",
        "unknown key",
        "radius",
    ),
    "within an alias": (
        "title: t\nnamed:\n  a: &a {kind: circle, radius: 1}\n  b: *a\nshapes: [*a, {}]",
        "5, shape 2, kind",
        "'kind' is missing",
        "",
    ),
    "a validator of ours": ("title: t\naddress: ftp://x", "2, address", "'ftp://x' is no https address", ""),
    "an account": ("title: t\naddress: ftp://a:hunter2@x", "2, address", "'ftp://…@x' is no https address", ""),
    "a credential": ("title: t\ntoken: hunter2", "2, token", "it is text, and a whole number is expected", ""),
    "a long value": ("title: t\nday: " + "x" * 5_000, "2, day", "it is 'xxx", ""),
}


def about(location: tuple[str | int, ...]) -> tuple[str, tuple[str | int, ...]]:
    if len(location) > 1 and location[0] == "shapes":
        return f"shape {int(location[1]) + 1}", location[2:]
    return "", location


@pytest.mark.parametrize(("text", "where", "found", "action"), MISTAKES.values(), ids=MISTAKES)
def test_the_first_mistake_is_named(text: str, where: str, found: str, action: str) -> None:
    actions = {"": "Begin with the title.", "title": "Say what it is called."}
    with pytest.raises(ConfigError) as caught:
        checked(parse_yaml(text, "f.yaml"), Book, about, actions)
    assert caught.value.thing == f"f.yaml:{where}"
    assert caught.value.found.startswith(found)
    assert action in caught.value.action
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert caught.value.__cause__ is None


def test_a_file_without_mistake_is_what_it_says() -> None:
    text = "title: t\nday: 2024-01-31\nfrom: me\nshapes: [{kind: square, side: 2}]"
    book = checked(parse_yaml(text, "f.yaml"), Book, about)
    assert (book.day, book.stated_by, book.shapes) == (dt.date(2024, 1, 31), "me", [Square(kind="square", side=2)])
    assert checked(parse_yaml("a: {kind: circle, radius: 1}", "f.yaml"), dict[str, Circle])["a"].radius == 1


def test_keys_named_like_a_credential_are_told_from_others() -> None:
    assert all(map(is_credential, ("password", "apiKey", "secret-key", "aws_access_key_id", "userName", "s3_token")))
    assert not any(map(is_credential, ("tokenizer", "userland", "keys", "accession", "author")))


SHAPES = (
    Rulebook,
    Review,
    Reference,
    IblSettings,
    dict[str, PublishedRelease],
    list[Annotated[Preset, Field(discriminator="kind")]],
)
WORDS = sorted(
    {"continuous", "aligned", "ibl", "all", "2024-01-31", "units"}
    | {name for model in (Rulebook, Review, IblSettings, PublishedRelease) for name in model.model_fields}
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=20,
)


def refusal(text: str, shape: Any) -> ConfigError | None:
    try:
        checked(parse_yaml(text, "f.yaml"), shape)
    except ConfigError as error:
        return error
    return None


@given(DATA, st.sampled_from(SHAPES))
def test_any_content_is_what_it_should_be_or_refused_with_its_line(data: Any, shape: Any) -> None:
    error = refusal(yaml.safe_dump(data), shape)
    if error is not None:
        assert re.match(r"f\.yaml:[1-9]\d*", error.thing)
        assert error.found
        assert error.action
        assert "pydantic" not in str(error)
