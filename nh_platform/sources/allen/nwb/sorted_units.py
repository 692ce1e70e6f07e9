"""Units and spikes of an Allen NWB file.

Contains the reader of ``/units``: the table of every sorted unit, its released metrics, and the spikes. Add here what
that table says. No unit is left out and no rule is applied here: AllenSDK's default filter is a rulebook.

Order: units are sorted by probe name, then by unit id, which is the order of the released files. Times are float64 as
in the file; amplitudes, float64 volts in the file, are rounded to float32 (relative error below 6e-8).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Note, Spikes
from nh_platform.session.tables.spikes import RAW_UNITS
from nh_platform.sources.allen.nwb.nwb_file import NwbFile, plain_columns, ragged_columns, ragged_offsets, texts_or_none

UNITS = "units"
V_PER_UV = 1e-6
NOT_METRICS = frozenset({"id", "cluster_id", "local_index", "peak_channel_id"})
"""Numeric columns of ``/units`` that identify a unit and measure nothing."""

SPIKES_AT_ONCE = 4_000_000
"""Spikes checked or converted per step: 32 MB of float64, so that no second copy of 100 M spikes is ever held."""


def read_units(nwb: NwbFile, channels: pd.DataFrame) -> pd.DataFrame:
    """Return one row per unit in the canonical order, with every plain column of the file.

    Parameters
    ----------
    nwb
        The open file.
    channels
        The table of `nh_platform.sources.allen.nwb.electrodes.read_channels`.

    Returns
    -------
    pandas.DataFrame
        ``row`` (row in the file), ``probe``, ``channel`` (row of the peak channel within the probe), ``axial_um``,
        ``valid_data`` (of the peak channel), then the file's own columns in its units of measure.

    Raises
    ------
    BadUpstreamData
        If the file has no units table, a unit id occurs twice, or a unit's peak channel is not in the electrodes.
    """
    if not nwb.has(UNITS):
        raise nwb.bad("it has no units table", "Check that this is the session's file and not a probe's LFP file.")
    columns = plain_columns(nwb, UNITS)
    missing = [name for name in ("cluster_id", "peak_channel_id") if name not in columns]
    if missing:
        raise nwb.bad(f"{UNITS} lacks {', '.join(missing)}", "Use a Visual Coding or Visual Behavior file.")
    table = pd.DataFrame({"row": np.arange(len(columns["id"]), dtype=np.int64), **columns})
    table = table.astype({"id": np.int64, "cluster_id": np.int64, "peak_channel_id": np.int64})
    if table["id"].duplicated().any():
        raise nwb.bad(f"unit id {table.loc[table['id'].duplicated(), 'id'].iloc[0]} occurs twice")
    at_peak = channels.set_index("channel_id").reindex(table["peak_channel_id"]).reset_index(drop=True)
    if at_peak["probe"].isna().any():
        lost = table[at_peak["probe"].isna()]
        raise nwb.bad(
            f"{len(lost)} of {len(table)} units have a peak channel that is not in the electrodes table, first unit "
            f"{lost['id'].iloc[0]} with channel {lost['peak_channel_id'].iloc[0]}",
            "Without it a unit has no probe. Download the file again, or report it to the Allen Institute.",
        )
    for name in ("valid_data", "axial_um", "channel", "probe"):
        table.insert(0, name, at_peak[name].to_numpy())
    table = table.astype({"valid_data": bool, "channel": np.int64})
    return table.sort_values(["probe", "id"], ignore_index=True)


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


def read_spikes(nwb: NwbFile, units: pd.DataFrame) -> tuple[Spikes, list[Note]]:
    """Return all spikes, grouped by unit in the order of ``units``, and what was missing.

    Depths are one NaN seen ``n_spikes`` times, read-only: the release has none, and 100 M of them would be 0.4 GB.

    Parameters
    ----------
    nwb
        The open file.
    units
        The table of `read_units`.

    Raises
    ------
    BadUpstreamData
        If ``spike_times`` is missing, a time is NaN or infinite, times of a unit are not sorted, or the amplitudes
        are not as many as the times.
    """
    stored = ragged_offsets(nwb, UNITS, "spike_times")
    times, offsets = read_spike_times(nwb, units)
    amplitudes, notes = _read_amplitudes(nwb, stored)
    amplitudes = _in_order_of(units, amplitudes, stored)
    notes.append(Note("spike depths", "not part of the release; NaN"))
    return Spikes(times, offsets, amplitudes, np.broadcast_to(np.float32(np.nan), times.shape)), notes


def read_spike_times(nwb: NwbFile, units: pd.DataFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the times of all spikes without anything else of them: 0.8 GB for 100 M spikes.

    Parameters
    ----------
    nwb
        The open file.
    units
        The table of `read_units`.

    Returns
    -------
    times
        (n_spikes,) float64, seconds on the session clock, grouped by unit in the order of ``units``.
    offsets
        (n_units + 1,) int64; the times of row ``i`` are ``times[offsets[i]:offsets[i + 1]]``.

    Raises
    ------
    BadUpstreamData
        If ``spike_times`` is missing, a time is NaN or infinite, or times of a unit are not sorted.
    """
    stored = ragged_offsets(nwb, UNITS, "spike_times")
    times = np.empty(stored[-1], dtype=np.float64)
    if len(times):
        nwb.handle[f"{UNITS}/spike_times"].read_direct(times)
    _check_times(nwb, times, stored)
    counts = np.diff(stored)[units["row"].to_numpy()]
    return _in_order_of(units, times, stored), np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def _check_times(nwb: NwbFile, times: npt.NDArray[np.float64], offsets: npt.NDArray[np.int64]) -> None:
    """Refuse times that are not finite, or fall within a unit."""
    for start in range(0, len(times), SPIKES_AT_ONCE):
        # One further value, so that the step from one part to the next is looked at too.
        part = times[start : start + SPIKES_AT_ONCE + 1]
        wrong = np.flatnonzero(~np.isfinite(part))
        if len(wrong):
            _refuse(nwb, offsets, start + int(wrong[0]), f"is {part[wrong[0]]}")
        falls = start + 1 + np.flatnonzero(part[1:] < part[:-1])
        within = falls[~np.isin(falls, offsets)]
        if len(within):
            index = int(within[0])
            _refuse(
                nwb, offsets, index, f"is {times[index]} s, after one of {times[index - 1]} s: times are not sorted"
            )


def _refuse(nwb: NwbFile, offsets: npt.NDArray[np.int64], index: int, found: str) -> None:
    row = int(np.searchsorted(offsets, index, side="right")) - 1
    unit = nwb.array(f"{UNITS}/id")[row]
    raise nwb.bad(f"spike {index - offsets[row]} of unit {unit} {found}")


def _read_amplitudes(nwb: NwbFile, offsets: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float32], list[Note]]:
    """Return the amplitudes (V) in file order; NaN and a note where the file has none."""
    amplitudes = np.full(offsets[-1], np.nan, dtype=np.float32)
    if "spike_amplitudes" not in ragged_columns(nwb.group(UNITS)):
        return amplitudes, [Note("spike_amplitudes", "missing in the NWB file; NaN")]
    own = ragged_offsets(nwb, UNITS, "spike_amplitudes")
    if not np.array_equal(own, offsets):
        row = int(np.flatnonzero(own != offsets)[0]) - 1
        counts = np.diff(offsets)[row], np.diff(own)[row]
        unit = nwb.array(f"{UNITS}/id")[row]
        raise nwb.bad(f"unit {unit} has {counts[0]} spike_times and {counts[1]} spike_amplitudes")
    dataset = nwb.handle[f"{UNITS}/spike_amplitudes"]
    for start in range(0, len(amplitudes), SPIKES_AT_ONCE):
        amplitudes[start : start + SPIKES_AT_ONCE] = dataset[start : start + SPIKES_AT_ONCE]
    return amplitudes, []


def _in_order_of(units: pd.DataFrame, values: npt.NDArray[Any], offsets: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return blocks of ``values``, which are in file order, in the order of ``units``; a copy where that differs."""
    rows = units["row"].to_numpy()
    if np.array_equal(rows, np.arange(len(rows))):
        return values
    return np.concatenate([values[offsets[row] : offsets[row + 1]] for row in rows])
