"""The evidence that a decision keeps: values and verdicts as they are stored, and nothing that YAML cannot hold."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.qc.reviews.evidence_snapshot import shown_evidence
from nh_platform.qc.reviews.review_files import parse_reviews
from nh_platform.qc.reviews.review_model import Shown
from nh_platform.qc.reviews.review_text import file_with, stated_keys
from nh_platform.qc.rules.rulebook import load_rulebook


def test_values_are_in_the_rules_unit_and_verdicts_those_of_the_table() -> None:
    book = load_rulebook("ibl-2022-10")
    units = pd.DataFrame(
        {
            "unit_id": ["a", "b"],
            "released.max_confidence": [99.123456789, np.nan],
            "released.noise_cutoff": [np.inf, 1.0],
            "released.amp_median": [80e-6, 40e-6],
            f"rule.{book.id}.amp_median": [False, False],  # as stored, whatever the rule says now
        }
    )
    shown = shown_evidence(units, book, units_version="0a1b", page="3")
    assert (shown["units"], shown["rulebook"], shown["digest"], shown["page"]) == ("0a1b", book.id, book.digest, "3")
    first, second = shown["rules"]["a"], shown["rules"]["b"]
    assert first["max_confidence"] == (99.1235, "pass")
    assert second["max_confidence"] == (None, "fail")
    assert first["noise_cutoff"] == ("inf", "fail")
    assert first["amp_median"] == (80.0, "fail")
    assert "page" not in shown_evidence(units, book)
    entry = {"unit": "a", "decision": "fail", "reason": "x", "reviewer": "ada", "date": "2026-01-01", "shown": shown}
    (read,) = parse_reviews(file_with(None, "ibl", "s1", [stated_keys(entry)]), "f", "ibl", "s1").reviews
    assert read.shown == Shown.model_validate(shown)


def test_texts_of_upstream_stay_texts() -> None:
    book = load_rulebook("allen-vc-default")
    rule = next(one for one in book.rules if isinstance(one.threshold, str))
    units = pd.DataFrame({"unit_id": ["1"], "released.quality": ["good"]})
    assert shown_evidence(units, book)["rules"]["1"][rule.id] == ("good", "pass")
