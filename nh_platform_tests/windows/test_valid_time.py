"""Spikes outside the invalid intervals of their probe, and how long each probe's recording is good."""

import numpy as np
import pytest

from nh_platform.session.recorded_time import RecordedTime
from nh_platform.windows.counts.binning import bin_edges
from nh_platform.windows.intervals import overlapping
from nh_platform.windows.unrecorded_time import with_pauses, with_unrecorded
from nh_platform.windows.valid_time import InvalidTimes, invalid_times, valid_bins, valid_spikes
from nh_platform_tests.windows.trains import events_of, spikes_of

TABLE = {
    "start_time": [2.0, 2.5, 4.0, 6.0, 8.0],
    "stop_time": [3.0, 3.5, 4.5, 6.5, 9.0],
    "scope": ["probe00", "probe00", "all_probes", "stimulus", "optotagging"],
    "label": [None] * 5,
}


def invalid(table=TABLE) -> InvalidTimes:
    return invalid_times(events_of(invalid_times=table), ["probe00", "probe01"])


def test_what_makes_a_window_invalid_and_what_makes_spikes_invalid() -> None:
    found = invalid()
    assert found.of_windows("probe00").tolist() == [[2.0, 3.5], [4.0, 4.5], [6.0, 6.5]]
    assert found.of_windows("probe01").tolist() == [[4.0, 4.5], [6.0, 6.5]]
    # Where the stimulus is wrong the spikes are still spikes.
    assert found.of_spikes("probe00").tolist() == [[2.0, 3.5], [4.0, 4.5]]
    assert found.of_spikes("probe01").tolist() == [[4.0, 4.5]]
    assert found.of_spikes("probe07").tolist() == [[4.0, 4.5]]


def test_windows_outside_the_recorded_time_are_invalid_and_spikes_at_its_ends_are_not() -> None:
    found = with_unrecorded(invalid(), RecordedTime(1.0, 8.0))
    starts = np.array([0.9, 1.0, 7.0, 7.1, 12.0])
    assert (~overlapping(starts, starts + 1.0, found.session)).tolist() == [False, True, True, False, False]
    assert found.of_windows("probe01").tolist() == [[-np.inf, 1.0], [4.0, 4.5], [6.0, 6.5], [8.0, np.inf]]
    assert found.of_spikes("probe01").tolist() == [[4.0, 4.5]]
    assert with_unrecorded(invalid(), RecordedTime(np.nan, np.nan)).session.tolist() == invalid().session.tolist()


def test_a_pause_is_invalid_for_windows_and_for_spikes_but_not_the_spikes_at_its_ends() -> None:
    recorded = RecordedTime(0.0, 99.0, pauses=((20.0, 40.0),))
    for found in (with_pauses(invalid(), recorded), with_unrecorded(invalid(), recorded)):
        starts = np.array([19.0, 19.5, 30.0, 39.5, 40.0])
        hit = overlapping(starts, starts + 1.0, found.of_windows("probe01"))
        assert hit.tolist() == [False, True, True, True, False]
    kept = valid_spikes(spikes_of([0.0, 20.0, 40.0, 99.0]), ["probe01"], with_pauses(invalid(), recorded))
    assert kept.spikes.times.tolist() == [0.0, 20.0, 40.0, 99.0]
    assert kept.duration_s == {"probe01": pytest.approx(99.0 - 20.0 - 0.5)}
    assert with_pauses(invalid(), RecordedTime(0.0, 99.0)).session.tolist() == invalid().session.tolist()


def test_a_spike_is_valid_from_the_end_of_an_interval_on_and_not_from_its_start() -> None:
    train = [0.0, 1.999, 2.0, 3.4, 3.5, 4.0, 4.5, 6.2, 8.5, 10.0]
    kept = valid_spikes(spikes_of(train, train), ["probe00", "probe01"], invalid())
    assert kept.spikes.of_unit(0).tolist() == [0.0, 1.999, 3.5, 4.5, 6.2, 8.5, 10.0]
    assert kept.spikes.of_unit(1).tolist() == [0.0, 1.999, 2.0, 3.4, 3.5, 4.5, 6.2, 8.5, 10.0]
    assert kept.left_out == {"probe00": 3, "probe01": 1}
    assert kept.duration_s == {"probe00": pytest.approx(8.0), "probe01": pytest.approx(9.5)}
    assert kept.stretches["probe00"].tolist() == [[0.0, 2.0], [3.5, 4.0], [4.5, 10.0]]


def test_intervals_beyond_the_recording_cost_no_time() -> None:
    table = {"start_time": [-5.0, 9.0], "stop_time": [1.0, 99.0], "scope": ["probe00"] * 2, "label": [None] * 2}
    kept = valid_spikes(spikes_of([0.0, 5.0, 10.0]), ["probe00"], invalid(table))
    assert kept.stretches["probe00"].tolist() == [[1.0, 9.0]]
    assert kept.duration_s == {"probe00": 8.0}
    assert kept.spikes.times.tolist() == [5.0]


def test_a_probe_that_is_bad_throughout_has_no_spikes_and_no_time() -> None:
    table = {"start_time": [-1.0], "stop_time": [99.0], "scope": ["probe00"], "label": [None]}
    kept = valid_spikes(spikes_of([0.0, 5.0], [1.0]), ["probe00", "probe01"], invalid(table))
    assert kept.spikes.counts.tolist() == [0, 1]
    assert kept.duration_s == {"probe00": 0.0, "probe01": 5.0}


def test_without_invalid_times_or_spikes_nothing_changes() -> None:
    spikes = spikes_of([0.0, 1.0], [])
    kept = valid_spikes(spikes, ["a", "b"], invalid_times(events_of(), ["a", "b"]))
    assert kept.spikes is spikes
    assert kept.duration_s == {"a": 1.0, "b": 1.0}
    none = valid_spikes(spikes_of([]), ["a"], invalid_times(events_of(), ["a"]))
    assert none.duration_s == {"a": 0.0}
    assert none.stretches["a"].shape == (0, 2)


def test_bins_that_all_probes_recorded_well() -> None:
    assert np.flatnonzero(~valid_bins(bin_edges(0, 20, 500_000), invalid())).tolist() == [4, 5, 6, 8]
