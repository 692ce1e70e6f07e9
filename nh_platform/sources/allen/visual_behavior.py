"""Allen Visual Behavior Neuropixels as a source of the platform.

Contains the manifest and the three readers, put together from the modules beside. Add here only what
joins them. Decoding belongs to those modules; rules, windows and Dagster do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from nh_platform.session import BadUpstreamData, Behavior, ConfigError, Note, RawRecording, Signal, UnitAnnotation
from nh_platform.session.schemas import FILES, INSERTIONS, INVALID_TIMES, SESSIONS
from nh_platform.sources.allen import behavior_manifest, behavior_signals, warehouse
from nh_platform.sources.allen.abnormal import Abnormalities, abnormalities
from nh_platform.sources.allen.amplitude_scale import FILE_NAME as SCALE_NAME
from nh_platform.sources.allen.amplitude_scale import scale_note
from nh_platform.sources.allen.behavior_downloads import BucketFolder
from nh_platform.sources.allen.behavior_settings import AllenVbnSettings
from nh_platform.sources.allen.electrodes import read_probes
from nh_platform.sources.allen.file_content import content_hash
from nh_platform.sources.allen.image_templates import ImageSet, read_image_templates, read_images
from nh_platform.sources.allen.invalid_times import read_invalid_times, read_optogenetic_epochs
from nh_platform.sources.allen.nwb import NwbFile, open_nwb
from nh_platform.sources.allen.presentations import read_presentations
from nh_platform.sources.allen.release_tables import read_behavior_sessions, read_channels, read_sessions
from nh_platform.sources.allen.releases import (
    LATEST,
    Release,
    compare_releases,
    find_file,
    list_releases,
    load_release,
    manifest_name,
)
from nh_platform.sources.allen.session_file import read_recording, read_unit_annotation
from nh_platform.sources.allen.task_events import read_licks, read_rewards, read_trials
from nh_platform.sources.catalog import Manifest, SessionFiles
from nh_platform.sources.signals import folder_signal


@dataclass(frozen=True)
class AllenVisualBehaviorSource:
    """Source ``allen_vbn``; see `nh_platform.sources.catalog.Source`."""

    settings: AllenVbnSettings

    name: ClassVar[str] = "allen_vbn"
    title: ClassVar[str] = "Allen Visual Behavior Neuropixels"

    def signal(self) -> str:
        """Return a text that differs when a release or a file was added; as of `Source.signal`."""
        if self.settings.mode == "s3":
            return ",".join(self._bucket().manifests())
        return folder_signal(self.settings.root, ("*.json", "*/project_metadata/*.csv", "*/*/*/ecephys_session_*.nwb"))

    def manifest(self) -> Manifest:
        """List the sessions of the release, with the hash of every file that the release states.

        Reads the release's own manifest and tables; hashes no session file. In mode ``local`` the sessions are those
        whose file is in the folder, damaged or not; in mode ``s3`` all of the release.

        Raises
        ------
        ConfigError
            If ``root`` is no folder, or the release is not there.
        BadUpstreamData
            If a table or the bucket cannot be read.
        """
        release = self._fetched_release() if self.settings.mode == "s3" else self._release()
        rows = behavior_manifest.manifest_rows(
            release, self._mended_release(), only_present=self.settings.mode == "local"
        )
        return Manifest(
            source=self.name,
            release=release.version,
            sessions=SESSIONS.conform(pd.DataFrame(rows.sessions)) if rows.sessions else SESSIONS.empty(),
            insertions=INSERTIONS.conform(pd.DataFrame(rows.insertions)) if rows.insertions else INSERTIONS.empty(),
            files=FILES.conform(pd.DataFrame(rows.files)) if rows.files else FILES.empty(),
            behavior_sessions=read_behavior_sessions(release),
        )

    def releases(self) -> list[str]:
        """Return the versions of the releases, oldest first: those of the folder or, in mode ``s3``, of the bucket."""
        return self._bucket().releases() if self.settings.mode == "s3" else list_releases(self.settings.root)

    def compare(self, old: str, new: str) -> pd.DataFrame:
        """Return what release ``new`` brought against ``old``: ``path`` and ``change`` (added, removed, changed)."""
        if self.settings.mode == "s3":
            for version in (old, new):
                if version not in list_releases(self.settings.root):
                    self._bucket().fetch_release(version)
        return compare_releases(load_release(self.settings.root, old), load_release(self.settings.root, new))

    def images(self, session: SessionFiles) -> dict[str, ImageSet]:
        """Return the pixels of the images that were shown, by image set."""
        with self._open(session) as nwb:
            return read_images(nwb)

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read every unit and every spike of one session.

        Raises
        ------
        BadUpstreamData
            If the file is missing, damaged, not the one of the manifest, or its tables disagree.
        """
        scale = _amplitude_scale(session)
        with self._open(session) as nwb:
            recording = read_recording(nwb, session.session, amplitude_scale=1.0 if scale is None else scale)
        notes = () if scale is None else (scale_note(scale),)
        return RawRecording(
            session=recording.session,
            probes=recording.probes,
            units=recording.units,
            channels=recording.channels,
            spikes=recording.spikes,
            notes=(*recording.notes, *notes),
        )

    def read_behavior(self, session: SessionFiles) -> Behavior:
        """Read trials, licks, rewards, presentations, invalid times, optogenetic epochs, running and eye tracking.

        Raises
        ------
        BadUpstreamData
            If the file is missing, damaged or not the one of the manifest, or times in it are NaN.
        """
        abnormal = self._abnormalities(session)
        notes = abnormal.notes()
        with self._open(session) as nwb:
            stated, more = read_invalid_times(nwb, read_probes(nwb))
            invalid = _joined(stated, abnormal.invalid_times())
            notes += more
            presentations, more = read_presentations(nwb, invalid)
            notes += more
            trials, trial_licks, more = read_trials(nwb)
            notes += more
            licks, more = read_licks(nwb)
            notes += more
            rewards, more = read_rewards(nwb)
            notes += more
            templates, more = read_image_templates(nwb)
            notes += more
            epochs = read_optogenetic_epochs(nwb)
            running, more = behavior_signals.read_running_speed(nwb)
            notes += more
            pupil, more = behavior_signals.read_pupil(nwb)
            notes += more
        if epochs is None:
            notes.append(Note("optogenetic_epochs", "no optotagging in the NWB file"))
        events = {
            "invalid_times": invalid,
            "presentations": presentations,
            "change_trials": trials,
            "trial_licks": trial_licks,
            "licks": licks,
            "rewards": rewards,
            "image_templates": templates,
            "optogenetic_epochs": epochs,
        }
        signals: list[Signal | None] = [running, pupil]
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
        abnormal = self._abnormalities(session)
        csv_channels = self._csv_channels(session)
        with self._open(session) as nwb:
            annotation = read_unit_annotation(nwb, units, channels, csv_channels)
        histology = tuple(note for note in abnormal.notes() if note.subject == "abnormal_histology")
        return UnitAnnotation(
            released=annotation.released,
            positions=annotation.positions,
            channels=annotation.channels,
            notes=(*annotation.notes, *histology),
        )

    def _bucket(self) -> BucketFolder:
        return BucketFolder(self.settings.root, self.settings.bucket, self.settings.endpoint)

    def _fetched_release(self) -> Release:
        return load_release(self.settings.root, self._bucket().fetch_release(self.settings.manifest))

    def _release(self) -> Release:
        """Return the release that the settings name; in mode ``s3`` fetched where the folder does not hold it."""
        root = self.settings.root
        if self.settings.mode == "s3":
            held = list_releases(root)
            if not held or (self.settings.manifest != LATEST and self.settings.manifest not in held):
                return self._fetched_release()
        elif not root.is_dir():
            raise ConfigError(
                f"setting root of {self.name}",
                f"{root} is not a folder",
                f"Set it to AllenSDK's cache_dir, which holds {manifest_name('<version>')}, or use mode s3.",
            )
        return load_release(root, self.settings.manifest)

    def _mended_release(self) -> Release | None:
        """Return the newest release in the folder, by which older ones can be judged."""
        held = list_releases(self.settings.root)
        return load_release(self.settings.root, held[-1]) if held else None

    def _abnormalities(self, session: SessionFiles) -> Abnormalities:
        """Return what the release notes of the session, as it was when the manifest was read."""
        session_id = session.session.session_id
        stated = _stated(session, behavior_manifest.SESSIONS_CSV)
        for release in self._releases_at_hand("ecephys_sessions"):
            sessions = read_sessions(release)
            if session_id in sessions.index:
                found = abnormalities(session_id, sessions.loc[session_id])
                if found.content_version() == stated:
                    return found
        raise self._moved_on(session_id, behavior_manifest.SESSIONS_CSV)

    def _csv_channels(self, session: SessionFiles) -> pd.DataFrame | None:
        """Return the session's rows of channels.csv as they were when the manifest was read, or None without any."""
        session_id = session.session.session_id
        stated = _stated(session, warehouse.CHANNELS_CSV)
        if stated is None:
            return None
        for release in self._releases_at_hand("channels"):
            table = read_channels(release)
            own = table[table["ecephys_session_id"] == session_id]
            if warehouse.channel_rows_md5(own) == stated:
                return own
        raise self._moved_on(session_id, warehouse.CHANNELS_CSV)

    def _releases_at_hand(self, table: str) -> Iterator[Release]:
        """Return the releases whose ``table`` is in the folder: the one of the settings, then the others, newest first.

        A release that came into the folder after the manifest was read must not decide what a session is made from.
        """
        first = self._release()
        others = [version for version in reversed(list_releases(self.settings.root)) if version != first.version]
        for release in (first, *(load_release(self.settings.root, version) for version in others)):
            if release.table_path(table).is_file():
                yield release

    def _moved_on(self, session_id: str, table: str) -> BadUpstreamData:
        return BadUpstreamData(
            f"session {session_id} in {table}",
            "no release in the folder states what the manifest was made from",
            f"Run `nh sync {self.name}`.",
        )

    @contextmanager
    def _open(self, session: SessionFiles) -> Iterator[NwbFile]:
        """Open the session's NWB file, fetched where the mode allows it, after checking that it is the manifest's."""
        session_id = session.session.session_id
        rows = session.files[session.files["name"].str.endswith(".nwb") & (session.files["group"] != "other")]
        if len(rows) != 1:
            raise BadUpstreamData(
                f"session {session_id}",
                f"the manifest lists {len(rows)} NWB files and one is needed",
                f"Run `nh sync {self.name}`; without a file in the release there is nothing to read.",
            )
        row = rows.iloc[0]
        place = find_file(self.settings.root, f"{row['collection']}/{row['name']}", row["md5"])
        if place is None:
            raise BadUpstreamData(
                f"NWB file {row['name']}",
                f"no release in {self.settings.root} states the content of the manifest (blake2b {row['md5'][:12]}…)",
                f"Run `nh sync {self.name}`.",
            )
        release, path = place
        if self.settings.mode == "s3":
            self._bucket().fetch_file(release, path, row["dataset_id"], row["md5"], self.settings.cache_dir)
        with open_nwb(path) as nwb:
            # Opened first: a truncated file should be called truncated, not different.
            found = content_hash(path, "blake2b", self.settings.cache_dir)
            if found != row["md5"]:
                raise nwb.bad(
                    f"its blake2b is {found[:12]}… and release {release.version} says {row['md5'][:12]}…",
                    "Delete it and download it again.",
                )
            identifier = nwb.text("identifier")
            if identifier != session_id:
                raise nwb.bad(
                    f"it is the file of session {identifier} and lies in the folder of session {session_id}",
                    "Move it to its own folder.",
                )
            yield nwb


def _amplitude_scale(session: SessionFiles) -> float | None:
    """Return the factor that the manifest states for the amplitudes, None for releases whose scale is right."""
    stated = _stated(session, SCALE_NAME)
    return None if stated is None else float(stated)


def _stated(session: SessionFiles, name: str) -> str | None:
    """Return the content of one of the session's rows in a table of the release, as the manifest states it."""
    found = session.files.loc[session.files["name"] == name, "md5"].tolist()
    return str(found[0]) if found else None


def _joined(stated: pd.DataFrame, abnormal: pd.DataFrame) -> pd.DataFrame:
    parts = [table for table in (stated, abnormal) if len(table)]
    if not parts:
        return stated
    table = pd.concat(parts, ignore_index=True).sort_values(["start_time", "stop_time", "scope"], ignore_index=True)
    return INVALID_TIMES.conform(table)
