"""The releases of Visual Behavior that are at hand, and what they state of a session.

Contains the choice among the releases in the folder, and the rows of their tables that a session was made from. Add
here a further table that a reader needs. The readers of tables are `release_tables`; fetching is `downloads`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.allen.behavior import abnormal
from nh_platform.sources.allen.behavior import manifest_rows as behavior_manifest
from nh_platform.sources.allen.behavior.abnormal import Abnormalities
from nh_platform.sources.allen.behavior.cloud_cache import LATEST, Release, list_releases, load_release, manifest_name
from nh_platform.sources.allen.behavior.nwb_files import BehaviorFiles
from nh_platform.sources.allen.behavior.release_tables import read_channels, read_sessions
from nh_platform.sources.allen.behavior.settings import AllenVbnSettings
from nh_platform.sources.allen.coding import cache_folder as warehouse


@dataclass(frozen=True)
class BehaviorReleases:
    """The releases that the source ``allen_vbn`` can read."""

    settings: AllenVbnSettings

    def newest(self) -> Release:
        """Return the release to make a manifest of: in mode ``s3`` as the bucket has it now."""
        return self.fetched() if self.settings.mode == "s3" else self.wanted()

    def fetched(self) -> Release:
        """Return the release that the settings name, its manifest and tables fetched from the bucket."""
        return load_release(
            self.settings.root, BehaviorFiles(self.settings).downloads.fetch_release(self.settings.manifest)
        )

    def wanted(self) -> Release:
        """Return the release that the settings name; in mode ``s3`` fetched where the folder does not hold it."""
        root = self.settings.root
        if self.settings.mode == "s3":
            held = list_releases(root)
            if not held or (self.settings.manifest != LATEST and self.settings.manifest not in held):
                return self.fetched()
        elif not root.is_dir():
            raise ConfigError(
                "setting root of allen_vbn",
                f"{root} is not a folder",
                f"Set it to AllenSDK's cache_dir, which holds {manifest_name('<version>')}, or use mode s3.",
            )
        return load_release(root, self.settings.manifest)

    def held(self) -> Release | None:
        """Return the release that the settings name where the folder holds it; asks nobody."""
        root, held = self.settings.root, list_releases(self.settings.root)
        is_held = bool(held) and self.settings.manifest in (LATEST, *held)
        return load_release(root, self.settings.manifest) if is_held else None

    def mended(self) -> Release | None:
        """Return the newest release in the folder, by which older ones can be judged."""
        held = list_releases(self.settings.root)
        return load_release(self.settings.root, held[-1]) if held else None

    def abnormalities(self, session: SessionFiles) -> Abnormalities:
        """Return what the release notes of the session, as it was when the manifest was read."""
        session_id = session.session_id
        stated = stated_content(session, behavior_manifest.SESSIONS_CSV)
        for release in self._releases_at_hand("ecephys_sessions"):
            sessions = read_sessions(release)
            if session_id in sessions.index:
                found = abnormal.abnormalities(session_id, sessions.loc[session_id])
                if found.content_version() == stated:
                    return found
        raise self._moved_on(session_id, behavior_manifest.SESSIONS_CSV)

    def csv_channels(self, session: SessionFiles) -> pd.DataFrame | None:
        """Return the session's rows of channels.csv as they were when the manifest was read, or None without any."""
        session_id = session.session_id
        stated = stated_content(session, warehouse.CHANNELS_CSV)
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
        first = self.wanted()
        others = [version for version in reversed(list_releases(self.settings.root)) if version != first.version]
        for release in (first, *(load_release(self.settings.root, version) for version in others)):
            if release.table_path(table).is_file():
                yield release

    def _moved_on(self, session_id: str, table: str) -> BadUpstreamData:
        return BadUpstreamData(
            f"session {session_id} in {table}",
            "no release in the folder states what the manifest was made from",
            "Run `nh sync allen_vbn`.",
        )


def stated_content(session: SessionFiles, name: str) -> str | None:
    """Return the content of one of the session's rows in a table of the release, as the manifest states it."""
    found = session.files.loc[session.files["name"] == name, "md5"].tolist()
    return str(found[0]) if found else None


def has_tables(release: Release) -> bool:
    """Return whether every table of a release is in the folder."""
    return all((release.folder / file.path).is_file() for file in release.files.values() if not file.file_id)
