"""Loops in samples and bins of time give what plain numpy gives of the sample numbers, whatever the train."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.qc.metrics.kernels import bin_kernels
from nh_platform.qc.metrics.kernels import sample_kernels as kernels
from nh_platform.qc.metrics.spikeinterface import times as definitions
from nh_platform_tests.qc.metrics.plain import all_lags

SETTINGS = settings(max_examples=200, deadline=None, derandomize=True)
RATE = 30000.0
ALL = np.ones(1, np.bool_)


@st.composite
def trains(draw, most: int = 400) -> tuple[np.ndarray, float]:
    """Return times in order, s, and a time that none is before: on samples and between, bursts, doubled, far apart."""
    size = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tmin = draw(st.sampled_from([0.0, 0.1, 1234.5678, -50.0]))
    steps = draw(
        st.sampled_from(
            [
                rng.integers(0, 60, size) / RATE,
                rng.choice([0, 0, 1, 30, 44, 45, 46, 295, 296], size) / RATE,
                rng.exponential(0.02, size),
                (rng.integers(0, 60, size) + 0.5) / RATE,
                rng.exponential(3.0, size),
                rng.choice([0.001, 5e6], size, p=[0.99, 0.01]),
            ]
        )
    )
    return tmin + np.cumsum(steps), tmin


def samples_of(times, tmin) -> np.ndarray:
    return np.rint((times - tmin) * RATE).astype(np.int64)


def offsets_of(times) -> np.ndarray:
    return np.array([0, len(times)])


@SETTINGS
@given(trains(), st.data())
def test_the_first_spike_at_a_sample_is_that_of_searchsorted(train, data) -> None:
    times, tmin = train
    samples = samples_of(times, tmin)
    begin = data.draw(st.integers(0, len(times)))
    sample = data.draw(st.one_of(st.sampled_from(samples.tolist()), st.integers(0, int(samples[-1]) + 2)))
    expected = begin + np.searchsorted(samples[begin:], sample)
    assert kernels.first_at(times, begin, len(times), tmin, RATE, sample) == expected


@SETTINGS
@given(trains(), st.sampled_from([1, 7, 300, 150000]), st.integers(1, 500))
def test_counts_of_filled_bins_equal_numpy_histogram(train, width, n_bins) -> None:
    times, tmin = train
    counts, n_occupied = np.full(len(times), -1.0), np.zeros(1, np.int64)
    kernels.occupied_bins(
        times, offsets_of(times), ALL, np.array([tmin]), RATE, width, np.array([n_bins]), counts, n_occupied
    )
    expected = np.histogram(samples_of(times, tmin), np.arange(n_bins + 1) * width)[0]
    assert counts[: n_occupied[0]].tolist() == expected[expected > 0].tolist()


@SETTINGS
@given(trains())
def test_near_pairs_equal_all_pairs(train) -> None:
    times, tmin = train
    samples = samples_of(times, tmin)
    lags, n_short, work = np.zeros((1, 296), np.int64), np.zeros(1, np.int64), np.empty(len(times), np.int64)
    kernels.near_pairs(times, offsets_of(times), ALL, np.array([tmin]), RATE, 0.0015, work, lags, n_short)
    pairs = all_lags(samples, 10**9)
    assert lags[0].tolist() == np.bincount(pairs[pairs < 296], minlength=296).tolist()
    assert n_short[0] == np.sum(np.diff(samples / RATE) < 0.0015)


@SETTINGS
@given(trains(), st.sampled_from([1, 90, 30000]), st.integers(1, 60))
def test_deviations_of_bins_equal_numpy(train, width, n_bins) -> None:
    times, tmin = train
    amplitudes = np.random.default_rng(len(times)).lognormal(-9, 0.3, len(times))
    deviations, means = np.full(n_bins, np.nan), np.full(1, np.nan)
    bin_kernels.binned_deviations(
        times,
        amplitudes,
        offsets_of(times),
        ALL,
        np.array([tmin]),
        RATE,
        np.array([width]),
        np.array([0, n_bins]),
        deviations,
        means,
    )
    samples = samples_of(times, tmin)
    parts = [amplitudes[samples // width == k] for k in range(n_bins)]
    expected = [np.std(part) if len(part) else np.nan for part in parts]
    np.testing.assert_allclose(deviations, expected, rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(means, amplitudes.mean(), rtol=1e-12)


@SETTINGS
@given(trains(most=3000), st.sampled_from([300, 3000, 150000]), st.sampled_from([1, 10, 100]), st.data())
def test_medians_of_bins_equal_numpy_however_far_the_unit_moves(train, width, fewest, data) -> None:
    times, tmin = train
    n = len(times)
    rng = np.random.default_rng(n)
    depths = data.draw(
        st.sampled_from(
            [
                500 + rng.normal(0, 10, n),
                500 + rng.normal(0, 1, n) + 200 * (np.arange(n) > n / 2),
                np.cumsum(rng.normal(0, 3, n)),
                np.full(n, 620.0),
                np.where(np.arange(n) < n / 3, 620.0, 640 + rng.normal(0, 1, n)),
                rng.choice([20.0, 40.0, 60.0], n),
                -rng.lognormal(0, 5, n),
            ]
        )
    )
    n_bins = data.draw(st.integers(1, 60))
    medians, n_known, reference = np.empty(n // fewest), np.zeros(1, np.int64), np.full(1, np.nan)
    bin_kernels.binned_medians(
        times,
        depths,
        offsets_of(times),
        ALL,
        np.array([tmin]),
        RATE,
        width,
        np.array([n_bins]),
        fewest,
        np.empty(n),
        np.zeros(1, np.int64),
        medians,
        n_known,
        reference,
    )
    place = samples_of(times, tmin) // width
    parts = [depths[place == k] for k in np.unique(place) if k < n_bins]
    expected = [np.median(part) for part in parts if len(part) >= fewest]
    assert medians[: n_known[0]].tolist() == expected
    np.testing.assert_array_equal(reference[0], np.median(depths) if expected else np.nan)


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_the_level_that_is_searched_for_is_the_first_of_all_that_is_reached(seed, n_units) -> None:
    rng = np.random.default_rng(seed)
    n_spikes = np.exp(rng.uniform(0, 12, n_units)).astype(np.int64) + 1
    samples = np.rint(np.exp(rng.uniform(0, 6, n_units)) * 3000 * RATE / 20)
    mean_pairs = n_spikes.astype(float) ** 2 / samples * 8 * rng.choice([0, 0.01, 0.1, 0.5, 1.0, 3.0], n_units)
    pairs = rng.poisson(mean_pairs[:, None], (n_units, 37))
    marked = rng.random(n_units) < 0.9
    levels = definitions.CONTAMINATION
    whole = definitions.sliding_confidence(pairs, n_spikes, samples, levels)
    reached = np.any(whole > definitions.CONFIDENCE, axis=2)
    expected = np.where(marked & reached.any(axis=1), levels[reached.argmax(axis=1)], np.nan)
    found = definitions.smallest_level(pairs, n_spikes, samples, marked)
    np.testing.assert_array_equal(found, expected)
