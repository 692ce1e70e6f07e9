"""Released and recomputed metrics side by side: what counts as agreement, and what a difference says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.operations.rule_validation import simulated_units
from nh_platform.qc.metrics import METRICS
from nh_platform.qc.released_agreement import released_agreement
from nh_platform.sources.registry import source_entry, sources

IBL = source_entry("ibl").counterparts


def table(released: list[float], recomputed: list[float], n_spikes: list[int] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit_id": [f"u{row}" for row in range(len(released))],
            "n_spikes": n_spikes or [100] * len(released),
            "released.firing_rate": released,
            "ibl.firing_rate@2022-10": recomputed,
        }
    )


@pytest.mark.parametrize("source", ["ibl", "allen_vc", "allen_vbn"])
def test_the_second_implementation_of_the_simulation_agrees_in_every_unit(source) -> None:
    counterparts = source_entry(source).counterparts
    ids = [counterpart.definition for counterpart in counterparts]
    units, _ = simulated_units(source, ids, seed=7, size="tiny", sessions=1)
    agreement = released_agreement(units, counterparts)
    assert [metric.counterpart for metric in agreement.metrics] == list(counterparts)
    assert {metric.counterpart.column: metric.n_disagree for metric in agreement.metrics if metric.n_disagree} == {}
    assert max(metric.largest for metric in agreement.metrics) < 1e-9
    assert agreement.passed
    assert agreement.n_silent == 1
    assert agreement.n_units == 23
    assert agreement.text() == f"{len(counterparts)} metrics agree in 23 units."
    assert agreement.without_definition == () if source == "ibl" else "d_prime" in agreement.without_definition


def test_every_counterpart_is_a_definition() -> None:
    for entry in sources().values():
        assert {counterpart.definition for counterpart in entry.counterparts} <= set(METRICS)
        assert len({counterpart.column for counterpart in entry.counterparts}) == len(entry.counterparts)
    assert len(IBL) == 20


def test_differences_are_counted_and_the_worst_are_named() -> None:
    found = released_agreement(table([1.0, 2.0, 3.0, 0.0], [1.0, 2.2, 6.0, 0.0]), IBL)
    (metric,) = found.metrics
    assert (metric.n_both, metric.n_differ, metric.n_disagree) == (4, 2, 2)
    assert metric.largest == 0.5
    assert [(unit.unit, unit.released, unit.recomputed) for unit in metric.worst] == [
        ("u2", 3.0, 6.0),
        ("u1", 2.0, 2.2),
    ]
    assert not found.passed
    assert found.text() == "Released and recomputed values differ: firing_rate in 2 of 4 units."


def test_a_value_on_one_side_alone_is_a_disagreement() -> None:
    (metric,) = released_agreement(table([np.nan, 1.0, np.nan], [1.0, np.nan, np.nan]), IBL).metrics
    assert (metric.n_both, metric.n_only_released, metric.n_only_recomputed) == (0, 1, 1)
    assert np.isnan(metric.largest)
    assert not metric.agrees


def test_infinity_counts_as_no_value() -> None:
    (metric,) = released_agreement(table([np.inf], [np.nan]), IBL).metrics
    assert metric.n_disagree == 0
    assert metric.agrees


def test_units_without_spikes_are_left_out() -> None:
    agreement = released_agreement(table([np.nan, 1.0], [0.0, 1.0], [0, 5]), IBL)
    assert (agreement.n_units, agreement.n_silent) == (1, 1)
    assert agreement.passed


def test_one_unit_in_a_hundred_may_differ_and_two_may_not() -> None:
    same = np.ones(100)
    for n_differing, agrees in ((1, True), (2, False)):
        other = same.copy()
        other[:n_differing] = 2.0
        assert released_agreement(table(list(same), list(other)), IBL).passed is agrees


def test_a_table_of_another_vintage_is_shown_and_does_not_decide() -> None:
    units = pd.DataFrame(
        {
            "unit_id": ["a", "b"],
            "n_spikes": [9, 9],
            "released.label": [1.0, 0.0],
            "ibl.label@2022-10": [0.0, 0.0],
        }
    )
    old = released_agreement(units, IBL)
    assert old.metrics[0].n_differ == 1
    assert old.passed
    assert "1 more are of another vintage" in old.text()
    assert not released_agreement(units.assign(**{"released.max_confidence": 95.0}), IBL).passed


def test_float32_amplitudes_agree_with_float64_ones() -> None:
    values = np.array([63.1e-6, 101.7e-6, 250.3e-6])
    units = pd.DataFrame(
        {
            "unit_id": list("abc"),
            "n_spikes": [9] * 3,
            "released.amp_median": values,
            "ibl.amp_median@2022-10": values.astype(np.float32).astype(np.float64),
        }
    )
    (metric,) = released_agreement(units, IBL).metrics
    assert 0 < metric.largest < 1e-6
    assert metric.n_differ == 0


def test_a_source_without_counterparts_has_nothing_to_compare() -> None:
    agreement = released_agreement(table([1.0], [2.0]), ())
    assert agreement.metrics == ()
    assert agreement.passed
    assert agreement.without_definition == ("firing_rate",)
    assert agreement.text() == "The release states no metric that the platform recomputes."
