"""Windows of each split, and the mean and spread of counts in those that train.

Contains the count of windows and the moments of counts. Add here what else is summed up over training windows. Nothing
of a window that does not train is looked at for statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading import SessionView, WindowsView
from nh_platform.session.tables.across_sessions.training_sets import SET_STATISTICS, SET_WINDOWS
from nh_platform.windows import StoredWindows
from nh_platform.windows.counts.binning import binarise
from nh_platform.windows.splits.by_subject import TRAIN
from nh_platform.windows.splits.time_ranges import windows_within

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_BLOCK = 1 << 22
"""Counts that are looked at together: 32 MB as float64, and as much for their squares."""


@dataclass(frozen=True)
class SummedUp:
    """What the windows of a session come to.

    Parameters
    ----------
    windows, statistics, normalised
        Rows of schemas `SET_WINDOWS`, `SET_STATISTICS` and `SET_NORMALISED`.
    """

    windows: pd.DataFrame
    statistics: pd.DataFrame
    normalised: pd.DataFrame


def used_windows(view: WindowsView, ranges: FloatArray | None) -> pd.DataFrame:
    """Return the rows of the index that are valid and lie in one of (n, 2) stretches; in the session where None."""
    index = view.index[view.index["valid"]]
    if ranges is None:
        return index
    return index[windows_within(index["start"].to_numpy(), index["stop"].to_numpy(), ranges)]


def summed_up(
    view: SessionView, presets: Iterable[str], unit_ids: Iterable[str], splits: Mapping[str, FloatArray | None]
) -> SummedUp:
    """Count the windows of a session by preset and split, and sum up the counts of those that train.

    Parameters
    ----------
    view
        The session.
    presets
        Ids of presets.
    unit_ids
        Units that are used.
    splits
        (n, 2) stretches (s) by split; None for the whole session.
    """
    windows, statistics, looked_at = [], [SET_STATISTICS.empty()], [np.zeros((0, 2))]
    key = {"source": view.source, "session_id": view.session_id}
    units = view.units
    rows = np.flatnonzero(units["unit_id"].astype(str).isin(set(unit_ids)))
    for preset in presets:
        of_preset = view.windows(preset)
        for split, ranges in splits.items():
            used = used_windows(of_preset, ranges)
            seconds = float((used["stop"] - used["start"]).sum())
            windows.append({**key, "preset": preset, "split": split, "n_windows": len(used), "seconds": seconds})
            if split == TRAIN and of_preset.preset.bin_us is not None and len(used):
                looked_at.append(used[["start", "stop"]].to_numpy(dtype=np.float64))
                n, total, squares = _moments(view, of_preset, used, rows, units["probe"].to_numpy(dtype=object)[rows])
                mean = total / np.maximum(n, 1)
                spread = np.sqrt(np.maximum(squares / np.maximum(n, 1) - mean**2, 0.0))
                found = {"unit_id": units["unit_id"].astype(str).to_numpy()[rows], "preset": preset}
                found |= {"mean": np.where(n > 0, mean, np.nan), "std": np.where(n > 0, spread, np.nan), "n_bins": n}
                statistics.append(pd.DataFrame({**key, **found}))
    return SummedUp(
        pd.DataFrame(windows, columns=list(SET_WINDOWS.names)),
        pd.concat(statistics[1:] or statistics, ignore_index=True),
        pd.DataFrame(_joined(np.concatenate(looked_at)), columns=["start", "stop"]).assign(**key),
    )


def _joined(ranges: FloatArray) -> FloatArray:
    """Return (n, 2) stretches as the fewest that cover the same time, in order."""
    if not len(ranges):
        return ranges
    ordered = ranges[np.argsort(ranges[:, 0], kind="stable")]
    reached = np.maximum.accumulate(ordered[:, 1])
    first = np.concatenate([[True], ordered[1:, 0] > reached[:-1]])
    last = np.append(np.flatnonzero(first)[1:] - 1, len(ordered) - 1)
    return np.stack([ordered[first, 0], reached[last]], axis=1)


def pooled(statistics: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return mean and spread over the bins of all units of the training windows, by preset."""
    found = {}
    for preset, rows in statistics.dropna(subset=["mean"]).groupby("preset"):
        n = rows["n_bins"].to_numpy(dtype=np.float64)
        mean = float((rows["mean"] * n).sum() / n.sum())
        squares = float(((rows["std"] ** 2 + rows["mean"] ** 2) * n).sum() / n.sum())
        spread = float(np.sqrt(max(squares - mean**2, 0.0)))
        found[str(preset)] = {"mean": mean, "std": spread, "n_units": len(rows), "n_bins": int(n.sum())}
    return found


def _moments(
    session: SessionView, view: WindowsView, used: pd.DataFrame, rows: IntArray, probes: npt.NDArray[np.object_]
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return (n_units,) number of bins, sum and sum of squares of the counts; a bin counts once for every window."""
    if view.preset.kind == "continuous":
        return _of_grid(session, view, used, rows, probes)
    n, total, squares = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows)), np.zeros(len(rows))
    n += int(used["n_bins"].sum())
    for _, same in used.groupby("n_bins"):
        ids = same["window_id"].to_numpy()
        at_once = max(1, _BLOCK // max(1, len(view.unit_ids) * int(same["n_bins"].iloc[0])))
        for first in range(0, len(ids), at_once):
            counts = view.counts_of(ids[first : first + at_once])[:, rows].astype(np.float64)
            total += counts.sum(axis=(0, 2))
            squares += np.square(counts, out=counts).sum(axis=(0, 2))
    masks = StoredWindows(session.folder("windows")).masks
    masks = masks[(masks["grid"] == view.preset.id) & masks["window_id"].isin(used["window_id"])]
    for probe, of_probe in masks.groupby("probe"):  # masked counts are 0 and add nothing to the sums
        n[probes == probe] -= int((of_probe["stop_bin"] - of_probe["start_bin"]).sum())
    return n, total, squares


def _of_grid(
    session: SessionView, view: WindowsView, used: pd.DataFrame, rows: IntArray, probes: npt.NDArray[np.object_]
) -> tuple[IntArray, FloatArray, FloatArray]:
    """As `_moments`, of windows of the grid of the session: each bin weighs as many windows as it lies in."""
    stored = StoredWindows(session.folder("windows"))
    assert view.preset.bin_us is not None
    grid = stored.grid(view.preset.bin_us).counts
    steps = np.zeros(grid.shape[1] + 1, dtype=np.int64)
    np.add.at(steps, used["start_bin"].to_numpy(), 1)
    np.add.at(steps, (used["start_bin"] + used["n_bins"]).to_numpy(), -1)
    in_windows = np.cumsum(steps[:-1])
    masks = stored.masks[stored.masks["grid"] == f"grid_{view.preset.bin_us}us"]
    n, total, squares = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows)), np.zeros(len(rows))
    for probe in dict.fromkeys(probes):
        weights = in_windows.copy()
        for mask in masks[masks["probe"] == probe].itertuples():
            weights[mask.start_bin : mask.stop_bin] = 0
        of_probe = np.flatnonzero(probes == probe)
        n[of_probe] = weights.sum()
        at_once = max(1, _BLOCK // max(1, grid.shape[1]))
        for first in range(0, len(of_probe), at_once):
            some = of_probe[first : first + at_once]
            counts = grid[rows[some]]
            if view.preset.binarise:
                counts = binarise(counts)
            wide = counts.astype(np.float64)
            total[some] = wide @ weights
            squares[some] = np.square(wide, out=wide) @ weights
    return n, total, squares
