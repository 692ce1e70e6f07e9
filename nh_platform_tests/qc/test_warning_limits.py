"""A rule warns of between 2 and 10 % of the real insertions: a limit that never lights up tells nothing."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.calibrate_warnings import HIGHEST_SHARE, LOWEST_SHARE, Calibration, calibrations
from nh_platform.qc.rules.rulebook_model import DEFAULT_WARN_BELOW

pytestmark = pytest.mark.reference

ALIKE = {("allen-vc-default", "quality"), ("allen-vc-default", "inside_brain")}
"""Rules that every unit of the reference passes: nothing can be calibrated on it."""


def test_every_rule_warns_of_between_2_and_10_percent_of_real_insertions(reference_dir: Path) -> None:
    by_rule: dict[tuple[str, str], list[Calibration]] = {}
    for row in calibrations(reference_dir):
        by_rule.setdefault((row.rulebook, row.rule), []).append(row)
    assert len(by_rule) >= 20
    for rule, rows in by_rule.items():
        if rule in ALIKE:
            assert all(math.isnan(row.suggested) and row.limit == DEFAULT_WARN_BELOW for row in rows)
            continue
        # Rates of the two laboratories lie apart; a rule for both is calibrated on the one that has less.
        assert any(LOWEST_SHARE <= row.warned <= HIGHEST_SHARE for row in rows), (rule, rows)
        assert all(row.warned <= HIGHEST_SHARE for row in rows), (rule, rows)
