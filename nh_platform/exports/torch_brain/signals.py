"""Behaviour as ``RegularTimeSeries``: every signal on an even grid over the recorded time, NaN where there is no data.

Contains the grids and rates, and the three signals that BrainWideBench reads by name. Add here one that it reads more.
How a column comes to its grid, and what is a gap, is `nh_platform.exports.signal_columns`.

A slice of a ``RegularTimeSeries`` of 1 s at 50 Hz always has 50 rows; of an irregular one it has 50 or 51.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nh_platform.exports.signal_columns import WHEEL, columns_at, way_of
from nh_platform.exports.torch_brain.benchmark import benchmark_signals
from nh_platform.exports.torch_brain.objects import FloatArray, Group, array_dict, regular
from nh_platform.exports.torch_brain.text import as_name
from nh_platform.reading.wheel_motion import WheelMotion
from nh_platform.session import BadUpstreamData, Signal
from nh_platform.session.tables.events import LICKS
from nh_platform.session.tables.signal_units import column_units
from nh_platform.tasks.brain_wide_bench.signals import GridSignal
from nh_platform.windows.resampling import counted_events, resampled

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

BENCHMARK_HZ = 50.0
"""Rate of ``wheel``, ``whisker`` and ``licks``: that of BrainWideBench (``TARGET_FS_HZ``)."""

FEWEST = 3
"""Samples that a rate can be told from."""

LEFT_CAMERA = "motion_energy_left"

_OF_THE_BENCHMARK = ("whisker", "wheel", "licks")


def signal_groups(
    session: SessionView, bounds: tuple[float, float], taken: Collection[str] = ()
) -> tuple[dict[str, Group], list[str]]:
    """Return every signal of a session on a grid of its own rate, those of the benchmark at 50 Hz, and a table of them.

    Parameters
    ----------
    session
        The session; one without the asset `signals` has none.
    bounds
        From when to when (s) it was recorded: what every grid covers.
    taken
        Names that are other objects': a signal that is called so is left out.

    Returns
    -------
    groups
        ``<signal>`` with an array (n,) float32 per column; ``wheel``, ``whisker``, ``licks``; and ``signals``, one row
        per array: its ``group``, ``name``, ``unit``, ``rate_hz``, how it was resampled, and the share of the grid that
        has a value.
    notes
        What is left out.
    """
    groups: dict[str, Group] = {}
    notes: list[str] = []
    table = _Table()
    stored = session.signals if "signals" in session.assets else {}
    for name, signal in stored.items():
        if name == WHEEL:
            continue
        if as_name(name) in {*taken, *_OF_THE_BENCHMARK, "signals"}:
            notes.append(f"signal {name}: left out, another object of a recording has that name")
            continue
        usable = _usable(signal, notes)
        if usable is None:
            continue
        rate = own_rate(usable.timestamps)
        groups[as_name(name)] = _on_grid(as_name(name), usable, bounds, rate, table)
    groups |= _benchmark(session, stored, bounds, table, notes)
    if not groups:
        notes.append("signals of behaviour: the session has none")
    return {**groups, "signals": table.group()}, notes


def own_rate(times: FloatArray) -> float:
    """Return the samples per second of (n,) ``times`` in s: a whole number where it is within 1 % of one.

    Examples
    --------
    >>> own_rate(np.arange(100) / 59.998), own_rate(np.arange(100) / 7.4)
    (60.0, 7.4)
    """
    rate = 1 / float(np.median(np.diff(times)))
    whole = round(rate)
    return float(whole) if whole and abs(rate - whole) <= 0.01 * whole else round(rate, 3)


def grid_times(bounds: tuple[float, float], rate_hz: float) -> FloatArray:
    """Return the times (n,) in s of a grid from the start of the recording that reaches to its end."""
    n = int(np.ceil((bounds[1] - bounds[0]) * rate_hz))
    return bounds[0] + np.arange(n, dtype=np.float64) / rate_hz


class _Table:
    """What the arrays of all signals are."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, float, str, float]] = []

    def add(self, group: str, name: str, unit: str, rate_hz: float, how: str, values: npt.NDArray[np.float32]) -> None:
        known = float(np.isfinite(values).mean()) if len(values) else 0.0
        self._rows.append((group, name, unit.encode("ascii", "backslashreplace").decode(), rate_hz, how, known))

    def group(self) -> Group:
        names = ("group", "name", "unit", "rate_hz", "how", "share_known")
        columns = list(zip(*self._rows)) if self._rows else [()] * len(names)
        of_text = ("group", "name", "unit", "how")
        kinds = {name: (np.str_ if name in of_text else np.float64) for name in names}
        return array_dict({name: np.array(column, dtype=kinds[name]) for name, column in zip(names, columns)})


def _usable(signal: Signal, notes: list[str]) -> Signal | None:
    """Return a signal whose times ascend; None where too few samples are left for a grid."""
    kept = np.flatnonzero(np.isfinite(signal.timestamps))
    kept = kept[np.argsort(signal.timestamps[kept], kind="stable")]
    times = signal.timestamps[kept]
    if len(times) < FEWEST or not np.median(np.diff(times)) > 0:
        notes.append(f"{signal.name}: {len(times)} samples with a time, too few for an even grid")
        return None
    if len(kept) == len(signal.timestamps) and (np.diff(kept) == 1).all():
        return signal
    notes.append(
        f"{signal.name}: samples are sorted by time, {len(signal.timestamps) - len(kept)} without a time left out"
    )
    return Signal(signal.name, times, signal.values[kept], signal.unit, signal.columns)


def _on_grid(group: str, signal: Signal, bounds: tuple[float, float], rate_hz: float, table: _Table) -> Group:
    units = dict(zip(signal.columns, column_units(signal)))
    arrays = {}
    for name, values in columns_at(signal, grid_times(bounds, rate_hz)).items():
        arrays[as_name(name)] = values.astype(np.float32)
        table.add(group, as_name(name), units[name], rate_hz, str(way_of(name)), arrays[as_name(name)])
    return regular(bounds[0], rate_hz, arrays)


def _benchmark(
    session: SessionView,
    stored: Mapping[str, Signal],
    bounds: tuple[float, float],
    table: _Table,
    notes: list[str],
) -> dict[str, Group]:
    """Return ``whisker``, ``wheel`` and ``licks`` at 50 Hz.

    With a left camera of a rate that BrainWideBench takes they are its own, on its grid, which lasts as long as the
    camera ran. Without one the wheel and the licks are on a grid over the recorded time, and there is no ``whisker``.
    """
    found: dict[str, GridSignal] = {}
    if LEFT_CAMERA in stored:
        found, lacking = benchmark_signals(session)
        notes += lacking
    groups = {}
    if "whisker" in found:
        arrays = {"whisker_motion_energy": found["whisker"].values.astype(np.float32)}
        groups["whisker"] = _of_benchmark("whisker", found["whisker"].start, arrays, {}, table)
    if LICKS.name in session.events:
        own = found.get("licks") or _licks(session.events[LICKS.name]["times"].to_numpy(np.float64), bounds)
        arrays = {"licking_rate": (own.values * BENCHMARK_HZ).astype(np.float32)}
        groups["licks"] = _of_benchmark("licks", own.start, arrays, {"licking_rate": "1/s"}, table, how="count")
    if WHEEL in stored:
        try:
            groups["wheel"] = _wheel(session.wheel_motion(), found.get("wheel"), bounds, table)
        except BadUpstreamData as error:
            notes.append(f"wheel: {error.found}")
    return groups


def _of_benchmark(
    group: str,
    start: float,
    arrays: Mapping[str, npt.NDArray[np.float32]],
    units: Mapping[str, str],
    table: _Table,
    how: str = "low-pass, linear",
) -> Group:
    for name, values in arrays.items():
        table.add(group, name, units.get(name, "a.u."), BENCHMARK_HZ, how, values)
    return regular(start, BENCHMARK_HZ, arrays)


def _wheel(motion: WheelMotion, speed: GridSignal | None, bounds: tuple[float, float], table: _Table) -> Group:
    """Return position, velocity and speed of the wheel: at 1 kHz as brainbox has them, then at the benchmark's rate.

    The velocity is low-passed at 20 Hz, below half of that rate. Where the speed is given as the benchmark decimates
    it, the others are on its grid.
    """
    if speed is None:
        at = grid_times(bounds, BENCHMARK_HZ)
    else:
        at = speed.start + np.arange(len(speed.values), dtype=np.float64) / BENCHMARK_HZ
    arrays = {
        "wheel_pos": resampled(motion.times, motion.position, at).astype(np.float32),
        "wheel_vel": resampled(motion.times, motion.velocity, at).astype(np.float32),
    }
    arrays["wheel_speed"] = np.abs(arrays["wheel_vel"]) if speed is None else speed.values.astype(np.float32)
    units = {"wheel_pos": "rad", "wheel_vel": "rad/s", "wheel_speed": "rad/s"}
    return _of_benchmark("wheel", float(at[0]), arrays, units, table)


def _licks(times: FloatArray, bounds: tuple[float, float]) -> GridSignal:
    """Return the number of licks from each sample of the grid over the recorded time to the next."""
    at = grid_times(bounds, BENCHMARK_HZ)
    return GridSignal(bounds[0], counted_events(times, np.append(at, bounds[0] + len(at) / BENCHMARK_HZ)))
