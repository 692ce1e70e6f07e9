"""Allen Visual Coding Neuropixels as a source of the platform.

Contains the manifest and the three readers, put together from the modules beside. Add here only what
joins them. Decoding belongs to those modules; rules, windows and Dagster do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pandas as pd

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
from nh_platform.sources.allen.coding_settings import AllenVcSettings
from nh_platform.sources.allen.electrodes import read_probes
from nh_platform.sources.allen.file_content import content_md5
from nh_platform.sources.allen.invalid_times import read_invalid_times, read_optogenetic_epochs
from nh_platform.sources.allen.nwb import NwbFile, open_nwb
from nh_platform.sources.allen.presentations import read_presentations
from nh_platform.sources.allen.session_file import read_recording, read_unit_annotation
from nh_platform.sources.allen.signals import read_gaze, read_pupil, read_running_speed
from nh_platform.sources.allen.warehouse_cache import WarehouseCatalogue, WarehouseFile
from nh_platform.sources.allen.warehouse_downloads import Attempts, WarehouseDownloads
from nh_platform.sources.allen.waveforms import MeanWaveforms, read_mean_waveforms
from nh_platform.sources.catalog import GROUPS, Manifest, SessionFiles, version_of
from nh_platform.sources.signals import folder_signal

NWB_GROUPS = ",".join(GROUPS)
"""One NWB file holds the whole session, so a changed file is a change of every asset group."""


@dataclass(frozen=True)
class AllenVisualCodingSource:
    """Source ``allen_vc``; see `nh_platform.sources.catalog.Source`."""

    settings: AllenVcSettings

    name: ClassVar[str] = "allen_vc"
    title: ClassVar[str] = "Allen Visual Coding Neuropixels"

    def signal(self) -> str:
        """Return a text that differs when a session file was added or replaced; as of `Source.signal`.

        In mode ``local`` from the files of the folder, in mode ``warehouse`` from one request for the list of what is
        served.

        Raises
        ------
        BadUpstreamData
            If the warehouse cannot be asked.
        """
        if self.settings.mode == "local":
            return folder_signal(self.settings.root, ("*.csv", "session_*/session_*.nwb"))
        if not self.settings.refresh:
            return folder_signal(self.settings.root, ("*.csv",))
        return version_of(f"{file.session_id} {file.file_id}\n" for file in self._catalogue().ask())

    def manifest(self) -> Manifest:
        """List every session, with the identity of what is read of it; downloads no session data.

        In mode ``local`` the sessions whose NWB file is in the folder, with its md5; a damaged file is listed too, so
        that its session shows as failed and not as absent. In mode ``warehouse`` every session whose file is served,
        with the well-known-file id in the place of the md5 (`warehouse_cache` says why) and the size where the server
        states it; whether a file was fetched before changes nothing.

        Raises
        ------
        ConfigError
            If ``root`` is no folder.
        BadUpstreamData
            If a cross-session table cannot be read, or the warehouse cannot be asked.
        """
        settings = self.settings
        if settings.mode == "local":
            if not settings.root.is_dir():
                raise ConfigError(
                    f"setting root of {self.name}",
                    f"{settings.root} is not a folder",
                    "Set it to a folder with session_<id>/session_<id>.nwb, as AllenSDK's cache makes it.",
                )
            nwb_rows = {session_id: self._local_row(session_id) for session_id in warehouse.session_ids(settings.root)}
        else:
            served = sorted(self._served(), key=lambda file: int(file.session_id))
            nwb_rows = {file.session_id: _served_row(file, settings.address) for file in served}
        tables = warehouse.read_tables(settings.root)
        sessions, insertions, files = [], [], []
        for session_id, nwb_row in nwb_rows.items():
            facts = warehouse.facts_of(settings.root, session_id, tables, from_file=settings.mode == "local")
            sessions.append(_session_row(session_id, facts))
            insertions += [
                {"session_id": session_id, "insertion_id": probe_id, "probe": name}
                for probe_id, name in sorted(facts.probes.items(), key=lambda item: item[1])
            ]
            csv_channels = warehouse.channels_of(tables, facts.probes)
            files += [nwb_row] if csv_channels is None else [nwb_row, _channels_row(session_id, csv_channels)]
        return Manifest(
            source=self.name,
            release=settings.release or settings.mode,
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
        with self._open(session) as (nwb, notes):
            recording = read_recording(nwb, session.session)
        return replace(recording, notes=(*recording.notes, *notes))

    def read_behavior(self, session: SessionFiles) -> Behavior:
        """Read presentations, invalid times, optogenetic epochs, running, pupil and gaze of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, damaged or not the one of the manifest, or times in it are NaN.
        """
        with self._open(session) as (nwb, notes):
            invalid, more = read_invalid_times(nwb, read_probes(nwb))
            notes += more
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
        with self._open(session) as (nwb, notes):
            annotation = read_unit_annotation(nwb, units, channels, self._csv_channels(session))
        return replace(annotation, notes=(*annotation.notes, *notes))

    def _csv_channels(self, session: SessionFiles) -> pd.DataFrame | None:
        """Return the session's rows of channels.csv, which must be those that the manifest was made from."""
        session_id = session.session.session_id
        stated = session.files.loc[session.files["name"] == warehouse.CHANNELS_CSV, "md5"]
        if stated.empty:
            return None
        table = warehouse.read_csv_channels(self.settings.root)
        probes = set(session.insertions["insertion_id"])
        own = None if table is None else table[table["ecephys_probe_id"].isin(probes)]
        if own is None or warehouse.channel_rows_md5(own) != stated.iloc[0]:
            raise BadUpstreamData(
                f"session {session_id} in {warehouse.CHANNELS_CSV}",
                "its rows are not those that the manifest was made from",
                f"Run `nh sync {self.name}`, or restore the file.",
            )
        return own

    def mean_waveforms(
        self, session: SessionFiles, unit_ids: Iterable[str | int], around_peak: int | None = None
    ) -> MeanWaveforms:
        """Read the mean waveforms of some units (volts); see `nh_platform.sources.allen.waveforms.mean_waveforms`."""
        with self._open(session) as (nwb, _):
            return read_mean_waveforms(nwb, unit_ids, around_peak)

    def _catalogue(self) -> WarehouseCatalogue:
        return WarehouseCatalogue(self.settings.root, self.settings.address)

    def _served(self) -> list[WarehouseFile]:
        """Return what the warehouse serves: asked now, or as the folder knows it."""
        stored = None if self.settings.refresh else self._catalogue().stored()
        return self._catalogue().update() if stored is None else stored

    def _local_row(self, session_id: str) -> dict[str, object]:
        path = warehouse.nwb_path(self.settings.root, session_id)
        return {
            **_file_row(session_id, path.parent.name, path.name, content_md5(path, self.settings.cache_dir)),
            "size": float(path.stat().st_size),
        }

    def _located(self, row: pd.Series, session_id: str) -> tuple[Path, str | None, list[Note]]:
        """Return where the file of a manifest row lies, fetched if need be, the md5 it must have, and what to note."""
        settings = self.settings
        if settings.mode == "local":
            return settings.root / row["collection"] / row["name"], row["md5"], []
        if pd.isna(row["url"]):
            raise BadUpstreamData(
                f"session {session_id}",
                "the stored manifest was made in mode local and does not say where the warehouse has the file",
                f"Run `nh sync {self.name}`.",
            )
        size = None if pd.isna(row["size"]) else int(row["size"])
        file = WarehouseFile(session_id, str(row["dataset_id"]), urlsplit(str(row["url"])).path, size)
        attempts = Attempts(settings.attempts, settings.retry_wait_s, settings.stall_s)
        fetched = WarehouseDownloads(settings.root, settings.address, attempts).fetch(file)
        text = f"{file.identity} of the warehouse, which states no hash; the md5 of what came is {fetched.md5}"
        return fetched.path, fetched.md5, [Note(fetched.path.name, text)]

    @contextmanager
    def _open(self, session: SessionFiles) -> Iterator[tuple[NwbFile, list[Note]]]:
        """Open the session's NWB file after checking that it is the file of the manifest."""
        session_id = session.session.session_id
        rows = session.of_group("spikes")
        if len(rows) != 1:
            raise BadUpstreamData(
                f"session {session_id}",
                f"the manifest lists {len(rows)} NWB files and one is needed",
                f"Put {warehouse.nwb_path(Path(), session_id)} under the source's root and run `nh sync {self.name}`.",
            )
        path, expected, notes = self._located(rows.iloc[0], session_id)
        with open_nwb(path) as nwb:
            # Opened first: a truncated file should be called truncated, not different.
            found = content_md5(path, self.settings.cache_dir)
            if expected is not None and found != expected:
                raise nwb.bad(*self._difference(found, expected))
            identifier = nwb.text("identifier")
            if identifier != session_id:
                raise nwb.bad(
                    f"it is the file of session {identifier} and lies in the folder of session {session_id}",
                    "Move it to its own folder.",
                )
            yield nwb, notes

    def _difference(self, found: str, expected: str) -> tuple[str, str]:
        if self.settings.mode == "warehouse":
            return f"its md5 is {found} and that of what came was {expected}", "Delete it; it is fetched again."
        return (
            f"its md5 is {found} and the manifest says {expected}",
            f"Run `nh sync {self.name}` if the file was replaced on purpose; else download it again.",
        )


def _file_row(session_id: str, collection: str, name: str, identity: str) -> dict[str, object]:
    return {
        "session_id": session_id,
        "probe": "",
        "group": NWB_GROUPS,
        "collection": collection,
        "revision": "",
        "name": name,
        "md5": identity,
        "default_revision": True,
    }


def _served_row(file: WarehouseFile, address: str) -> dict[str, object]:
    path = warehouse.nwb_path(Path(), file.session_id)
    return {
        **_file_row(file.session_id, path.parent.name, path.name, file.identity),
        "size": file.size,
        "dataset_id": file.file_id,
        "url": f"{address}/{file.link.lstrip('/')}",
    }


def _channels_row(session_id: str, csv_channels: pd.DataFrame) -> dict[str, object]:
    md5 = warehouse.channel_rows_md5(csv_channels)
    return {**_file_row(session_id, "", warehouse.CHANNELS_CSV, md5), "group": "alignment"}


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
