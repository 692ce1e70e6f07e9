"""Autocorrelogram and log-interval histogram: hand-made trains, bin edges, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.qc.metrics import autocorrelogram, log_isi_histogram
from nh_platform_tests.qc.metrics.plain import all_lags
from nh_platform_tests.qc.metrics.trains import group, session


def test_autocorrelogram_counts_all_pairs_and_not_only_neighbours():
    counts, edges = autocorrelogram(group([[0.0, 0.0015, 0.0025], [1.0], []]), bin_s=0.001, window_s=0.004)
    assert counts.tolist() == [[0, 2, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert edges.tolist() == pytest.approx([0, 0.001, 0.002, 0.003, 0.004])


def test_a_lag_on_an_edge_falls_in_the_bin_that_it_opens():
    assert 1.001 - 1.0 < 0.001  # 30 samples apart, but not in floats
    counts, _ = autocorrelogram(group([[1.0, 1.001]]), window_s=0.003)
    assert counts.tolist() == [[0, 1, 0]]


def test_autocorrelogram_equals_the_histogram_of_all_lags():
    spikes = session(n_units=6)
    counts, _ = autocorrelogram(spikes)
    for unit in range(6):
        lags = all_lags(np.rint(spikes.of_unit(unit) * 30000).astype(np.int64), 2999)
        assert counts[unit].tolist() == np.bincount(lags // 30, minlength=100).tolist()


def test_log_isi_histogram_is_half_open_and_drops_what_lies_outside():
    counts, edges = log_isi_histogram(
        group([[0.0, 0.001, 0.011, 0.111, 500.0], [3.0, np.nan, 2.95]]),
        shortest_s=0.0009,
        longest_s=9.0,
        bins_per_decade=1,
    )
    assert edges == pytest.approx([0.0009, 0.009, 0.09, 0.9, 9.0])
    assert counts.tolist() == [[1, 1, 1, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize("bad", [{"bin_s": 1e-6}, {"window_s": 0.0}])
def test_a_bin_shorter_than_a_sample_is_refused(bad):
    with pytest.raises(ValueError, match="no bin"):
        autocorrelogram(group([[0.0]]), **bad)


@pytest.mark.parametrize("bad", [{"shortest_s": 0.0}, {"longest_s": 1e-5}, {"bins_per_decade": 0}])
def test_log_edges_must_increase(bad):
    with pytest.raises(ValueError, match="increasing"):
        log_isi_histogram(group([[0.0]]), **bad)
