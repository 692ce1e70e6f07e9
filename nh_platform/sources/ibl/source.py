"""`IblSource`: IBL releases behind the `Source` and `FetchingSource` protocols.

Ties the manifest and the readers to one client. Add a method here only if a protocol gets it; what a dataset means
belongs to the module that reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.raw_files import RawFiles
from nh_platform.downloads.transfers import OnBytes
from nh_platform.history.identity import version_of
from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.history.released_tables import ReleasedTables
from nh_platform.session import BadUpstreamData, ConfigError, Events, NhError, RawRecording, Signals, UnitAnnotation
from nh_platform.session.lfp import LfpSlice, require_window
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform.session.probe_noise import ChannelNoise
from nh_platform.sources.fetching import FileLink, WantedFile
from nh_platform.sources.folder_signal import folder_signal
from nh_platform.sources.ibl.catalogue.aggregate_tables import aggregate_version, read_aggregates
from nh_platform.sources.ibl.catalogue.datasets import COMPLETE_SORTING, relative_path
from nh_platform.sources.ibl.catalogue.manifest_additions import with_additions
from nh_platform.sources.ibl.catalogue.manifest_tables import build_manifest
from nh_platform.sources.ibl.catalogue.public_bucket import PublicBucket
from nh_platform.sources.ibl.catalogue.sortings import logged_version, sortings
from nh_platform.sources.ibl.catalogue.subjects import FILE as SUBJECTS
from nh_platform.sources.ibl.catalogue.subjects import keep_subjects, sessions_by_subject, subjects_version
from nh_platform.sources.ibl.downloads.aggregate_downloads import fetch_aggregates
from nh_platform.sources.ibl.downloads.session_downloads import Downloads
from nh_platform.sources.ibl.recordings.file_kinds import files_in, listed_files, recorded_rows
from nh_platform.sources.ibl.recordings.lfp import choose_files, read_lfp
from nh_platform.sources.ibl.server.one_client import OneClient
from nh_platform.sources.ibl.session.events import read_session_events
from nh_platform.sources.ibl.session.noise import read_session_noise
from nh_platform.sources.ibl.session.pose import read_session_pose
from nh_platform.sources.ibl.session.positions import read_located_channels, read_positions
from nh_platform.sources.ibl.session.released_metrics import read_released
from nh_platform.sources.ibl.session.signals import read_session_signals
from nh_platform.sources.ibl.session.sorting import read_recording
from nh_platform.sources.ibl.session.verified_files import VerifiedFiles, open_files, usable_rows
from nh_platform.sources.ibl.session.waveforms import read_session_waveforms
from nh_platform.sources.ibl.settings import IblSettings
from nh_platform.sources.recorded_files import RecordedFile, require_probe
from nh_platform.store.provenance import UpstreamFile


class IblSource:
    """IBL sessions through ONE-api, from a local ALF tree, the public bucket or an Alyx server.

    All modes read the exact paths of the manifest and give the same objects. Making one opens nothing.

    Parameters
    ----------
    settings
        Where to read from, and which sorter and revision count.

    Examples
    --------
    >>> source = IblSource(IblSettings(root="data/alf"))
    >>> source.name
    'ibl'
    """

    name = "ibl"

    def __init__(self, settings: IblSettings) -> None:
        self.settings = settings
        self._subjects_problem: NhError | None = None
        self._client: OneClient | PublicBucket
        self._client = PublicBucket(settings) if settings.mode == "public" else OneClient(settings)
        self._downloads = None if settings.mode == "local" else Downloads(settings, self._client)

    @property
    def _files(self) -> VerifiedFiles:
        if self._downloads is not None:
            return self._downloads
        assert isinstance(self._client, OneClient)  # the public bucket has no local files
        return self._client

    def signal(self) -> str:
        """Return a text that differs when upstream announces something; as of `Source.signal`.

        Raises
        ------
        ConfigError, BadUpstreamData
            If the server, the bucket or the login cannot be used, or does not answer within `signal_timeout_s`.
        """
        if self.settings.mode == "local":
            folder = self.settings.tables or self.settings.root
            assert folder is not None  # IblSettings refuses local mode without it
            return folder_signal(folder, ("*.pqt",))
        announced = self._client.announcements()
        return hashlib.sha256(json.dumps(announced, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def manifest(self) -> Manifest:
        """Read what upstream holds now; as of `Source.manifest`.

        Raises
        ------
        ConfigError
            If the tables, the server, the login or the release tag cannot be used.
        """
        return self._manifest(None)

    def manifest_after(self, before: Manifest) -> Manifest:
        """Read what upstream holds now; as of `ContinuingSource.manifest_after`, for the extended QC of sessions."""
        return self._manifest(before)

    def _manifest(self, before: Manifest | None) -> Manifest:
        client = self._client
        folder_of = client.session_folder if isinstance(client, OneClient) and not client.is_remote else None
        manifest = build_manifest(client.tables(), self.settings, folder_of)
        if self.settings.mode == "local":
            return manifest
        if isinstance(client, OneClient) and self.settings.aggregates is not None:
            self._subjects_problem = None
            try:
                keep_subjects(self.settings.aggregates, client.subjects(), manifest)
            except NhError as error:  # the catalogue goes on; who syncs is told, and the next sync asks again
                self._subjects_problem = error
        return with_additions(manifest, client, before)

    def sorter_versions(self, session: SessionFiles) -> dict[str, str]:
        """Return the sorter's version by probe; as of `LogsSorting`."""
        client = self._client if self.settings.mode == "local" else None
        if not isinstance(client, OneClient):
            return {}
        folder = client.session_folder(session.session)
        known = sortings(session.files).dropna(subset=["sorter_log"])
        logs = {str(probe): folder / str(log) for probe, log in zip(known["probe"], known["sorter_log"])}
        return {probe: logged_version(log) for probe, log in logs.items() if log.is_file()}

    def released_version(self, manifest: Manifest) -> str:
        """Return the identity of the aggregate tables and animals at hand; as of `TabulatesRelease`.

        Raises
        ------
        NhError
            That of Alyx, if it did not give the animals when the manifest was read.
        """
        if self._subjects_problem is not None:
            raise self._subjects_problem
        tables, subjects = aggregate_version(self.settings.aggregates, manifest), self._subjects_version(manifest)
        return version_of([tables, subjects]) if subjects else tables

    def released_tables(self, manifest: Manifest) -> ReleasedTables:
        """Read the aggregate tables at hand, and what Alyx stated of the animals; as of `TabulatesRelease`."""
        folder = self.settings.aggregates
        assert folder is not None  # there is no version without it
        tables = read_aggregates(folder, self.settings.aggregates_tag, manifest)
        if not self._subjects_version(manifest):
            return tables
        subjects = UpstreamFile(collection="", revision="", name=SUBJECTS, md5=file_hash(folder / SUBJECTS))
        return replace(
            tables,
            sessions=sessions_by_subject(folder, manifest),
            upstream_files=[*tables.upstream_files, subjects],
        )

    def _subjects_version(self, manifest: Manifest) -> str:
        """Return the identity of what is known of the animals; empty where no server is asked."""
        return subjects_version(self.settings.aggregates, manifest) if self.settings.mode == "remote" else ""

    def fetch_tables(self, on_bytes: OnBytes | None = None) -> tuple[Path, ...]:
        """Download the aggregate tables of the release; as of `FetchesTables`.

        Raises
        ------
        ConfigError, UpstreamTrouble, StoreError
            As of `fetch_aggregates`; ConfigError also where no folder is set for them.
        """
        folder = self.settings.aggregates
        if folder is None:
            raise ConfigError("setting aggregates of ibl", "no folder is set for its tables", "Name one.")
        return fetch_aggregates(self.settings, folder, on_bytes)

    def insertions_in(self, acronym: str) -> list[str] | None:
        """Return the ids of the insertions in a structure, by one request to Alyx; as of `KnowsRegions`."""
        client = self._client
        return client.insertions_in(acronym) if isinstance(client, OneClient) and client.is_remote else None

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read the verified sorting of one session; as of `Source.read_spikes`.

        Raises
        ------
        BadUpstreamData
            As of `nh_platform.sources.ibl.session.sorting.read_recording`, or if a file's md5 is not the manifest's.
        StoreError
            If the disk of the raw files is full.
        """
        with open_files(self._files, session, "spikes") as files:
            return read_recording(session, files)

    def read_events(self, session: SessionFiles) -> Events:
        """Read what happened in one session; as of `Source.read_events`."""
        with open_files(self._files, session, "events") as files:
            return read_session_events(session, files)

    def read_signals(self, session: SessionFiles) -> Signals:
        """Read what was sampled in one session; as of `Source.read_signals`."""
        with open_files(self._files, session, "signals") as files:
            return read_session_signals(session, files)

    def read_pose(self, session: SessionFiles) -> Signals:
        """Read the body parts in the videos of one session; as of `PoseSource.read_pose`."""
        with open_files(self._files, session, "pose") as files:
            return read_session_pose(session, files)

    def read_waveforms(self, session: SessionFiles, units: pd.DataFrame) -> MeanWaveforms:
        """Read the mean waveforms of ``units``; as of `WaveformSource.read_waveforms`."""
        with open_files(self._files, session, "waveforms") as files:
            return read_session_waveforms(units, files)

    def read_noise(self, session: SessionFiles, channels: pd.DataFrame) -> ChannelNoise:
        """Read the noise of ``channels``; as of `NoiseSource.read_noise`."""
        with open_files(self._files, session, "noise") as files:
            return read_session_noise(channels, files)

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read released metrics, labels and positions for ``units``; as of `Source.read_annotation`."""
        with open_files(self._files, session, "qc", "alignment") as files:
            released = read_released(session, units, files)
            unit_positions, channel_positions = read_positions(units, channels, files)
            return UnitAnnotation(
                released=released, positions=unit_positions, channels=channel_positions, notes=tuple(files.notes)
            )

    def recorded_files(self, session: SessionFiles) -> list[RecordedFile]:
        """Return the recorded files: those of the folder, or that the catalogue lists; as of `RecordedFileSource`."""
        if isinstance(self._client, OneClient) and not self._client.is_remote:
            return files_in(self._client.session_folder(session.session))
        rows = recorded_rows(session.files)
        downloads = self._fetching
        requests = downloads.requests(session.session, rows)
        return listed_files(rows, lambda path: downloads.place(requests[path]))

    def fetch_recorded(
        self, session: SessionFiles, files: Sequence[RecordedFile], on_bytes: OnBytes | None = None
    ) -> None:
        """Download recorded files into the raw files, each compared with its md5; as of `RecordedFileSource`."""
        rows, wanted = recorded_rows(session.files), {file.path for file in files}
        paths = [relative_path(*parts) for parts in zip(rows["collection"], rows["revision"], rows["name"])]
        chosen = rows[[path in wanted for path in paths]]
        given = self._fetching.fetch(self.raw_files(), session.session, chosen, on_bytes)
        for path, found in given.told.items():
            raise BadUpstreamData(f"session {session.session_id}, file {path}", found, "Run `nh sync ibl`.")

    def read_lfp(self, session: SessionFiles, probe: str, start: float, stop: float) -> LfpSlice:
        """Read a slice of a probe's LFP; as of `LfpSource`.

        Files are not hashed, which takes a minute for 10 GB; they were when they came, and zlib has a checksum for
        each chunk.
        """
        require_window(start, stop)
        require_probe(session, probe)
        in_place = self.settings.mode == "local"
        files = choose_files(session, probe, self.recorded_files(session), in_place=in_place)
        with open_files(self._files, session, "spikes", "alignment", objects=("channels", "electrodeSites")) as small:
            located = read_located_channels(probe, small)
            return read_lfp(session, files, start, stop, located, small.notes)

    def raw_files(self) -> RawFiles:
        """Return where downloaded files stay; as of `FetchingSource.raw_files`."""
        return self._fetching.kept

    def raw_requests(self, session: SessionFiles, groups: Iterable[str]) -> list[WantedFile]:
        """Return the files that the asset groups read; as of `FetchingSource.raw_requests`."""
        requests = self._fetching.requests(session.session, usable_rows(session, *groups)).values()
        return [WantedFile(each.identity, each.size, self.raw_files().holds(each)) for each in requests]

    def fetch(
        self,
        session: SessionFiles,
        groups: Iterable[str],
        on_bytes: OnBytes | None = None,
        parallel: int | None = None,
    ) -> tuple[str, ...]:
        """Download what is not there; as of `FetchingSource.fetch`. Required are the files of `COMPLETE_SORTING`."""
        rows = usable_rows(session, *groups)
        given = self._fetching.fetch(self.raw_files(), session.session, rows, on_bytes, parallel)
        for path, found in given.told.items():
            if path.rpartition("/")[2] in COMPLETE_SORTING:
                action = "Run `nh sync ibl` to see what upstream holds now."
                raise BadUpstreamData(f"session {session.session_id}, file {path}", found, action)
        return tuple(f"{path}: the catalogue lists it, and {found}; not fetched" for path, found in given.told.items())

    def links(self, session: SessionFiles, groups: Iterable[str]) -> list[FileLink]:
        """Return the version-pinned address of every file; as of `FetchingSource.links`."""
        return self._fetching.links(session.session, usable_rows(session, *groups))

    @property
    def _fetching(self) -> Downloads:
        if self._downloads is None:
            raise ConfigError(
                "IBL source",
                f"it reads the files of {self.settings.root} in place; there is nothing to download",
                "Set `mode` of the source to public or remote to download files.",
            )
        return self._downloads
