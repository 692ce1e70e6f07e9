"""The toy lab's ALF folders as a source of the platform.

Contains the manifest and the four readers. A session is a folder ``<subject>_<date>`` with ``alf/probe00/`` (spikes
and clusters of the sorter) and ``alf/`` (licks and flashes).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.session import BadUpstreamData, Events, Note, RawRecording, Signals, Spikes, UnitAnnotation
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.session.tables.events import LICKS, PRESENTATIONS
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNIT_POSITIONS
from nh_platform.sources.folder_signal import folder_signal

PROBE = "probe00"
FILE_GROUPS = {
    f"alf/{PROBE}/spikes.times.npy": "spikes",
    f"alf/{PROBE}/spikes.clusters.npy": "spikes",
    f"alf/{PROBE}/spikes.amps.npy": "spikes",
    f"alf/{PROBE}/clusters.depths.npy": "spikes",
    f"alf/{PROBE}/clusters.label.npy": "qc",
    "alf/licks.times.npy": "events",
    "alf/flashes.table.csv": "events",
}
"""Every file that is read, and the asset group whose identity it is part of."""


@dataclass(frozen=True)
class ToySource:
    """Source ``toy``; see `nh_platform.sources.source.Source`."""

    root: Path
    name: str = "toy"

    def signal(self) -> str:
        """Return a text that differs when a file was added, removed or written."""
        return folder_signal(self.root, ("*/alf/**/*.*",))

    def manifest(self) -> Manifest:
        """List every session folder with the md5 of every file that is read."""
        if not self.root.is_dir():
            found = f"there is no folder {self.root}"
            raise BadUpstreamData("source toy", found, "Put the recordings there, or set `toy: read: root:`.")
        sessions, insertions, files = [], [], []
        for folder in sorted(path for path in self.root.iterdir() if path.is_dir()):
            subject, date = folder.name.split("_")
            session = {"session_id": folder.name}
            sessions.append({**session, "subject": subject, "lab": "toy", "date": date, "number": 1})
            insertions.append({**session, "insertion_id": f"{folder.name}-{PROBE}", "probe": PROBE})
            for path, group in FILE_GROUPS.items():
                if (folder / path).is_file():
                    files.append({**session, "group": group, **_file_row(folder, path)})
        return Manifest(
            source=self.name,
            release="local",
            sessions=SESSIONS.conform(pd.DataFrame(sessions)),
            insertions=INSERTIONS.conform(pd.DataFrame(insertions)),
            files=FILES.conform(pd.DataFrame(files)),
        )

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read the sorting: every cluster, spikes grouped by cluster."""
        read = self._reader(session, "spikes")
        times, clusters = read(f"alf/{PROBE}/spikes.times.npy"), read(f"alf/{PROBE}/spikes.clusters.npy")
        amplitudes, depths = read(f"alf/{PROBE}/spikes.amps.npy"), read(f"alf/{PROBE}/clusters.depths.npy")
        if not len(times) == len(clusters) == len(amplitudes):
            raise BadUpstreamData(
                f"session {session.session.session_id}",
                f"{len(times)} spikes.times, {len(clusters)} spikes.clusters, {len(amplitudes)} spikes.amps",
                "Sort the session again.",
            )
        order = np.lexsort((times, clusters))
        counts = np.bincount(clusters, minlength=len(depths))
        channels = np.arange(384)
        return RawRecording(
            session=session.session,
            probes=PROBES.conform(
                pd.DataFrame(
                    {"probe": [PROBE], "collection": [f"alf/{PROBE}"], "revision": [""], "sorter": ["toysort"]}
                )
            ),
            units=RAW_UNITS.conform(
                pd.DataFrame(
                    {
                        "unit_id": [f"{PROBE}_{cluster}" for cluster in range(len(depths))],
                        "probe": PROBE,
                        "cluster_id": np.arange(len(depths)),
                        "channel": np.clip(depths // 10, 0, 383).astype(np.int64),
                        "depth": depths,
                        "n_spikes": counts,
                    }
                )
            ),
            channels=RAW_CHANNELS.conform(
                pd.DataFrame(
                    {"probe": PROBE, "channel": channels, "upstream_id": channels, "axial_um": channels * 10.0}
                )
            ),
            spikes=Spikes(
                times=times[order],
                offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
                amplitudes=amplitudes[order].astype(np.float32),
                depths=np.full(len(times), np.nan, dtype=np.float32),
            ),
            notes=(Note("spike depths", "the toy lab has none; NaN"),),
        )

    def read_events(self, session: SessionFiles) -> Events:
        """Read licks and flashes."""
        read = self._reader(session, "events")
        flashes = read("alf/flashes.table.csv").sort_values("start_time", ignore_index=True)
        flashes = flashes.assign(presentation_id=np.arange(len(flashes)), stimulus_name="flashes", valid=True)
        licks = pd.DataFrame({"times": read("alf/licks.times.npy")})
        tables = {"presentations": PRESENTATIONS.conform(flashes), "licks": LICKS.conform(licks)}
        return Events(session=session.session, tables=tables)

    def read_signals(self, session: SessionFiles) -> Signals:
        """Return that the toy lab samples nothing beside the spikes."""
        return Signals(session=session.session, signals={}, notes=(Note("signals", "the toy lab has none"),))

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read the sorter's label; nothing is located in the brain yet."""
        label = self._reader(session, "qc")(f"alf/{PROBE}/clusters.label.npy")
        nowhere: dict[str, Any] = {"atlas_id": 0, "histology": "unlocated"}
        return UnitAnnotation(
            released=pd.DataFrame({"unit_id": units["unit_id"], "released.label": label[units["cluster_id"]]}),
            positions=UNIT_POSITIONS.conform(units[["unit_id"]].assign(**nowhere)),
            channels=CHANNEL_POSITIONS.conform(channels[["probe", "channel"]].assign(**nowhere)),
            notes=(Note("positions", "no histology yet"),),
        )

    def _reader(self, session: SessionFiles, group: str) -> Any:
        """Return a function that reads one file of a group after comparing its md5 with the manifest."""
        folder = self.root / session.session.session_id
        rows = session.of_group(group)
        expected = {f"{row.collection}/{row.name}": row.md5 for row in rows.itertuples(index=False)}

        def read(path: str) -> Any:
            if path not in expected or not (folder / path).is_file():
                raise BadUpstreamData(f"file {folder.name}/{path}", "it is missing", "Copy it there and sync.")
            if _md5(folder / path) != expected[path]:
                raise BadUpstreamData(f"file {folder.name}/{path}", "it changed since the sync", "Run `nh sync toy`.")
            return pd.read_csv(folder / path) if path.endswith(".csv") else np.load(folder / path)

        return read


def _file_row(folder: Path, path: str) -> dict[str, object]:
    collection, _, name = path.rpartition("/")
    return {
        "probe": PROBE if PROBE in path else "",
        "collection": collection,
        "revision": "",
        "name": name,
        "md5": _md5(folder / path),
        "size": float((folder / path).stat().st_size),
        "default_revision": True,
    }


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
