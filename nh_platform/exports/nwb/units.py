"""The units table: spike times of every unit bit-exact, its observed time, electrodes, waveform and quality.

Ragged columns are written from the store's arrays, in which spikes are grouped by unit already: no unit is touched one
by one. Add here what a unit has several values of, or what refers to other objects of the file. Columns of one value
per unit are `unit_columns`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from hdmf.common import DynamicTableRegion, ElementIdentifiers, VectorData, VectorIndex
from pynwb import NWBFile
from pynwb.misc import Units

from nh_platform.exports.layout import Request
from nh_platform.exports.nwb.arrays import stored
from nh_platform.exports.nwb.columns import column, ragged
from nh_platform.exports.nwb.electrodes import Electrodes
from nh_platform.exports.nwb.unit_columns import unit_columns, unit_ids
from nh_platform.exports.source_names import is_allen, is_ibl
from nh_platform.reading import SessionView
from nh_platform.session import Spikes, StoreError
from nh_platform.session.display import counted
from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms
from nh_platform.session.units_of_measure import UV_PER_V
from nh_platform.windows.unit_valid_time import intervals_by_unit, without_unit_spikes

USUAL_RATE_HZ = 30_000.0
"""Samples per second of Neuropixels probes, where a source states none."""


def add_units(
    nwbfile: NWBFile, session: SessionView, request: Request, electrodes: Electrodes, notes: list[str]
) -> None:
    """Add the units that are asked for.

    Parameters
    ----------
    nwbfile
        Takes them.
    session, request
        What is written; option ``spikes`` is ``valid`` or ``all``.
    electrodes
        Of the file.
    notes
        Takes what is left out.

    Raises
    ------
    StoreError
        If there are no units, or times are no numbers or descend within a unit.
    """
    if not len(request.rows):
        where = f"{session.source} session {session.session_id}"
        raise StoreError(where, "it has no units", "Leave the session out: NWB has no empty table of units.")
    rows, compression = request.rows, request.options["compression"]
    units = session.units.iloc[rows].reset_index(drop=True)
    probes = units["probe"].to_numpy(dtype=object)
    spikes = _spikes(session, request, notes)
    _check(spikes, units, session)
    ids, are_upstream = unit_ids(units["unit_id"], rows)
    peaks = electrodes.find(probes, units["channel"].to_numpy(np.int64))
    columns: list[VectorData] = [*_of_spikes(spikes, session.source, compression, notes)]
    columns += _observed(session, request.rows)
    columns.append(
        VectorData(
            name="electrode_group",
            description="Electrode group of the unit's probe",
            data=[electrodes.groups[probe] for probe in probes],
        )
    )
    waveforms = _waveforms(session, rows)
    columns += _at_electrodes(units, peaks, electrodes, waveforms, compression, session.source)
    if not are_upstream:
        name = "cluster_uuid" if is_ibl(session.source) else "unit_name"
        columns.append(column(name, units["unit_id"], "Id of the unit as upstream has it"))
    columns += [column(*one) for one in unit_columns(units, session.unit_words, session.source)]
    rates = session.probes["sampling_rate"].dropna()
    nwbfile.units = Units(
        name="units",
        description=_description(session, request),
        columns=columns,
        colnames=tuple(one.name for one in columns if not isinstance(one, VectorIndex)),
        id=ElementIdentifiers(name="id", data=ids),
        resolution=1.0 / float(rates.max() if len(rates) else USUAL_RATE_HZ),
        waveform_rate=None if waveforms is None else waveforms.rate_hz,
        electrode_table=electrodes.table,
    )


def _description(session: SessionView, request: Request) -> str:
    rulebook = request.origin.rulebook
    verdict = f"pass_{rulebook.replace('-', '_')}"
    which = f"{len(request.rows)} of {counted(len(session.units), 'unit')} of the session"
    kept = "spikes in invalid time are left out" if request.options["spikes"] == "valid" else "every sorted spike"
    judged = f"; {verdict} is the verdict of the rulebook that the file states" if rulebook else ""
    return f"Sorted units: {which}, {kept}{judged}."


def _spikes(session: SessionView, request: Request, notes: list[str]) -> Spikes:
    every = session.spikes.take(request.rows)
    if request.options["spikes"] == "all":
        return every
    ids, own = session.units["unit_id"].to_numpy(object)[request.rows], intervals_by_unit(session.unit_invalid_times)
    spikes = without_unit_spikes(session.valid_spikes.spikes.take(request.rows), ids, own)
    if len(spikes.times) < len(every.times):
        left = f"{len(every.times) - len(spikes.times):,} of {len(every.times):,} spikes"
        notes.append(f"{left} are in invalid or unrecorded time and left out; `--spikes all` keeps them")
    return spikes


def _check(spikes: Spikes, units: pd.DataFrame, session: SessionView) -> None:
    """Refuse spike times that are no numbers, or descend within a unit: no reader of the file could use them."""
    falls = np.diff(spikes.times) < 0
    borders = spikes.offsets[1:-1]
    falls[borders[(borders > 0) & (borders < len(spikes.times))] - 1] = False
    wrong = np.flatnonzero(falls) if falls.any() else np.flatnonzero(~np.isfinite(spikes.times))
    if len(wrong):
        unit = units["unit_id"].iloc[int(np.searchsorted(spikes.offsets, wrong[0], side="right")) - 1]
        what = "spike times that descend" if falls.any() else "spike times that are no numbers"
        raise StoreError(
            f"{session.source} session {session.session_id}",
            f"unit {unit} has {what}, first at spike {int(wrong[0])}",
            f"Run `nh verify`, then `nh materialize {session.source} {session.session_id}`.",
        )


def _of_spikes(spikes: Spikes, source: str, compression: str, notes: list[str]) -> list[VectorData]:
    """Return times, and amplitudes and depths where the source states them, with IBL's or Allen's names."""
    ends = spikes.offsets[1:]
    found = [*ragged("spike_times", spikes.times, ends, "Spike times on the session clock [s]", compression)]
    if is_ibl(source):
        amplitudes = ("spike_amplitudes_uV", spikes.amplitudes * np.float32(UV_PER_V), "Amplitude of each spike [uV]")
    else:
        amplitudes = ("spike_amplitudes", spikes.amplitudes, "Amplitude of each spike [V]")
    depths = ("spike_distances_from_probe_tip_um", spikes.depths, "Depth of each spike from the probe tip [um]")
    for name, values, said in (amplitudes, depths):
        if np.isfinite(values).any():
            found += ragged(name, values, ends, said, compression)
        else:
            notes.append(f"{name}: not part of the release; left out")
    return found


def _observed(session: SessionView, rows: npt.NDArray[np.int64]) -> list[VectorData]:
    """Return the valid time of every unit: that of its probe, without what reviews mark of the unit itself."""
    # A unit without valid time has one interval of no length: readers take a row without any for a broken one.
    start = session.spikes.recorded_time.start
    nothing = np.full((1, 2), start if np.isfinite(start) else 0.0)
    of_probe, own = session.valid_spikes.stretches, set(session.unit_invalid_times["unit_id"])
    table = session.units[["unit_id", "probe"]].iloc[rows]
    found = [session.valid_periods(unit) if unit in own else of_probe[probe] for unit, probe in table.to_numpy()]
    parts = [part if len(part) else nothing for part in found]
    ends = np.cumsum([len(part) for part in parts])
    said = (
        "Valid time of the unit: recorded, and not called invalid of its probe or of itself, by upstream or reviews [s]"
    )
    return [*ragged("obs_intervals", np.concatenate(parts) if parts else np.zeros((0, 2)), ends, said)]


@dataclass(frozen=True)
class _Waveforms:
    """Mean waveforms with the channels of each unit in front, and what lies beyond its probe behind."""

    values: npt.NDArray[np.float32]
    channels: npt.NDArray[np.int64]
    rate_hz: float


def _waveforms(session: SessionView, rows: npt.NDArray[np.int64]) -> _Waveforms | None:
    if "mean_waveforms" not in session.assets or not len(rows):
        return None
    found: MeanWaveforms = session.mean_waveforms(rows)
    order = np.argsort(found.channels == BEYOND_PROBE, axis=1, kind="stable")
    values = np.take_along_axis(found.values, order[:, :, None], axis=1).transpose(0, 2, 1)
    channels = np.take_along_axis(found.channels, order, axis=1)
    return _Waveforms(values, channels, float(np.nanmedian(found.sampling_rates)))


def _at_electrodes(
    units: pd.DataFrame,
    peaks: npt.NDArray[np.int64],
    electrodes: Electrodes,
    waveforms: _Waveforms | None,
    compression: str,
    source: str,
) -> list[VectorData]:
    """Return the electrodes of every unit: those of its mean waveform where it is stored, else its peak channel."""
    found: list[VectorData] = []
    if waveforms is not None:
        said = "Mean waveform (samples, electrodes) at the unit's electrodes in their order; NaN beyond the probe [V]"
        found.append(VectorData(name="waveform_mean", description=said, data=stored(waveforms.values, compression)))
    if electrodes.table is None:
        return found
    if waveforms is None:
        lists, said = peaks[:, None], "Electrode of the unit's peak channel"
    else:
        n_channels = waveforms.channels.shape[1]
        probes = np.repeat(units["probe"].to_numpy(dtype=object), n_channels)
        lists = electrodes.find(probes, waveforms.channels.ravel()).reshape(-1, n_channels)
        said = "Electrodes of the unit's mean waveform, in its order"
    known = lists >= 0
    region = DynamicTableRegion(name="electrodes", data=lists[known], description=said, table=electrodes.table)
    ends = np.cumsum(known.sum(axis=1)).astype(np.uint64)
    found += [region, VectorIndex(name="electrodes_index", target=region, data=ends)]
    if is_allen(source):
        at_peak = np.where(peaks >= 0, electrodes.ids[np.maximum(peaks, 0)], -1)
        found.append(column("peak_channel_id", at_peak, "Id of the peak channel in the electrodes table; -1: unknown"))
    else:
        found.append(column("max_electrode", peaks, "Row of the peak channel in the electrodes table; -1: unknown"))
    return found
