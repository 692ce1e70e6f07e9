"""The compiled loops give what plain numpy gives, on any train in any stretches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.embeddings.units import autocorrelograms
from nh_platform.embeddings.units.firing_kernels import bin_sums
from nh_platform.embeddings.units.unit_features import (
    FEATURES,
    HISTOGRAM_EDGES_S,
    ValidTime,
    describe_train,
    population_coupling,
)

NAMES = [column.name for column in FEATURES if column.name != "population_coupling"]
STRETCHES = np.array([[0.0, 10.0], [12.0, 13.5], [20.0, 40.0]])
TICK_S = 1 / 30_000

ticks = st.lists(st.integers(0, 40 * 30_000), max_size=200)
near = st.lists(st.integers(0, 60), max_size=80)
"""Spikes within 2 ms, many of them at one time."""


def train_of(at: list[int], close: list[int]) -> np.ndarray:
    times = np.sort(np.array([*at, *(300_000 - 30 + one for one in close)], dtype=np.float64) * TICK_S)
    inside = np.zeros(len(times), dtype=bool)
    for start, stop in STRETCHES:
        inside |= (times >= start) & (times < stop)
    return times[inside]


def intervals(times: np.ndarray) -> list[np.ndarray]:
    return [np.diff(times[(times >= start) & (times < stop)]) for start, stop in STRETCHES]


@settings(deadline=None, max_examples=60)
@given(ticks, near)
def test_interval_features_are_those_of_numpy(at: list[int], close: list[int]) -> None:
    times = train_of(at, close)
    found = dict(zip(NAMES, describe_train(times, ValidTime.of(STRETCHES))))
    parts = intervals(times)
    isi = np.concatenate(parts)
    pairs = [(one[:-1], one[1:]) for one in parts if len(one) > 1]
    here, after = (np.concatenate([pair[k] for pair in pairs] or [np.zeros(0)]) for k in (0, 1))
    here, after = here[here + after > 0], after[here + after > 0]
    contrast = np.abs(after - here) / (here + after)
    nothing = len(isi) == 0
    expected = {
        "isi_mean_s": np.nan if nothing else isi.mean(),
        "isi_median_s": np.nan if nothing else np.median(isi),
        "isi_cv": isi.std() / isi.mean() if len(isi) > 1 and isi.mean() > 0 else np.nan,
        "isi_cv2": 2 * contrast.mean() if len(here) else np.nan,
        "isi_lv": 3 * np.square(contrast).mean() if len(here) else np.nan,
        "isi_lvr": 3 * (np.square(contrast) * (1 + 0.02 / (here + after))).mean() if len(here) else np.nan,
        "isi_below_2_5ms": np.nan if nothing else (isi < 0.0025).mean(),
        "isi_below_10ms": np.nan if nothing else (isi < 0.010).mean(),
    }
    bins = np.bincount(np.searchsorted(HISTOGRAM_EDGES_S[1:-1], isi, side="right"), minlength=20)
    for k, count in enumerate(bins):
        expected[f"isi_hist_{k:02d}"] = np.nan if nothing else count / len(isi)
    beside = [
        np.diff(one, prepend=-9, append=99) < 0.006 for one in (times[(times >= a) & (times < b)] for a, b in STRETCHES)
    ]
    n_burst = sum(int((one[:-1] | one[1:]).sum()) for one in beside)
    expected["burst_share"] = n_burst / len(times) if len(times) else np.nan
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name


@settings(deadline=None, max_examples=60)
@given(ticks, near)
def test_pairs_by_lag_are_those_of_every_pair(at: list[int], close: list[int]) -> None:
    times = train_of(at, close)
    found = autocorrelograms.fine_pairs(times, np.ascontiguousarray(STRETCHES[:, 0]))
    expected = np.zeros_like(found)
    for start, stop in STRETCHES:
        part = times[(times >= start) & (times < stop)]
        lags = (part[None, :] - part[:, None])[np.triu_indices(len(part), 1)]
        k = np.floor(lags / autocorrelograms.FINE_BIN_S + 2e-6).astype(int)
        expected += np.bincount(k[k < len(expected)], minlength=len(expected))
    assert found.tolist() == expected.tolist()


@settings(deadline=None, max_examples=60)
@given(ticks)
def test_counts_in_bins_of_a_second_are_those_of_numpy(at: list[int]) -> None:
    times, valid = train_of(at, []), ValidTime.of(STRETCHES)
    counts = np.concatenate(
        [np.histogram(times, start + np.arange(n + 1))[0] for (start, _), n in zip(STRETCHES, (10, 1, 20))]
    )
    for start, n in zip(STRETCHES[:, 0], (10, 1, 20)):
        counts[{0.0: 9, 12.0: 10, 20.0: 30}[start]] -= (times == start + n).sum()  # histogram closes its last bin
    assert valid.n_bins.tolist() == [10, 1, 20]
    assert bin_sums(times, valid.starts, valid.n_bins, 1.0) == (counts.sum(), np.square(counts).sum())


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), st.integers(2, 50), st.integers(0, 1000))
def test_coupling_is_the_correlation_with_all_others(n_units: int, n_bins: int, seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(2, (n_units, n_bins)).astype(np.uint8)
    found = population_coupling(counts)
    for unit in range(n_units):
        rest = counts.sum(axis=0, dtype=np.int64) - counts[unit]
        if np.ptp(counts[unit]) and np.ptp(rest):
            assert found[unit] == pytest.approx(np.corrcoef(counts[unit], rest)[0, 1], abs=1e-6)
        else:
            assert np.isnan(found[unit])


def test_a_poisson_train_has_an_autocorrelogram_of_one_whatever_its_window() -> None:
    rng = np.random.default_rng(3)
    for stretches in ([[0.0, 2000.0]], [[k * 10.0, k * 10.0 + 1.5] for k in range(400)]):
        valid = ValidTime.of(np.array(stretches))
        times = np.sort(rng.uniform(0, 4000, 40_000))
        times = np.concatenate([times[(times >= start) & (times < stop)] for start, stop in stretches])
        found = dict(zip(NAMES, describe_train(times, valid)))
        shown = [found[name] for name in NAMES if name.startswith("acg_")]
        assert np.allclose(shown, 1, atol=0.25)
        assert np.mean(shown) == pytest.approx(1, abs=0.05)
        assert found["rhythm_depth"] < 0.15
