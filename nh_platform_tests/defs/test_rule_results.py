"""What the check of a rule shows: every number with its unit of measure, units in words, links and the histogram."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from nh_platform.defs.rules.rule_results import SessionPlace, rule_result, threshold_metadata
from nh_platform.qc.rules.rule_summary import rule_summary
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import Threshold
from nh_platform.qc.rules.verdicts import apply_rulebook

BOOK = load_rulebook("ibl-2022-10")


@pytest.mark.parametrize(
    ("rulebook", "rule", "shown"),
    [
        ("ibl-2022-10", "amp_median", {"threshold [µV]": 50.0}),
        ("ibl-2022-10", "max_confidence", {"threshold [%]": 90.0}),
        ("ibl-2022-10", "noise_cutoff", {"threshold": 5.0}),
        ("allen-vc-default", "quality", {"threshold": "good"}),
        ("allen-vc-default", "inside_brain", {"threshold": "yes"}),
    ],
)
def test_a_threshold_is_a_number_of_its_own_with_its_unit(rulebook: str, rule: str, shown: dict[str, object]) -> None:
    found = threshold_metadata(load_rulebook(rulebook).rule(rule))
    assert found == shown
    assert [type(value) for value in found.values()] == [type(value) for value in shown.values()]


@pytest.mark.parametrize(
    ("threshold", "shown"),
    [
        ([0, 1], {"threshold 1 [%]": 0.0, "threshold 2 [%]": 1.0}),
        (["a", True], {"threshold 1": "a", "threshold 2": "yes"}),
    ],
)
def test_every_one_of_several_has_its_own_entry(threshold: Threshold, shown: dict[str, object]) -> None:
    rule = BOOK.rule("max_confidence").model_copy(update={"comparison": "in", "threshold": threshold})
    assert threshold_metadata(rule) == shown


def test_a_result_shows_threshold_and_counts_and_says_where_the_column_is_absent(tmp_path: Path) -> None:
    units = pd.DataFrame(
        {
            "unit_id": ["a", "b/1"],
            "probe": ["probe00", "probe|<b>"],
            "cluster_id": [0, 7],
            "beryl": ["VISp", None],
            "acronym": ["VISp5", None],
            "released.noise_cutoff": [1.0, 9.0],
            "review": ["none", "none"],
        }
    )
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/noise_cutoff.svg").write_text("<svg/>")
    verdicts = apply_rulebook(units, BOOK, missing="nan")
    by_rule = {one.rule: one for one in rule_summary(verdicts, ["a", "b/1"])}
    cutoff, confidence = (
        rule_result(BOOK, BOOK.rule(name), by_rule[name], units, SessionPlace("ibl", "4b7f", tmp_path))
        for name in ("noise_cutoff", "max_confidence")
    )
    assert cutoff.metadata["threshold"].value == 5.0
    assert cutoff.metadata["passing"].value == 1
    assert cutoff.description == "1 of 2 units pass noise_cutoff < 5"
    assert not confidence.passed
    assert confidence.severity is dg.AssetCheckSeverity.WARN
    assert confidence.description is not None
    assert "no column of these units holds max_confidence" in confidence.description
    assert cutoff.metadata["session report"].value == "/nh/report/ibl/4b7f"
    assert cutoff.metadata["distribution"].value == "/nh/figure/ibl/4b7f/noise_cutoff.svg"
    assert cutoff.metadata["distribution as a file"].value == str(tmp_path / "rules/noise_cutoff.svg")
    (record,) = cutoff.metadata["furthest from the threshold"].records
    assert record.data == {
        "probe": "probe|<b>", "cluster": 7, "region": "unlocated", "value": 9.0, "unit": "b/1",
    }  # fmt: skip
    card = r"- [b/1](/nh/report/ibl/4b7f#unit=b%2F1), probe\|\<b\> cluster 7"
    assert cutoff.metadata["cards of these units"].value == card
    assert "distribution" not in confidence.metadata
    assert confidence.metadata["furthest from the threshold"].value == "none"
