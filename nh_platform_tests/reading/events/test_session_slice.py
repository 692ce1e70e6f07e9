"""A stretch of a session: half-open, on the session clock, under the names of the whole; bad ranges are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import nh_platform
from nh_platform.reading.events.session_slice import checked_stretch, signal_within, spikes_within
from nh_platform.session import ConfigError, Signal, UnknownSession
from nh_platform.session.recorded_time import RecordedTime
from nh_platform_tests.reading.conftest import LISTED, WHOLE
from nh_platform_tests.windows.trains import spikes_of


def test_one_call_slices_all(session) -> None:
    part = session.between(3.0, 7.0)
    assert repr(part) == "SessionSlice('ibl', '11112222-aaaa', 3 to 7 s)"
    assert part.duration_s == 4.0
    times = session.spikes.of_unit(0)
    assert part.spikes.of_unit(0).tolist() == times[(times >= 3) & (times < 7)].tolist()
    assert part.spikes.counts.tolist() == [400, 10, 0]
    assert part.units["unit_id"].tolist() == ["a", "b", "c"]
    assert part.events("stimulus onset").times.tolist() == [3.0, 5.0]  # that at 7 s is its end
    assert part.trials["start_time"].tolist() == [2.5, 4.5, 6.5]  # all that overlap it
    assert part.events["invalid_times"]["start_time"].tolist() == [5.0]
    continuous = part.windows("continuous-1s")
    assert continuous.index["start"].tolist() == [3.0, 4.0, 5.0, 6.0]
    whole = session.windows("continuous-1s")
    ids = continuous.index["window_id"].to_numpy()
    assert np.array_equal(continuous.counts, whole.counts[ids])
    assert (continuous.unit_ids, len(continuous)) == (("a", "b", "c"), 4)
    assert continuous.bin_centers.tolist() == whole.bin_centers.tolist()
    assert f"windows=4 of {len(whole)}" in repr(continuous)
    aligned = part.windows("stim-halves-500ms")
    assert aligned.index["event_time"].tolist() == [5.0]  # the others reach beyond
    assert "11112222-aaaa" in part._repr_html_()
    assert "4 of" in continuous._repr_html_()


def test_signals_are_half_open_too(session) -> None:
    part = session.between(1.0, 3.0)
    assert part.signal("wheel_position").timestamps.tolist() == [1.0, 2.0]
    assert part.signals["wheel_position"].values.tolist() == [0.1, 0.3]
    with pytest.raises(UnknownSession, match="has wheel_position"):
        part.signal("pupil")


def test_what_the_session_lacks_the_stretch_lacks(session) -> None:
    with pytest.raises(UnknownSession, match="presentations"):
        _ = session.between(3, 4).presentations
    with pytest.raises(ConfigError, match="made with"):
        session.between(3, 4).windows("nothing")


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ((3.0, 3.0), "does not end after it starts"),
        ((4.0, 3.0), "does not end after it starts"),
        ((np.nan, 3.0), "start is nan"),
        ((3.0, np.inf), "stop is inf"),
        (("3", 4.0), "start is '3'"),
        ((None, 4.0), "start is None"),
        ((True, 4.0), "start is True"),
        ((3000.0, 4000.0), "none of it was recorded: the recording lasts from 2.000 to"),
        ((-5.0, 2.0), "none of it was recorded"),
    ],
)
def test_bad_ranges_are_refused_by_name(session, limits, text) -> None:
    with pytest.raises(ConfigError, match=rf"^stretch .* of ibl session 11112222-aaaa: .*{text}"):
        session.between(*limits)


def test_numbers_of_numpy_are_numbers(session) -> None:
    assert session.between(np.int64(3), np.float32(4)).duration_s == 1.0


def test_a_session_without_spikes_is_cut_by_its_behaviour(home, tmp_path: Path) -> None:
    copy = shutil.copytree(home, tmp_path / "copy", symlinks=True)
    shutil.rmtree(copy / "store" / "ibl" / WHOLE / "raw_spikes")
    session = nh_platform.open_store(copy).session("ibl", WHOLE)
    part = session.between(3, 7)
    assert part.events("stimulus onset").times.tolist() == [3.0, 5.0]
    assert len(part.trials) == 3
    for read in (lambda: part.spikes, session.psth, session.windows_around):
        with pytest.raises(UnknownSession, match="it has no raw_spikes"):
            read()
    with pytest.raises(UnknownSession, match="nh materialize"):
        _ = nh_platform.open_store(home).session("ibl", LISTED).between(0, 1).events.names


def test_where_nothing_fired_nothing_says_what_was_recorded() -> None:
    assert checked_stretch(0, 1, RecordedTime(np.nan, np.nan), "x") == (0.0, 1.0)


def test_spikes_of_each_unit_are_cut_by_themselves() -> None:
    spikes = spikes_of([0.0, 1.0, 1.0, 2.0], [], [5.0], [0.5, 1.5])
    part = spikes_within(spikes, 1.0, 2.0)
    assert [part.of_unit(unit).tolist() for unit in range(4)] == [[1.0, 1.0], [], [], [1.5]]
    assert spikes_within(spikes, 6.0, 7.0).counts.tolist() == [0] * 4
    assert spikes_within(spikes_of(), 0.0, 1.0).n_units == 0


def test_samples_that_are_not_in_order_or_have_no_time() -> None:
    signal = Signal("x", np.array([2.0, np.nan, 1.0]), np.array([2.0, 9.0, 1.0]), "", ("x",))
    assert signal_within(signal, 1.0, 2.0).values.tolist() == [1.0]
