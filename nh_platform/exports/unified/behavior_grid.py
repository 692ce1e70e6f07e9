"""Behaviour on one clock: every sampled signal of a session at the same even times, NaN where there are no data.

Contains the grid and how each column is brought onto it. Add here a column whose values may not be interpolated on a
line. The signals as they were sampled stand beside it in the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.reading import SessionView
from nh_platform.reading.wheel_motion import wheel_signal
from nh_platform.session import ConfigError, NhError, Signal
from nh_platform.session.sampling_gaps import GAP_INTERVALS
from nh_platform.session.signal_units import column_units
from nh_platform.windows.presets.preset_fields import Resampling
from nh_platform.windows.resampling import resampled

FloatArray = npt.NDArray[np.float64]

GRID_HZ = 50.0
"""Rows per second where none is stated: bins of 20 ms, as the windows of the shipped presets have."""

MOST_HZ = 1000.0
WHEEL, WHEEL_SPEED = "wheel_position", "wheel_speed"
_NOT_SAMPLED = frozenset({"end_time"})
"""Columns that are times themselves."""
_HELD = frozenset({"likely_blink"})
"""Columns that are marks."""


@dataclass(frozen=True)
class BehaviorGrid:
    """Signals of a session at even times.

    Parameters
    ----------
    times
        (n_times,) float64, seconds on the session clock, whole multiples of the step.
    values
        (n_times, n_columns) float64; NaN before the first and after the last sample, and in gaps.
    names, units
        Name and unit of measure of each column.
    left_out
        Signals that could not be brought onto the grid, each a sentence.
    """

    times: FloatArray
    values: FloatArray
    names: tuple[str, ...]
    units: tuple[str, ...]
    left_out: tuple[str, ...]


def behavior_grid(session: SessionView, signals: dict[str, Signal], rate_hz: float = GRID_HZ) -> BehaviorGrid:
    """Bring signals onto one grid.

    Values lie on the line between the two samples around a time; angles (``_phi``) along the shorter way round, marks
    hold. Samples further apart than `GAP_INTERVALS` median steps have no data between them, but for the wheel, which
    is sampled when it moves. Nothing is filtered first: what is faster than half the rate aliases.

    Parameters
    ----------
    session
        The session, of which ``wheel_speed`` (rad/s, as brainbox) is made where it has a wheel.
    signals
        Its signals by name.
    rate_hz
        Rows per second.

    Raises
    ------
    ConfigError
        If the rate is not above 0 and at most 1000 Hz.
    """
    check_rate(rate_hz)
    used = {name: one for name, one in signals.items() if len(one.timestamps)}
    left_out: list[str] = []
    times = _grid([one.timestamps for one in used.values()], rate_hz)
    if WHEEL in used:
        try:
            used[WHEEL_SPEED] = wheel_signal(session.wheel_motion(), WHEEL_SPEED)
        except NhError as error:
            left_out.append(f"{WHEEL_SPEED} is not in it: {error.found}")
    names, units, columns = [], [], []
    for name, signal in used.items():
        values = signal.values if signal.values.ndim > 1 else signal.values[:, None]
        kept = [place for place, column in enumerate(signal.columns) if column not in _NOT_SAMPLED]
        try:
            sampled = [_at(signal, values[:, place], signal.columns[place], times) for place in kept]
        except NhError as error:
            left_out.append(f"{name} is not on the grid: {error.found}")
            continue
        columns += sampled
        names += [name if len(signal.columns) == 1 else f"{name}.{signal.columns[place]}" for place in kept]
        units += [column_units(signal)[place] for place in kept]
    stacked = np.column_stack(columns) if columns else np.zeros((len(times), 0))
    return BehaviorGrid(times, stacked, tuple(names), tuple(units), tuple(left_out))


def _grid(clocks: list[FloatArray], rate_hz: float) -> FloatArray:
    if not clocks:
        return np.zeros(0)
    first, last = min(float(one[0]) for one in clocks), max(float(one[-1]) for one in clocks)
    return np.arange(int(np.ceil(first * rate_hz)), int(np.floor(last * rate_hz)) + 1, dtype=np.float64) / rate_hz


def _at(signal: Signal, values: npt.NDArray[np.floating], column: str, times: FloatArray) -> FloatArray:
    how: Resampling = "circular" if column.endswith("_phi") else "hold" if column in _HELD else "linear"
    steps = np.diff(signal.timestamps)
    bridged = None if signal.name == WHEEL or not len(steps) else GAP_INTERVALS * float(np.median(steps))
    return resampled(signal.timestamps, values, times, how, bridged)


def check_rate(rate_hz: float) -> None:
    """Refuse a clock of behaviour that cannot be.

    Raises
    ------
    ConfigError
        If it is no rate above 0 Hz and at most `MOST_HZ`.
    """
    if not 0 < rate_hz <= MOST_HZ:
        raise ConfigError(f"grid of {rate_hz:g} Hz", f"it must lie above 0 and at most {MOST_HZ:g} Hz", "Take 50.")
