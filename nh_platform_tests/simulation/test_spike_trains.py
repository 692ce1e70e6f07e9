"""Simulated spikes are what their ground truth says.

Add a test here for each mechanism of `nh_platform.simulation.spike_trains`. Files and formats are tested beside.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nh_platform.simulation.ground_truth import FIRST_DESIGNS, UnitTruth, draw_units, presence
from nh_platform.simulation.seeding import generator
from nh_platform.simulation.spike_trains import SAMPLING_RATE_HZ, EvokedResponse, SimulatedSpikes, simulate_spikes

DURATION_S = 600.0
UNIT = UnitTruth(
    cluster_id=0,
    design="clean",
    rate_hz=10.0,
    refractory_s=0.003,
    contamination=0.0,
    amplitude_v=120e-6,
    amplitude_sd_v=15e-6,
    threshold_v=0.0,
    missing=0.0,
    depth_um=1000.0,
    drift_um=0.0,
    silent=None,
    burst=0.0,
    partner=-1,
    shared_rate_hz=0.0,
    response="none",
    preferred=1.0,
    gain=0.0,
)


def _simulate(*truths: UnitTruth, responses: tuple[EvokedResponse, ...] = ()) -> SimulatedSpikes:
    numbered = [replace(truth, cluster_id=unit) for unit, truth in enumerate(truths)]
    return simulate_spikes(generator(3, "test"), numbered, DURATION_S, responses)


def _interval_s(spikes: SimulatedSpikes, keep: np.ndarray | slice = slice(None)) -> float:
    """Shortest interval between spikes of unit 0 in seconds, from exact integers."""
    own = spikes.samples[: spikes.offsets[1]][keep]
    return float(np.diff(own).min() / SAMPLING_RATE_HZ)


def _times(spikes: SimulatedSpikes, unit: int) -> np.ndarray:
    return spikes.samples[spikes.offsets[unit] : spikes.offsets[unit + 1]] / SAMPLING_RATE_HZ


def test_spikes_are_sorted_within_units_and_inside_the_session() -> None:
    spikes = _simulate(UNIT, replace(UNIT, rate_hz=30.0))
    for unit in range(2):
        times = _times(spikes, unit)
        assert (np.diff(times) > 0).all()
        assert times[0] >= 0
        assert times[-1] < DURATION_S


@pytest.mark.parametrize("rate_hz", [5.0, 40.0])
def test_the_dead_time_holds_and_does_not_lower_the_rate(rate_hz: float) -> None:
    spikes = _simulate(replace(UNIT, rate_hz=rate_hz, refractory_s=0.004))
    assert _interval_s(spikes) >= 0.004
    assert spikes.counts[0] / DURATION_S == pytest.approx(rate_hz, rel=0.04)


def test_only_contaminating_spikes_violate_the_refractory_period() -> None:
    spikes = _simulate(replace(UNIT, contamination=0.3))
    assert _interval_s(spikes) < UNIT.refractory_s
    assert _interval_s(spikes, ~spikes.contaminating) >= UNIT.refractory_s
    assert spikes.contaminating.mean() == pytest.approx(0.3, abs=0.001)
    assert spikes.n_contaminating.tolist() == [spikes.contaminating.sum()]


def test_the_threshold_removes_the_share_that_is_stated() -> None:
    # A Gaussian cut at its mean loses half; at 0.6745 deviations below, a quarter.
    threshold = UNIT.amplitude_v - 0.6744898 * UNIT.amplitude_sd_v
    spikes = _simulate(replace(UNIT, rate_hz=30.0, threshold_v=threshold), UNIT)
    assert spikes.amplitudes[: spikes.offsets[1]].min() >= np.float32(threshold)
    fired = spikes.counts[0] + spikes.n_missing[0]
    # Four standard errors of a share of 0.25 among 18,000 spikes.
    assert spikes.n_missing[0] / fired == pytest.approx(0.25, abs=0.013)
    assert spikes.n_missing[1] == 0


def test_a_silent_part_is_silent_and_counts_as_absent() -> None:
    truth = replace(UNIT, silent=(100.0, 350.0), contamination=0.2)
    times = _times(_simulate(truth), 0)
    assert not ((times >= 100.0) & (times < 350.0)).any()
    assert (times < 100.0).any()
    assert (times > 350.0).any()
    assert presence(truth, DURATION_S) == pytest.approx(350 / 600)


@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_few_spike_units_have_exactly_that_many(count: int) -> None:
    spikes = _simulate(replace(UNIT, rate_hz=0.0, exact_count=count), UNIT)
    assert spikes.counts[0] == count


def test_drift_moves_the_depth() -> None:
    spikes = _simulate(replace(UNIT, drift_um=60.0))
    depths = spikes.depths.astype(np.float64)
    early, late = depths[: len(depths) // 10], depths[-len(depths) // 10 :]
    assert np.median(late) - np.median(early) == pytest.approx(54.0, abs=2.0)


def test_bursts_are_short_intervals_without_violations() -> None:
    plain, bursting = _simulate(UNIT), _simulate(replace(UNIT, burst=0.5))
    share = [(np.diff(_times(spikes, 0)) < 0.010).mean() for spikes in (plain, bursting)]
    assert share[1] > 3 * share[0]
    assert _interval_s(bursting) >= UNIT.refractory_s


def test_partners_fire_together() -> None:
    pair = replace(UNIT, shared_rate_hz=2.0)
    spikes = _simulate(replace(pair, partner=1), replace(pair, partner=0), UNIT)
    a, b, other = (_times(spikes, unit) for unit in range(3))

    def coincidences(x: np.ndarray, y: np.ndarray) -> int:
        return int((np.searchsorted(y, x + 0.003) - np.searchsorted(y, x - 0.003)).sum())

    assert coincidences(a, b) > coincidences(a, other) + 0.7 * 2.0 * DURATION_S


def test_a_response_adds_the_stated_number_of_spikes_after_the_event() -> None:
    events = np.arange(5.0, 595.0, 2.0)
    response = EvokedResponse(events, np.zeros(len(events)), np.array([[2.0], [0.0]]) * np.ones(len(events)))
    spikes = _simulate(UNIT, UNIT, responses=(response,))

    def around(unit: int, start: float, stop: float) -> float:
        times = _times(spikes, unit)
        found = np.searchsorted(times, events + stop) - np.searchsorted(times, events + start)
        return float(found.mean())

    # 0.3 s hold 3 spikes of the base rate; a few of the two extra ones fall into the dead time.
    assert around(0, 0.04, 0.34) == pytest.approx(5.0, abs=0.4)
    assert around(0, -0.3, 0.0) == pytest.approx(3.0, abs=0.4)
    assert around(1, 0.04, 0.34) == pytest.approx(3.0, abs=0.4)


def test_every_design_occurs_over_the_probes_of_a_tiny_session() -> None:
    draws = [
        draw_units(generator(5, probe), 12, first=12 * probe, duration_s=300, mean_rate_hz=6.0, depth_range_um=3700)
        for probe in range(2)
    ]
    designs = [truth.design for truths in draws for truth in truths]
    assert sorted(designs) == sorted(FIRST_DESIGNS)
    for truths in draws:
        assert [truth.cluster_id for truth in truths] == list(range(12))
        for truth in truths:
            if truth.partner >= 0:
                assert truths[truth.partner].partner == truth.cluster_id
