"""One session's NWB file as recording and annotation: what Visual Coding and Visual Behavior have in common.

Contains what both sources use to read one. Add here what holds for both layouts. How a file is found and verified,
and what the animal did, belongs to each source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from nh_platform.session import Events, Note, RawRecording, Session, Signal, Signals, UnitAnnotation
from nh_platform.sources.allen.nwb.electrodes import channel_rows, probe_rows, read_channels, read_probes
from nh_platform.sources.allen.nwb.invalid_times import read_optogenetic_epochs
from nh_platform.sources.allen.nwb.nwb_file import NwbFile
from nh_platform.sources.allen.nwb.positions import locate_channels, locate_units
from nh_platform.sources.allen.nwb.sorted_units import read_spikes, read_units, released_metrics, unit_rows


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
        If a table is missing or the tables disagree.
    """
    channels = read_channels(nwb)
    units = read_units(nwb, channels)
    spikes, notes = read_spikes(nwb, units)
    rows = unit_rows(units, spikes)
    if amplitude_scale != 1.0:
        rows["amplitude"] *= amplitude_scale
    notes.append(
        Note("peak_to_trough", "Allen's waveform_duration, which is unsigned: also positive-going spikes are > 0")
    )
    return RawRecording(
        session=session,
        probes=probe_rows(read_probes(nwb)),
        units=rows,
        channels=channel_rows(channels),
        spikes=spikes,
        notes=tuple(notes),
    )


def events_of(
    nwb: NwbFile,
    session: Session,
    tables: Mapping[str, tuple[pd.DataFrame | None, list[Note]]],
    notes: Iterable[Note],
) -> Events:
    """Return what was read of a session's events, with the optogenetic epochs, as one record.

    Parameters
    ----------
    nwb, session
        The open file, and the session that it is of.
    tables
        By name, as their readers return them: None where the file has none, and what to note.
    notes
        What to note besides.
    """
    epochs = read_optogenetic_epochs(nwb)
    no_epochs = [Note("optogenetic_epochs", "no optotagging in the NWB file")] if epochs is None else []
    every = {**{name: table for name, (table, _) in tables.items()}, "optogenetic_epochs": epochs}
    return Events(
        session=session,
        tables={name: table for name, table in every.items() if table is not None},
        notes=(*notes, *(note for _, more in tables.values() for note in more), *no_epochs),
    )


def signals_of(session: Session, read: Iterable[tuple[Signal | None, list[Note]]], notes: Iterable[Note]) -> Signals:
    """Return what was read of a session's signals as one record; parameters are as of `events_of`."""
    every = [*read]
    return Signals(
        session=session,
        signals={signal.name: signal for signal, _ in every if signal is not None},
        notes=(*notes, *(note for _, more in every for note in more)),
    )


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
    found_channels = read_channels(nwb)
    metrics = released_metrics(read_units(nwb, found_channels))
    lost = sorted(set(units["unit_id"]) - set(metrics["unit_id"]))
    if lost:
        raise nwb.bad(f"it has no unit {lost[0]} ({len(lost)} of {len(units)} units)", "Read the spikes again.")
    gone = sorted(set(channels["upstream_id"]) - set(found_channels["channel_id"]))
    if gone:
        raise nwb.bad(f"it has no channel {gone[0]} ({len(gone)} of {len(channels)})", "Read the spikes again.")
    own = found_channels.set_index("channel_id").loc[channels["upstream_id"]].reset_index()
    positions, notes = locate_channels(own, _session_rows(csv_channels, own))
    return UnitAnnotation(
        released=metrics.set_index("unit_id").loc[units["unit_id"]].reset_index(),
        positions=locate_units(units, positions),
        channels=positions,
        notes=tuple(notes),
    )


def _session_rows(csv_channels: pd.DataFrame | None, channels: pd.DataFrame) -> pd.DataFrame | None:
    """Return the rows of channels.csv of this session's probes with numbers as numbers, or None."""
    if csv_channels is None:
        return None
    rows = csv_channels[csv_channels["ecephys_probe_id"].isin(set(channels["probe_id"].astype(str)))].copy()
    if not len(rows):
        return None
    rows["id"] = rows["id"].astype("int64")
    for name in rows.columns:
        if name.endswith("_ccf_coordinate"):
            rows[name] = pd.to_numeric(rows[name].replace("", None))
    return rows
