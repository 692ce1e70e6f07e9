"""What figures of units count, and what the cut-offs that they draw compare: the same as the metrics beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter1d

from nh_platform.qc.metrics import compute_metrics
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.reports.session_page.unit_figures.amplitude_charts import in_steps
from nh_platform.reports.session_page.unit_figures.amplitude_fits import (
    AMPLITUDE_CUTOFF,
    CUTOFF_OF_COUNTS,
    NOISE_CUTOFF,
    NOISE_CUTOFF_2022_03,
    fit_metric,
)
from nh_platform.reports.session_page.unit_figures.sliding_test import LEVEL_SEARCH, searches_levels, sliding_test
from nh_platform.reports.session_page.unit_figures.timing_charts import refractory
from nh_platform.reports.session_page.unit_figures.unit_counts import UnitCounts, count_units
from nh_platform.session import Spikes
from nh_platform_tests.made_material import grouped, steady

N_PERIODS = 285


def units_of(spikes: Spikes) -> pd.DataFrame:
    names = [f"u{row}" for row in range(spikes.n_units)]
    return pd.DataFrame({"unit_id": names, "probe": "probe00"}, columns=["unit_id", "probe"])


def counted(spikes: Spikes, fit_of: str = NOISE_CUTOFF, n_threads: int = 1) -> UnitCounts:
    return count_units(spikes, units_of(spikes), fit_of, by_level=True, n_threads=n_threads)


@pytest.fixture(scope="module")
def spikes() -> Spikes:
    return grouped([*steady(4), [], [50.0], [60.0, 60.001]])


def test_counts_are_the_same_for_every_number_of_threads(spikes: Spikes) -> None:
    one, two = counted(spikes), counted(spikes, n_threads=2)
    for name in ("amplitude_image", "rate_counts", "depth_quantiles", "lag_pairs", "rate_hz"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.amplitude_fit.counts, two.amplitude_fit.counts)


def test_every_spike_is_in_the_images_and_units_without_spikes_are_told_apart(spikes: Spikes) -> None:
    found = counted(spikes)
    np.testing.assert_array_equal(found.rate_counts.sum(axis=1), spikes.counts)
    np.testing.assert_array_equal(found.amplitude_image.sum(axis=(1, 2)), spikes.counts)
    assert found.timed.tolist() == [True] * 4 + [False, False, True]
    assert np.isnan(found.amplitude_lows[4])
    assert found.amplitude_highs[5] > found.amplitude_lows[5], "one spike has a range of its own"
    assert np.isfinite(found.depth_quantiles[0]).any()
    assert np.isnan(found.depth_quantiles[4]).all()


@pytest.mark.parametrize("metric", [NOISE_CUTOFF, NOISE_CUTOFF_2022_03])
def test_the_noise_cutoff_that_is_drawn_is_the_metric(spikes: Spikes, metric: str) -> None:
    fit = counted(spikes, metric).amplitude_fit
    values, _ = compute_metrics(spikes, units_of(spikes), (metric,))
    bin_v = fit.highs / fit.counts.shape[1]
    low_bin = np.rint(fit.low_edges[:, 0] / bin_v)
    for unit in range(4):
        drawn = (fit.counts[unit, int(low_bin[unit])] - fit.high_means[unit]) / fit.high_deviations[unit]
        assert drawn == pytest.approx(values[metric][unit], rel=1e-12)
    assert np.isnan(fit.low_edges[4]).all()
    np.testing.assert_array_equal(fit.counts.sum(axis=1)[:4], spikes.counts[:4])


def test_the_amplitude_cutoff_that_is_drawn_is_the_metric(spikes: Spikes) -> None:
    fit = counted(spikes, AMPLITUDE_CUTOFF).amplitude_fit
    values, _ = compute_metrics(spikes, units_of(spikes), (AMPLITUDE_CUTOFF,))
    for unit in range(4):
        amplitudes = spikes.amplitudes[spikes.offsets[unit] : spikes.offsets[unit + 1]].astype(np.float64)
        heights, edges = np.histogram(amplitudes, 500, density=True)
        density = gaussian_filter1d(heights, 3)
        in_spikes = density * np.diff(edges) * len(amplitudes)
        np.testing.assert_allclose(fit.smoothed[unit], in_spikes.reshape(100, 5).sum(axis=1), rtol=1e-9)
        assert fit.cutoffs[unit] == amplitudes.min()
        beyond = density[edges[:-1] >= fit.symmetric[unit] - 1e-12].sum() * np.mean(np.diff(edges[:-1]))
        assert min(beyond, 0.5) == pytest.approx(values[AMPLITUDE_CUTOFF][unit], rel=1e-9)


def test_the_cutoff_of_counts_that_is_drawn_is_the_metric(spikes: Spikes) -> None:
    fit = counted(spikes, CUTOFF_OF_COUNTS).amplitude_fit
    values, _ = compute_metrics(spikes, units_of(spikes), (CUTOFF_OF_COUNTS,))
    assert np.isfinite(values[CUTOFF_OF_COUNTS][:4]).any()
    for unit in range(4):
        amplitudes = spikes.amplitudes[spikes.offsets[unit] : spikes.offsets[unit + 1]].astype(np.float64)
        heights, edges = np.histogram(amplitudes, 100)
        np.testing.assert_array_equal(fit.counts[unit], heights)
        assert fit.cutoffs[unit] == amplitudes.min()
        smoothed = gaussian_filter1d(heights, 3, mode="nearest")
        np.testing.assert_array_equal(fit.smoothed[unit], smoothed)
        beyond = smoothed[edges[:-1] >= fit.symmetric[unit] - 1e-12].sum()
        missing = min(beyond / (len(amplitudes) + beyond), 0.5)
        assert missing == pytest.approx(values[CUTOFF_OF_COUNTS][unit], rel=1e-12)
    assert fit.counts[6].sum() == 2
    assert np.isnan(fit.smoothed[6]).all(), "too few spikes for the metric: the histogram stands alone"
    assert np.isnan(fit.cutoffs[6])


def test_the_confidence_curve_peaks_at_the_metric_and_its_period(spikes: Spikes) -> None:
    found = counted(spikes)
    test = sliding_test(found, spikes.counts, load_rulebook("ibl-2022-10"))
    curves = test.curves
    names = ("ibl.max_confidence@2022-10",)
    values, _ = compute_metrics(spikes, units_of(spikes), names)
    assert curves.shape == (7, N_PERIODS)
    assert len(test.periods_s) == N_PERIODS
    for unit in range(4):
        assert curves[unit].max() == pytest.approx(values[names[0]][unit], rel=1e-12)
    assert np.isnan(curves[5]).all(), "one spike has no lags"
    best = test.best_periods_s
    assert best[0] == test.periods_s[curves[0].argmax()]
    assert np.isnan(best[4])


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.123, 0.2, 0.5])
@pytest.mark.parametrize("comparison", ["<=", "<"])
def test_the_search_over_levels_passes_at_the_threshold_where_the_metric_does(
    threshold: float, comparison: str
) -> None:
    rng = np.random.default_rng(0)
    mixed = [np.sort([*times, *rng.uniform(0, 200, 60 * row)]) for row, times in enumerate(steady(8, rate_hz=12.0))]
    spikes = grouped([*mixed, *steady(1, rate_hz=0.5), [], [50.0]])
    values, _ = compute_metrics(spikes, units_of(spikes), (LEVEL_SEARCH,))
    book = load_rulebook("bombcell-2026-10")
    rules = [
        rule.model_copy(update={"threshold": threshold, "comparison": comparison})
        for rule in book.rules
        if rule.metric == LEVEL_SEARCH
    ]
    book = book.model_copy(update={"rules": rules})
    assert searches_levels(book)
    test = sliding_test(counted(spikes), spikes.counts, book)
    value = values[LEVEL_SEARCH].to_numpy()
    holds = value <= threshold if comparison == "<=" else value < threshold
    assert test.passes.tolist() == holds.tolist()
    assert {*holds[:8].tolist()} == ({True, False} if threshold < 0.2 else {True}), "the units try both sides"
    assert test.share <= threshold
    assert np.isnan(test.curves[-2:]).all(), "no curve of a unit with fewer than two spikes"
    assert test.periods_s[0] > 0.0005


def test_a_rulebook_without_a_sliding_test_shows_the_one_of_ibl(spikes: Spikes) -> None:
    book = load_rulebook("aind-2026-06")
    assert not searches_levels(book)
    test = sliding_test(counted(spikes), spikes.counts, book)
    assert (test.metric, test.share, test.curves.shape[1]) == ("", 0.1, N_PERIODS)


@pytest.mark.parametrize(
    ("rulebook", "metric"),
    [
        ("allen-vc-default", "allen.isi_violations@2019"),
        ("aind-2024-02", "spikeinterface.isi_violations_ratio@0.105"),
        ("aind-2026-06", "spikeinterface.rp_contamination@0.105"),
    ],
)
def test_the_violations_that_are_allowed_are_those_at_which_the_metric_is_at_its_threshold(
    rulebook: str, metric: str
) -> None:
    n_violations, (times,) = 3, steady(1)
    spikes = grouped([np.sort([*times, *(np.asarray(times)[100 : 100 + n_violations] + 0.0008)])])
    values, _ = compute_metrics(spikes, units_of(spikes), (metric,))
    value = float(values[metric].iloc[0])
    book = load_rulebook(rulebook)
    rules = [rule.model_copy(update={"threshold": value}) for rule in book.rules if rule.metric == metric]
    rate_hz = spikes.counts / (spikes.times.max() - spikes.times.min())
    book, counts = book.model_copy(update={"rules": rules}), counted(spikes)
    test = refractory(counts, sliding_test(counts, spikes.counts, book), spikes.counts, rate_hz, book)
    assert (test.pairs_per_s * test.periods_s).tolist() == pytest.approx([n_violations], rel=0.01)


def test_a_rulebook_says_which_cutoff_is_drawn() -> None:
    ibl, allen, rigor = (load_rulebook(name) for name in ("ibl-2022-10", "allen-vc-default", "ibl-rigor"))
    assert fit_metric([ibl, allen]) == NOISE_CUTOFF
    assert fit_metric([allen, ibl]) == AMPLITUDE_CUTOFF
    assert fit_metric([rigor]) == ""
    assert {fit_metric([load_rulebook(name)]) for name in ("aind-2026-06", "bombcell-2026-10")} == {CUTOFF_OF_COUNTS}


def test_without_a_cutoff_the_histogram_stands_alone(spikes: Spikes) -> None:
    fit = counted(spikes, "").amplitude_fit
    assert fit.counts[0].sum() == spikes.counts[0]
    assert fit.cutoffs[0] == pytest.approx(spikes.amplitudes[: spikes.counts[0]].min())
    assert np.isnan(fit.low_edges).all()


def test_unusable_amplitudes_leave_the_times_alone() -> None:
    one = grouped(steady(2))
    amplitudes = one.amplitudes.copy()
    amplitudes[3] = np.nan
    found = counted(Spikes(one.times, one.offsets, amplitudes, one.depths))
    assert np.isnan(found.amplitude_lows[0])
    assert not found.amplitude_image[0].any()
    assert found.rate_counts[0].sum() == one.counts[0]
    assert found.amplitude_image[1].sum() == one.counts[1]


def test_a_session_without_spikes_and_one_without_units_have_counts_of_nothing() -> None:
    silent = counted(grouped([[], []]))
    assert not silent.rate_counts.any()
    assert not silent.timed.any()
    assert counted(grouped([])).n_units == 0


def test_steps_of_an_image_keep_what_is_empty_and_hide_no_spike() -> None:
    image = np.array([[[0, 1, 400], [4, 100, 9]]])
    found = in_steps(image)
    assert ((found > 0) == (image > 0)).all()
    assert found.max() == 400
    np.testing.assert_allclose(np.sqrt(found), np.sqrt(image), atol=20 / 20)
