"""One session's NWB file as recording and annotation: what Visual Coding and Visual Behavior have in common.

Contains what both sources use to read one. Add here what holds for both layouts. How a file is found and verified,
and what the animal did, belongs to each source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from nh_platform.session import Events, Note, RawRecording, Session, Signal, Signals, UnitAnnotation
from nh_platform.sources.allen.hemisphere import ML_TOWARDS
from nh_platform.sources.allen.nwb.early_files import note_early_file
from nh_platform.sources.allen.nwb.electrodes import channel_rows, probe_rows, read_channels, read_probes
from nh_platform.sources.allen.nwb.invalid_times import read_optogenetic_epochs
from nh_platform.sources.allen.nwb.sorted_units import read_units, released_metrics, unit_rows
from nh_platform.sources.nwb.nwb_file import NwbFile
from nh_platform.sources.nwb.positions import CSV_COLUMNS, locate_channels, locate_units
from nh_platform.sources.nwb.standard_names import UNITS
from nh_platform.sources.nwb.unit_spikes import read_spikes


def read_recording(nwb: NwbFile, session: Session, *, amplitude_scale: float = 1.0) -> RawRecording:
    """Read every unit and every spike.

    Parameters
    ----------
    nwb
        The open file.
    session
        The session that it is of.
    amplitude_scale
        Factor for the units' ``amplitude``, where a release stated it in a wrong scale. Spike amplitudes stay.

    Raises
    ------
    BadUpstreamData
        If units, their ids or their spike times are missing or cannot be used.
    """
    note_early_file(nwb)
    channels = read_channels(nwb)
    units = read_units(nwb, channels)
    spikes = read_spikes(nwb, units)
    rows = unit_rows(units, spikes)
    if amplitude_scale != 1.0:
        rows["amplitude"] *= amplitude_scale
    nwb.note("peak_to_trough", "Allen's waveform_duration, which is unsigned: also positive-going spikes are > 0")
    return RawRecording(
        session=session,
        probes=probe_rows(read_probes(nwb)),
        units=rows,
        channels=channel_rows(channels),
        spikes=spikes,
        notes=tuple(nwb.notes),
    )


def events_of(
    nwb: NwbFile, session: Session, tables: Mapping[str, pd.DataFrame | None], notes: Iterable[Note]
) -> Events:
    """Return what was read of a session's events, with the optogenetic epochs, as one record.

    Parameters
    ----------
    nwb, session
        The open file with the notes of the readers, and the session that it is of.
    tables
        By name, as their readers return them: None where the file has none that can be used.
    notes
        What to note besides.
    """
    note_early_file(nwb)
    every = {**tables, "optogenetic_epochs": nwb.optional("optogenetic_epochs", read_optogenetic_epochs, nwb)}
    return Events(
        session=session,
        tables={name: table for name, table in every.items() if table is not None},
        notes=(*notes, *nwb.notes),
    )


def signals_of(nwb: NwbFile, session: Session, read: Iterable[Signal | None], notes: Iterable[Note]) -> Signals:
    """Return what was read of a session's signals as one record; parameters are as of `events_of`."""
    note_early_file(nwb)
    signals = {signal.name: signal for signal in read if signal is not None}
    return Signals(session=session, signals=signals, notes=(*notes, *nwb.notes))


def read_unit_annotation(
    nwb: NwbFile, units: pd.DataFrame, channels: pd.DataFrame, csv_channels: pd.DataFrame | None
) -> UnitAnnotation:
    """Read released metrics, quality and positions for ``units`` (schema `RAW_UNITS`), row by row.

    Parameters
    ----------
    nwb
        The open file.
    units, channels
        Schemas `RAW_UNITS` and `RAW_CHANNELS`.
    csv_channels
        channels.csv with every value as text, under Visual Coding's column names; None where there is none.

    Raises
    ------
    BadUpstreamData
        If the file does not have one of the units or channels.
    """
    note_early_file(nwb)
    found_channels = read_channels(nwb)
    metrics = released_metrics(read_units(nwb, found_channels))
    lost = sorted(set(units["unit_id"]) - set(metrics["unit_id"]))
    if lost:
        raise nwb.bad(f"it has no unit {lost[0]} ({len(lost)} of {len(units)} units)", "Read the spikes again.")
    gone = sorted(set(channels["upstream_id"]) - set(found_channels["channel_id"]))
    if gone:
        raise nwb.bad(f"it has no channel {gone[0]} ({len(gone)} of {len(channels)})", "Read the spikes again.")
    for name in metrics if len(metrics) else ():
        if metrics[name].isna().all():
            nwb.note("units", f"{UNITS}/{name.removeprefix('released.')}: no value for any of {len(metrics)} units")
    own = found_channels.set_index("channel_id").loc[channels["upstream_id"]].reset_index()
    positions, notes = locate_channels(own, session_rows(nwb, csv_channels, own), ML_TOWARDS)
    return UnitAnnotation(
        released=metrics.set_index("unit_id").loc[units["unit_id"]].reset_index(),
        positions=locate_units(units, positions),
        channels=positions,
        notes=(*nwb.notes, *notes),
    )


def session_rows(nwb: NwbFile, csv_channels: pd.DataFrame | None, channels: pd.DataFrame) -> pd.DataFrame | None:
    """Return the rows of channels.csv of this session's probes with numbers as numbers, or None.

    What is no number is NaN, a row without an id left out, and a table that lacks a column of no use, with a note.
    """
    if csv_channels is None:
        return None
    rows = csv_channels[csv_channels["ecephys_probe_id"].isin(set(channels["probe_id"].astype(str)))].copy()
    if not len(rows):
        return None
    missing = [name for name in CSV_COLUMNS if name not in rows]
    if missing:
        nwb.note("channels.csv", f"it lacks {', '.join(missing)}; electrodes table used")
        return None
    ids = pd.to_numeric(rows["id"], errors="coerce")
    named = ids.notna() & (ids % 1 == 0) & ~ids.duplicated()
    if not named.all():
        example = repr(rows["id"][~named].iloc[0])
        text = f"{int((~named).sum())} of {len(rows)} rows have no id of their own, for example {example}; left out"
        nwb.note("channels.csv", text)
        rows, ids = rows[named], ids[named]
    rows["id"] = ids.astype(np.int64)
    for name in [name for name in CSV_COLUMNS if name.endswith("_ccf_coordinate")]:
        stated = rows[name].replace("", None)
        rows[name] = pd.to_numeric(stated, errors="coerce").astype(np.float64)
        odd = stated.notna() & rows[name].isna()
        if odd.any():
            nwb.note("channels.csv", f"{name}: {int(odd.sum())} of {len(rows)} are no numbers; not registered")
    return rows
