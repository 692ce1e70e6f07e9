"""The file that docs/review.md shows has an entry of every kind, and is read."""

from __future__ import annotations

import re
from pathlib import Path

from nh_platform.qc.reviews.review_files import parse_reviews
from nh_platform.qc.reviews.review_model import Review
from nh_platform.qc.reviews.threads import answers_to_nothing, threads

PAGE = Path(__file__).resolve().parents[3] / "docs" / "review.md"


def test_the_file_of_the_page_is_read_and_shows_every_kind_and_key() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = parse_reviews(text, "review.md", "ibl", "4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b")
    kinds = {about.kind for review in found.reviews for about in review.about}
    assert kinds == {"unit", "interval", "unit interval", "session"}
    assert {review.decision for review in found.reviews} == {"pass", "fail", "withdrawn", None} - {"pass"}
    assert [thread.state for thread in threads(found)] == ["closed"]
    assert answers_to_nothing(found) == []
    stated = {key for review in found.reviews for key in review.model_fields_set}
    assert stated == set(Review.model_fields) - {"units"}
