"""The metrics equal their plain numpy form on sessions with every kind of unit, for every input dtype."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate1d, gaussian_filter1d

from nh_platform.qc.metrics import METRICS, compute_metrics
from nh_platform.qc.metrics.amplitude_metrics import smoothing_weights
from nh_platform.qc.metrics.definitions.ibl_labels import DERIVED
from nh_platform.qc.metrics.kernels.amplitude_kernels import smooth
from nh_platform.qc.metrics.kernels.pair_kernels import (
    bin_occupancy,
    edge_histogram,
    gather_middle,
    lag_counts,
    pairs_between,
)
from nh_platform_tests.qc.metrics import plain
from nh_platform_tests.qc.metrics.trains import group, session, units_of

COMPUTED = [metric_id for metric_id in METRICS if metric_id not in DERIVED]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_metric_equals_its_plain_form(seed) -> None:
    spikes = session(seed)
    table, notes = compute_metrics(spikes, units_of(spikes), list(METRICS))
    assert notes == ()
    tmin, tmax = spikes.time_range
    for unit in range(spikes.n_units):
        part = slice(spikes.offsets[unit], spikes.offsets[unit + 1])
        expected = plain.unit_metrics(spikes.times[part], spikes.amplitudes[part], spikes.depths[part], tmin, tmax)
        for metric_id in COMPUTED:
            assert table[metric_id][unit] == pytest.approx(expected[metric_id], rel=1e-9, abs=1e-300, nan_ok=True), (
                unit,
                metric_id,
            )


def test_the_session_reaches_both_sides_of_every_rule() -> None:
    spikes = session()
    table, _ = compute_metrics(spikes, units_of(spikes), list(METRICS))
    assert set(table["ibl.bitwise_fail@2022-10"]) >= {0, 1, 2, 4}
    assert set(table["ibl.slidingRP_viol@2022-03"]) == {0.0, 1.0}
    assert (table["ibl.contamination@2022-10"] > 0).any()
    assert table["ibl.min_contamination@2022-10"].isna().any()


def test_label_counts_the_three_rules_and_nan_fails() -> None:
    spikes = session()
    table, _ = compute_metrics(spikes, units_of(spikes), list(METRICS))
    passed = np.column_stack(
        (
            table["ibl.max_confidence@2022-10"] >= 90,
            table["ibl.noise_cutoff@2022-10"] < 5,
            table["ibl.amp_median@2022-10"] > 50e-6,
        )
    )
    assert table["ibl.label@2022-10"].tolist() == passed.mean(axis=1).tolist()
    assert table["ibl.bitwise_fail@2022-10"].tolist() == (~passed @ [1, 2, 4]).tolist()
    older = (
        (table["ibl.slidingRP_viol@2022-03"] == 1).astype(int)
        + (table["ibl.noise_cutoff@2022-03"] < 20)
        + (table["ibl.amp_median@2022-10"] > 50e-6)
    )
    np.testing.assert_allclose(table["ibl.label@2022-03"], older / 3)


def test_float32_amplitudes_are_computed_in_float64() -> None:
    spikes = session()
    stored = group([spikes.times], [spikes.amplitudes.astype(np.float32)], [spikes.depths.astype(np.float32)])
    widened = group([spikes.times], [stored.amplitudes.astype(np.float64)], [stored.depths.astype(np.float64)])
    stored, widened = (type(s)(s.times, spikes.offsets, s.amplitudes, s.depths) for s in (stored, widened))
    from_stored, _ = compute_metrics(stored, units_of(stored))
    from_widened, _ = compute_metrics(widened, units_of(widened))
    assert from_stored.equals(from_widened)


def test_kernels_equal_numpy_on_random_input() -> None:
    rng = np.random.default_rng(5)
    for size in (1, 2, 7, 400):
        samples = np.sort(rng.integers(0, size * 40, size))
        lags = plain.all_lags(samples, 10**9)
        counts = np.zeros(100, np.int64)
        lag_counts(samples, counts)
        assert counts.tolist() == np.bincount(lags[lags < 100], minlength=100).tolist()
        assert pairs_between(samples, 30, 200) == np.sum((lags >= 30) & (lags < 200))

        values = rng.normal(size=size)
        edges = np.linspace(values.min() - 0.1, values.max(), 18)
        histogram = np.zeros(17, np.int64)
        edge_histogram(np.concatenate([values, edges, [edges[0] - 1, edges[-1] + 1]]), edges, histogram)
        assert histogram.tolist() == np.histogram(np.concatenate([values, edges]), edges)[0].tolist()

        work = np.empty(size)
        below, n = gather_middle(values, values.min(), values.max(), work)
        middle = np.sort(values)[[(size - 1) // 2, size // 2]]
        assert np.sort(work[:n])[[(size - 1) // 2 - below, size // 2 - below]].tolist() == middle.tolist()

        times = np.sort(rng.random(size) * 95)
        counts = np.bincount((times // 10).astype(int), minlength=10)
        occupied, deviation = bin_occupancy(times, 0.0, 10.0, 10)
        assert occupied == np.sum(counts > 0)
        assert deviation == pytest.approx(np.sum((counts - size / 10) ** 2))


def test_spikes_on_bin_edges_fall_in_the_bin_of_floor() -> None:
    # (tmin + 10 k) - tmin is not 10 k in floats; the quotient decides, as in brainbox.
    tmin = 0.1
    times = tmin + 10.0 * np.arange(40)
    spikes = group([times])
    table, _ = compute_metrics(
        spikes, units_of(spikes), ["ibl.presence_ratio@2022-10", "ibl.presence_ratio_std@2022-10"]
    )
    counts = np.bincount(np.floor((times - tmin) / 10).astype(int), minlength=len(np.arange(tmin, times[-1] + 5, 10)))
    assert table.iloc[0].tolist() == pytest.approx([np.mean(counts > 0), counts.std()])


def test_sliding_search_equals_the_whole_matrix_on_hard_cases() -> None:
    rng = np.random.default_rng(3)
    ids = list(plain.sliding(np.arange(3.0)))
    bursts = np.sort((np.arange(0, 300, 0.5)[:, None] + 0.0004 * np.arange(6)).ravel())
    trains = [
        np.sort(rng.random(60000) * 600),  # contaminated at every lag, high rate
        np.cumsum(0.004 + rng.exponential(0.01, 40000)),  # saturates at 100 %
        np.cumsum(0.0006 + rng.exponential(0.05, 8000)),  # short refractory period
        bursts,
        np.repeat(np.sort(rng.random(500) * 500), 2),  # every spike twice
        np.arange(700.0),
        np.array([5.0]),
        np.array([5.0, 5.0]),
    ]
    trains = [np.floor(train * 30000) / 30000 for train in trains]
    spikes = group(trains)
    table, _ = compute_metrics(spikes, units_of(spikes), ids)
    for unit, train in enumerate(trains):
        assert table.loc[unit].to_dict() == pytest.approx(plain.sliding(train), rel=1e-12, nan_ok=True), unit


@pytest.mark.parametrize("sigma", [3, 4])
@pytest.mark.parametrize("n_bins", [50, 51, 500, 3000])
def test_smoothing_equals_scipy_bit_by_bit(sigma, n_bins) -> None:
    rng = np.random.default_rng(n_bins)
    for density in (rng.random(n_bins), rng.integers(0, 3, n_bins) / 7.0, np.exp(rng.normal(0, 20, n_bins))):
        smoothed = np.empty(n_bins)
        weights = smoothing_weights(sigma)
        smooth(density, weights, smoothed)
        assert smoothed.tobytes() == correlate1d(density, weights).tobytes()
        np.testing.assert_allclose(smoothed, gaussian_filter1d(density, sigma), rtol=1e-14)
