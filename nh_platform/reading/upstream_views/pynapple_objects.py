"""A session as objects of pynapple: units, trials, presentations and signals on one time support.

Contains what `SessionView.to_pynapple` does. pynapple is imported on call alone; a person installs it. Add here another
table of a session that is worth an object of its own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.unit_psth import UnitChoice, choose_units
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from nh_platform.reading.session_view import SessionView

UNIT_COLUMNS = ("unit_id", "probe", "cluster_id", "depth", "amplitude", "acronym", "beryl", "cosmos", "region", "label")
"""Columns of `SessionView.units` that are metadata of the group; ``good`` and all of the released ones too."""

SHORTEST_GAP_S = 1e-6
"""What pynapple leaves between two intervals of a set that meet (`IntervalSet`, 0.11)."""


def library(name: str, install: str) -> Any:
    """Import a library that a person installs beside the platform.

    Raises
    ------
    ConfigError
        If it is not installed; the text has the line that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.split(".")[0]:
            raise
        raise ConfigError(
            f"library {install}", "it is not installed in this environment", f"Run `uv pip install {install}`."
        ) from error


def pynapple_objects(session: SessionView, units: UnitChoice = None) -> dict[str, Any]:
    """Return a session as pynapple's objects; see `SessionView.to_pynapple`."""
    nap = library("pynapple", "pynapple")
    table = session.units
    rows = choose_units(table["unit_id"], units)
    spikes = session.spikes
    recorded = spikes.recorded_time
    if not recorded.stop > recorded.start:
        found = "it has no spikes, so that its recorded time is not known"
        raise ConfigError(f"{session.source} session {session.session_id}", found, "Read its tables instead.")
    bounds = [recorded.start, *(edge for pause in recorded.pauses for edge in pause), recorded.stop]
    support = nap.IntervalSet(start=bounds[::2], end=bounds[1::2])
    chosen = [name for name in table if name in (*UNIT_COLUMNS, "good") or name.startswith("released.")]
    about = table.loc[rows, chosen].set_index(rows).rename(columns=lambda name: name.replace("released.", "released_"))
    # With a support of its own a unit of one spike would have a recording of no length, and warn.
    trains = {int(row): nap.Ts(spikes.of_unit(int(row)), time_support=support) for row in rows}
    objects: dict[str, Any] = {"units": nap.TsGroup(trains, time_support=support, metadata=about)}
    for name in [name for name in ("trials", "change_trials", "presentations") if name in session.events]:
        key = "trials" if name == "change_trials" else name
        if (intervals := _intervals(nap, session.events[name])) is not None:
            objects[key] = intervals
    for name, signal in session.signals.items():
        times, values = signal.timestamps, signal.values
        if signal.values.ndim == 1:
            objects[name] = nap.Tsd(t=times, d=values, time_support=support)
        else:
            objects[name] = nap.TsdFrame(t=times, d=values, columns=list(signal.columns), time_support=support)
    return objects


def _intervals(nap: Any, table: pd.DataFrame) -> Any:
    """Return the rows of a table with start and stop as an interval set; None where there is none."""
    start, stop = table["start_time"].to_numpy(np.float64), table["stop_time"].to_numpy(np.float64)
    kept = np.flatnonzero(np.isfinite(start) & np.isfinite(stop) & (stop > start))
    kept = kept[np.argsort(start[kept], kind="stable")]
    kept, ends = _apart(kept, start, stop)
    if not len(kept):
        return None
    about = table.iloc[kept].drop(columns=["start_time", "stop_time"]).reset_index(drop=True)
    about = about.drop(columns=[name for name in about if about[name].isna().all()])
    about = about.rename(columns=lambda name: f"{name}_" if hasattr(nap.IntervalSet, name) else name)
    about.insert(0, "row", kept)
    return nap.IntervalSet(start=start[kept], end=ends, metadata=about)


def _apart(
    rows: npt.NDArray[np.int64], start: npt.NDArray[np.float64], stop: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return intervals that do not meet, and their ends: each ends `SHORTEST_GAP_S` before the next one at the latest.

    pynapple joins intervals that overlap and drops what is known of all of them. One that begins with another one, so
    that nothing of it is left, is left out.
    """
    latest = np.append(start[rows][1:], np.inf) - SHORTEST_GAP_S
    ends = np.minimum(stop[rows], latest)
    is_left = ends > start[rows]
    return rows[is_left], ends[is_left]
