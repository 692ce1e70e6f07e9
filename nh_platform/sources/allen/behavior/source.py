"""Allen Visual Behavior Neuropixels as a source of the platform.

Contains the manifest and the four readers, put together from the modules beside. Add here only what
joins them. Decoding belongs to those modules; rules, windows and Dagster do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt
import pandas as pd

from nh_platform.downloads import deadlines
from nh_platform.history.freezes import restricted
from nh_platform.history.identity import version_of
from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.history.published_freezes import stated_freeze
from nh_platform.history.released_tables import ReleasedTables
from nh_platform.session import ConfigError, Events, RawRecording, Signals, UnitAnnotation
from nh_platform.session.lfp import LfpSlice
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.sources.allen.behavior import manifest_rows as behavior_manifest
from nh_platform.sources.allen.behavior import running_and_eyes as behavior_signals
from nh_platform.sources.allen.behavior.amplitude_scale import FILE_NAME as SCALE_NAME
from nh_platform.sources.allen.behavior.amplitude_scale import scale_note
from nh_platform.sources.allen.behavior.cloud_cache import Release, compare_releases, list_releases, load_release
from nh_platform.sources.allen.behavior.image_templates import (
    UNWARPED,
    WARPED,
    ImageTemplates,
    read_image_of,
    read_image_set,
    read_image_templates,
    read_images,
)
from nh_platform.sources.allen.behavior.manifest_rows import TABLES
from nh_platform.sources.allen.behavior.nwb_files import BehaviorFiles
from nh_platform.sources.allen.behavior.release_tables import read_behavior_sessions
from nh_platform.sources.allen.behavior.releases_at_hand import BehaviorReleases, has_tables, stated_content
from nh_platform.sources.allen.behavior.task_events import read_licks, read_rewards, read_trials
from nh_platform.sources.allen.nwb.invalid_times import read_invalid_times
from nh_platform.sources.allen.nwb.session_facts import read_session_metadata, read_task_parameters
from nh_platform.sources.allen.nwb.session_file import events_of, read_recording, read_unit_annotation, signals_of
from nh_platform.sources.allen.nwb.stimulus_presentations import read_presentations
from nh_platform.sources.allen.nwb.waveforms import AROUND_PEAK, read_mean_waveforms
from nh_platform.sources.allen.released_tables import BEHAVIOR, tables_of_release
from nh_platform.sources.allen.released_tables import TABLES as RELEASED
from nh_platform.sources.allen.table_hashes import release_tables
from nh_platform.sources.folder_signal import folder_signal
from nh_platform.store.provenance import UpstreamFile

SESSIONS_FOLDER = "behavior_ecephys_sessions"
"""Folder of the project with the files of sessions."""


@dataclass(frozen=True)
class AllenVisualBehaviorSource(BehaviorFiles):
    """Source ``allen_vbn``; see `nh_platform.sources.source.Source`."""

    image_forms = (WARPED, UNWARPED)
    shared_image_sets = ()

    def signal(self) -> str:
        """Return a text that differs when a release or a file was added; as of `Source.signal`.

        In mode ``s3`` from one listing of the bucket, without a lock, and within `SIGNAL_WAIT_S`.

        Raises
        ------
        BadUpstreamData
            If the bucket cannot be listed in that time.
        """
        if self.settings.mode == "s3":
            return ",".join(self.bucket.manifests(deadlines.SIGNAL_WAIT_S))
        return folder_signal(self.settings.root, ("*.json", "*/project_metadata/*.csv", "*/*/*/ecephys_session_*.nwb"))

    def manifest(self) -> Manifest:
        """List the sessions of the release, with the hash of every file that the release states.

        Reads the release's own manifest and tables; hashes no session file. In mode ``local`` the sessions are those
        whose file is in the folder, damaged or not; in mode ``s3`` all of the release.

        Raises
        ------
        ConfigError
            If ``root`` is no folder, the release is not there, or the freeze cannot be used.
        BadUpstreamData
            If a table or the bucket cannot be read.
        """
        release = self._releases.newest()
        sizes = self.bucket.sizes(SESSIONS_FOLDER) if self.settings.mode == "s3" else {}
        manifest = self._manifest_of(release, sizes, only_present=self.settings.mode == "local")
        return restricted(manifest, stated_freeze(self.settings.freeze))

    def named_releases(self) -> list[str]:
        """Return the versions whose manifest is in the folder, oldest first; asks nobody."""
        return list_releases(self.settings.root)

    def published_releases(self) -> list[str]:
        """Return the versions that upstream publishes, oldest first: those of the bucket, or of the folder.

        Raises
        ------
        BadUpstreamData
            If the bucket cannot be listed.
        """
        return self.downloads.releases() if self.settings.mode == "s3" else self.named_releases()

    def named_manifest(self, version: str) -> Manifest | None:
        """Return everything that a release states, or None where there is no such release.

        Whether session files lie in the folder changes nothing: two releases are compared by what they state. In mode
        ``s3`` a release that is not in the folder is fetched, its manifest and tables.

        Raises
        ------
        BadUpstreamData
            If a table of the release is not in the folder or cannot be read, or the bucket cannot be read.
        """
        if version not in self.named_releases():
            if self.settings.mode == "local" or version not in self.downloads.releases():
                return None
            self.downloads.fetch_release(version)
        elif self.settings.mode == "s3" and not has_tables(load_release(self.settings.root, version)):
            self.downloads.fetch_release(version)
        return self._manifest_of(load_release(self.settings.root, version), {}, only_present=False)

    def _manifest_of(self, release: Release, sizes: behavior_manifest.Sizes, *, only_present: bool) -> Manifest:
        rows = behavior_manifest.manifest_rows(release, self._releases.mended(), sizes, only_present=only_present)
        return Manifest(
            source=self.name,
            release=release.version,
            selection=f"{self.settings.mode}, manifest {self.settings.manifest}",
            sessions=SESSIONS.conform(pd.DataFrame(rows.sessions, columns=SESSIONS.names)),
            insertions=INSERTIONS.conform(pd.DataFrame(rows.insertions, columns=INSERTIONS.names)),
            files=FILES.conform(pd.DataFrame(rows.files, columns=FILES.names)),
            behavior_sessions=read_behavior_sessions(release),
            release_tables=release_tables(
                {one.path: one.file_hash for one in release.files.values() if not one.file_id}, release.folder
            ),
        )

    def releases(self) -> list[str]:
        """Return the versions of the releases, oldest first: those of the folder or, in mode ``s3``, of the bucket."""
        return self.downloads.releases() if self.settings.mode == "s3" else list_releases(self.settings.root)

    def compare(self, old: str, new: str) -> pd.DataFrame:
        """Return what release ``new`` brought against ``old``: ``path`` and ``change`` (added, removed, changed)."""
        if self.settings.mode == "s3":
            for version in (old, new):
                if version not in list_releases(self.settings.root):
                    self.downloads.fetch_release(version)
        return compare_releases(load_release(self.settings.root, old), load_release(self.settings.root, new))

    def released_version(self, manifest: Manifest) -> str:
        """Return the identity of the release's tables in the folder, as it states them; as of `TabulatesRelease`."""
        release = self._releases.held()
        return "" if release is None else version_of(f"{name} {md5}\n" for name, md5 in _table_hashes(release).items())

    def released_tables(self, manifest: Manifest) -> ReleasedTables:
        """Read the release's tables in the folder; as of `TabulatesRelease`."""
        release = self._releases.wanted()
        hashes = _table_hashes(release)
        paths = {name: release.folder / _table_path(name) for name in hashes}
        files = [
            UpstreamFile(collection=TABLES, revision=release.version, name=BEHAVIOR.file(name), md5=md5)
            for name, md5 in hashes.items()
        ]
        return tables_of_release(paths, BEHAVIOR, release.version, files)

    def images(self, session: SessionFiles) -> dict[str, ImageTemplates]:
        """Return the pixels of the images that were shown, by image set."""
        with self.open(session) as nwb:
            return read_images(nwb)

    def image_set_version(self, name: str, session: SessionFiles | None) -> str:
        """Return the hash of the session's file, where it is there; as of `ShowsImageSets`."""
        if session is None:
            return ""
        wanted = self.wanted(session)
        return wanted.identity if wanted.is_there else ""

    def read_image_set(
        self, name: str, session: SessionFiles | None, form: str
    ) -> tuple[tuple[str, ...], npt.NDArray[Any]]:
        """Return names and pixels of a set from the session's file; as of `ShowsImageSets`.

        Raises
        ------
        ConfigError
            If no session is stated, or its file has no such set.
        BadUpstreamData
            If the file is missing or damaged, or the set cannot be read.
        """
        if session is None:
            raise ConfigError(f"image set {name}", "no session is stated whose file holds it", "State one.")
        with self.open(session) as nwb:
            return read_image_set(nwb, name, form)

    def presentation_image(self, session: SessionFiles, presentation: pd.Series) -> npt.NDArray[Any]:
        """Return the image that a presentation showed, as it was on the monitor.

        Parameters
        ----------
        session
            The session, whose file holds the images.
        presentation
            Row of its presentations: ``stimulus_name`` is the image set, ``image_index`` counts in it.

        Returns
        -------
        numpy.ndarray
            (height, width) grey levels 0-255, warped for the distance of the monitor; only this image is read.

        Raises
        ------
        ConfigError
            If the presentation shows no image: another stimulus, or an omission.
        BadUpstreamData
            If the file is missing or damaged, or has no such image.
        """
        with self.open(session) as nwb:
            return read_image_of(nwb, presentation)

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read every unit and every spike of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, truncated or not the one of the manifest, or units, their ids or their spike times
            cannot be used. Whatever else cannot be is left out, with a note; so for every reader here.
        """
        scale = _amplitude_scale(session)
        with self.open(session) as nwb:
            recording = read_recording(nwb, session.session, amplitude_scale=1.0 if scale is None else scale)
        notes = () if scale is None else (scale_note(scale),)
        return replace(recording, notes=(*recording.notes, *notes))

    def read_events(self, session: SessionFiles) -> Events:
        """Read trials, licks, rewards, presentations, invalid times, light epochs and parameters of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, truncated or not the one of the manifest.
        """
        abnormal = self._releases.abnormalities(session)
        with self.open(session) as nwb:
            invalid = _joined(read_invalid_times(nwb), abnormal.invalid_times())
            presentations = read_presentations(nwb, invalid)
            trials, trial_licks = read_trials(nwb)
            events = {
                "invalid_times": invalid,
                "presentations": presentations,
                "change_trials": trials,
                "trial_licks": trial_licks,
                "licks": read_licks(nwb),
                "rewards": read_rewards(nwb),
                "image_templates": read_image_templates(nwb),
                "task_parameters": read_task_parameters(nwb),
                "session_metadata": read_session_metadata(nwb),
            }
            return events_of(nwb, session.session, events, abnormal.notes())

    def read_signals(self, session: SessionFiles) -> Signals:
        """Read running and eye tracking of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, truncated or not the one of the manifest.
        """
        with self.open(session) as nwb:
            read = [behavior_signals.read_running_speed(nwb), behavior_signals.read_pupil(nwb)]
            return signals_of(nwb, session.session, read, ())

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read released metrics, quality and positions for ``units`` (schema `RAW_UNITS`), row by row.

        Raises
        ------
        BadUpstreamData
            If the file is missing, damaged, not the one of the manifest, or does not have one of the units.
        """
        abnormal = self._releases.abnormalities(session)
        csv_channels = self._releases.csv_channels(session)
        with self.open(session) as nwb:
            annotation = read_unit_annotation(nwb, units, channels, csv_channels)
        histology = tuple(note for note in abnormal.notes() if note.subject == "abnormal_histology")
        return replace(annotation, notes=(*annotation.notes, *histology))

    def read_waveforms(self, session: SessionFiles, units: pd.DataFrame) -> MeanWaveforms:
        """Read the mean waveforms of all units around their peaks; as of `WaveformSource.read_waveforms`."""
        return self.mean_waveforms(session, units["unit_id"], AROUND_PEAK)

    def mean_waveforms(
        self, session: SessionFiles, unit_ids: Iterable[str | int], around_peak: int | None = None
    ) -> MeanWaveforms:
        """Read the mean waveforms of some units (volts); see `nh_platform.sources.allen.nwb.waveforms.mean_waveforms`.

        Halved where the release of the manifest states them twice too large, as `read_spikes` does with amplitudes.
        """
        scale = _amplitude_scale(session)
        with self.open(session) as nwb:
            return read_mean_waveforms(nwb, unit_ids, around_peak, scale=1.0 if scale is None else scale)

    def read_lfp(self, session: SessionFiles, probe: str, start: float, stop: float) -> LfpSlice:
        """Read a slice of a probe's LFP; as of `LfpSource`.

        Halved where the release states it twice too large, as `mean_waveforms`, and then noted.
        """
        scale = _amplitude_scale(session)
        window, channels = (start, stop), lambda: self._releases.csv_channels(session)
        read = self.lfp_slice(session, probe, window, channels, 1.0 if scale is None else scale)
        return read if scale is None else replace(read, notes=(*read.notes, scale_note(scale)))

    @property
    def _releases(self) -> BehaviorReleases:
        return BehaviorReleases(self.settings)


def _table_path(name: str) -> str:
    return f"{TABLES}/{BEHAVIOR.file(name)}"


def _table_hashes(release: Release) -> dict[str, str]:
    """Return the hash that a release states of each table of it that is in the folder."""
    stated = {name: release.files.get(_table_path(name)) for name in RELEASED}
    return {name: one.file_hash for name, one in stated.items() if one and (release.folder / one.path).is_file()}


def _amplitude_scale(session: SessionFiles) -> float | None:
    """Return the factor that the manifest states for the amplitudes, None for releases whose scale is right."""
    stated = stated_content(session, SCALE_NAME)
    return None if stated is None else float(stated)


def _joined(stated: pd.DataFrame, abnormal: pd.DataFrame) -> pd.DataFrame:
    parts = [table for table in (stated, abnormal) if len(table)]
    if not parts:
        return stated
    table = pd.concat(parts, ignore_index=True).sort_values(["start_time", "stop_time", "scope"], ignore_index=True)
    return INVALID_TIMES.conform(table)
