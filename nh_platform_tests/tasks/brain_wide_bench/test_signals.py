"""Signals at 50 Hz: what they keep and lose, where samples lie, and arithmetic with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.tasks.brain_wide_bench.signals import (
    GridSignal,
    camera_rate,
    confident,
    decimated_wheel,
    even_samples,
    event_counts,
    is_known_rate,
    resampled_to_grid,
    speed,
)


@pytest.mark.parametrize(
    ("rate", "known"),
    [(60.0, True), (60.9, True), (61.0, False), (59.1, True), (150.9, True), (30.0, False), (6.0, False)],
)
def test_a_camera_runs_at_60_or_150_hz_less_than_1_hz_off(rate, known) -> None:
    assert is_known_rate(rate) is known
    assert camera_rate(np.arange(100) / rate) == pytest.approx(rate)


def test_frames_that_jitter_or_lack_are_brought_to_even_steps_on_a_line() -> None:
    times = np.arange(600) / 60.0
    times[1:-1:2] += 0.002
    kept = np.ones(600, dtype=bool)
    kept[100:103] = False
    even, values = even_samples(times[kept], 3.0 * times[kept] + 1.0)
    assert np.allclose(np.diff(even), np.median(np.diff(times[kept])))
    assert even[0] == times[0]
    assert values == pytest.approx(3.0 * even + 1.0)


@pytest.mark.parametrize("rate", [60.0, 150.0])
@pytest.mark.parametrize(("tone_hz", "left"), [(2.0, 1.0), (10.0, 1.0), (20.0, 0.5), (28.0, 0.0)])
def test_what_is_slow_stays_half_is_left_at_20_hz_and_what_is_fast_goes(rate, tone_hz, left) -> None:
    # A Butterworth filter halves the power at its corner each way: both ways leave half the amplitude.
    times = np.arange(int(20 * rate)) / rate
    grid = np.arange(times[0], times[-1], 0.02)
    found = resampled_to_grid(times, np.sin(2 * np.pi * tone_hz * times)[:, None])[:, 0]
    inside = slice(200, 800)
    in_phase = np.column_stack([np.sin(2 * np.pi * tone_hz * grid), np.cos(2 * np.pi * tone_hz * grid)])[inside]
    amplitude = np.hypot(*np.linalg.lstsq(in_phase, found[inside], rcond=None)[0])
    # The line between two samples lowers a tone too: most in the middle, by the cosine of half its phase from one to
    # the other.
    assert left * np.cos(np.pi * tone_hz / 50.0) - 0.02 < amplitude < left + 0.02
    assert len(found) == len(grid)


def test_columns_are_resampled_alike_and_stay_within_the_range_that_they_had() -> None:
    rng = np.random.default_rng(1)
    times = np.arange(600) / 60.0
    steps = (rng.random(600) < 0.5).astype(float)
    found = resampled_to_grid(times, np.column_stack([steps, 5.0 * steps]))
    assert (found.min(), found[:, 0].max()) == (0.0, 1.0)
    assert found[:, 1] == pytest.approx(5.0 * found[:, 0])


def test_speed_is_the_length_of_the_central_differences() -> None:
    positions = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0], [6.0, 8.0]])
    # In px per sample at 60 Hz: 5, 5, half of 5, none.
    assert speed(positions, 60.0) == pytest.approx([300.0, 300.0, 150.0, 0.0])


def test_a_sample_counts_where_it_and_both_beside_it_are_likely() -> None:
    likelihood = np.array([0.9, 0.95, 0.89, 0.99, 1.0, 1.0])
    assert confident(likelihood).tolist() == [True, False, False, False, True, True]


def test_events_count_from_a_sample_on_and_before_the_next() -> None:
    times = np.array([9.999, 10.0, 10.019, 10.0201, 10.0799, 10.08, np.nan])
    assert event_counts(times, 10.0, 4).tolist() == [2, 1, 0, 1]


def test_a_window_takes_the_samples_from_its_start_on_and_none_that_are_not_there() -> None:
    signal = GridSignal(2.0, np.arange(100.0))
    rows, spanned = signal.samples(np.array([2.0, 2.001, 3.0, 3.0 + 1e-12, 3.001, 1.999]), 50)
    assert rows[:, 0].tolist() == [0, 1, 50, 50, 51, 0]
    assert spanned.tolist() == [True, True, True, True, False, True]
    assert signal.times(rows[2, :2]).tolist() == [3.0, 3.02]


def test_the_wheel_s_speed_lies_on_the_grid_without_its_sign() -> None:
    times = np.arange(10_000) / 1000.0 + 5.0071
    velocity = -2.0 + np.sin(2 * np.pi * 1.0 * times) + 0.5 * np.sin(2 * np.pi * 45.0 * times)
    found = decimated_wheel(times, velocity, 0.25, 1000.0)
    assert found is not None
    assert found.start == pytest.approx(5.01)  # 0.25 s and 238 samples
    at = found.times(np.arange(len(found.values)))[50:-50]
    assert at[-1] < times[-1]
    assert found.values[50:-50] == pytest.approx(2.0 - np.sin(2 * np.pi * at), abs=0.01)
    assert decimated_wheel(times[:1000], velocity[:1000], 0.25, 1000.0) is None
