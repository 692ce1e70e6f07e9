"""Allen Visual Coding Neuropixels as a source of the platform.

Contains the manifest and the four readers, put together from the modules beside. Add here only what
joins them. Decoding belongs to those modules; rules, windows and Dagster do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pandas as pd

from nh_platform.downloads import deadlines
from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.transfers import OnBytes
from nh_platform.history.freezes import restricted
from nh_platform.history.identity import version_of
from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.history.published_freezes import stated_freeze
from nh_platform.history.released_tables import ReleasedTables
from nh_platform.session import BadUpstreamData, ConfigError, Events, RawRecording, Signals, UnitAnnotation
from nh_platform.session.image_set import SHOWN
from nh_platform.session.lfp import LfpSlice
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.sources.allen.coding import cache_folder as warehouse
from nh_platform.sources.allen.coding.analysis_metrics import (
    fetch_analysis_metrics,
    metrics_files,
    read_analysis_metrics,
    upstream_files,
)
from nh_platform.sources.allen.coding.bucket import CodingBucket
from nh_platform.sources.allen.coding.downloads import ServedFile
from nh_platform.sources.allen.coding.manifest_rows import channels_row, local_row, served_row, session_row
from nh_platform.sources.allen.coding.natural_images import (
    IMAGE_SETS,
    Template,
    read_image,
    read_pictures,
    template_of,
    templates_of,
)
from nh_platform.sources.allen.coding.nwb_files import CodingFiles
from nh_platform.sources.allen.coding.project_tables import TABLES, read_project_tables, tables_of_file
from nh_platform.sources.allen.coding.running_and_eyes import read_gaze, read_pupil, read_running_speed
from nh_platform.sources.allen.coding.warehouse_downloads import WarehouseDownloads
from nh_platform.sources.allen.coding.warehouse_templates import fetch_template
from nh_platform.sources.allen.nwb.invalid_times import read_invalid_times
from nh_platform.sources.allen.nwb.session_file import events_of, read_recording, read_unit_annotation, signals_of
from nh_platform.sources.allen.nwb.stimulus_presentations import read_presentations
from nh_platform.sources.allen.nwb.waveforms import AROUND_PEAK, read_mean_waveforms
from nh_platform.sources.allen.released_tables import CODING, tables_of_release
from nh_platform.sources.allen.table_hashes import release_tables
from nh_platform.sources.folder_signal import folder_signal
from nh_platform.sources.project_tables import ProjectTables
from nh_platform.store.provenance import UpstreamFile


@dataclass(frozen=True)
class AllenVisualCodingSource(CodingFiles):
    """Source ``allen_vc``; see `nh_platform.sources.source.Source`."""

    image_forms = (SHOWN,)
    shared_image_sets = IMAGE_SETS

    def signal(self) -> str:
        """Return a text that differs when a session file was added or replaced; as of `Source.signal`.

        In mode ``local`` from the files of the folder, in the others from one request for the list of what is served,
        without a lock, and within `SIGNAL_WAIT_S`.

        Raises
        ------
        BadUpstreamData
            If the server cannot be asked in that time.
        """
        if self.settings.mode == "local":
            return folder_signal(self.settings.root, ("*.csv", "session_*/session_*.nwb"))
        if not self.settings.refresh:
            return folder_signal(self.settings.root, ("*.csv",))
        asked = self.server.ask(deadlines.SIGNAL_WAIT_S)
        return version_of(f"{file.session_id} {file.file_id}\n" for file in asked)

    def manifest(self) -> Manifest:
        """List every session, with the identity of what is read of it; downloads no session data.

        In mode ``local`` the sessions whose NWB file is in the folder, with its md5; a damaged file is listed too, so
        that its session shows as failed and not as absent. In mode ``warehouse`` every session whose file is served,
        with the well-known-file id in the place of the md5 (`warehouse` says why) and the size where the server
        states it, in mode ``s3`` with the ETag and the size; whether a file was fetched before changes nothing.

        Raises
        ------
        ConfigError
            If ``root`` is no folder, or the freeze cannot be used.
        BadUpstreamData
            If a cross-session table cannot be read, or the server cannot be asked.
        """
        settings = self.settings
        if settings.mode == "local":
            if not settings.root.is_dir():
                raise ConfigError(
                    f"setting root of {self.name}",
                    f"{settings.root} is not a folder",
                    "Set it to a folder with session_<id>/session_<id>.nwb, as AllenSDK's cache makes it.",
                )
            ids = warehouse.session_ids(settings.root)
            nwb_rows = {one: local_row(settings.root, one, settings.cache_dir) for one in ids}
        else:
            served = sorted(self._listed(), key=lambda file: int(file.session_id))
            nwb_rows = {file.session_id: served_row(file, self.server.address_of(file)) for file in served}
        tables = warehouse.read_tables(settings.root)
        sessions, insertions, files = [], [], []
        for session_id, nwb_row in nwb_rows.items():
            facts = warehouse.facts_of(settings.root, session_id, tables, from_file=settings.mode == "local")
            sessions.append(session_row(session_id, facts))
            insertions += [
                {"session_id": session_id, "insertion_id": probe_id, "probe": name}
                for probe_id, name in sorted(facts.probes.items(), key=lambda item: item[1])
            ]
            csv_channels = warehouse.channels_of(tables, facts.probes)
            files += [nwb_row] if csv_channels is None else [nwb_row, channels_row(session_id, csv_channels)]
        manifest = Manifest(
            source=self.name,
            release=settings.release or settings.mode,
            selection=settings.mode,
            sessions=SESSIONS.conform(pd.DataFrame(sessions, columns=SESSIONS.names)),
            insertions=INSERTIONS.conform(pd.DataFrame(insertions, columns=INSERTIONS.names)),
            files=FILES.conform(pd.DataFrame(files, columns=FILES.names)),
            release_tables=release_tables(self._table_hashes(), settings.root),
        )
        return restricted(manifest, stated_freeze(settings.freeze))

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read every unit and every spike of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, truncated or not the one of the manifest, or units, their ids or their spike times
            cannot be used. Whatever else cannot be is left out, with a note; so for every reader here.
        """
        with self.open(session) as (nwb, notes):
            recording = read_recording(nwb, session.session)
        return replace(recording, notes=(*recording.notes, *notes))

    def read_events(self, session: SessionFiles) -> Events:
        """Read presentations, invalid times and optogenetic epochs of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, truncated or not the one of the manifest.
        """
        with self.open(session) as (nwb, notes):
            invalid = read_invalid_times(nwb)
            events = {"invalid_times": invalid, "presentations": read_presentations(nwb, invalid)}
            return events_of(nwb, session.session, events, notes)

    def read_signals(self, session: SessionFiles) -> Signals:
        """Read running, pupil and gaze of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, truncated or not the one of the manifest.
        """
        with self.open(session) as (nwb, notes):
            read = [read_running_speed(nwb), read_pupil(nwb), read_gaze(nwb)]
            return signals_of(nwb, session.session, read, notes)

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read released metrics, quality and positions for ``units`` (schema `RAW_UNITS`), row by row.

        Raises
        ------
        BadUpstreamData
            If the file is missing, damaged, not the one of the manifest, or does not have one of the units.
        """
        with self.open(session) as (nwb, notes):
            annotation = read_unit_annotation(nwb, units, channels, self._csv_channels(session))
        return replace(annotation, notes=(*annotation.notes, *notes))

    def project_tables(self, sessions: Sequence[SessionFiles]) -> ProjectTables:
        """Return sessions and units as AllenSDK's project cache tabulates them; as of `TabulatesProject`.

        Downloads nothing: in the modes that fetch a session that the folder's tables do not list has its id alone.
        """
        by_id = {session.session_id: session for session in sessions}

        def from_file(session_id: str) -> dict[str, pd.DataFrame]:
            if self.settings.mode != "local":
                action = f"Run `nh sync {self.name}`, which fetches the tables."
                raise BadUpstreamData(f"session {session_id}", "the folder's tables do not list it", action)
            with self.open(by_id[session_id]) as (nwb, _):
                return tables_of_file(nwb, session_id)

        return read_project_tables(self.settings.root, by_id, from_file)

    def project_tables_version(self) -> str:
        """Return a text that differs when one of the folder's four tables does; empty where there is none."""
        lines = [f"{name} {md5}\n" for name, md5 in self._table_hashes().items()]
        return version_of(lines) if lines else ""

    def _table_hashes(self) -> dict[str, str]:
        """Return the md5 of each of the folder's four tables that is there, by its file name."""
        paths = [path for name in TABLES if (path := self.settings.root / f"{name}.csv").is_file()]
        return {path.name: file_hash(path, cache_dir=self.settings.cache_dir) for path in paths}

    def released_version(self, manifest: Manifest) -> str:
        """Return the identity of the folder's tables; as of `TabulatesRelease`."""
        lines = [f"{one.name} {one.md5}\n" for one in self._analysis_files()]
        return version_of([self.project_tables_version(), *lines]) if lines else self.project_tables_version()

    def fetch_tables(self, on_bytes: OnBytes | None = None) -> tuple[Path, ...]:
        """Fetch Allen's analysis metrics in the modes that fetch; as of `FetchesTables`.

        Raises
        ------
        BadUpstreamData
            If the server cannot be asked.
        """
        if isinstance(server := self.server, CodingBucket):
            server.fetch_metrics()
        if self.settings.mode != "warehouse":
            return tuple(metrics_files(self.settings.root).values())
        return fetch_analysis_metrics(self.settings.root, self.settings.address)

    def released_tables(self, manifest: Manifest) -> ReleasedTables:
        """Read the folder's tables of the whole release; as of `TabulatesRelease`."""
        paths = {name: path for name in TABLES if (path := self.settings.root / f"{name}.csv").is_file()}
        hashes = self._table_hashes().items()
        files = [UpstreamFile(collection="", revision="", name=name, md5=md5) for name, md5 in hashes]
        release = self.settings.release or self.settings.mode
        tables = tables_of_release(paths, CODING, release, [*files, *self._analysis_files()])
        metrics, left_out = read_analysis_metrics(
            self.settings.root, tables.units, self._session_types(tables.sessions)
        )
        return replace(tables, analysis_metrics=metrics, left_out=(*tables.left_out, *left_out))

    def _session_types(self, sessions: pd.DataFrame) -> dict[str, str]:
        """Return the session type of each session of the table."""
        stated = sessions.get("session_type", pd.Series(dtype=object)).dropna()
        return dict(zip(sessions.loc[stated.index, "session_id"], stated.astype(str)))

    def _analysis_files(self) -> list[UpstreamFile]:
        return upstream_files(self.settings.root, self.settings.cache_dir)

    def _csv_channels(self, session: SessionFiles) -> pd.DataFrame | None:
        """Return the session's rows of channels.csv, which must be those that the manifest was made from."""
        session_id = session.session_id
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

    def read_waveforms(self, session: SessionFiles, units: pd.DataFrame) -> MeanWaveforms:
        """Read the mean waveforms of all units around their peaks; as of `WaveformSource.read_waveforms`."""
        return self.mean_waveforms(session, units["unit_id"], AROUND_PEAK)

    def mean_waveforms(
        self, session: SessionFiles, unit_ids: Iterable[str | int], around_peak: int | None = None
    ) -> MeanWaveforms:
        """Read the mean waveforms of some units, in volts, as `nwb.waveforms.mean_waveforms` does."""
        with self.open(session) as (nwb, _):
            return read_mean_waveforms(nwb, unit_ids, around_peak)

    def read_lfp(self, session: SessionFiles, probe: str, start: float, stop: float) -> LfpSlice:
        """Read a slice of a probe's LFP; as of `LfpSource`."""
        return self.lfp_slice(session, probe, (start, stop), lambda: self._csv_channels(session))

    def presentation_image(self, session: SessionFiles, presentation: pd.Series) -> npt.NDArray[Any]:
        """Return the image that a presentation showed: a natural scene, or a frame of a natural movie.

        In the modes that fetch a template that is not in the folder is fetched; all sessions share the templates.

        Parameters
        ----------
        session
            The session; of no account here, and needed by `AllenVisualBehaviorSource.presentation_image`.
        presentation
            Row of its presentations.

        Returns
        -------
        numpy.ndarray
            (height, width) grey levels 0-255, uint8; see `nh_platform.sources.allen.coding.natural_images.read_image`.

        Raises
        ------
        ConfigError
            If the presentation shows no picture.
        BadUpstreamData
            If the template is missing or damaged, or does not come.
        """
        template, frame = template_of(presentation)
        settings = self.settings
        if settings.mode != "local":
            self._fetch_template(template)
        return read_image(settings.root, template, frame)

    def stimulus_pictures(self, stimulus: str) -> npt.NDArray[Any]:
        """Return every picture of a stimulus; as of `ShowsPictures`.

        In the modes that fetch templates that are not in the folder are fetched.

        Raises
        ------
        ConfigError
            If the stimulus has no pictures.
        BadUpstreamData
            If a template is missing or damaged, or does not come.
        """
        if self.settings.mode != "local":
            for template in templates_of(stimulus):
                self._fetch_template(template)
        return read_pictures(self.settings.root, stimulus)

    def image_set_version(self, name: str, session: SessionFiles | None) -> str:
        """Return the identity of the templates of a set; as of `ShowsImageSets`."""
        paths = [template.path(self.settings.root) for template in templates_of(name)]
        if not all(path.is_file() for path in paths):
            return ""
        return version_of(f"{path.name} {file_hash(path, cache_dir=self.settings.cache_dir)}\n" for path in paths)

    def read_image_set(
        self, name: str, session: SessionFiles | None, form: str
    ) -> tuple[tuple[str, ...], npt.NDArray[Any]]:
        """Return names and pixels of the images of a set; as of `ShowsImageSets`, raises as `stimulus_pictures`."""
        pictures = self.stimulus_pictures(name)
        kind = templates_of(name)[0].kind
        prefix = "natural_scene" if kind == "scene" else f"{name}_frame"
        return tuple(f"{prefix}_{number}" for number in range(len(pictures))), pictures

    def _listed(self) -> Sequence[ServedFile]:
        """Return what the server has: asked now, or as the folder knows it."""
        server = self.server
        stored = None if self.settings.refresh else server.stored()
        return server.update() if stored is None else stored

    def _fetch_template(self, template: Template) -> None:
        if isinstance(server := self.server, CodingBucket):
            server.fetch_template(template)
        elif isinstance(downloads := self.downloads, WarehouseDownloads):
            fetch_template(downloads, template)
