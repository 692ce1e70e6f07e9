"""The files of `raw_spikes` and `behavior`: a session's spikes, events and signals ↔ HDF5 and Parquet.

``raw_spikes``: ``spikes.h5`` (times float64 bit-exact; amplitudes and depths float32, which is IBL's own precision and
a rounding of Allen's float64 to 24 bits; unit boundaries), ``units.parquet``, ``channels.parquet``, ``probes.parquet``.
``behavior``: one Parquet per event table and ``signals.h5``. ``reviewed_intervals.parquet`` of ``units`` holds the
invalid intervals that reviews add to it.

Facts of the catalogue (subject, lab, date, insertion ids) are not stored with the data: they are not part of its
identity, and a renamed subject or a login must not leave two contents under one version. `nh_platform.reading` joins
them from the manifest.

Add a pair of functions here when a new container of `nh_platform.session` is stored. Windows and embeddings keep
theirs beside their own code.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.session import Behavior, Note, RawRecording, Session, Signal, Spikes, StoreError
from nh_platform.session.tables.events import EVENTS, INVALID_TIMES
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.store.hdf5 import create_dataset, create_file, open_file, read_notes, write_notes
from nh_platform.store.parquet import read_table, write_table

SPIKES_FILE = "spikes.h5"
SIGNALS_FILE = "signals.h5"
REVIEWED_FILE = "reviewed_intervals.parquet"


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


def read_recording(folder: Path) -> RawRecording:
    """Read `raw_spikes` of one session from ``folder``."""
    with open_file(folder / SPIKES_FILE) as handle:
        session, notes = _read_session(handle)
        spikes = _read_spikes(handle["spikes"])
    return RawRecording(
        session=session,
        probes=read_table(folder / "probes.parquet"),
        units=read_table(folder / "units.parquet"),
        channels=read_table(folder / "channels.parquet"),
        spikes=spikes,
        notes=notes,
    )


def write_behavior(folder: Path, behavior: Behavior) -> None:
    """Write `behavior` of one session into ``folder``."""
    for name in sorted(behavior.events):
        if name not in EVENTS:
            raise StoreError(
                f"event table {name}", "it has no schema", "Add it to nh_platform.session.tables.events.EVENTS."
            )
        write_table(folder / f"{name}.parquet", behavior.events[name], EVENTS[name])
    with create_file(folder / SIGNALS_FILE) as handle:
        _write_session(handle, behavior.session, behavior.notes)
        for name in sorted(behavior.signals):
            signal = behavior.signals[name]
            group = handle.create_group(f"signals/{name}")
            create_dataset(group, "timestamps", signal.timestamps, unit="s", meaning="Sample times, session clock")
            create_dataset(group, "values", signal.values, unit=signal.unit, meaning=", ".join(signal.columns))
            group.attrs["columns"] = list(signal.columns)


def read_behavior(folder: Path) -> Behavior:
    """Read `behavior` of one session from ``folder``.

    Raises
    ------
    StoreError
        If a file is missing that the folder had at the beginning: its version was replaced meanwhile.
    """
    # One listing, at the beginning: looked for one by one, tables of a version that goes would read as not recorded.
    stored = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    signals = {}
    with open_file(folder / SIGNALS_FILE) as handle:
        session, notes = _read_session(handle)
        for name, group in handle["signals"].items() if "signals" in handle else ():
            signals[name] = Signal(
                name=name,
                timestamps=group["timestamps"][:],
                values=group["values"][:],
                unit=group["values"].attrs["unit"],
                columns=tuple(str(column) for column in group.attrs["columns"]),
            )
    events = {name: read_table(folder / f"{name}.parquet") for name in EVENTS if f"{name}.parquet" in stored}
    return Behavior(session=session, events=events, signals=signals, notes=notes)


def write_reviewed_intervals(units: Path, intervals: pd.DataFrame) -> None:
    """Write the intervals (schema `INVALID_TIMES`) that counted reviews mark into the folder of `units`.

    They lie there because reviews are a parameter of that asset: whatever reads them has the version of `units` among
    its inputs, and is stale when a review comes to count or expires.
    """
    write_table(units / REVIEWED_FILE, intervals, INVALID_TIMES)


def read_measured(raw_spikes: Path, units: Path, behavior: Path) -> tuple[Spikes, pd.DataFrame, Behavior]:
    """Read what windows and embeddings are made of: spikes, the units table, and behavior with reviewed intervals.

    Parameters
    ----------
    raw_spikes, units, behavior
        Folders of the three assets.
    """
    spikes = read_spikes(raw_spikes)
    reviewed = with_reviewed_intervals(read_behavior(behavior), units)
    return spikes, read_table(units / "units.parquet"), reviewed


def with_reviewed_intervals(behavior: Behavior, units: Path | None) -> Behavior:
    """Return ``behavior`` with the intervals that counted reviews mark among what upstream calls invalid.

    Parameters
    ----------
    behavior
        Events of the session; returned itself where nothing is marked.
    units
        Folder of `units`; none where the asset was not made. Units made before there was the file mark nothing.
    """
    if units is None or not (units / REVIEWED_FILE).exists():
        return behavior
    marked = read_table(units / REVIEWED_FILE)
    if marked.empty:
        return behavior
    known = behavior.events.get("invalid_times", INVALID_TIMES.empty())
    both = pd.concat([known, marked], ignore_index=True) if len(known) else marked
    return replace(behavior, events={**behavior.events, "invalid_times": both})


def _read_spikes(group: Any) -> Spikes:
    return Spikes(
        times=group["times"][:],
        offsets=group["offsets"][:].astype(np.int64),
        amplitudes=group["amplitudes"][:],
        depths=group["depths"][:],
    )


def _write_session(handle: Any, session: Session, notes: tuple[Note, ...]) -> None:
    handle.attrs["source"], handle.attrs["session_id"] = session.source, session.session_id
    write_notes(handle, notes)


def _read_session(handle: Any) -> tuple[Session, tuple[Note, ...]]:
    session = Session(str(handle.attrs["source"]), str(handle.attrs["session_id"]), subject="")
    return session, read_notes(handle)
