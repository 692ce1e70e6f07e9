"""Units of an Allen NWB file.

Contains the reader of ``/units``: the table of every sorted unit and its released metrics. Add here what that table
says. No rule is applied here: AllenSDK's default filter is a rulebook. A unit is left out only where its probe cannot
be known, or its id stands for another one. Spikes are `nh_platform.sources.nwb.unit_spikes`.

Order: units are sorted by probe name, then by unit id, which is the order of the released files.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.session import Spikes
from nh_platform.session.tables.spikes import RAW_UNITS
from nh_platform.sources.allen.nwb.electrodes import read_probes
from nh_platform.sources.allen.released_columns import COUNTERPARTS, WORDS
from nh_platform.sources.nwb.nwb_file import NwbFile, first_few, is_numeric, texts_or_none
from nh_platform.sources.nwb.nwb_table import NO_NUMBER, NwbTable, read_table
from nh_platform.sources.nwb.standard_names import ELECTRODES, SPIKE_COLUMNS, UNITS

V_PER_UV = 1e-6
NOT_METRICS = frozenset({"id", "cluster_id", "local_index", "peak_channel_id"})
"""Numeric columns of ``/units`` that identify a unit and measure nothing."""

OURS = frozenset({"row", "probe", "channel", "axial_um", "valid_data"})
"""Columns of `read_units` that no file states: one of the file would stand in their place."""

QUALITY = "quality"
METRICS = frozenset({*(one.column for one in COUNTERPARTS), *WORDS}) - {"valid_data", QUALITY}
NOT_IN_ALL_FILES = frozenset({"waveform_halfwidth"})
"""Metrics that Visual Coding has and Visual Behavior has not."""

UNKNOWN = NO_NUMBER
"""Stands for a channel or cluster that is not known, as in schema `RAW_UNITS`."""


def read_units(nwb: NwbFile, channels: pd.DataFrame) -> pd.DataFrame:
    """Return one row per unit in the canonical order, with every plain column of the file.

    A metric that cannot be used is NaN, an id of a cluster or channel −1. A unit whose peak channel is not in the
    electrodes table (AllenSDK issue 2391) stays without one, on the probe of the units beside it. A unit without an
    id, or whose id occurs before, is left out. Each has a note.

    Parameters
    ----------
    nwb
        The open file.
    channels
        The table of `nh_platform.sources.allen.nwb.electrodes.read_channels`.

    Returns
    -------
    pandas.DataFrame
        ``row`` (row in the file), ``probe``, ``channel`` (row of the peak channel within the probe, −1 where unknown),
        ``axial_um``, ``valid_data`` (of the peak channel, False where unknown), then the file's own columns in its
        units of measure.

    Raises
    ------
    BadUpstreamData
        If the file has no units table or its ids cannot be used, or none of the units has a probe.
    """
    if not nwb.has(UNITS):
        raise nwb.bad("it has no units table", "Check that this is the session's file and not a probe's LFP file.")
    stated = read_table(nwb, UNITS, "units", ignored=SPIKE_COLUMNS, reserved=OURS)
    ids, named = stated.ids("id")
    table = pd.DataFrame({"row": np.arange(len(ids), dtype=np.int64), **_metrics_as_numbers(stated)})
    table["id"] = ids
    table["cluster_id"] = stated.known_ids("cluster_id")
    table["peak_channel_id"] = stated.known_ids("peak_channel_id")
    at_peak = channels.set_index("channel_id").reindex(table["peak_channel_id"]).reset_index(drop=True)
    known = at_peak["probe"].notna().to_numpy()
    probe = at_peak["probe"].astype(object)
    if not known.all():
        probe = _probes_without_channel(nwb, stated, table, probe)
    table.insert(0, "valid_data", np.where(known, at_peak["valid_data"], False).astype(bool))
    table.insert(0, "axial_um", at_peak["axial_um"].to_numpy(dtype=np.float64))
    table.insert(0, "channel", np.where(known, at_peak["channel"], UNKNOWN).astype(np.int64))
    table.insert(0, "probe", probe.to_numpy(dtype=object))
    twice = named & table["id"].where(named).duplicated().to_numpy()
    if twice.any():
        which = first_few(table.loc[twice, "id"])
        nwb.note("units", f"{UNITS}/id: {int(twice.sum())} of {len(table)} ids occur before: {which}; left out")
    return table[named & ~twice & probe.notna().to_numpy()].sort_values(["probe", "id"], ignore_index=True)


def _metrics_as_numbers(stated: NwbTable) -> dict[str, np.ndarray]:
    """Return the columns of the file, its metrics as numbers: NaN, with a note, where they are none or missing."""
    columns = dict(stated.columns)
    for name in sorted(METRICS):
        expected = name not in NOT_IN_ALL_FILES or name in stated.left_out
        if (name in columns and not is_numeric(columns[name])) or (name not in columns and expected):
            columns[name] = stated.numbers(name)
    if QUALITY not in columns or is_numeric(columns[QUALITY]):
        columns[QUALITY] = np.array(stated.texts(QUALITY), dtype=object)
    return columns


def _probes_without_channel(nwb: NwbFile, stated: NwbTable, table: pd.DataFrame, probe: pd.Series) -> pd.Series:
    """Return the probe of every unit, for those without a peak channel by other means, and note them.

    The file writes units probe by probe, and ``local_index`` counts up within each: that tells the probe of a unit
    between two of the same one, or at an end. A session with one probe needs no telling.

    Raises
    ------
    BadUpstreamData
        If none of the units has a probe then.
    """
    lost = probe.isna()
    names = read_probes(nwb)["probe"].tolist()
    beside = [names[0]] * len(probe) if len(names) == 1 else _probe_beside(probe, stated.numbers("local_index"))
    # A channel that is there and of no known probe does say something: not one of the others.
    electrodes = nwb.optional("units", nwb.numbers, f"{ELECTRODES}/id")
    elsewhere = np.zeros(len(probe), bool) if electrodes is None else table["peak_channel_id"].isin(electrodes)
    found = probe.where(~lost, pd.Series(beside, index=probe.index, dtype=object).where(~elsewhere))
    first = table[lost].iloc[0]
    text = (
        f"{UNITS}/peak_channel_id: {int(lost.sum())} of {len(table)} units name no channel of the electrodes table, "
        f"first unit {first['id']} with channel {first['peak_channel_id']}"
    )
    if found.isna().all():
        raise nwb.bad(f"{text}; nothing else tells the probe of any unit")
    nwb.note("units", f"{text}; without position and not valid_data, their probe is that of the units beside them")
    if found.isna().any():
        which = first_few(table.loc[found.isna(), "id"])
        nwb.note("units", f"{UNITS}: nothing tells the probe of {int(found.isna().sum())} units: {which}; left out")
    return found


def _probe_beside(probe: pd.Series, local: np.ndarray) -> list[str | None]:
    """Return for every row its probe or, without one, that of the units beside it; None where they leave it open."""
    found: list[str | None] = probe.where(probe.notna(), None).tolist()
    known = np.flatnonzero(probe.notna())
    for row in np.flatnonzero(probe.isna()):
        place = int(np.searchsorted(known, row))
        before, after = known[:place][-1:], known[place:][:1]
        follows = len(before) > 0 and local[before[0]] < local[row]
        precedes = len(after) > 0 and local[row] < local[after[0]]
        if len(before) and len(after) and probe[before[0]] == probe[after[0]]:
            found[row] = probe[before[0]]
        elif follows != precedes:
            found[row] = probe[before[0]] if follows else probe[after[0]]
    return found


def unit_rows(units: pd.DataFrame, spikes: Spikes) -> pd.DataFrame:
    """Return the table of `read_units` in schema `RAW_UNITS`.

    The unit metric ``amplitude`` is µV in the file and volts here. ``waveform_duration`` (ms) is Allen's unsigned time
    between trough and peak.
    """
    unknown = pd.Series(np.nan, index=units.index)
    return RAW_UNITS.conform(
        pd.DataFrame(
            {
                "unit_id": units["id"].astype(str),
                "probe": units["probe"],
                "cluster_id": units["cluster_id"],
                "channel": units["channel"],
                "depth": units["axial_um"],
                "amplitude": units.get("amplitude", unknown) * V_PER_UV,
                "peak_to_trough": units.get("waveform_duration", unknown),
                "n_spikes": spikes.counts,
            }
        )
    )


def released_metrics(units: pd.DataFrame) -> pd.DataFrame:
    """Return ``unit_id`` and one ``released.<name>`` column per metric and label of the table of `read_units`.

    Names are those of the file (``isi_violations``, ``amplitude_cutoff``, ``PT_ratio``, …; AllenSDK shows waveform
    metrics with a prefix, ``waveform_PT_ratio``). ``released.amplitude`` is volts, everything else is as in the file.
    ``released.valid_data`` is that of the peak channel, part of AllenSDK's default filter.
    """
    released = {"unit_id": units["id"].astype(str)}
    for name in units.columns[units.columns.get_loc("row") + 1 :]:
        if name in NOT_METRICS:
            continue
        values = units[name]
        if values.dtype == object:
            values = pd.Series(texts_or_none(values.to_numpy()), index=units.index, dtype=object)
        elif values.dtype.kind in "iu":
            values = values.astype(np.int64)
        elif values.dtype.kind == "f":
            values = values.astype(np.float64)
        released[f"released.{name}"] = values * V_PER_UV if name == "amplitude" else values
    released["released.valid_data"] = units["valid_data"]
    return pd.DataFrame(released)
