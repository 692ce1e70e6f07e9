"""PSTHs and counts around named events, masks and times of one's own; validity is that of each probe."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.session import ConfigError, UnknownSession


def test_the_default_event_is_the_stimulus_onset(session) -> None:
    assert session.events.names == (
        "trial start",
        "stimulus onset",
        "stimulus offset",
        "go cue",
        "first movement",
        "response",
        "feedback",
        "reward",
    )
    by_default, by_column = session.psth(), session.psth("stimOn_times")
    assert np.array_equal(by_default.rate, by_column.rate)
    assert by_default.event == "stimulus onset (trials.stimOn_times)"
    assert repr(by_default) == "UnitPsth('stimulus onset (trials.stimOn_times)', units=3, bins=50, events=3-4)"
    assert "<td>b</td><td>3</td><td>250.00</td>" in by_default._repr_html_()


def test_left_against_right(session) -> None:
    left = session.trials["contrastLeft"].notna()
    window = {"units": ["b"], "start": 0.0, "stop": 0.2, "bin_s": 0.1}
    of_left = session.psth("stimulus onset", where=left, **window)
    of_right = session.psth("stimulus onset", where=~left, **window)
    # stimuli at 3, 7, 9 s are left; that at 5 s is right, and probe00 is invalid then
    assert (of_left.n_events.tolist(), of_left.left_out) == ([3], {"probe00": 0})
    assert (of_right.n_events.tolist(), of_right.left_out) == ([0], {"probe00": 1})
    assert of_left.rate.tolist() == [[0.0, pytest.approx(50)]]


def test_times_of_your_own_give_the_same(session) -> None:
    times = session.events("stimulus onset").times
    assert times.tolist() == [3.0, 5.0, 7.0, 9.0]
    own = session.psth(times)
    assert np.array_equal(own.rate, session.psth().rate)
    assert (own.event, own.left_out) == ("your times", {"probe00": 1, "probe01": 0})
    assert session.psth(times, where=times > 6).n_events.tolist() == [2, 2, 2]
    assert session.psth([-50.0, 1e6]).left_out == {"probe00": 2, "probe01": 2}
    assert np.isnan(session.psth([]).rate).all()


def test_counts_around_events(session) -> None:
    windows = session.windows_around("stimulus onset", 0.0, 0.2, 0.1, units=["b", "c"])
    assert windows.counts.tolist() == [[[0, 5], [0, 0]]] * 4
    assert windows.counts.dtype == np.uint8
    assert windows.times.tolist() == [3.0, 5.0, 7.0, 9.0]
    assert windows.valid.tolist() == [[True, True], [False, True], [True, True], [True, True]]
    assert windows.unit_ids.tolist() == ["b", "c"]
    assert windows.bin_centers.tolist() == [0.05, pytest.approx(0.15)]
    assert windows.rows["choice"].tolist() == [1.0, -1.0, 1.0, 1.0]
    assert len(windows) == 4
    assert repr(windows) == (
        "EventWindows('stimulus onset (trials.stimOn_times)', events=4, units=2, bins=2, 0 to 0.2 s by 0.1 s)"
    )
    assert "<th>valid</th><td>87.5%</td>" in windows._repr_html_()
    dataset = windows.to_xarray()
    assert dict(dataset.sizes) == {"event": 4, "unit": 2, "time": 2}
    assert dataset.sel(unit="b").isel(time=1).values.tolist() == [5] * 4


def test_counts_around_times_keep_their_order_and_go_as_far_as_you_say(session) -> None:
    windows = session.windows_around([9.0, 3.0, 9.0], 0.0995, 0.1015, 0.001, units=["b"])
    assert windows.counts.tolist() == [[[1, 1]]] * 3
    assert windows.times.tolist() == [9.0, 3.0, 9.0]
    assert windows.rows is None
    outside = session.windows_around([-50.0, 3.0])
    assert outside.valid.tolist() == [[False] * 3, [True] * 3]
    assert session.windows_around([]).counts.shape == (0, 3, 50)
    assert session.windows_around(units=[]).counts.shape == (4, 0, 50)


def test_a_column_without_all_times_has_windows_of_the_others(session) -> None:
    assert session.windows_around(("trials", "stimOn_times")).times.tolist() == [3.0, 5.0, 7.0, 9.0]
    where = session.trials["choice"] > 0
    assert session.windows_around("stimOn_times", where=where).times.tolist() == [3.0, 7.0, 9.0]


@pytest.mark.parametrize(
    ("window", "text"),
    [
        ((0.0, 0.0, 0.02), "does not end after it starts"),
        ((0.5, -0.5, 0.02), "does not end after it starts"),
        ((0.0, 0.05, 0.02), "Choose a stop of 0.04 or 0.06 s"),
        ((0.0, 0.1, 0.0), "have no width"),
        ((0.0, 0.1, -0.02), "have no width"),
        ((0.0, np.nan, 0.02), "stop = nan"),
        ((-np.inf, 0.1, 0.02), "start = -inf"),
        ((0.0, 0.1, 1 / 3), "bin_s"),
    ],
)
def test_windows_that_cannot_be_are_refused(session, window, text) -> None:
    with pytest.raises(ConfigError, match=text):
        session.windows_around("stimulus onset", *window)


def test_bad_events_and_masks_are_refused_by_both(session) -> None:
    for around in (session.psth, session.windows_around):
        with pytest.raises(ConfigError, match="which this session does not have"):
            around("lick")
        with pytest.raises(ConfigError, match="Did you mean stimulus onset"):
            around("stimulus onsets")
        with pytest.raises(ConfigError, match="2 values for 4 events, rows of a table of 5"):
            around(where=[True, False])
        with pytest.raises(ConfigError, match="1 of 2 are not finite"):
            around([1.0, np.nan])
        with pytest.raises(UnknownSession, match="nobody"):
            around(units=["nobody"])


def test_spikes_of_one_unit_by_row_or_id(session) -> None:
    assert session.spikes_of("b").tolist() == session.spikes_of(1).tolist() == session.spikes.of_unit(1).tolist()
    for wrong in ("z", 3, -1):
        with pytest.raises(UnknownSession, match=str(wrong)):
            session.spikes_of(wrong)
