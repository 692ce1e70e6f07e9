"""Speed and movements of the wheel are brainbox's on the same samples; what brainbox leaves undefined is defined."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.reading.wheel_motion import WheelMotion, wheel_motion, wheel_movements
from nh_platform.session import BadUpstreamData, ConfigError, Signal

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TICK_RAD = 2 * np.pi / 4096


def wheel(times: np.ndarray, position: np.ndarray) -> Signal:
    return Signal("wheel_position", np.asarray(times, float), np.asarray(position, float), "rad", ("position",))


def turns(n_turns: int, seed: int = 0) -> Signal:
    """Return a wheel of an encoder that reports each tick: turns of 0.05 to 0.5 rad and small jitters between them."""
    rng = np.random.default_rng(seed)
    times, position = [np.array([0.5])], [np.array([0.0])]
    now, ticks = 1.0, 0
    for _ in range(n_turns):
        size = int(rng.choice([-1, 1]) * rng.choice([2, 5, 9, 40, 200]))
        steps = np.sign(size) * np.arange(1, abs(size) + 1)
        taken = np.sort(rng.random(len(steps))) * rng.uniform(0.05, 0.5)
        times.append(now + taken)
        position.append((ticks + steps) * TICK_RAD)
        ticks += size
        now += taken[-1] + rng.choice([0.03, 0.09, 0.12, 0.4, 1.5])
    return wheel(np.concatenate(times), np.concatenate(position))


def brainbox(signal: Signal, folder: Path) -> dict[str, np.ndarray]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    np.savez(folder / "in.npz", timestamps=signal.timestamps, position=signal.values)
    run_in_peer("ibllib", BENCHMARKS / "peer_ibllib_wheel.py", folder / "in.npz", folder / "out.npz")
    with np.load(folder / "out.npz") as stored:
        return {name: stored[name] for name in stored.files}


@pytest.mark.peer
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_speed_acceleration_and_movements_equal_brainbox(tmp_path: Path, seed: int) -> None:
    signal = turns(300, seed)
    peer, motion, moves = brainbox(signal, tmp_path), wheel_motion(signal), wheel_movements(signal)
    for name in ("times", "position", "velocity", "acceleration"):
        assert np.array_equal(getattr(motion, name), peer[name]), name
    assert len(moves) > 50
    assert np.array_equal(moves["start_time"], peer["onsets"])
    assert np.array_equal(moves["stop_time"], peer["offsets"])
    assert np.array_equal(moves["peak_amplitude"], peer["peak_amplitudes"])
    assert np.array_equal(moves["peak_velocity_time"], peer["peak_velocity_times"])
    assert np.array_equal(moves[["start_time", "stop_time"]], peer["extracted"])


@pytest.mark.peer
def test_one_position_that_is_not_known_costs_brainbox_the_speed_of_the_session_and_us_a_sample(tmp_path: Path) -> None:
    signal = turns(60)
    holed = signal.values.copy()
    holed[100] = np.nan
    peer = brainbox(wheel(signal.timestamps, holed), tmp_path)
    assert np.isnan(peer["velocity"][1:]).all()
    ours = wheel_motion(wheel(signal.timestamps, holed))
    assert np.isfinite(ours.velocity).all()
    assert np.abs(ours.velocity - wheel_motion(signal).velocity).max() < 0.5


def test_a_steady_turn_has_its_speed_and_no_acceleration() -> None:
    times = np.arange(0, 10, 0.01)
    motion = wheel_motion(wheel(times, 0.7 * times))
    middle = slice(1000, 9000)
    np.testing.assert_allclose(motion.velocity[middle], 0.7, rtol=1e-6)
    np.testing.assert_allclose(motion.acceleration[middle], 0.0, atol=1e-3)
    assert (motion.velocity[0], motion.acceleration[0]) == (0.0, 0.0)
    assert list(motion.to_frame()) == ["times", "position", "velocity", "acceleration"]
    assert np.allclose(np.diff(motion.times), 0.001)


def test_one_turn_is_one_movement_with_its_sign() -> None:
    times = np.arange(0, 4, 0.001)
    position = -0.3 * np.clip((times - 1.0) / 0.2, 0, 1)
    moves = wheel_movements(wheel(times, position))
    assert len(moves) == 1
    start, stop, peak, fastest = moves.iloc[0]
    assert 1.0 <= start < 1.01
    assert 1.18 < stop < 1.21
    assert peak == pytest.approx(-0.3, abs=0.02)
    assert start <= fastest <= stop


def test_a_wheel_that_lies_still_does_not_move() -> None:
    moves = wheel_movements(wheel(np.arange(0, 3, 0.01), np.zeros(300)))
    assert moves.empty
    assert list(moves) == ["start_time", "stop_time", "peak_amplitude", "peak_velocity_time"]
    assert wheel_movements(wheel(np.empty(0), np.empty(0))).empty


@pytest.mark.parametrize("place", [9700, 9990, 9991, 9992])
def test_an_onset_at_the_end_of_a_batch_of_brainbox_is_found_where_it_is(place: int) -> None:
    """A turn at sample 9991 begins to count at 9799, which brainbox 4.1.0 leaves out: its last onset was 6 ms off."""
    times = np.arange(0, 30, 0.001)
    begins = (place + np.array([0, 5000, 12000])) / 1000
    position = sum(0.2 * np.clip((times - begin) / 0.1, 0, 1) for begin in begins)
    moves = wheel_movements(wheel(times, position))
    assert len(moves) == 3
    np.testing.assert_allclose(moves["start_time"], begins + 0.001, atol=1e-6)


def test_too_few_samples_and_a_corner_above_half_the_rate_are_refused() -> None:
    with pytest.raises(BadUpstreamData, match="the filter needs more than 27"):
        wheel_motion(wheel([0.0, 0.01], [0.0, 0.1]))
    with pytest.raises(ConfigError, match="corner 20 Hz at a rate of 30 Hz"):
        wheel_motion(wheel(np.arange(100.0), np.zeros(100)), rate_hz=30)


def test_a_session_gives_its_wheel_at_any_rate(session: SessionView) -> None:
    motion = session.wheel_motion(rate_hz=100)
    assert isinstance(motion, WheelMotion)
    assert len(motion.times) == 200
    assert motion.velocity[100] == pytest.approx(0.15, abs=0.1)
    assert isinstance(session.wheel_movements(), pd.DataFrame)
