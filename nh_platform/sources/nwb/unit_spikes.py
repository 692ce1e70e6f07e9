"""Spikes of an NWB file: times and amplitudes of every unit, mended as AllenSDK's own writer does.

Contains the reading of ``/units/spike_times`` and ``/units/spike_amplitudes``. Add here what is wrong with spikes and
can be mended; what a unit is belongs to `nh_platform.sources.allen.nwb.sorted_units`.

Times are float64 as in the file; amplitudes, float64 volts in the file, are rounded to float32 (relative error below
6e-8).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Spikes
from nh_platform.sources.nwb.damaged_index import offsets_between
from nh_platform.sources.nwb.nwb_file import (
    NwbFile,
    RaggedIndex,
    first_few,
    is_numeric,
    ragged_columns,
    ragged_index,
    ragged_offsets,
)
from nh_platform.sources.nwb.standard_names import UNITS

SPIKES_AT_ONCE = 4_000_000
"""Spikes checked or converted per step: 32 MB of float64, so that no second copy of 100 M spikes is ever held."""

AMPLITUDES = "spike_amplitudes"

NO_TIME_S = -1.0
"""Stands for a spike without a time (AllenSDK issue 1349); AllenSDK's writer drops it (`Unit`, 2.16.2)."""

Offsets = npt.NDArray[np.int64]
Kept = Mapping[int, npt.NDArray[np.int64]]
"""By row of the file: which spikes of a mended unit are kept, in order of time."""


def read_spikes(
    nwb: NwbFile, units: pd.DataFrame, *, amplitudes_name: str = AMPLITUDES, no_time_s: float | None = NO_TIME_S
) -> Spikes:
    """Return all spikes, grouped by unit in the order of ``units``, sorted by time within each.

    Depths are one NaN seen ``n_spikes`` times, read-only: the release has none, and 100 M of them would be 0.4 GB.

    A note counts spikes at −1 s, which are dropped, and units whose times were not in order, which are sorted with
    their amplitudes, both as AllenSDK's writer does; units with times of NaN, or whose rows the index does not tell
    apart, which are left without spikes; and other spikes before 0 s, which stay. Amplitudes that cannot be used are
    NaN with a note, of one unit or of all.

    Parameters
    ----------
    nwb
        The open file.
    units
        The table of `nh_platform.sources.allen.nwb.sorted_units.read_units`; of any, its ``row`` and ``id``.
    amplitudes_name
        Ragged column of the amplitudes.
    no_time_s
        Time that stands for a spike without one; None where every time is one.

    Raises
    ------
    BadUpstreamData
        If ``spike_times`` is missing, holds no numbers, or cannot be divided among half of the units.
    """
    stored, times, kept = _read_times(nwb, units, no_time_s)
    amplitudes = _read_amplitudes(nwb, stored, kept, amplitudes_name)
    nwb.note("spike depths", "not part of the release; NaN")
    times, offsets = _blocks(times, stored, units, kept), _offsets(stored, units, kept)
    depths = np.broadcast_to(np.float32(np.nan), times.shape)
    return Spikes(times, offsets, _blocks(amplitudes, stored, units, kept), depths)


def read_spike_times(nwb: NwbFile, units: pd.DataFrame) -> tuple[npt.NDArray[np.float64], Offsets]:
    """Return the times of all spikes without anything else of them: 0.8 GB for 100 M spikes.

    Parameters
    ----------
    nwb, units
        As of `read_spikes`, which says what is mended.

    Returns
    -------
    times
        (n_spikes,) float64, seconds on the session clock, grouped by unit in the order of ``units``.
    offsets
        (n_units + 1,) int64; the times of row ``i`` are ``times[offsets[i]:offsets[i + 1]]``.

    Raises
    ------
    BadUpstreamData
        As of `read_spikes`.
    """
    stored, times, kept = _read_times(nwb, units, NO_TIME_S)
    return _blocks(times, stored, units, kept), _offsets(stored, units, kept)


def _read_times(
    nwb: NwbFile, units: pd.DataFrame, no_time_s: float | None
) -> tuple[Offsets, npt.NDArray[np.float64], Kept]:
    """Return offsets and times as the file has them, and what is kept of the units that need mending."""
    path = f"{UNITS}/spike_times"
    index = ragged_index(nwb, UNITS, "spike_times", len(nwb.group(UNITS)["id"]))
    dataset = nwb.handle[path]
    if dataset.ndim != 1 or not is_numeric(dataset):
        raise nwb.bad(f"{path} is {dataset.dtype} of shape {dataset.shape}, expected numbers of shape (n,)")
    times = np.empty(index.total, dtype=np.float64)
    if len(times):
        with nwb.decoding(path):
            dataset.read_direct(times)
    if not index.fault:
        stored = np.concatenate([np.zeros(1, np.int64), index.ends])
        return stored, times, _mended(nwb, units, times, stored, np.zeros(0, dtype=np.int64), no_time_s)
    stored, certain = _certain_rows(index, times)
    filled = np.diff(stored) > 0
    if certain[filled].sum() * 2 <= len(certain[filled]) or not certain.any():
        raise nwb.bad(index.fault)
    lost = units.loc[units["row"].isin(np.flatnonzero(~certain)), "id"]
    nwb.note("spike_times", f"{index.fault}; {_units(lost.tolist())} cannot be told apart; kept without spikes")
    return stored, times, _mended(nwb, units, times, stored, np.flatnonzero(~certain), no_time_s)


def _certain_rows(index: RaggedIndex, times: npt.NDArray[np.float64]) -> tuple[Offsets, npt.NDArray[np.bool_]]:
    """Return offsets by an index that contradicts itself, and which rows are certain.

    The times of a unit rise: where they fall within a row, the row holds spikes of two units. So an index of which one
    end is wrong is told from one that is shifted as a whole.
    """
    stored, certain = offsets_between(index.ends, index.total)
    for row in np.flatnonzero(certain):
        own = times[stored[row] : stored[row + 1]]
        certain[row] = not (np.diff(own[own != NO_TIME_S]) < 0).any()
    return stored, certain


def _mended(
    nwb: NwbFile,
    units: pd.DataFrame,
    times: npt.NDArray[np.float64],
    stored: Offsets,
    uncertain: Offsets,
    no_time_s: float | None,
) -> Kept:
    """Return what is kept of the units whose times are not sorted, finite and after 0 s, and note it.

    Nothing is kept of the ``uncertain`` rows, which have their note.
    """
    kept: dict[int, npt.NDArray[np.int64]] = {int(row): np.zeros(0, dtype=np.int64) for row in uncertain}
    untimed, unsorted, lost, early = {}, [], [], {}
    unit_ids = dict(zip(units["row"].tolist(), units["id"].tolist()))
    for row in _rows_to_mend(times, stored):
        if row not in unit_ids or row in kept:
            continue
        unit, own = unit_ids[row], times[stored[row] : stored[row + 1]]
        if not np.isfinite(own).all():
            lost.append(unit)
            kept[row] = np.zeros(0, dtype=np.int64)
            continue
        timed = np.arange(len(own)) if no_time_s is None else np.flatnonzero(own != no_time_s)
        if len(timed) < len(own):
            untimed[unit] = len(own) - len(timed)
        if (np.diff(own[timed]) < 0).any():
            unsorted.append(unit)
            timed = timed[np.argsort(own[timed], kind="stable")]
        if before := int((own[timed] < 0).sum()):
            early[unit] = before
        if unit in untimed or unit in unsorted[-1:]:
            kept[row] = timed
    path, what = f"{UNITS}/spike_times", "spike_times"
    if untimed:
        count = f"{sum(untimed.values())} spikes of {_units(untimed)} at {no_time_s:g} s"
        nwb.note(what, f"{path}: {count}, which stands for no time; dropped, as AllenSDK's writer does")
    if unsorted:
        nwb.note(what, f"{path}: times of {_units(unsorted)} are not in order; sorted, amplitudes with them")
    if lost:
        nwb.note(what, f"{path}: times of {_units(lost)} are NaN or infinite; kept without spikes")
    if early:
        nwb.note(what, f"{path}: {sum(early.values())} spikes of {_units(early)} before 0 s; kept")
    return kept


def _rows_to_mend(times: npt.NDArray[np.float64], stored: Offsets) -> list[int]:
    """Return the rows of the units that have a time before 0 s, of NaN or infinity, or times that fall."""
    found = []
    for start in range(0, len(times), SPIKES_AT_ONCE):
        # One further value, so that the step from one part to the next is looked at too.
        part = times[start : start + SPIKES_AT_ONCE + 1]
        falls = start + 1 + np.flatnonzero(part[1:] < part[:-1])
        found.append(falls[~np.isin(falls, stored)])
        if not (part.min() >= 0 and part.max() < np.inf):  # half the time of the comparison below; NaN fails both
            found.append(start + np.flatnonzero(~((part >= 0) & (part < np.inf))))
    if not found:
        return []
    return np.unique(np.searchsorted(stored, np.concatenate(found), side="right") - 1).tolist()


def _read_amplitudes(nwb: NwbFile, stored: Offsets, kept: Kept, name: str) -> npt.NDArray[np.float32]:
    """Return the amplitudes (V) in file order; NaN and a note where they cannot be used."""
    if name not in nwb.group(UNITS) or name not in ragged_columns(nwb.group(UNITS)):
        nwb.note(name, "missing in the NWB file; NaN")
        found = None
    else:
        found = nwb.optional(name, _stated_amplitudes, nwb, stored, kept, name)
    return np.full(stored[-1], np.nan, dtype=np.float32) if found is None else found


def _stated_amplitudes(nwb: NwbFile, stored: Offsets, kept: Kept, name: str) -> npt.NDArray[np.float32]:
    path = f"{UNITS}/{name}"
    own = ragged_offsets(nwb, UNITS, name, len(stored) - 1)
    dataset = nwb.handle[path]
    if dataset.ndim != 1 or not is_numeric(dataset):
        raise nwb.bad(f"{path} is {dataset.dtype} of shape {dataset.shape}, expected numbers of shape (n,); NaN")
    amplitudes = np.empty(own[-1], dtype=np.float32)
    for start in range(0, len(amplitudes), SPIKES_AT_ONCE):
        with nwb.decoding(path):
            amplitudes[start : start + SPIKES_AT_ONCE] = dataset[start : start + SPIKES_AT_ONCE]
    if len(amplitudes) and np.isnan(amplitudes).all():
        nwb.note(name, f"{path}: no value for any of {len(amplitudes)} spikes")
    if np.array_equal(own, stored):
        return amplitudes
    return _of_units_that_agree(nwb, amplitudes, own, stored, kept, name)


def _of_units_that_agree(
    nwb: NwbFile, amplitudes: npt.NDArray[np.float32], own: Offsets, stored: Offsets, kept: Kept, name: str
) -> npt.NDArray[np.float32]:
    """Return the amplitudes of the units that have one per spike; NaN, and a note, for others that have spikes."""
    aligned = np.full(stored[-1], np.nan, dtype=np.float32)
    agree = np.diff(own) == np.diff(stored)
    for row in np.flatnonzero(agree):
        aligned[stored[row] : stored[row + 1]] = amplitudes[own[row] : own[row + 1]]
    agree[[row for row, spikes in kept.items() if not len(spikes)]] = True
    if agree.all():
        return aligned
    ids = nwb.array(f"{UNITS}/id")[~agree]
    counts = f"{np.diff(own)[~agree][0]} amplitudes for {np.diff(stored)[~agree][0]} spikes in the first"
    nwb.note(name, f"{UNITS}/{name}: other counts in {_units(ids.tolist())} ({counts}); NaN")
    return aligned


def _blocks(values: npt.NDArray[Any], stored: Offsets, units: pd.DataFrame, kept: Kept) -> npt.NDArray[Any]:
    """Return blocks of ``values``, which are in file order, in the order of ``units``; a copy where that differs."""
    rows = units["row"].to_numpy()
    if not kept and np.array_equal(rows, np.arange(len(stored) - 1)):
        return values
    blocks = (values[stored[row] : stored[row + 1]] for row in rows)
    return np.concatenate([values[:0], *(block[kept.get(row, ...)] for row, block in zip(rows.tolist(), blocks))])


def _offsets(stored: Offsets, units: pd.DataFrame, kept: Kept) -> Offsets:
    counts = np.diff(stored)
    counts[list(kept)] = [len(spikes) for spikes in kept.values()]
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[units["row"].to_numpy()])])


def _units(ids: Any) -> str:
    """Return how many units, and the first ones by id: ``2 units (7, 9)``."""
    return f"{len(ids)} unit{'' if len(ids) == 1 else 's'} ({first_few(ids)})"
