"""Rows of the index and of the mask table, and the counts that follow from them.

Add here what makes rows of `WINDOW_INDEX` or `WINDOW_MASKS`, or reads them to count. Where windows lie is decided by
`session_windows` and `event_windows`; a reader counts the windows of stored rows by the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError, Spikes
from nh_platform.windows.counts.binning import CountPlan, Mask, bin_edges
from nh_platform.windows.valid_time import InvalidTimes, masked_bins

FloatArray = npt.NDArray[np.float64]
UnitRows = Mapping[str, npt.NDArray[np.intp]]
"""Rows of the units of each probe, by probe name."""


def index_rows(preset_id: str, *, start: FloatArray, **columns: Any) -> pd.DataFrame:
    """Return index rows without what is invalid; columns that are not stated are those of continuous windows."""
    stated = {"alignment": "none", "event_id": -1, "event_time": np.nan, "start_bin": -1, "valid": True, **columns}
    return pd.DataFrame({"window_id": np.arange(len(start)), "preset": preset_id, "start": start, **stated})


def grid_masks(name: str, grid: CountPlan, invalid: InvalidTimes) -> list[tuple[Any, ...]]:
    """Return the rows of `WINDOW_MASKS` of a session grid called ``name``."""
    return [(name, -1, *run) for _, *run in masked_bins(grid.events, grid.edges, invalid)]


def window_masks(rows: pd.DataFrame, start_us: int, bin_us: int | None, invalid: InvalidTimes) -> list[tuple[Any, ...]]:
    """Return the rows of `WINDOW_MASKS` of one preset's windows around events; none of windows without bins.

    Parameters
    ----------
    rows
        Index rows of the preset.
    start_us, bin_us
        Start of a window in µs from its event, and width of a bin in µs.
    invalid
        Invalid intervals of the session.
    """
    if bin_us is None:
        return []
    found = []
    for n_bins, same in rows.groupby("n_bins"):
        windows, edges = same["window_id"].to_numpy(), bin_edges(start_us, int(n_bins), bin_us)
        masked = masked_bins(same["event_time"].to_numpy(dtype=np.float64), edges, invalid)
        found += [(same["preset"].iloc[0], int(windows[window]), *run) for window, *run in masked]
    return sorted(found)


def count_masks(masks: pd.DataFrame, window_ids: Sequence[int], units_of: UnitRows) -> list[Mask]:
    """Return mask rows of one grid or preset as a plan needs them; windows are places in ``window_ids``."""
    place = {window: row for row, window in enumerate(window_ids)}
    columns = (masks[name].tolist() for name in ("window_id", "probe", "start_bin", "stop_bin"))
    found = [
        (place[window], units_of[probe], first, stop)
        for window, probe, first, stop in zip(*columns)
        if window in place and probe in units_of
    ]
    return sorted(found, key=lambda mask: mask[0])


def planned_counts(
    rows: pd.DataFrame, start_us: int, bin_us: int, spikes: Spikes, masks: pd.DataFrame, units_of: UnitRows, n_bins: int
) -> CountPlan:
    """Return the plan of the counts of windows around events.

    Parameters
    ----------
    rows
        Index rows of one preset, all of the same number of bins.
    start_us, bin_us
        Start of a window in µs from its event, and width of a bin in µs.
    spikes
        Spikes of the session, ascending within each unit.
    masks
        Schema `WINDOW_MASKS`.
    units_of
        Rows of the units of each probe.
    n_bins
        Bins of a window where there are no rows to say it.

    Raises
    ------
    ConfigError
        If the windows have different numbers of bins, as those of a preset with ``stop_by`` have.
    """
    lengths = sorted({int(length) for length in rows["n_bins"]})
    if len(lengths) > 1:
        raise ConfigError(
            f"windows of {rows['preset'].iloc[0]}",
            f"they have {', '.join(map(str, lengths))} bins, and one array holds windows of one length",
            "Take those of one length at a time, for example by `index.groupby('n_bins')`.",
        )
    preset = masks["grid"] == rows["preset"].iloc[0] if len(rows) else np.zeros(len(masks), dtype=bool)
    return CountPlan(
        bin_us,
        start_us,
        lengths[0] if lengths else n_bins,
        rows["event_time"].to_numpy(dtype=np.float64),
        spikes,
        count_masks(masks[preset], rows["window_id"].tolist(), units_of),
    )
