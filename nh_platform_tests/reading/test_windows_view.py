"""Windows read as a tensor with its index; a masked bin is 0 and known as such."""

import numpy as np
import pytest

from nh_platform.session import ConfigError, UnknownSession

CONTINUOUS, ALIGNED = "continuous-1s-20ms", "stim-aligned-500ms-20ms"


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
    assert array.attrs["preset"] == "stim-aligned-500ms-20ms@1"


def test_a_preset_that_was_not_made_names_those_that_were(session) -> None:
    with pytest.raises(ConfigError, match=f"made with {CONTINUOUS}, {ALIGNED}"):
        session.windows("mtm")
