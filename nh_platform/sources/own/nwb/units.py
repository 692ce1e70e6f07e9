"""Units of an NWB file of any lab: which probe and channel each is of, and what the file states of it.

Add here what the units table says. Spikes are read by `nh_platform.sources.nwb.unit_spikes`, as of every file.
"""

from __future__ import annotations

import re
from itertools import pairwise

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Spikes
from nh_platform.session.display import counted
from nh_platform.session.tables.spikes import PROBES, RAW_UNITS
from nh_platform.sources.nwb.nwb_file import (
    NwbFile,
    first_few,
    is_numeric,
    member,
    ragged_columns,
    ragged_offsets,
    texts_or_none,
)
from nh_platform.sources.nwb.nwb_table import NO_NUMBER, NwbTable, read_table
from nh_platform.sources.nwb.standard_names import SPIKE_COLUMNS, UNITS
from nh_platform.sources.own.nwb.electrodes import ONE_PROBE, electrode_groups, repeated_ids
from nh_platform.sources.own.nwb.settings import NwbSettings

REGION = "electrodes"
"""Column of the units table that names rows of the electrodes table; of the standard."""

GROUP, WAVEFORM, PEAK = "electrode_group", "waveform_mean", "peak_channel_id"

NO_METRICS = frozenset({"id", REGION, PEAK})
"""Columns that identify a unit and measure nothing."""


def read_unit_rows(nwb: NwbFile, settings: NwbSettings, electrodes: pd.DataFrame) -> pd.DataFrame:
    """Return one row per unit with an id of its own, sorted by probe and id.

    Returns
    -------
    pandas.DataFrame
        ``row`` (row in the file), ``id``, ``probe``, ``channel`` (−1 where unknown), ``depth`` (µm), and one
        ``released.<name>`` column per metric or label.

    Raises
    ------
    BadUpstreamData
        If the file has no units table, or its ids cannot be used.
    """
    if not nwb.has(UNITS):
        raise nwb.bad("it has no units table", "Leave the file out by `files`, or write its units.")
    stated = read_table(nwb, UNITS, "units", ignored=SPIKE_COLUMNS | {settings.amplitudes})
    ids, named = stated.ids("id")
    peak = _peak_rows(stated, settings, electrodes)
    known = peak >= 0
    at_peak = electrodes.iloc[np.where(known, peak, 0)] if len(electrodes) else electrodes.reindex(range(len(peak)))
    probe = pd.Series(np.where(known, at_peak["probe"].to_numpy(dtype=object), None), dtype=object)
    table = pd.DataFrame(
        {
            "row": np.arange(len(ids), dtype=np.int64),
            "id": ids,
            "probe": _with_groups(stated, probe, electrodes),
            "channel": np.where(known, at_peak["channel"].fillna(NO_NUMBER), NO_NUMBER).astype(np.int64),
            "depth": np.where(known, at_peak["axial_um"].to_numpy(dtype=np.float64), np.nan),
            **_released(stated, settings),
        }
    )
    twice = named & table["id"].where(named).duplicated().to_numpy()
    if twice.any():
        which = first_few(table.loc[twice, "id"])
        nwb.note("units", f"{UNITS}/id: {int(twice.sum())} of {len(table)} ids occur before: {which}; left out")
    return table[named & ~twice].sort_values(["probe", "id"], ignore_index=True)


def _peak_rows(stated: NwbTable, settings: NwbSettings, electrodes: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the row of the electrodes table that is each unit's peak channel, −1 where the file does not say."""
    column = settings.peak_channel or (PEAK if PEAK in stated.columns else None)
    if column is not None and column in stated.columns:
        ids, asked = electrodes["channel_id"], stated.known_ids(column)
        repeated = repeated_ids(electrodes)
        rows = pd.Series(np.arange(len(ids)), index=ids)[~(ids.isin(repeated) | (ids == NO_NUMBER)).to_numpy()]
        unclear = np.isin(asked, repeated)
        if unclear.any():
            named = f"{int(unclear.sum())} of {counted(len(asked), 'unit')} name an electrode whose id stands twice"
            stated.note(column, f"{named}: {first_few(np.unique(asked[unclear]))}; their channel is unknown")
        return rows.reindex(asked).fillna(-1).to_numpy().astype(np.int64)
    if column is not None:
        stated.note(column, "no such column; the unit's electrodes tell its peak channel")
    found = stated.nwb.optional("units", _from_electrodes, stated, len(electrodes))
    return np.full(stated.n_rows, -1, dtype=np.int64) if found is None else found


def _from_electrodes(stated: NwbTable, n_electrodes: int) -> npt.NDArray[np.int64]:
    """Return, of the electrodes that each unit names, the one with the largest mean waveform, or the first.

    Raises
    ------
    BadUpstreamData
        If the units name none, or their index cannot be used.
    """
    nwb, group = stated.nwb, stated.nwb.group(UNITS)
    if REGION in stated.columns:  # one electrode per unit, without an index
        offsets = np.arange(stated.n_rows + 1)
    else:
        offsets = ragged_offsets(nwb, UNITS, REGION, stated.n_rows)
    rows = nwb.array(f"{UNITS}/{REGION}").astype(np.int64)
    rows = np.where((rows >= 0) & (rows < n_electrodes), rows, -1)
    waveforms = member(group, WAVEFORM)
    by_channel = isinstance(waveforms, h5py.Dataset) and waveforms.ndim == 3 and WAVEFORM not in ragged_columns(group)
    shape = waveforms.shape if isinstance(waveforms, h5py.Dataset) and by_channel else (0, 0, 0)
    found = np.full(stated.n_rows, -1, dtype=np.int64)
    for unit, (start, stop) in enumerate(pairwise(offsets.tolist())):
        own = rows[start:stop]
        if not len(own):
            continue
        place = 0
        if waveforms is not None and shape[0] == stated.n_rows and len(own) > 1 and shape[2] == len(own):
            with nwb.decoding(f"{UNITS}/{WAVEFORM}"):
                heights = np.ptp(np.nan_to_num(waveforms[unit]), axis=0)
            place = int(np.argmax(heights))
        found[unit] = own[place]
    return found


def _with_groups(stated: NwbTable, probe: pd.Series, electrodes: pd.DataFrame) -> pd.Series:
    """Return the probe of every unit: of its peak channel, else of its electrode group, else the only one there is."""
    lost = probe.isna()
    if not lost.any():
        return probe
    names = sorted(set(electrodes["probe"])) or electrode_groups(stated.nwb)
    only = names[0] if len(names) == 1 else None
    groups = stated.nwb.optional("units", _group_names, stated)
    by_group = pd.Series(groups if groups is not None else [None] * len(probe), dtype=object)
    if electrodes["probe"].nunique() and not set(by_group.dropna()) <= set(electrodes["probe"]):
        by_group = by_group.where(by_group.isin(set(electrodes["probe"])), None)
    found = probe.fillna(by_group).fillna(only or ONE_PROBE)
    told = f"{int(by_group[lost].notna().sum())} have the probe of their {GROUP}, the others {only or ONE_PROBE}"
    stated.note(REGION, f"{int(lost.sum())} of {len(probe)} units name no electrode; {told}")
    return found


def _group_names(stated: NwbTable) -> list[str | None]:
    """Return the name of the electrode group that each unit refers to."""
    found = member(stated.nwb.group(UNITS), GROUP)
    if not isinstance(found, h5py.Dataset) or found.shape != (stated.n_rows,):
        return [None] * stated.n_rows
    handle = stated.nwb.handle
    return [str(handle[reference].name).rpartition("/")[2] if reference else None for reference in found[:]]


def _released(stated: NwbTable, settings: NwbSettings) -> dict[str, npt.NDArray[np.generic]]:
    """Return the metrics and labels of the file as ``released.<name>``, in the file's units of measure."""
    identity = NO_METRICS | ({settings.peak_channel} if settings.peak_channel else frozenset())
    wanted = settings.metrics or [name for name in sorted(stated.columns) if name not in identity]
    released: dict[str, npt.NDArray[np.generic]] = {}
    for name in wanted:
        column = f"released.{re.sub(r'[^A-Za-z0-9_]+', '_', name)}"
        values = stated.columns.get(name)
        if values is None:
            stated.note(name, "no such column in this file; NaN")
            values = np.full(stated.n_rows, np.nan)
        if column in released:
            stated.note(name, f"a second column would be {column}; left out")
        elif not is_numeric(values):
            released[column] = np.array(texts_or_none(values), dtype=object)
        elif values.dtype.kind in "iu":
            released[column] = values.astype(np.int64)
        else:
            released[column] = values if values.dtype.kind == "b" else values.astype(np.float64)
    return released


def raw_units(units: pd.DataFrame, spikes: Spikes) -> pd.DataFrame:
    """Return the table of `read_unit_rows` in schema `RAW_UNITS`."""
    columns = {name: units[name] for name in ("probe", "channel", "depth")}
    ids = {"unit_id": units["id"].astype(str), "cluster_id": units["id"]}
    return RAW_UNITS.conform(pd.DataFrame({**ids, **columns, "n_spikes": spikes.counts}))


def probe_rows(names: list[str], session_id: str) -> pd.DataFrame:
    """Return one row per probe (schema `PROBES`); the standard has no place for the sorter's name."""
    insertions = [insertion_id(session_id, name) for name in names]
    table = pd.DataFrame({"probe": names, "insertion_id": insertions, "collection": UNITS, "revision": ""})
    return PROBES.conform(table)


def insertion_id(session_id: str, probe: str) -> str:
    """Return the id of a probe's insertion, which no file states."""
    return f"{session_id}_{probe}"
