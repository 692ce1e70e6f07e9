"""Containers hold their invariants."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import BadUpstreamData, Signal, Spikes
from nh_platform.session.performance import easy_performance


def spikes(times: list[float], offsets: list[int]) -> Spikes:
    n = len(times)
    return Spikes(
        times=np.array(times, dtype=np.float64),
        offsets=np.array(offsets, dtype=np.int64),
        amplitudes=np.zeros(n, dtype=np.float32),
        depths=np.zeros(n, dtype=np.float32),
    )


def test_spikes_of_units_empty_ones_included() -> None:
    s = spikes([0.1, 0.2, 0.15], [0, 2, 2, 3])
    assert s.n_units == 3
    assert s.counts.tolist() == [2, 0, 1]
    assert s.of_unit(0).tolist() == [0.1, 0.2]
    assert s.of_unit(1).tolist() == []
    assert s.clusters.tolist() == [0, 0, 2]
    assert s.clusters.dtype == np.uint8
    assert s.time_range == (0.1, 0.2)


def test_clusters_grow_with_the_number_of_units() -> None:
    assert spikes([1.0], [0] * 300 + [1]).clusters.dtype == np.uint16


def test_offsets_that_do_not_cover_the_spikes_are_refused() -> None:
    with pytest.raises(BadUpstreamData, match="offsets end at"):
        spikes([0.1, 0.2], [0, 1])


def test_lengths_that_disagree_are_refused() -> None:
    with pytest.raises(BadUpstreamData, match="2 times, 1 amplitudes"):
        Spikes(np.zeros(2), np.array([0, 2]), np.zeros(1, np.float32), np.zeros(2, np.float32))


def test_a_signal_needs_one_column_name_per_column() -> None:
    with pytest.raises(BadUpstreamData, match="signal pupil"):
        Signal("pupil", np.zeros(3), np.zeros((3, 2)), "px", ("width",))


def test_easy_performance_counts_high_contrast_trials_of_either_side() -> None:
    trials = pd.DataFrame(
        {
            "contrastLeft": [1.0, np.nan, 0.25, np.nan],
            "contrastRight": [np.nan, 0.5, np.nan, 1.0],
            "feedbackType": [1.0, -1.0, 1.0, 1.0],
        }
    )
    assert easy_performance(trials) == pytest.approx(2 / 3)
    assert easy_performance(trials.iloc[[2]]) is None
