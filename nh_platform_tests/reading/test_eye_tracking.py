"""Blinks determined anew, counted by hand; that they are AllenSDK's is tested beside the reader of its files."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.reading.eye_tracking import eye_tracking_as_allensdk
from nh_platform.session import ConfigError, SchemaError, Signal

ELLIPSES = ("corneal_reflection", "pupil", "eye")
FIELDS = ("center_x", "center_y", "height", "width", "phi", "area")


def pupil(n_frames: int = 40) -> Signal:
    """Return a signal in which frame 10 has an eye of ten times the size, frame 30 none; the file calls 5 a blink."""
    columns = [f"{what}_{field}" for what in ELLIPSES for field in FIELDS] + ["likely_blink"]
    values = np.random.default_rng(0).normal(20, 1, (n_frames, len(columns)))
    values[10, columns.index("eye_area")] *= 10
    values[30, columns.index("eye_area")] = np.nan
    values[:, -1] = np.arange(n_frames) == 5
    return Signal("pupil", np.arange(n_frames) / 60, values, "px", tuple(columns))


def test_outliers_and_missing_frames_are_blinks_with_their_neighbours_whatever_the_file_says() -> None:
    table = eye_tracking_as_allensdk(pupil())
    assert np.flatnonzero(table["likely_blink"]).tolist() == [8, 9, 10, 11, 12, 28, 29, 30, 31, 32]
    assert table.index.name == "frame"
    alone = eye_tracking_as_allensdk(pupil(), dilation_frames=0)
    assert np.flatnonzero(alone["likely_blink"]).tolist() == [10, 30]
    assert np.flatnonzero(eye_tracking_as_allensdk(pupil(), 1e9, 0)["likely_blink"]).tolist() == [30]


def test_what_a_blink_hides_and_what_stays() -> None:
    signal = pupil()
    table, stated = eye_tracking_as_allensdk(signal), dict(zip(signal.columns, signal.values.T))
    hidden = ["cr_area", "eye_area", "pupil_area", "eye_width", "eye_height", "eye_phi", "pupil_width", "pupil_phi"]
    assert table.loc[table["likely_blink"], hidden].isna().all(axis=None)
    assert table.loc[~table["likely_blink"], hidden].notna().all(axis=None)
    np.testing.assert_array_equal(table["pupil_area_raw"], stated["pupil_area"])
    np.testing.assert_array_equal(table["cr_width"], stated["corneal_reflection_width"] / 2)
    np.testing.assert_array_equal(table["eye_center_x"], stated["eye_center_x"])
    assert np.isfinite(signal.values[10]).all(), "the stored signal stays as it is"


def test_a_signal_without_areas_and_a_negative_number_of_frames_are_refused() -> None:
    coding = Signal("pupil", np.zeros(1), np.zeros((1, 1)), "px", ("pupil_center_x",))
    with pytest.raises(SchemaError, match="has no corneal_reflection_area"):
        eye_tracking_as_allensdk(coding)
    with pytest.raises(ConfigError, match="0 or more"):
        eye_tracking_as_allensdk(pupil(), dilation_frames=-1)
