"""Behaviour on one clock: every sampled signal of a session at the same even times, NaN where there are no data.

Contains the grid. Add here a signal that is made of others. How a column is brought onto it is
`nh_platform.exports.signal_columns`; the signals as they were sampled stand beside it in the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.exports.signal_columns import WHEEL, columns_at
from nh_platform.reading import SessionView
from nh_platform.reading.wheel_motion import wheel_signal
from nh_platform.session import ConfigError, NhError, Signal
from nh_platform.session.tables.signal_units import column_units

FloatArray = npt.NDArray[np.float64]

GRID_HZ = 50.0
"""Rows per second where none is stated: bins of 20 ms, as the windows of the shipped presets have."""

MOST_HZ = 1000.0
WHEEL_SPEED = "wheel_speed"


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
    hold; gaps are those of `nh_platform.exports.signal_columns`. Nothing is filtered first: what is faster than half
    the rate aliases.

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
    names: list[str] = []
    units: list[str] = []
    columns: list[FloatArray] = []
    for name, signal in used.items():
        try:
            sampled = columns_at(signal, times)
        except NhError as error:
            left_out.append(f"{name} is not on the grid: {error.found}")
            continue
        stated = dict(zip(signal.columns, column_units(signal)))
        columns += sampled.values()
        names += [name if len(signal.columns) == 1 else f"{name}.{column}" for column in sampled]
        units += [stated[column] for column in sampled]
    stacked = np.column_stack(columns) if columns else np.zeros((len(times), 0))
    return BehaviorGrid(times, stacked, tuple(names), tuple(units), tuple(left_out))


def _grid(clocks: list[FloatArray], rate_hz: float) -> FloatArray:
    if not clocks:
        return np.zeros(0)
    first, last = min(float(one[0]) for one in clocks), max(float(one[-1]) for one in clocks)
    return np.arange(int(np.ceil(first * rate_hz)), int(np.floor(last * rate_hz)) + 1, dtype=np.float64) / rate_hz


def check_rate(rate_hz: float) -> None:
    """Refuse a clock of behaviour that cannot be.

    Raises
    ------
    ConfigError
        If it is no rate above 0 Hz and at most `MOST_HZ`.
    """
    if not 0 < rate_hz <= MOST_HZ:
        raise ConfigError(f"grid of {rate_hz:g} Hz", f"it must lie above 0 and at most {MOST_HZ:g} Hz", "Take 50.")
