"""A metric that a lab's package brings is computed, judged and shown as the platform's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nh_platform.qc.metrics import METRICS, MetricDefinition, MetricGroup, compute_metrics, definition, known_metrics
from nh_platform.qc.metrics.definitions.lookup import installed_metrics
from nh_platform.qc.metrics.metric_group import ENTRY_POINTS
from nh_platform.qc.metrics.unit_blocks import Flags, Floats, UnitBlock
from nh_platform.qc.rules.quantities import quantity
from nh_platform.qc.rules.rulebook import load_rulebook, parse_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.qc.unit_columns import column_meanings, metric_ids
from nh_platform.session import ConfigError
from nh_platform.sources.registry import source_entry
from nh_platform_tests.lab_packages import install, on_the_path
from nh_platform_tests.qc.metrics.trains import group, units_of

HERE = __name__
PAUSE = "toylab.longest_pause@1"
RULEBOOK = f"""\
id: toy
title: A rulebook
version: "1"
sources: [ibl]
why: Because.
use: recomputed
rules:
  - {{id: pause, metric: {PAUSE}, comparison: "<", threshold: 5, unit: s, nan: fail, severity: warn, why: W,
     since: "1"}}
"""


def longest_pauses(block: UnitBlock, marked: Flags, values: Floats) -> None:
    for unit in np.flatnonzero(marked & (block.counts > 1)):
        values[unit, 0] = np.diff(block.times[block.offsets[unit] : block.offsets[unit + 1]]).max()


LONGEST_PAUSE = MetricGroup(
    (
        MetricDefinition(
            PAUSE, "Longest inter-spike interval.", "max(I)", "s", ("times",), "NaN for fewer than two spikes.", "here"
        ),
    ),
    longest_pauses,
)
TAKEN = MetricGroup((METRICS["ibl.drift@2022-10"],), longest_pauses)


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[None]:
    points = {"pause": f"{HERE}:LONGEST_PAUSE", "drift": f"{HERE}:TAKEN", "broken": f"{HERE}:no_such_metric"}
    with on_the_path(install(tmp_path, points, group=ENTRY_POINTS)):
        yield


def test_it_is_computed_beside_the_others_and_has_notes_of_its_needs(installed: None) -> None:
    spikes = group([[3.0, 0.0, 1.0], [5.0], [0.0, np.nan]])
    table, notes = compute_metrics(spikes, units_of(spikes), [PAUSE, "ibl.spike_count@2022-10"])
    assert table[PAUSE].tolist() == pytest.approx([2.0, np.nan, np.nan], nan_ok=True)
    assert table["ibl.spike_count@2022-10"].tolist() == [3, 1, 2]
    assert any("not in order" in note.text for note in notes)
    assert any("metrics from times are NaN" in note.text for note in notes)


def test_units_hold_it_with_its_unit_and_meaning(installed: None) -> None:
    books = [load_rulebook("ibl-2022-10")]
    assert metric_ids(books)[-1] == PAUSE
    assert column_meanings(source_entry("ibl"))(PAUSE) == ("s", "Longest inter-spike interval.")
    assert list(known_metrics()) == [*METRICS, PAUSE]
    assert [problem.name for problem in installed_metrics().problems] == ["broken", "drift"]


def test_a_rulebook_may_name_it(installed: None) -> None:
    book = parse_rulebook(RULEBOOK, "toy.yaml")
    assert quantity(PAUSE).unit == "s"
    spikes = group([[0.0, 1.0, 3.0], [0.0, 9.0]])
    table, _ = compute_metrics(spikes, units_of(spikes), [PAUSE])
    assert apply_rulebook(table, book).good.tolist() == [True, False]


def test_without_the_package_it_is_as_unknown_as_any_other() -> None:
    with pytest.raises(ConfigError, match="no such definition"):
        definition(PAUSE)
    with pytest.raises(ConfigError, match=r"unknown metric 'toylab\.longest_pause@1'"):
        parse_rulebook(RULEBOOK, "toy.yaml")
