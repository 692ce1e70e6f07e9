"""Angles go the shorter way round and gaps are the same, whichever layout brings a signal to its grid."""

from __future__ import annotations

import numpy as np

from nh_platform.exports.signal_columns import columns_at
from nh_platform.exports.torch_brain.signals import grid_times, signal_groups
from nh_platform.exports.unified.behavior_grid import behavior_grid
from nh_platform.reading import SessionView
from nh_platform.session import Signal


def a_pupil() -> Signal:
    """Return 30 samples a second with an angle that passes π, three lost frames and a pause of 2 s."""
    times = np.delete(np.arange(0.0, 10.0, 1 / 30), [*range(60, 63), *range(150, 210)])
    angle = np.mod(3.0 + 0.1 * times + np.pi, 2 * np.pi) - np.pi
    return Signal("pupil", times, np.column_stack([angle, times]), "rad, px", ("eye_phi", "eye_width"))


def test_an_angle_between_two_samples_lies_on_the_shorter_way() -> None:
    turned = Signal("pupil", np.array([0.0, 1.0]), np.array([3.0, -3.0]), "rad", ("eye_phi",))
    (found,) = columns_at(turned, np.array([0.5])).values()
    np.testing.assert_allclose(np.abs(found), np.pi)


def test_both_grids_have_the_same_angles_and_the_same_gaps(only_session: dict[str, SessionView]) -> None:
    pupil = a_pupil()
    unified = behavior_grid(only_session["allen_vc"], {"pupil": pupil}, 30.0)
    bounds = (0.0, float(pupil.timestamps[-1]))

    class Session:
        signals, assets, events = {"pupil": pupil}, ("signals",), {}

    groups, _ = signal_groups(Session(), bounds)  # type: ignore[arg-type]
    at = grid_times(bounds, 30.0)
    for place, name in enumerate(("eye_phi", "eye_width")):
        one, other = unified.values[: len(at), place], groups["pupil"].arrays[name]
        np.testing.assert_allclose(unified.times[: len(at)], at)
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
        np.testing.assert_allclose(one, other, atol=1e-5)
    known = np.isfinite(groups["pupil"].arrays["eye_phi"])
    assert not known[(at > 5.0) & (at < 6.9)].any()
    assert known[(at > 1.5) & (at < 2.5)].all()
    assert groups["signals"].arrays["how"].tolist() == ["circular", "linear"]
