"""Windows read as a tensor with its index; a masked bin is 0 and known as such."""

import numpy as np
import pytest

from nh_platform.session import ConfigError, UnknownSession

CONTINUOUS, ALIGNED = "continuous-1s", "stim-halves-500ms"


def test_continuous_windows_hold_every_spike_outside_the_masks(session) -> None:
    view = session.windows(CONTINUOUS)
    assert view.counts.shape == (10, 3, 50)
    # probe00 is invalid from 5 to 6 s, which is the fourth window: 100 spikes of a, 5 of b
    assert view.counts.sum(axis=(0, 2), dtype=int).tolist() == [900, 15, 0]
    assert view.index["invalid_probes"].tolist() == [""] * 3 + ["probe00"] + [""] * 6
    assert view.counts[3].sum() == 0
    assert view.masked(3, "probe00").all()
    assert not view.masked(2, "probe00").any()
    assert not view.masked(3, "probe01").any()
    assert view.bin_centers[:2].tolist() == [0.01, 0.03]


def test_aligned_windows_are_around_the_event(session) -> None:
    view = session.windows(ALIGNED)
    assert view.counts.shape == (4, 3, 50)
    assert view.bin_centers[[0, -1]].tolist() == [-0.49, 0.49]
    assert view.counts[:, 1].argmax(axis=1).tolist() == [30, 0, 30, 30]
    assert view.masked(1, "probe00").tolist() == [False] * 25 + [True] * 25
    assert view.index["event_time"].tolist() == [3.0, 5.0, 7.0, 9.0]


@pytest.mark.parametrize("preset", [CONTINUOUS, ALIGNED])
def test_one_window_equals_its_slice_of_all(session, preset) -> None:
    view = session.windows(preset)
    for row in range(len(view)):
        assert np.array_equal(view.window(row), view.counts[row])
    with pytest.raises(UnknownSession, match="there are"):
        view.window(len(view))


def test_windows_as_xarray(session) -> None:
    array = session.windows(ALIGNED).to_xarray()
    assert array.dims == ("window", "unit", "time")
    assert int(array.sel(unit="b").isel(window=0).sel(time=0.11, method="nearest")) == 5
    assert array["valid"].all()
    assert array.attrs["preset"] == "stim-halves-500ms@1"


def test_counts_that_are_stored_equal_those_that_are_made_when_read(session) -> None:
    made, stored = session.windows(ALIGNED), session.windows("stored-halves")
    assert np.array_equal(made.counts, stored.counts)
    assert made.counts.sum() > 0
    for view in (made, stored, session.windows(CONTINUOUS)):
        assert np.array_equal(view.counts_of([3, 1]), view.counts[[3, 1]])
        assert view.counts_of([]).shape == (0, 3, 50)


def test_a_masked_window_that_is_named_twice_is_masked_twice(session) -> None:
    view = session.windows(ALIGNED)  # window 1 is masked from its event on
    twice = view.counts_of([1, 1])
    assert np.array_equal(twice, view.counts[[1, 1]])
    assert twice[:, :2, 25:].sum() == 0


def test_a_part_of_the_windows_is_a_slice_of_their_bins(session) -> None:
    view = session.windows(ALIGNED)
    assert (view.part("input"), view.part("target")) == (slice(0, 25), slice(25, 50))
    with pytest.raises(ConfigError, match=r"its windows have input, target\. .* Did you mean target"):
        view.part("targets")
    with pytest.raises(ConfigError, match="its windows have no named parts"):
        session.windows(CONTINUOUS).part("input")


def test_the_spikes_of_a_window_are_in_order_of_time(session) -> None:
    times, units = session.windows(ALIGNED).spikes(0)
    assert (np.diff(times) >= 0).all()
    assert times[units == 1].tolist() == pytest.approx([0.1, 0.101, 0.102, 0.103, 0.104])
    assert (units == 0).sum() == 100
    times, units = session.windows("no-bins").spikes(1)  # 3 to 4 s
    assert times[units == 1].tolist() == pytest.approx([0.1, 0.101, 0.102, 0.103, 0.104])


def test_a_signal_in_the_bins_has_no_value_beyond_its_samples(session) -> None:
    view = session.windows(CONTINUOUS)  # from 2 s on; the wheel is sampled at 0, 1 and 2 s
    wheel = view.signal("wheel_position")
    assert wheel.shape == (10, 50)
    assert np.isnan(wheel).all()
    assert view.signal("wheel_position", how="hold", at="end").shape == (10, 50)
    with pytest.raises(UnknownSession, match=r"signal 'wheel_pos'.*has wheel_position"):
        view.signal("wheel_pos")
    with pytest.raises(UnknownSession, match="licks of ibl session"):
        view.signal("licks", how="count")


def test_the_mean_rate_of_a_unit_is_over_the_valid_windows(session) -> None:
    view = session.windows(ALIGNED)  # four windows of 1 s, all valid
    assert view.mean_rates().tolist() == [100.0, 5.0, 0.0]
    assert view.kept_units.all()


def test_windows_without_bins_have_no_counts(session) -> None:
    view = session.windows("no-bins")
    assert repr(view) == "WindowsView('no-bins', windows=9, units=3, bins=0)"
    for counts in (lambda: view.counts, lambda: view.window(0), lambda: view.counts_of([0]), lambda: view.bin_centers):
        with pytest.raises(ConfigError, match=r"its windows have no bins\. Take their spikes"):
            counts()


def test_an_earlier_id_of_a_preset_finds_its_windows(session) -> None:
    assert np.array_equal(session.windows("stim-aligned-500ms-20ms").counts, session.windows(ALIGNED).counts)


def test_a_preset_that_was_not_made_names_those_that_were(session) -> None:
    with pytest.raises(ConfigError, match=f"made with {CONTINUOUS}, no-bins, {ALIGNED}, stored-halves"):
        session.windows("mtm")


def test_notebooks_show_windows_as_a_small_table(session) -> None:
    shown = session.windows("stim-halves-500ms")._repr_html_()
    assert "<caption>Windows stim-halves-500ms</caption>" in shown
    assert "<th>number</th><td>4</td>" in shown
    assert "<th>around</th><td>trials.stimOn_times</td>" in shown
