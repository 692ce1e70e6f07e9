"""The files of `raw_spikes`, `events` and `signals`: a session's spikes, events and signals ↔ HDF5 and Parquet.

``raw_spikes``: ``spikes.h5`` (times float64 bit-exact; amplitudes and depths float32, which is IBL's own precision and
a rounding of Allen's float64 to 24 bits; unit boundaries), ``units.parquet``, ``channels.parquet``, ``probes.parquet``.
``events``: one Parquet per table and ``events.json``, which lists them. ``signals``: ``signals.h5`` and one Parquet per
table of what was detected in them. Invalid intervals of reviews lie in ``reviewed_intervals.parquet`` of ``units``,
those of single units in ``reviewed_unit_intervals.parquet``.

Facts of the catalogue (subject, lab, date, insertion ids) are not stored with the data: they are not part of its
identity, and a renamed subject or a login must not leave two contents under one version. `nh_platform.reading` joins
them from the manifest.

Add a pair of functions here when a new container of `nh_platform.session` is stored. Windows and embeddings keep
theirs beside their own code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.session import Events, Note, RawRecording, Session, Signal, Signals, Spikes, StoreError
from nh_platform.session.columns import TableSchema
from nh_platform.session.tables.carried_reviews import CARRIED_REVIEWS
from nh_platform.session.tables.events import DETECTED, EVENTS, INVALID_TIMES
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.session.tables.units import UNIT_INVALID_TIMES
from nh_platform.store.codecs.hdf5 import create_dataset, create_file, open_file, read_notes, write_notes
from nh_platform.store.codecs.json_files import read_json, write_json
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.file_hashes import is_stored

SPIKES_FILE = "spikes.h5"
EVENTS_FILE = "events.json"
SIGNALS_FILE = "signals.h5"
REVIEWED_FILE = "reviewed_intervals.parquet"
REVIEWED_UNITS_FILE = "reviewed_unit_intervals.parquet"
CARRIED_FILE = "carried_reviews.parquet"


def write_recording(folder: Path, recording: RawRecording) -> None:
    """Write `raw_spikes` of one session into ``folder``."""
    spikes = recording.spikes
    with create_file(folder / SPIKES_FILE) as handle:
        _write_session(handle, recording.session, recording.notes)
        group = handle.create_group("spikes")
        create_dataset(group, "times", spikes.times, unit="s", meaning="Spike times on the session clock, unit by unit")
        create_dataset(group, "amplitudes", spikes.amplitudes, unit="V", meaning="Spike amplitudes; NaN: not released")
        create_dataset(group, "depths", spikes.depths, unit="um", meaning="Depth from the probe tip; NaN: not released")
        create_dataset(
            group,
            "offsets",
            spikes.offsets,
            unit="1",
            meaning="Spikes of row i of units.parquet: times[offsets[i]:offsets[i + 1]]",
        )
    write_table(folder / "units.parquet", recording.units, RAW_UNITS)
    write_table(folder / "channels.parquet", recording.channels, RAW_CHANNELS)
    write_table(folder / "probes.parquet", recording.probes.assign(insertion_id=None), PROBES)


def read_spikes(folder: Path) -> Spikes:
    """Read the spikes of `raw_spikes` alone from ``folder``."""
    with open_file(folder / SPIKES_FILE) as handle:
        return _read_spikes(handle["spikes"])


def read_recording(folder: Path, *, times_alone: bool = False) -> RawRecording:
    """Read `raw_spikes` of one session from ``folder``.

    Parameters
    ----------
    folder
        Folder that `write_recording` filled.
    times_alone
        Leave amplitudes and depths of spikes unread, which are as many bytes as the times: they are NaN then, and take
        no memory.
    """
    with open_file(folder / SPIKES_FILE) as handle:
        session, notes = _read_session(handle)
        spikes = _read_spikes(handle["spikes"], times_alone=times_alone)
    return RawRecording(
        session=session,
        probes=read_table(folder / "probes.parquet"),
        units=read_table(folder / "units.parquet"),
        channels=read_table(folder / "channels.parquet"),
        spikes=spikes,
        notes=notes,
    )


def write_events(folder: Path, events: Events) -> None:
    """Write `events` of one session into ``folder``."""
    _write_tables(folder, events.tables, EVENTS)
    session = events.session
    write_json(
        folder / EVENTS_FILE,
        {
            "source": session.source,
            "session_id": session.session_id,
            "tables": sorted(events.tables),
            "notes": [[note.subject, note.text] for note in events.notes if not note.is_origin],
        },
    )


def read_events(folder: Path) -> Events:
    """Read `events` of one session from ``folder``.

    Raises
    ------
    StoreError
        If a file is missing that the folder had at the beginning: its version was replaced meanwhile.
    """
    # Looked for one by one, tables of a version that goes would read as not recorded: the list says which there are.
    listed = read_json(folder / EVENTS_FILE)
    return Events(
        session=Session(listed["source"], listed["session_id"], subject=""),
        tables={name: read_table(folder / f"{name}.parquet") for name in EVENTS if name in listed["tables"]},
        notes=tuple(Note(subject, text) for subject, text in listed["notes"]),
    )


def write_signals(folder: Path, signals: Signals) -> None:
    """Write `signals` of one session into ``folder``."""
    _write_tables(folder, signals.tables, DETECTED)
    with create_file(folder / SIGNALS_FILE) as handle:
        _write_session(handle, signals.session, signals.notes)
        handle.attrs["tables"] = sorted(signals.tables)
        for name, signal in sorted(signals.signals.items()):
            group = handle.create_group(f"signals/{name}")
            create_dataset(group, "timestamps", signal.timestamps, unit="s", meaning="Sample times, session clock")
            create_dataset(group, "values", signal.values, unit=signal.unit, meaning=", ".join(signal.columns))
            group.attrs["columns"] = list(signal.columns)


def read_signals(folder: Path) -> Signals:
    """Read `signals` of one session from ``folder``.

    Raises
    ------
    StoreError
        If a file is missing that the folder had at the beginning: its version was replaced meanwhile.
    """
    signals = {}
    with open_file(folder / SIGNALS_FILE) as handle:
        session, notes = _read_session(handle)
        tables = [str(name) for name in handle.attrs["tables"]]
        for name, group in handle["signals"].items() if "signals" in handle else ():
            signals[name] = Signal(
                name=name,
                timestamps=group["timestamps"][:],
                values=group["values"][:],
                unit=group["values"].attrs["unit"],
                columns=tuple(str(column) for column in group.attrs["columns"]),
            )
    detected = {name: read_table(folder / f"{name}.parquet") for name in tables}
    return Signals(session=session, signals=signals, tables=detected, notes=notes)


def read_detected(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the tables of `signals` alone from ``folder``: what upstream detected in the signals."""
    with open_file(folder / SIGNALS_FILE) as handle:
        tables = [str(name) for name in handle.attrs["tables"]]
    return {name: read_table(folder / f"{name}.parquet") for name in tables}


def _write_tables(folder: Path, tables: dict[str, pd.DataFrame], schemas: dict[str, TableSchema]) -> None:
    for name, table in sorted(tables.items()):
        if name not in schemas:
            raise StoreError(
                f"event table {name}", "it has no schema here", "Add it to nh_platform.session.tables.events."
            )
        write_table(folder / f"{name}.parquet", table, schemas[name])


def write_reviewed_intervals(units: Path, intervals: pd.DataFrame, of_units: pd.DataFrame) -> None:
    """Write the intervals that counted reviews mark into the folder of `units`, for readers.

    ``intervals`` are those of probes (schema `INVALID_TIMES`), ``of_units`` those of single units
    (`UNIT_INVALID_TIMES`). What is made from the former reads the reviews themselves (`SessionInputs.events`), so that
    it does not hang on `units`.
    """
    write_table(units / REVIEWED_FILE, intervals, INVALID_TIMES)
    write_table(units / REVIEWED_UNITS_FILE, of_units, UNIT_INVALID_TIMES)


def read_reviewed_intervals(units: Path | None) -> pd.DataFrame:
    """Return the intervals that counted reviews mark, as `units` was made with them.

    Parameters
    ----------
    units
        Folder of `units`; none where the asset was not made. Units made before there was the file mark nothing.
    """
    if units is None or not is_stored(units / REVIEWED_FILE):
        return INVALID_TIMES.empty()
    return read_table(units / REVIEWED_FILE)


def read_reviewed_unit_intervals(units: Path | None) -> pd.DataFrame:
    """Return the intervals of single units that counted reviews mark; ``units`` is as of `read_reviewed_intervals`."""
    if units is None or not is_stored(units / REVIEWED_UNITS_FILE):
        return UNIT_INVALID_TIMES.empty()
    return read_table(units / REVIEWED_UNITS_FILE)


def read_carried(units: Path | None) -> pd.DataFrame:
    """Read the reviews that do not count since their unit was sorted again (schema `CARRIED_REVIEWS`).

    Parameters
    ----------
    units
        Folder of `units`; none are known where it is None or older than these.
    """
    if units is None or not is_stored(units / CARRIED_FILE):
        return CARRIED_REVIEWS.empty()
    return read_table(units / CARRIED_FILE)


def _read_spikes(group: Any, *, times_alone: bool = False) -> Spikes:
    times, offsets = group["times"][:], group["offsets"][:].astype(np.int64)
    if times_alone:
        unread = np.broadcast_to(np.float32(np.nan), times.shape)
        return Spikes(times, offsets, unread, unread)
    return Spikes(times, offsets, group["amplitudes"][:], group["depths"][:])


def _write_session(handle: Any, session: Session, notes: tuple[Note, ...]) -> None:
    handle.attrs["source"], handle.attrs["session_id"] = session.source, session.session_id
    write_notes(handle, notes)


def _read_session(handle: Any) -> tuple[Session, tuple[Note, ...]]:
    session = Session(str(handle.attrs["source"]), str(handle.attrs["session_id"]), subject="")
    return session, read_notes(handle)
