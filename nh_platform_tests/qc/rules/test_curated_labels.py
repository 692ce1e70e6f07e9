"""A rulebook may name a label of another curator; it decides by that rule alone, and a session may lack it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.rulebook import parse_rulebook
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.rulebook_pages import rulebook_page
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.session import ConfigError

TEXT = """\
id: with-labels
title: With labels
version: "1"
sources: [ibl]
label: all
why: Labels of a curator beside metrics.
rules:
  - id: not_noise
    metric: curated.bombcell.bc_unitType
    comparison: "in"
    threshold: [GOOD, MUA]
    unit: "-"
    nan: ignore
    severity: warn
    why: bombcell judges the waveform.
    since: "1"
  - id: sure
    metric: curated.unitrefine.probability
    comparison: ">="
    threshold: 0.8
    unit: "1"
    nan: fail
    severity: warn
    why: The model is sure.
    since: "1"
  - id: not_removed
    metric: curated.anna.removed
    comparison: "=="
    threshold: false
    unit: "-"
    nan: pass
    severity: warn
    why: Nobody removed it.
    since: "1"
"""


def _book(text: str = TEXT) -> Rulebook:
    return parse_rulebook(text, "mine.yaml")


def _units() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit_id": list("abcd"),
            "review": "none",
            "curated.bombcell.bc_unitType": ["GOOD", "NOISE", None, "MUA"],
            "curated.unitrefine.probability": [0.9, 0.9, 0.9, np.nan],
            "curated.anna.removed": [0.0, np.nan, 1.0, 0.0],
        }
    )


def test_words_numbers_and_flags_are_compared_and_what_is_not_labelled_follows_the_nan_policy() -> None:
    verdicts = apply_rulebook(_units(), _book())
    np.testing.assert_array_equal(
        verdicts.passed,
        [[True, True, True], [False, True, True], [True, True, False], [True, False, True]],
    )
    assert verdicts.counted[2].tolist() == [False, True, True]
    assert verdicts.good.tolist() == [True, False, False, False]
    reasons = verdicts.reasons()
    assert reasons[1] == "bombcell.bc_unitType NOISE not in (GOOD, MUA)"
    assert reasons[3] == "unitrefine.probability not available (NaN) counts as fail"
    assert reasons[2].startswith("anna.removed 1")


def test_a_session_that_nobody_labelled_follows_the_nan_policy_and_is_no_error() -> None:
    units = pd.DataFrame({"unit_id": ["a"], "review": ["none"]})
    verdicts = apply_rulebook(units, _book())
    assert verdicts.missing.all()
    assert not verdicts.good[0]
    with pytest.raises(ConfigError, match="no column for curated"):
        apply_rulebook(pd.DataFrame({"unit_id": ["a"]}), _book())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("curated.unitrefine.probability", "curated.unitrefine", "unknown metric"),
        ("curated.unitrefine.probability", "curated.Unit Refine.p", "unknown metric"),
        ('unit: "1"', "unit: Hz", "unit of measure 'Hz'"),
        ('unit: "1"', 'unit: "1"\n    use: recomputed', "neither released nor recomputed"),
        ("rules:\n", "columns:\n  curated.anna.removed: [{column: x}]\nrules:\n", "a column of units already"),
    ],
)
def test_a_rule_that_cannot_be_about_a_label_is_refused(before: str, after: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _book(TEXT.replace(before, after))


def test_its_page_names_the_label() -> None:
    assert "curated.bombcell.bc_unitType" in rulebook_page(_book())
