"""A tool that saves reviews refuses what could not be read back, and leaves the file as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.qc.reviews.review_files import read_reviews, review_path
from nh_platform.qc.reviews.review_saving import add_review, save_reviews
from nh_platform.session import ConfigError

GOOD = {"unit": "probe00/1", "decision": "fail", "reason": "a: 'b'\n#c", "reviewer": "ada", "date": "2026-03-01"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return review_path(tmp_path, "ibl", "s1")


def test_the_first_review_makes_the_file_and_the_second_leaves_it_as_it_was(path: Path) -> None:
    add_review(path, GOOD)
    path.write_text(path.read_text().replace("reviews:", "# seen in the meeting\nreviews:"))
    first = path.read_text()
    said = add_review(path, {**GOOD, "reviewer": "bea", "interval": None, "evidence": ("a.png",)})
    assert path.read_text().startswith(first)
    assert [one.reviewer for one in said.reviews] == ["ada", "bea"]
    assert said == read_reviews(path)
    assert said.reviews[0].reason == "a: 'b'\n#c"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"decision": "perhaps"}, "decision"),
        ({"date": "1 March"}, "date"),
        ({"interval": (9.0, 2.0), "unit": None}, "interval 9.0 to 2.0"),
        ({"unit": None}, "it is about nothing"),
        ({}, "decided probe00/1 on 2026-03-01 already"),
    ],
)
def test_what_cannot_be_read_back_is_refused_and_nothing_is_written(
    path: Path, wrong: dict[str, object], said: str
) -> None:
    add_review(path, GOOD)
    before = path.read_bytes()
    with pytest.raises(ConfigError) as refused:
        add_review(path, {**GOOD, **wrong})
    assert said in str(refused.value)
    assert "ibl/s1.yaml:5" in refused.value.thing
    assert path.read_bytes() == before


def test_no_review_is_added_to_a_file_with_a_mistake_or_behind_something_else(path: Path) -> None:
    path.parent.mkdir()
    for text in ("source: ibl\n", "reviews: []\nsource: ibl\nsession: s1\n"):
        path.write_text(text)
        with pytest.raises(ConfigError):
            add_review(path, GOOD)
        assert path.read_text() == text
    with pytest.raises(ConfigError):
        save_reviews(path, "reviews: [")
    assert path.read_text() == text
