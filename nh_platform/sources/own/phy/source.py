"""A set of Kilosort/phy folders as a source: its manifest and the four readers.

Add here only what joins the modules beside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.session import BadUpstreamData, Events, Note, RawRecording, Signals, Spikes, UnitAnnotation
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNIT_POSITIONS
from nh_platform.sources.folder_signal import folder_signal
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
from nh_platform.sources.own.phy.csv_events import csv_columns, read_presentations, read_trials
from nh_platform.sources.own.phy.settings import PhySettings
from nh_platform.sources.own.phy.sorting import (
    ARRAYS,
    LABELS,
    PARAMS,
    SPIKE_TIMES,
    UNKNOWN,
    Sorting,
    read_labels,
    read_sorting,
    stated_rate,
)
from nh_platform.sources.setting_errors import setting_error

ONE_PROBE = "probe00"
"""Name of the probe of a session folder that is itself the sorting."""

_NAME_AND_DAY = re.compile(r"(?P<subject>.+?)[_-](?P<day>\d{4}-\d{2}-\d{2}).*")
"""A folder named as ``mouse1_2026-01-02`` says animal and day."""

LOWEST_RATE_HZ = 1000
"""Spikes last a millisecond. A rate of 30, in kHz, would put a spike of the first second at 1,000 s."""

WRITE_RATE = "Write `sample_rate: 30000` (your own) under `read` of the source in sources.yaml, or into params.py."


@dataclass(frozen=True)
class PhySource:
    """A declared source of Kilosort/phy folders; see `nh_platform.sources.source.Source`."""

    name: str
    settings: PhySettings
    home: Path

    def signal(self) -> str:
        """Return a text that differs when a file that is read was added, removed or written."""
        root, pattern = split_pattern(self.settings.folders)
        below = (*ARRAYS, PARAMS, "cluster_*.tsv", "cluster_*.csv")
        every = [f"{pattern}/**/{name}" for name in below]
        return folder_signal(
            root, [*every, f"{pattern}/{self.settings.trials}", f"{pattern}/{self.settings.presentations}"]
        )

    def manifest(self) -> Manifest:
        """List every folder with a sorting as a session, with the md5 of every file that is read.

        Raises
        ------
        ConfigError
            If no folder has a sorting, none has a rate, two have one session id, or a column is named that none has.
        """
        settings, location = self.settings, (self.name, "read", "folders")
        root, pattern = split_pattern(settings.folders)
        found = {path: self._sortings(path) for path in matching(root, pattern) if path.is_dir()}
        found = {path: sortings for path, sortings in found.items() if sortings}
        if not found:
            raise nothing_found(self.home, location, settings.folders, f"folder with a {SPIKE_TIMES}")
        ids = [(session_id_of(path.name), path) for path in found]
        refuse_twice(ids, self.home, location)
        every = [folder for sortings in found.values() for folder in sortings.values()]
        if settings.sample_rate is None and not any(stated_rate(folder / PARAMS) for folder in every):
            text = f"neither `sample_rate` nor a params.py beside {SPIKE_TIMES} states the rate, as in {every[0]}"
            raise setting_error(self.home, (self.name, "read"), text, WRITE_RATE)
        self._refuse_unknown_columns(list(found))
        sessions, insertions, files = [], [], []
        for session_id, path in ids:
            named = _NAME_AND_DAY.fullmatch(path.name)
            facts = {"subject": named["subject"], "date": named["day"]} if named else {"subject": path.name}
            sessions.append({"session_id": session_id, "number": 1, "lab": settings.lab, **facts})
            for probe, folder in found[path].items():
                insertions.append({"session_id": session_id, "insertion_id": f"{session_id}_{probe}", "probe": probe})
                files += [
                    file_row(root, one, session_id, group, settings.cache_dir, probe) for one, group in _read_of(folder)
                ]
            beside = (path / name for name in dict.fromkeys((settings.trials, settings.presentations)))
            files += [file_row(root, one, session_id, "events", settings.cache_dir) for one in beside if one.is_file()]
        return Manifest(
            source=self.name,
            release="local",
            selection=f"folders {settings.folders}",
            sessions=SESSIONS.conform(pd.DataFrame(sessions)),
            insertions=INSERTIONS.conform(pd.DataFrame(insertions)),
            files=FILES.conform(pd.DataFrame(files)),
        )

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read every cluster and every spike, in seconds by the stated rate.

        Raises
        ------
        BadUpstreamData
            If a sorting has no rate, or its spikes or clusters cannot be used.
        """
        notes: list[Note] = []
        sortings = {probe: self._sorting(session, probe, notes) for probe in session.insertions["probe"]}
        units = pd.concat([_unit_rows(probe, one) for probe, one in sortings.items()], ignore_index=True)
        notes.append(Note("spike depths", "not in the folder; NaN"))
        return RawRecording(
            session=session.session,
            probes=self._probe_rows(session, sortings),
            units=RAW_UNITS.conform(units),
            channels=RAW_CHANNELS.conform(
                pd.concat([_channel_rows(probe, one) for probe, one in sortings.items()], ignore_index=True)
            ),
            spikes=_joined([one.spikes for one in sortings.values()]),
            notes=tuple(notes),
        )

    def read_events(self, session: SessionFiles) -> Events:
        """Read the CSV files of trials and events."""
        tables, notes = {}, []
        paths = list(self._files(session, "events"))
        for name, table, read in (
            (self.settings.trials, "lab_trials", read_trials),
            (self.settings.presentations, "presentations", read_presentations),
        ):
            # Below the session's folder: two folders in it may have a file of one name.
            path = next((one for one in paths if _below(one, session.session_id) == Path(name)), None)
            if path is None:
                notes.append(Note(table, f"the session's folder has no {name}"))
                continue
            try:
                tables[table], noted = read(path, self.settings)
            except BadUpstreamData as error:
                noted = [Note(table, f"left out: {error.thing}: {error.found}")]
            notes += noted
        return Events(session=session.session, tables=tables, notes=tuple(notes))

    def read_signals(self, session: SessionFiles) -> Signals:
        """Return that such a folder holds no signals."""
        return Signals(session=session.session, signals={}, notes=(Note("signals", "the layout has none"),))

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read labels and metrics of the TSV files; nothing is located in the brain."""
        notes: list[Note] = [Note("positions", "the layout has none")]
        parts = [self._labels(session, probe, notes) for probe in session.insertions["probe"]]
        labels = pd.concat(parts) if parts else pd.DataFrame()
        nowhere = {"atlas_id": 0, "histology": "unlocated"}
        released = labels.reindex(units["unit_id"]).reset_index(drop=True)
        released = pd.DataFrame({f"released.{_word(name)}": _plain(released[name]) for name in released})
        released.insert(0, "unit_id", units["unit_id"].to_numpy())
        return UnitAnnotation(
            released=released,
            positions=UNIT_POSITIONS.conform(units[["unit_id"]].assign(**nowhere)),
            channels=CHANNEL_POSITIONS.conform(channels[["probe", "channel"]].assign(**nowhere)),
            notes=tuple(notes),
        )

    def _sortings(self, folder: Path) -> dict[str, Path]:
        """Return the sortings of a session's folder by the name of their probe."""
        found = sorted({path.parent for path in matching(folder, f"{self.settings.sorting}/{SPIKE_TIMES}")})
        relative = [path.relative_to(folder).parts for path in found]
        if len(found) == 1:
            return {(relative[0][0] if relative[0] else ONE_PROBE): found[0]}
        # What differs names the probes: imec0/kilosort4 and imec1/kilosort4 are imec0 and imec1.
        depth = min((len(parts) for parts in relative), default=0)
        differs = next((at for at in range(depth) if len({parts[at] for parts in relative}) == len(relative)), None)
        if differs is not None:
            return {parts[differs]: path for parts, path in zip(relative, found)}
        return {"_".join(parts) or ONE_PROBE: path for parts, path in zip(relative, found)}

    def _files(self, session: SessionFiles, group: str, probe: str = "") -> Iterator[Path]:
        """Yield the verified files of a group and probe."""
        root, _ = split_pattern(self.settings.folders)
        for row in files_of(session, group):
            if row["probe"] == probe:
                yield verified(root, row, self.name, self.settings.cache_dir)

    def _sorting(self, session: SessionFiles, probe: str, notes: list[Note]) -> Sorting:
        arrays = {path.name: path for path in self._files(session, "spikes", probe)}
        rate = self.settings.sample_rate or (stated_rate(arrays[PARAMS]) if PARAMS in arrays else None)
        thing = f"{session.session_id}/{probe}"
        if rate is None:
            raise BadUpstreamData(f"folder {thing}", "nothing states its sampling rate", WRITE_RATE)
        if rate < LOWEST_RATE_HZ:
            found = f"{rate:g} samples per second are stated, fewer than {LOWEST_RATE_HZ:,}: is it kHz?"
            raise BadUpstreamData(f"folder {thing}", found, WRITE_RATE)
        return read_sorting(thing, arrays, rate, self.settings.volts_per_amplitude, notes)

    def _labels(self, session: SessionFiles, probe: str, notes: list[Note]) -> pd.DataFrame:
        """Return what the TSV files say, by unit id."""
        texts = {
            path.name: path.read_text(encoding="utf-8", errors="replace") for path in self._files(session, "qc", probe)
        }
        labels = read_labels(f"{session.session_id}/{probe}", texts, notes)
        return labels.set_axis([_unit_id(probe, int(cluster)) for cluster in labels.index], axis=0)

    def _probe_rows(self, session: SessionFiles, sortings: dict[str, Sorting]) -> pd.DataFrame:
        rows = session.of_group("spikes").drop_duplicates("probe").set_index("probe")
        table = {
            "probe": list(sortings),
            "insertion_id": session.insertions["insertion_id"].to_numpy(),
            "collection": [str(rows["collection"][probe]) for probe in sortings],
            "revision": "",
            "sampling_rate": [one.rate for one in sortings.values()],
        }
        return PROBES.conform(pd.DataFrame(table))

    def _refuse_unknown_columns(self, folders: list[Path]) -> None:
        """Refuse columns that settings name and no CSV file of any session has."""
        settings, stated = self.settings, self.settings.model_fields_set
        there = [
            {
                "trials": [*csv_columns(folder / settings.trials), "trial_id"],
                "presentations": [*csv_columns(folder / settings.presentations), "stimulus_name"],
            }
            for folder in folders
        ]
        of_all = [{"CSV files": {*one["trials"], *one["presentations"]}, **one} for one in there]
        named = [
            NamedColumn(("read", name), table, getattr(settings, name))
            for name, table in (
                ("start", "CSV files"),
                ("stop", "CSV files"),
                ("name", "presentations"),
                ("repeat", "trials"),
            )
            if name in stated
        ]
        renamed = {"start_time": settings.start, "stop_time": settings.stop, "stimulus_name": settings.name}
        named += [
            NamedColumn(("read", "events", name), place.table, renamed.get(column, column))
            for name, place in settings.events.items()
            for column in place.columns
        ]
        refuse_unknown_columns(named, of_all, self.name, self.home)


def _read_of(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of a sorting that are read, each with its asset group: another label leaves the spikes alone."""
    for path in sorted(folder.iterdir()):
        if path.name in (*ARRAYS, PARAMS) and path.is_file():
            yield path, "spikes"
        elif LABELS.fullmatch(path.name) and path.is_file():
            yield path, "qc"


def _below(path: Path, session_id: str) -> Path | None:
    """Return the path of a file below the folder of its session, the innermost that has its id."""
    folder = next((one for one in path.parents if session_id_of(one.name) == session_id), None)
    return None if folder is None else path.relative_to(folder)


def _unit_id(probe: str, cluster: int) -> str:
    return f"{probe}_{cluster}"


def _word(name: object) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", str(name)) or "column"


def _plain(values: pd.Series) -> npt.NDArray[np.generic]:
    """Return a column as numbers, or as text with None."""
    if values.dtype.kind in "biuf":
        return values.to_numpy(dtype=np.float64)
    return np.array([None if pd.isna(value) else str(value) for value in values], dtype=object)


def _unit_rows(probe: str, one: Sorting) -> pd.DataFrame:
    known = one.channel != UNKNOWN
    depth = np.full(len(one.clusters), np.nan)
    depth[known] = one.positions[one.channel[known], 1]
    return pd.DataFrame(
        {
            "unit_id": [_unit_id(probe, int(cluster)) for cluster in one.clusters],
            "probe": probe,
            "cluster_id": one.clusters,
            "channel": one.channel,
            "depth": depth,
            "n_spikes": one.spikes.counts,
        }
    )


def _channel_rows(probe: str, one: Sorting) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "probe": pd.Series([probe] * len(one.channel_ids), dtype=object),
            "channel": np.arange(len(one.channel_ids), dtype=np.int64),
            "upstream_id": one.channel_ids,
            "lateral_um": one.positions[:, 0],
            "axial_um": one.positions[:, 1],
        }
    )


def _joined(parts: list[Spikes]) -> Spikes:
    """Return the spikes of several probes as those of one session."""
    counts = np.concatenate([one.counts for one in parts])
    return Spikes(
        times=np.concatenate([one.times for one in parts]),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        amplitudes=np.concatenate([one.amplitudes for one in parts]),
        depths=np.concatenate([one.depths for one in parts]),
    )
