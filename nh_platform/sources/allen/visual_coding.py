"""Allen Visual Coding Neuropixels as a source of the platform.

Contains the settings, the manifest and the three readers, put together from the modules beside. Add here only what
joins them. Decoding belongs to those modules; rules, windows and Dagster do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from nh_platform.session import (
    BadUpstreamData,
    Behavior,
    ConfigError,
    Note,
    RawRecording,
    Signal,
    UnitAnnotation,
)
from nh_platform.session.schemas import FILES, INSERTIONS, SESSIONS
from nh_platform.sources.allen import warehouse
from nh_platform.sources.allen.electrodes import read_probes
from nh_platform.sources.allen.file_content import content_md5
from nh_platform.sources.allen.invalid_times import read_invalid_times, read_optogenetic_epochs
from nh_platform.sources.allen.nwb import NwbFile, open_nwb
from nh_platform.sources.allen.presentations import read_presentations
from nh_platform.sources.allen.session_file import read_recording, read_unit_annotation
from nh_platform.sources.allen.signals import read_gaze, read_pupil, read_running_speed
from nh_platform.sources.catalog import GROUPS, Manifest, SessionFiles
from nh_platform.sources.signals import folder_signal

NWB_GROUPS = ",".join(GROUPS)
"""One NWB file holds the whole session, so a changed file is a change of every asset group."""


class AllenVcSettings(BaseModel):
    """Where Visual Coding sessions are.

    Parameters
    ----------
    root
        Folder in the layout of AllenSDK's project cache: ``session_<id>/session_<id>.nwb`` and, where present,
        ``sessions.csv``, ``probes.csv``, ``channels.csv``, ``units.csv``.
    mode
        ``local``: what is in ``root`` is all there is.
    release
        Name of the release that the folder shows.
    cache_dir
        Where md5 sums are remembered between runs; None hashes each file whenever it is read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path
    mode: Literal["local"] = "local"
    release: str = "local"
    cache_dir: Path | None = None


@dataclass(frozen=True)
class AllenVisualCodingSource:
    """Source ``allen_vc``; see `nh_platform.sources.catalog.Source`."""

    settings: AllenVcSettings

    name: ClassVar[str] = "allen_vc"
    title: ClassVar[str] = "Allen Visual Coding Neuropixels"

    def signal(self) -> str:
        """Return a text that differs when a file of the folder was added, removed or written; as of `Source.signal`."""
        return folder_signal(self.settings.root, ("*.csv", "session_*/session_*.nwb"))

    def manifest(self) -> Manifest:
        """List every session whose NWB file is in the folder, with the md5 of what is read of it.

        A damaged file is listed too, so that its session shows as failed and not as absent.

        Raises
        ------
        ConfigError
            If ``root`` is no folder.
        BadUpstreamData
            If a cross-session table cannot be read.
        """
        root = self.settings.root
        if not root.is_dir():
            raise ConfigError(
                f"setting root of {self.name}",
                f"{root} is not a folder",
                "Set it to a folder with session_<id>/session_<id>.nwb, as AllenSDK's cache makes it.",
            )
        tables = warehouse.read_tables(root)
        sessions, insertions, files = [], [], []
        for session_id in warehouse.session_ids(root):
            facts = warehouse.facts_of(root, session_id, tables)
            sessions.append(_session_row(session_id, facts))
            insertions += [
                {"session_id": session_id, "insertion_id": probe_id, "probe": name}
                for probe_id, name in sorted(facts.probes.items(), key=lambda item: item[1])
            ]
            files += self._file_rows(session_id, warehouse.channels_of(tables, facts.probes))
        return Manifest(
            source=self.name,
            release=self.settings.release,
            sessions=SESSIONS.conform(pd.DataFrame(sessions)) if sessions else SESSIONS.empty(),
            insertions=INSERTIONS.conform(pd.DataFrame(insertions)) if insertions else INSERTIONS.empty(),
            files=FILES.conform(pd.DataFrame(files)) if files else FILES.empty(),
        )

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read every unit and every spike of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, damaged, not the one of the manifest, or its tables disagree.
        """
        with self._open(session) as nwb:
            return read_recording(nwb, session.session)

    def read_behavior(self, session: SessionFiles) -> Behavior:
        """Read presentations, invalid times, optogenetic epochs, running, pupil and gaze of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, damaged or not the one of the manifest, or times in it are NaN.
        """
        with self._open(session) as nwb:
            invalid, notes = read_invalid_times(nwb, read_probes(nwb))
            presentations, more = read_presentations(nwb, invalid)
            notes += more
            epochs = read_optogenetic_epochs(nwb)
            running, more = read_running_speed(nwb)
            notes += more
            pupil, more = read_pupil(nwb)
            notes += more
            gaze, more = read_gaze(nwb)
            notes += more
        if epochs is None:
            notes.append(Note("optogenetic_epochs", "no optotagging in the NWB file"))
        events = {"invalid_times": invalid, "presentations": presentations, "optogenetic_epochs": epochs}
        signals: list[Signal | None] = [running, pupil, gaze]
        return Behavior(
            session=session.session,
            events={name: table for name, table in events.items() if table is not None},
            signals={signal.name: signal for signal in signals if signal is not None},
            notes=tuple(notes),
        )

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read released metrics, quality and positions for ``units`` (schema `RAW_UNITS`), row by row.

        Raises
        ------
        BadUpstreamData
            If the file is missing, damaged, not the one of the manifest, or does not have one of the units.
        """
        with self._open(session) as nwb:
            return read_unit_annotation(nwb, units, channels, warehouse.read_csv_channels(self.settings.root))

    def _file_rows(self, session_id: str, csv_channels: pd.DataFrame | None) -> list[dict[str, object]]:
        path = warehouse.nwb_path(self.settings.root, session_id)
        row: dict[str, object] = {
            "session_id": session_id,
            "probe": "",
            "group": NWB_GROUPS,
            "collection": path.parent.name,
            "revision": "",
            "name": path.name,
            "md5": content_md5(path, self.settings.cache_dir),
            "size": float(path.stat().st_size),
            "default_revision": True,
        }
        rows = [row]
        if csv_channels is not None:
            md5 = warehouse.channel_rows_md5(csv_channels)
            rows.append(
                {
                    **row,
                    "group": "alignment",
                    "collection": "",
                    "name": warehouse.CHANNELS_CSV,
                    "md5": md5,
                    "size": None,
                }
            )
        return rows

    @contextmanager
    def _open(self, session: SessionFiles) -> Iterator[NwbFile]:
        """Open the session's NWB file after checking that it is the file of the manifest."""
        session_id = session.session.session_id
        rows = session.of_group("spikes")
        if len(rows) != 1:
            raise BadUpstreamData(
                f"session {session_id}",
                f"the manifest lists {len(rows)} NWB files and one is needed",
                f"Put {warehouse.nwb_path(Path(), session_id)} under the source's root and run `nh sync {self.name}`.",
            )
        row = rows.iloc[0]
        path = self.settings.root / row["collection"] / row["name"]
        with open_nwb(path) as nwb:
            # Opened first: a truncated file should be called truncated, not different.
            found = content_md5(path, self.settings.cache_dir)
            if row["md5"] is not None and found != row["md5"]:
                raise nwb.bad(
                    f"its md5 is {found} and the manifest says {row['md5']}",
                    f"Run `nh sync {self.name}` if the file was replaced on purpose; else download it again.",
                )
            identifier = nwb.text("identifier")
            if identifier != session_id:
                raise nwb.bad(
                    f"it is the file of session {identifier} and lies in the folder of session {session_id}",
                    "Move it to its own folder.",
                )
            yield nwb


def _session_row(session_id: str, facts: warehouse.SessionFacts) -> dict[str, object]:
    return {
        "session_id": session_id,
        "subject": facts.subject,
        "lab": warehouse.LAB,
        "date": facts.date or None,
        "number": 1,
        "task_protocol": facts.session_type or None,
        "projects": warehouse.PROJECT,
        "n_units_released": facts.n_units,
        "regions": ",".join(facts.regions) or None,
    }
