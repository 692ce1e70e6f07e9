"""Signals of a session: the grid of the left camera, and what is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.session import Signal
from nh_platform.tasks.brain_wide_bench import behaviour
from nh_platform.tasks.task import TargetMissing
from nh_platform_tests.tasks.brain_wide_bench.hand_made import session_of, spikes_of, trials_at

TRIALS = trials_at([10.0, 20.0])


def camera(rate: float = 60.0, stop: float = 30.0, values: np.ndarray | None = None) -> dict[str, Signal]:
    times = np.arange(0.25, stop, 1 / rate)
    energy = 2.0 + np.sin(times) if values is None else values
    return {"motion_energy_left": Signal("motion_energy_left", times, energy, "a.u.", ("motion_energy",))}


def wheel(times: np.ndarray, position: np.ndarray) -> dict[str, Signal]:
    return {"wheel_position": Signal("wheel_position", times, position, "rad", ("position",))}


def paws(rate: float = 60.0) -> pd.DataFrame:
    times = np.arange(0.25, 30.0, 1 / rate)
    likelihood = np.ones(len(times))
    return pd.DataFrame(
        {
            "times": times,
            # The right of the image, the animal's left paw, goes 60 px/s; the other one rests.
            "paw_r_x": 60.0 * times,
            "paw_r_y": 5.0,
            "paw_r_likelihood": likelihood,
            "paw_l_x": 7.0,
            "paw_l_y": 5.0,
            "paw_l_likelihood": np.where((times > 10) & (times < 11), 0.5, likelihood),
        }
    )


def session(**others: Any) -> SessionView:
    return session_of(spikes_of([0.0, 30.0]), TRIALS, **others)


def test_the_grid_begins_with_the_first_frame_of_the_left_camera() -> None:
    found = behaviour.whisker_motion_energy(session(signals=camera()))
    assert found.start == 0.25
    times = found.times(np.arange(len(found.values)))
    assert found.values[60:-60] == pytest.approx(2.0 + np.sin(times)[60:-60], abs=1e-3)


def test_frames_without_a_value_are_bridged() -> None:
    times = np.arange(0.25, 30.0, 1 / 60)
    values = 2.0 + np.sin(times)
    values[500:505] = np.nan
    signals = camera(values=values)
    signals["motion_energy_left"].timestamps[700] = np.nan
    found = behaviour.whisker_motion_energy(session(signals=signals))
    assert np.isfinite(found.values).all()


def test_licks_are_counted_on_the_grid() -> None:
    licks = pd.DataFrame({"times": [0.2, 0.25, 0.26, 0.2701]})
    found = behaviour.licks(session(signals=camera(), events={"licks": licks}))
    assert found.values[:3].tolist() == [2.0, 1.0, 0.0]
    assert found.start == 0.25


def test_the_wheel_lies_on_the_grid_of_the_camera() -> None:
    times = np.arange(1.0, 29.0, 0.005)
    found = behaviour.wheel_speed(session(signals=camera() | wheel(times, -3.0 * times)))
    assert found.start == pytest.approx(1.01)
    assert found.values[100:-100] == pytest.approx(3.0, abs=1e-3)


def test_the_animal_s_left_paw_is_on_the_right_of_the_image() -> None:
    made = session(poses={"left": paws()})
    left, right = behaviour.paw_speed(made, "left"), behaviour.paw_speed(made, "right")
    assert left.values[60:-60] == pytest.approx(60.0, abs=1e-6)
    assert right.values[60:-60] == pytest.approx(0.0, abs=1e-6)
    assert left.confident is not None
    assert left.confident.all()
    assert right.confident is not None
    unsure = right.times(np.flatnonzero(~right.confident))
    # Lower likelihoods reach 0.9 between their edge and the next samples, and one more on both sides is left out.
    assert 9.9 < unsure.min() < 10.0
    assert 11.0 < unsure.max() < 11.1


def test_without_motion_energy_the_frames_of_the_pose_are_the_grid() -> None:
    licks = pd.DataFrame({"times": [0.26]})
    assert behaviour.licks(session(poses={"left": paws()}, events={"licks": licks})).values[0] == 1.0


@pytest.mark.parametrize(
    ("make", "others", "found"),
    [
        (behaviour.whisker_motion_energy, {}, "signal 'motion_energy_left': it has none"),
        (
            behaviour.whisker_motion_energy,
            {"signals": camera(30.0)},
            "left camera runs at 30 Hz, .* takes 60 or 150 Hz",
        ),
        (behaviour.whisker_motion_energy, {"signals": camera(stop=2.0)}, "left camera has no 2 s of known frames"),
        (behaviour.whisker_motion_energy, {"signals": camera(stop=0.25)}, "left camera has no frames"),
        (behaviour.wheel_speed, {"signals": camera()}, "signal 'wheel_position': it has motion_energy_left"),
        (
            behaviour.wheel_speed,
            {"signals": camera() | wheel(np.array([5.0, 5.5]), np.array([0.0, 1.0]))},
            "its wheel lasts less than 1 s",
        ),
        (behaviour.wheel_speed, {"signals": camera(30.0)}, "left camera runs at 30 Hz"),
        (behaviour.licks, {"signals": camera()}, "upstream has no licks"),
        (behaviour.licks, {}, "pose: not made|pose of ibl session: not made"),
        (lambda made: behaviour.paw_speed(made, "left"), {"signals": camera()}, "not made. Name it in `also_assets`"),
        (lambda made: behaviour.paw_speed(made, "left"), {"poses": {"left": paws(30.0)}}, "left camera runs at 30 Hz"),
        (
            lambda made: behaviour.paw_speed(made, "right"),
            {"poses": {"left": paws().drop(columns="paw_l_x")}},
            "Lightning Pose of the left camera has no paw_l_x",
        ),
    ],
)
def test_what_lacks_is_named_with_what_to_do(make, others, found) -> None:
    with pytest.raises(TargetMissing, match=f"ibl session by-hand: .*(?:{found})"):
        make(session(**others))
