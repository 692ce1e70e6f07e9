"""The histogram of a rule: axes, the threshold's number, and what fails told apart by more than colour."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.rule_summary import RuleSummary, rule_summary
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.reports.rule_histogram import rule_histogram

BOOK = load_rulebook("ibl-2022-10")


def summary(rule: str, values: np.ndarray, unit: float = 1.0) -> RuleSummary:
    units = pd.DataFrame({f"released.{rule}": values * unit, "review": "none"})
    return next(one for one in rule_summary(apply_rulebook(units, BOOK, missing="nan")) if one.rule == rule)


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_it_states_quantity_unit_axis_and_threshold() -> None:
    svg = rule_histogram(BOOK.rule("amp_median"), summary("amp_median", np.linspace(10, 200, 50), 1e-6))
    assert svg is not None
    words = texts(svg)
    assert {"threshold 50 µV", "units"} <= set(words)
    assert any(word.endswith("[µV]") for word in words)
    assert "100" in words
    heights = [float(h) for h in re.findall(r'height="([\d.]+)" fill="(?:#0072b2|url)', svg)]
    assert len(heights) == 20
    assert 'fill="url(#fails)"' in svg


def test_a_threshold_far_from_all_values_stays_at_the_edge_and_is_said() -> None:
    svg = rule_histogram(BOOK.rule("noise_cutoff"), summary("noise_cutoff", np.linspace(1e5, 1.1e5, 9)))
    assert svg is not None
    assert "threshold 5, far below" in texts(svg)


@pytest.mark.parametrize("values", [np.full(3, np.nan), np.array([])])
def test_nothing_is_drawn_without_values(values: np.ndarray) -> None:
    assert rule_histogram(BOOK.rule("noise_cutoff"), summary("noise_cutoff", values)) is None


def test_one_value_alone_is_drawn() -> None:
    svg = rule_histogram(BOOK.rule("noise_cutoff"), summary("noise_cutoff", np.array([5.0])))
    assert svg is not None
    assert "threshold 5" in texts(svg)
