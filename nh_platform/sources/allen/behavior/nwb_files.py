"""The files of Visual Behavior sessions: which one a session has, fetched where the mode allows it, opened verified.

Contains the way from the rows of a session's manifest to its open NWB file, and what `nh fetch` asks. Add here a
further file of a session. What is read of it is `source`; transfers are `downloads`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.range_reads import RangedFile
from nh_platform.downloads.remote_bytes import Timeouts
from nh_platform.downloads.transfers import OnBytes, RetryPolicy
from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen.behavior.bucket import Bucket
from nh_platform.sources.allen.behavior.cloud_cache import Release, ReleaseFile, find_file
from nh_platform.sources.allen.behavior.downloads import BucketFolder
from nh_platform.sources.allen.behavior.settings import AllenVbnSettings
from nh_platform.sources.allen.nwb.passing_files import passing_file
from nh_platform.sources.allen.nwb.ranged_sessions import SYNC_AGAIN, ranged_note
from nh_platform.sources.allen.nwb.session_downloads import SessionDownloads, refuse_another_session
from nh_platform.sources.allen.probe_files import ProbeFiles
from nh_platform.sources.fetching import FileLink, WantedFile
from nh_platform.sources.nwb.nwb_file import NwbFile, open_nwb
from nh_platform.sources.recorded_files import LFP, RecordedFile


@dataclass(frozen=True)
class BehaviorFiles(SessionDownloads, ProbeFiles):
    """The files of the sessions of source ``allen_vbn``, and of their probes."""

    settings: AllenVbnSettings

    name = "allen_vbn"
    remote_mode = "s3"

    @property
    def bucket(self) -> Bucket:
        """The bucket of mode ``s3``."""
        return Bucket(self.settings.bucket, self.settings.endpoint, Timeouts(read_s=self.settings.stall_s))

    @property
    def downloads(self) -> BucketFolder:
        """The folder, as it is filled from the bucket."""
        settings = self.settings
        retries = RetryPolicy(settings.attempts, settings.retry_wait_s)
        return BucketFolder(settings.root, self.bucket, retries, settings.cache_dir)

    @contextmanager
    def open(self, session: SessionFiles) -> Iterator[NwbFile]:
        """Open the session's NWB file, fetched where the mode allows it, after checking that it is the manifest's.

        Raises
        ------
        BadUpstreamData
            If it is missing, damaged, another session's, or does not come.
        """
        row = _nwb_row(session)
        release, file, path = self._located(row)
        if self.settings.ranges and not self.downloads.is_whole(path, file):
            opener = self.bucket.file_opener(file.path, file.version_id)
            with (
                RangedFile(f"NWB file {row['name']}", opener, _size(row), self.downloads.retries) as content,
                open_nwb(Path(row["name"]), content=content, again=SYNC_AGAIN) as nwb,
            ):
                refuse_another_session(nwb, session)
                nwb.notes.append(ranged_note(row["name"], content))
                yield nwb
            return
        with self._at_hand(row, release, file, path) as path, open_nwb(path) as nwb:
            # Opened first: a truncated file should be called truncated, not different.
            found = file_hash(path, "blake2b", self.settings.cache_dir)
            if found != row["md5"]:
                raise nwb.bad(
                    f"its blake2b is {found[:12]}… and release {release.version} says {row['md5'][:12]}…",
                    "Delete it and download it again.",
                )
            refuse_another_session(nwb, session)
            yield nwb

    @contextmanager
    def _at_hand(self, row: pd.Series, release: Release, file: ReleaseFile, path: Path) -> Iterator[Path]:
        """Give where the file lies: in place, fetched to stay, or fetched to go again."""
        if self.settings.mode == "s3" and self.settings.keep_raw:
            path = self.downloads.fetch_file(release, file, _size(row))
        elif self.settings.mode == "s3" and not path.is_file():

            def fetch(folder: Path) -> Path:
                own = BucketFolder(folder, self.bucket, self.downloads.retries, None)
                return own.fetch_file(replace(release, folder=folder), file, _size(row))

            with passing_file(self.settings.root, file.file_hash, fetch) as came:
                yield came
            return
        yield path

    def wanted(self, session: SessionFiles) -> WantedFile:
        """Return the session's NWB file, and whether it is there.

        A file counts as there when it lies in its place with the size that the bucket lists: hashing the 350 GB of a
        release takes 10 minutes. Its content is verified when it is fetched, and when it is read.
        """
        row = _nwb_row(session)
        _, _, path = self._located(row)
        size = _size(row)
        return WantedFile(row["md5"], size, path.is_file() and size in (None, path.stat().st_size))

    def fetch_file(self, session: SessionFiles, on_bytes: OnBytes | None) -> None:
        """Download the session's NWB file where it is not there, verified by the release's hash."""
        row = _nwb_row(session)
        release, file, _ = self._located(row)
        self.downloads.fetch_file(release, file, _size(row), on_bytes)

    def link(self, session: SessionFiles) -> FileLink:
        """Return the address of exactly this version of the NWB file."""
        row = _nwb_row(session)
        _, file, _ = self._located(row)
        return FileLink(file.path, None, _size(row), self.bucket.file_link(file), blake2b=file.file_hash)

    def lfp_path(self, session: SessionFiles, probe: str) -> Path | None:
        """Return where the LFP file that the release states of a probe lies or would lie; as of `ProbeFiles`."""
        rows = _lfp_rows(session)
        rows = rows[rows["probe"] == probe]
        return None if rows.empty else self._located(rows.iloc[0])[2]

    def recorded_files(self, session: SessionFiles) -> list[RecordedFile]:
        """Return the LFP files that the release states; as of `RecordedFileSource`."""
        files = []
        for _, row in _lfp_rows(session).iterrows():
            (_, file, path), size = self._located(row), _size(row)
            is_held = path.is_file() and size in (None, path.stat().st_size)
            files.append(RecordedFile(LFP, row["probe"], file.path, size, path if is_held else None))
        return files

    def fetch_recorded(
        self, session: SessionFiles, files: Sequence[RecordedFile], on_bytes: OnBytes | None = None
    ) -> None:
        """Download LFP files, each verified by the release's hash; as of `RecordedFileSource`."""
        self.raw_files()  # refuses mode local
        wanted = {file.path for file in files}
        for _, row in _lfp_rows(session).iterrows():
            release, file, _ = self._located(row)
            if file.path in wanted:
                self.downloads.fetch_file(release, file, _size(row), on_bytes)

    def _located(self, row: pd.Series) -> tuple[Release, ReleaseFile, Path]:
        """Return which release states the file of a manifest row, and where it lies or would lie."""
        path = f"{row['collection']}/{row['name']}"
        place = find_file(self.settings.root, path, row["md5"])
        if place is None:
            raise BadUpstreamData(
                f"NWB file {row['name']}",
                f"no release in {self.settings.root} states the content of the manifest (blake2b {row['md5'][:12]}…)",
                "Run `nh sync allen_vbn`.",
            )
        return place[0], place[0].files[path], place[1]


def _nwb_row(session: SessionFiles) -> pd.Series:
    """Return the row of the session's NWB file."""
    rows = session.files[session.files["name"].str.endswith(".nwb") & (session.files["group"] != "other")]
    if len(rows) != 1:
        raise BadUpstreamData(
            f"session {session.session_id}",
            f"the manifest lists {len(rows)} NWB files and one is needed",
            "Run `nh sync allen_vbn`; without a file in the release there is nothing to read.",
        )
    return rows.iloc[0]


def _lfp_rows(session: SessionFiles) -> pd.DataFrame:
    """Return the rows of the probes' LFP files, by probe."""
    files = session.files
    return files[files["name"].str.endswith(".nwb") & (files["group"] == "other")].sort_values("probe")


def _size(row: pd.Series) -> int | None:
    return None if pd.isna(row["size"]) else int(row["size"])
