"""A plain ALF tree as a source: its index, and the readers of ALF files that IBL's releases are read with.

Add here only what joins them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from nh_platform.downloads.transfers import OnBytes
from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.session import BadUpstreamData, ConfigError, Events, RawRecording, Session, Signals, UnitAnnotation
from nh_platform.session.lfp import LfpSlice, require_window
from nh_platform.sources.folder_signal import folder_signal
from nh_platform.sources.ibl.catalogue.left_out import BROKEN_LINK, left_out_table
from nh_platform.sources.ibl.catalogue.manifest_tables import build_manifest
from nh_platform.sources.ibl.downloads.given_files import GivenFiles, files_of_folder
from nh_platform.sources.ibl.recordings.file_kinds import files_in
from nh_platform.sources.ibl.recordings.lfp import choose_files, read_lfp
from nh_platform.sources.ibl.session.events import read_session_events
from nh_platform.sources.ibl.session.positions import read_located_channels, read_positions
from nh_platform.sources.ibl.session.released_metrics import read_released
from nh_platform.sources.ibl.session.signals import read_session_signals
from nh_platform.sources.ibl.session.sorting import read_recording
from nh_platform.sources.ibl.session.verified_files import open_files
from nh_platform.sources.ibl.settings import IblSettings
from nh_platform.sources.own.alf.settings import AlfSettings
from nh_platform.sources.own.alf.tree_index import FILES, SESSIONS, broken_sessions, session_folders, tree_tables
from nh_platform.sources.own.local_files import refuse_twice
from nh_platform.sources.recorded_files import RecordedFile, require_probe
from nh_platform.sources.setting_errors import setting_error


@dataclass(frozen=True)
class AlfSource:
    """A declared source of a plain ALF tree; see `nh_platform.sources.source.Source`."""

    name: str
    settings: AlfSettings
    home: Path

    def signal(self) -> str:
        """Return a text that differs when a file was added, removed or written."""
        patterns = [session.removesuffix("alf") + files for session in SESSIONS for files in FILES]
        return folder_signal(self.settings.root, patterns)

    def manifest(self) -> Manifest:
        """List every session folder that has a probe, with the md5 of every file below its ``alf``.

        Sessions whose folder is a link that leads nowhere are left out, and listed as such.

        Raises
        ------
        ConfigError
            If no session is there, or two have one id.
        """
        settings, location = self.settings, (self.name, "read", "root")
        folders = session_folders(settings.root)
        broken = broken_sessions(settings.root)
        if not folders:
            state = "is there" if settings.root.is_dir() else "is not there"
            state = f"its links lead nowhere: {next(iter(broken.values()))}" if broken else state
            found = f"no session folder <subject>/<date>/<number>/alf in {settings.root} ({state})"
            raise setting_error(self.home, location, found, "Correct the path.")
        refuse_twice([(one.session_id, one.path) for one in folders], self.home, location)
        stated = IblSettings(root=settings.root, sorter=settings.sorter, revision=settings.revision)
        manifest = build_manifest(tree_tables(folders, settings.cache_dir), stated)
        reasons = [(session_id, "", BROKEN_LINK, found) for session_id, found in broken.items()]
        left_out = pd.concat([manifest.left_out, left_out_table(reasons)], ignore_index=True)
        sessions = manifest.sessions
        if settings.lab:
            sessions = sessions.assign(lab=sessions["lab"].fillna(settings.lab))
        return replace(
            manifest,
            source=self.name,
            release="local",
            selection=f"tree {settings.root}",
            sessions=sessions,
            left_out=left_out.sort_values(["session_id", "insertion_id"], ignore_index=True) if broken else left_out,
        )

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read the sorting of every probe."""
        with open_files(self, session, "spikes") as files:
            return read_recording(session, files)

    def read_events(self, session: SessionFiles) -> Events:
        """Read trials, licks and passive periods."""
        with open_files(self, session, "events") as files:
            return read_session_events(session, files)

    def read_signals(self, session: SessionFiles) -> Signals:
        """Read wheel and cameras."""
        with open_files(self, session, "signals") as files:
            return read_session_signals(session, files)

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read metrics, labels and positions for ``units``."""
        with open_files(self, session, "qc", "alignment") as files:
            released = read_released(session, units, files)
            unit_positions, channel_positions = read_positions(units, channels, files)
            return UnitAnnotation(released, unit_positions, channel_positions, tuple(files.notes))

    def recorded_files(self, session: SessionFiles) -> list[RecordedFile]:
        """Return the recorded files in the session's folder; as of `RecordedFileSource`."""
        return files_in(self._folder(session.session))

    def fetch_recorded(
        self, session: SessionFiles, files: Sequence[RecordedFile], on_bytes: OnBytes | None = None
    ) -> None:
        """Refuse: the tree is read in place."""
        raise ConfigError(f"source {self.name}", "it reads its files in place", "There is nothing to fetch.")

    def read_lfp(self, session: SessionFiles, probe: str, start: float, stop: float) -> LfpSlice:
        """Read a slice of a probe's LFP; as of `LfpSource`."""
        require_window(start, stop)
        require_probe(session, probe)
        files = choose_files(session, probe, self.recorded_files(session), in_place=True)
        with open_files(self, session, "spikes", "alignment", objects=("channels", "electrodeSites")) as small:
            return read_lfp(session, files, start, stop, read_located_channels(probe, small), small.notes)

    @contextmanager
    def verified_files(self, session: Session, rows: pd.DataFrame) -> Iterator[GivenFiles]:
        """Give the files of manifest rows, each equal to the md5 that the manifest states; as of `VerifiedFiles`.

        Raises
        ------
        BadUpstreamData
            If the session's folder is not there.
        """
        yield files_of_folder(self._folder(session), rows, self.settings.cache_dir)

    def _folder(self, session: Session) -> Path:
        folder = next(
            (one.path for one in session_folders(self.settings.root) if one.session_id == session.session_id), None
        )
        if folder is None:
            raise BadUpstreamData(
                f"session {session.session_id}",
                f"its folder is not in {self.settings.root}",
                f"Run `nh sync {self.name}`.",
            )
        return folder
