"""A folder of NWB files as a source: its manifest and the four readers, put together from the modules beside.

Add here only what joins them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.history.identity import GROUPS
from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.session import BadUpstreamData, Events, RawRecording, Signals, UnitAnnotation
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.sources.folder_signal import folder_signal
from nh_platform.sources.nwb.nwb_file import NULL_TEXTS, NwbFile, open_nwb
from nh_platform.sources.nwb.positions import locate_units
from nh_platform.sources.nwb.standard_names import ELECTRODES, INTERVALS, UNITS
from nh_platform.sources.nwb.unit_spikes import read_spikes
from nh_platform.sources.own.local_files import (
    file_row,
    files_of,
    matching,
    nothing_found,
    refuse_twice,
    session_id_of,
    split_pattern,
    verified,
)
from nh_platform.sources.own.named_columns import NamedColumn, refuse_unknown_columns
from nh_platform.sources.own.nwb.electrodes import channel_positions, channel_rows, electrode_groups, read_electrodes
from nh_platform.sources.own.nwb.intervals import presentation_tables, read_event_tables
from nh_platform.sources.own.nwb.settings import VOLTS, NwbSettings
from nh_platform.sources.own.nwb.time_series import read_signals
from nh_platform.sources.own.nwb.units import insertion_id, probe_rows, raw_units, read_unit_rows

NWB_GROUPS = ",".join(GROUPS)
"""One NWB file holds the whole session, so a changed file is a change of every asset group."""

REPORT, AGAIN = "Correct the file, or leave it out by `files`.", "Copy the file again."


@dataclass(frozen=True)
class NwbSource:
    """A declared source of NWB files, one session each; see `nh_platform.sources.source.Source`."""

    name: str
    settings: NwbSettings
    home: Path

    def signal(self) -> str:
        """Return a text that differs when a file was added, removed or written."""
        root, pattern = split_pattern(self.settings.files)
        return folder_signal(root, (pattern,))

    def manifest(self) -> Manifest:
        """List every file as a session, with its md5; one that cannot be read is listed too, and fails by name.

        Raises
        ------
        ConfigError
            If no file is there, two have one session id, or a column is named that none of them has.
        """
        settings, location = self.settings, (self.name, "read", "files")
        root, pattern = split_pattern(settings.files)
        paths = [path for path in matching(root, pattern) if path.is_file()]
        if not paths:
            raise nothing_found(self.home, location, settings.files, "file")
        facts = {path: _facts(path, settings) for path in paths}
        ids = [(session_id_of(facts[path].identifier or path.stem), path) for path in paths]
        refuse_twice(ids, self.home, location)
        readable = [one.columns for one in facts.values() if one.columns]
        refuse_unknown_columns(_named_columns(settings), readable, self.name, self.home)
        sessions, insertions, files = [], [], []
        for session_id, path in ids:
            own = facts[path]
            sessions.append({"session_id": session_id, "number": 1, **own.session, "lab": settings.lab or own.lab})
            insertions += [
                {"session_id": session_id, "insertion_id": insertion_id(session_id, probe), "probe": probe}
                for probe in own.probes
            ]
            files.append(file_row(root, path, session_id, NWB_GROUPS, settings.cache_dir))
        return Manifest(
            source=self.name,
            release="local",
            selection=f"files {settings.files}",
            sessions=SESSIONS.conform(pd.DataFrame(sessions)),
            insertions=INSERTIONS.conform(pd.DataFrame(insertions, columns=INSERTIONS.names)),
            files=FILES.conform(pd.DataFrame(files)),
        )

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read every unit and every spike."""
        with self._open(session) as nwb:
            electrodes = read_electrodes(nwb, self.settings)
            units = read_unit_rows(nwb, self.settings, electrodes)
            spikes = read_spikes(nwb, units, amplitudes_name=self.settings.amplitudes, no_time_s=None)
            volts = np.float32(VOLTS[self.settings.amplitude_unit])
            probes = sorted({*electrodes["probe"], *units["probe"]})
            return RawRecording(
                session=session.session,
                probes=probe_rows(probes, session.session_id),
                units=raw_units(units, spikes),
                channels=channel_rows(electrodes),
                spikes=spikes if volts == 1 else replace(spikes, amplitudes=spikes.amplitudes * volts),
                notes=tuple(nwb.notes),
            )

    def read_events(self, session: SessionFiles) -> Events:
        """Read trials, presentations and invalid times."""
        with self._open(session) as nwb:
            tables = read_event_tables(nwb, self.settings, session.insertions["probe"].tolist())
            return Events(session=session.session, tables=tables, notes=tuple(nwb.notes))

    def read_signals(self, session: SessionFiles) -> Signals:
        """Read the time series that the settings name."""
        with self._open(session) as nwb:
            signals = read_signals(nwb, self.settings.signals)
            return Signals(session=session.session, signals=signals, notes=tuple(nwb.notes))

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read the metrics and labels that the file states, and the regions of the channels."""
        with self._open(session) as nwb:
            electrodes = read_electrodes(nwb, self.settings)
            stated = read_unit_rows(nwb, self.settings, electrodes)
            stated.insert(0, "unit_id", stated["id"].astype(str))
            released = ["unit_id", *(name for name in stated if name.startswith("released."))]
            lost = sorted(set(units["unit_id"]) - set(stated["unit_id"]))
            if lost:
                raise nwb.bad(f"it has no unit {lost[0]} ({len(lost)} of {len(units)} units)", "Read the spikes again.")
            positions, notes = channel_positions(electrodes, channels, self.settings.ml_towards)
            return UnitAnnotation(
                released=stated[released].set_index("unit_id").loc[units["unit_id"]].reset_index(),
                positions=locate_units(units, positions),
                channels=positions,
                notes=(*nwb.notes, *notes),
            )

    @contextmanager
    def _open(self, session: SessionFiles) -> Iterator[NwbFile]:
        """Open the session's file after comparing its content with the manifest."""
        root, _ = split_pattern(self.settings.files)
        (row,) = files_of(session, "spikes")
        with open_nwb(verified(root, row, self.name, self.settings.cache_dir), report=REPORT, again=AGAIN) as nwb:
            yield nwb


@dataclass(frozen=True)
class _Facts:
    """What a file says of its session without its data; nothing of one that cannot be read."""

    session: dict[str, Any]
    identifier: str = ""
    lab: str | None = None
    probes: tuple[str, ...] = ()
    columns: dict[str, list[str]] | None = None


def _facts(path: Path, settings: NwbSettings) -> _Facts:
    unknown = {"subject": "unknown"}
    try:
        with open_nwb(path, report=REPORT, again=AGAIN) as nwb:
            electrodes = read_electrodes(nwb, settings)
            regions = sorted(set(electrodes["acronym"].dropna()) - NULL_TEXTS)
            ids = nwb.found(f"{UNITS}/id")
            session = {
                "subject": nwb.text("general/subject/subject_id") or "unknown",
                "date": (nwb.text("session_start_time") or "")[:10] or None,
                "task_protocol": nwb.text("general/protocol"),
                "n_units_released": float(len(ids)) if ids is not None and ids.ndim else None,
                "regions": ",".join(regions) or None,
            }
            return _Facts(
                session,
                identifier=(nwb.text("identifier") or "") if settings.session_id == "identifier" else "",
                lab=nwb.text("general/lab") or nwb.text("general/institution"),
                probes=tuple(sorted(set(electrodes["probe"])) or electrode_groups(nwb)),
                columns=_columns(nwb, settings),
            )
    except BadUpstreamData:
        return _Facts(unknown)


def _columns(nwb: NwbFile, settings: NwbSettings) -> dict[str, list[str]]:
    """Return the columns of every table that a setting may name a column of."""
    shown = {column for name in presentation_tables(nwb, settings) for column in nwb.names(f"{INTERVALS}/{name}")}
    return {
        "electrodes": nwb.names(ELECTRODES),
        "units": nwb.names(UNITS),
        "intervals": nwb.names(INTERVALS),
        "trials": [*nwb.names(f"{INTERVALS}/{settings.trials}"), "trial_id"],
        "presentations": sorted({*shown, "stimulus_name", "presentation_id"}),
    }


def _named_columns(settings: NwbSettings) -> Iterator[NamedColumn]:
    """Yield the columns that a person's settings name; what was left out is the standard's, which a file may lack."""
    stated = settings.model_fields_set
    for name, table in (
        ("probe", "electrodes"),
        ("region", "electrodes"),
        ("lateral", "electrodes"),
        ("axial", "electrodes"),
        ("peak_channel", "units"),
        ("amplitudes", "units"),
        ("trials", "intervals"),
    ):
        if name in stated and getattr(settings, name) is not None:
            yield NamedColumn(("read", name), table, getattr(settings, name))
    for name, table in (("metrics", "units"), ("presentations", "intervals")):
        for at, column in enumerate(getattr(settings, name) or ()):
            yield NamedColumn(("read", name, at), table, column)
    for name, place in settings.events.items():
        for column in place.columns:
            yield NamedColumn(("read", "events", name), place.table, column)
