"""Speed, acceleration and movements of the wheel, by the filter and the thresholds that the field uses.

Contains what follows from the stored wheel position; values are those of brainbox (ibllib 4.1.0) on the same samples.
Add here what else is computed of a wheel. Nothing is stored: a session of an hour takes a second, and four million
samples per quantity would not be worth their place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import BadUpstreamData, ConfigError, Signal

FloatArray = npt.NDArray[np.float64]

RATE_HZ = 1000.0
"""Rate to which the position is interpolated (brainbox `SessionLoader.load_wheel`, `extract_wheel_moves`)."""

CORNER_HZ, ORDER = 20.0, 8
"""Butterworth low-pass of the position, forwards and backwards (brainbox `velocity_filtered`)."""

ENCODER_TICKS, WHEEL_DIAMETER_CM = 4096, 6.2
"""Ticks per turn of the rotary encoder, read fourfold, and the wheel (brainbox `ENC_RES`, `WHEEL_DIAMETER`)."""

MOVED_TICKS, ONSET_TICKS = 8.0, 1.5
"""Excursion that makes a movement, and that which marks its onset (brainbox `movements`)."""

WINDOW_S, GAP_S, SHORTEST_S = 0.2, 0.1, 0.05
"""Window in which a movement must go that far, shortest pause between two, and shortest movement."""

_PEAK_WIDTH = (10, 1.8)
"""Samples and standard deviation of the Gaussian under which the fastest moment is found."""


@dataclass(frozen=True)
class WheelMotion:
    """The wheel at even steps.

    Parameters
    ----------
    times
        (n,) float64, seconds on the session clock, `rate_hz` apart.
    position
        (n,) float64, rad, interpolated linearly; counter-clockwise is positive.
    velocity, acceleration
        (n,) float64, rad/s and rad/s², of the low-passed position; 0 in the first sample.
    rate_hz
        Samples per second.
    """

    times: FloatArray
    position: FloatArray
    velocity: FloatArray
    acceleration: FloatArray
    rate_hz: float

    def to_frame(self) -> pd.DataFrame:
        """Return the columns ``times``, ``position``, ``velocity``, ``acceleration``, as brainbox names them."""
        names = ("times", "position", "velocity", "acceleration")
        return pd.DataFrame({name: getattr(self, name) for name in names})


WHEEL_SIGNALS = {"wheel_velocity": "rad/s", "wheel_speed": "rad/s", "wheel_acceleration": "rad/s^2"}
"""Signals that follow from the wheel's position, with their unit."""


def wheel_signal(motion: WheelMotion, name: str) -> Signal:
    """Return one of `WHEEL_SIGNALS` as a signal; the speed is the velocity without its sign."""
    values = motion.acceleration if name == "wheel_acceleration" else motion.velocity
    values = np.abs(values) if name == "wheel_speed" else values
    return Signal(name, motion.times, values, WHEEL_SIGNALS[name], (name.removeprefix("wheel_"),))


def wheel_motion(
    wheel: Signal, rate_hz: float = RATE_HZ, corner_hz: float = CORNER_HZ, order: int = ORDER
) -> WheelMotion:
    """Return speed and acceleration of the wheel (brainbox 4.1.0 `interpolate_position`, `velocity_filtered`).

    Samples without a position are left out before; brainbox's filter would make the whole session NaN. Pauses between
    samples are interpolated, which is right for a wheel: the encoder reports every tick.

    Parameters
    ----------
    wheel
        ``wheel_position`` of a session, in rad, at upstream's irregular times.
    rate_hz
        Rate to interpolate to.
    corner_hz, order
        Corner and order of the Butterworth low-pass.

    Raises
    ------
    BadUpstreamData
        If the wheel has too few samples for the filter.
    ConfigError
        If the rate, corner or order cannot be.
    """
    from scipy.signal import butter, sosfiltfilt

    if not 0 < corner_hz < rate_hz / 2 or order < 1:
        raise ConfigError(
            "filter of the wheel",
            f"corner {corner_hz:g} Hz at a rate of {rate_hz:g} Hz, order {order}",
            "Give a corner above 0 and below half the rate, and an order of at least 1.",
        )
    times, position = _even(wheel, rate_hz)
    sections = butter(order, corner_hz / rate_hz * 2, btype="lowpass", output="sos")
    shortest = 3 * (2 * len(sections) + 1)  # scipy's padding; below it the filter refuses
    if len(times) <= shortest:
        raise BadUpstreamData(
            f"signal {wheel.name}",
            f"{len(times)} samples at {rate_hz:g} Hz, and the filter needs more than {shortest}",
            "Leave the wheel of this session out.",
        )
    velocity = np.concatenate([[0.0], np.diff(sosfiltfilt(sections, position))]) * rate_hz
    acceleration = np.concatenate([[0.0], np.diff(velocity)]) * rate_hz
    return WheelMotion(times, position, velocity, acceleration, rate_hz)


def wheel_movements(
    wheel: Signal, moved_rad: float | None = None, onset_rad: float | None = None, rate_hz: float = RATE_HZ
) -> pd.DataFrame:
    """Detect the movements of the wheel (brainbox 4.1.0 `movements` as `extract_wheel_moves` calls it).

    The wheel moves while its excursion within the next 0.2 s is more than 8 ticks of the encoder. Pauses of less than
    0.1 s are part of a movement, and movements of less than 0.05 s are none. The onset is the sample before the
    position stays more than 1.5 ticks from where it was.

    brainbox works in batches of 10,000 samples and leaves one row of memory unset where an onset is the last of a
    batch, or the last onset of all lies at a batch's end; there its onsets are not defined, and these are.

    Parameters
    ----------
    wheel, rate_hz
        As of `wheel_motion`.
    moved_rad, onset_rad
        The two thresholds in rad; those of the encoder where not stated.

    Returns
    -------
    pandas.DataFrame
        ``start_time``, ``stop_time`` and ``peak_velocity_time`` in s, ``peak_amplitude`` in rad with its sign: the
        largest excursion from the position at the onset.
    """
    from scipy.signal import convolve
    from scipy.signal.windows import gaussian

    columns = ("start_time", "stop_time", "peak_amplitude", "peak_velocity_time")
    times, position = _even(wheel, rate_hz)
    moved = _ticks_rad(MOVED_TICKS) if moved_rad is None else moved_rad
    onset_at = _ticks_rad(ONSET_TICKS) if onset_rad is None else onset_rad
    width = round(WINDOW_S * rate_hz)
    if len(times) == 0:
        return pd.DataFrame({name: np.empty(0) for name in columns})
    moving = np.concatenate([[False], _excursion(position, width) > moved])
    moving[-1] = False
    starts, stops = _edges(moving)
    for stop, start in zip(stops[:-1], starts[1:], strict=True):
        if (start - stop) / rate_hz < GAP_S:
            moving[stop : start + 1] = True
    starts, stops = _edges(moving)
    starts = starts + _onset_lag(position, starts, width, onset_at)
    long_enough = times[stops] - times[starts] >= SHORTEST_S
    starts, stops = starts[long_enough], stops[long_enough]
    if len(starts):
        apart = times[starts[1:]] - times[stops[:-1]] >= GAP_S
        starts, stops = starts[np.r_[True, apart]], stops[np.r_[apart, True]]
    speed = np.abs(convolve(np.diff(position, prepend=0.0), gaussian(*_PEAK_WIDTH), mode="same"))
    far = [start + int(np.abs(position[start:stop] - position[start]).argmax()) for start, stop in zip(starts, stops)]
    fast = [start + int(speed[start:stop].argmax()) for start, stop in zip(starts, stops)]
    found = (times[starts], times[stops], position[far] - position[starts], times[fast]) if len(starts) else ([],) * 4
    return pd.DataFrame({name: np.asarray(values, dtype=np.float64) for name, values in zip(columns, found)})


def _even(wheel: Signal, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """Return evenly spaced times and the position interpolated there, from the first to the last known sample."""
    known = np.isfinite(wheel.values)
    times, position = wheel.timestamps[known], wheel.values[known]
    if len(times) == 0:
        return np.empty(0), np.empty(0)
    even = np.arange(times[0], times[-1], 1 / rate_hz)
    if len(even) and even[-1] > times[-1]:
        even = even[:-1]
    return even, np.interp(even, times, position)


def _ticks_rad(ticks: float) -> float:
    # In brainbox's order, over cm: its thresholds differ in the last bit from 2π × ticks / 4096.
    return float(ticks / ENCODER_TICKS * np.pi * WHEEL_DIAMETER_CM * (2 / WHEEL_DIAMETER_CM))


def _excursion(position: FloatArray, width: int) -> FloatArray:
    """Return the largest less the smallest of the next ``width`` positions of each sample, fewer at the end."""
    ahead = pd.Series(position[::-1]).rolling(width, min_periods=1)
    return np.asarray((ahead.max() - ahead.min()).to_numpy()[::-1], dtype=np.float64)


def _edges(moving: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the last sample before each movement, and the last one of it."""
    return np.flatnonzero(~moving[:-1] & moving[1:]), np.flatnonzero(moving[:-1] & ~moving[1:])


def _onset_lag(
    position: FloatArray, starts: npt.NDArray[np.int64], width: int, onset_at: float
) -> npt.NDArray[np.int64]:
    """Return how many samples after each start the position is for the last time within ``onset_at`` of it."""
    padded = np.concatenate([position, np.full(width, np.nan)])
    lags = np.empty(len(starts), dtype=np.int64)
    for row, start in enumerate(starts):
        near = np.flatnonzero(~(np.abs(padded[start : start + width] - padded[start]) > onset_at))
        # The first sample is at distance 0, so that there is always one.
        lags[row] = near[-1]
    return lags
