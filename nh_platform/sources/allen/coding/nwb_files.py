"""The files of Visual Coding sessions: where a session's NWB file lies, fetched where the mode allows it, verified.

Contains the way from the rows of a session's manifest to its open NWB file, and what `nh fetch` asks. Add here a
further file of a session. What is read of it is `source`; transfers are `warehouse_downloads`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd

from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.range_reads import RangedFile
from nh_platform.downloads.remote_bytes import Timeouts
from nh_platform.downloads.transfers import OnBytes, RetryPolicy
from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, Note
from nh_platform.sources.allen.coding import cache_folder as warehouse
from nh_platform.sources.allen.coding.bucket import ETAG_IDENTITY, BucketFile, CodingBucket
from nh_platform.sources.allen.coding.downloads import CodingDownloads, Fetched, ServedFile
from nh_platform.sources.allen.coding.settings import AllenVcSettings
from nh_platform.sources.allen.coding.warehouse import WarehouseCatalogue, WarehouseFile
from nh_platform.sources.allen.coding.warehouse_downloads import WarehouseDownloads
from nh_platform.sources.allen.nwb.passing_files import passing_file
from nh_platform.sources.allen.nwb.ranged_sessions import SYNC_AGAIN, ranged_note
from nh_platform.sources.allen.nwb.session_downloads import SessionDownloads, refuse_another_session
from nh_platform.sources.allen.probe_files import ProbeFiles
from nh_platform.sources.allen.public_bucket import PublicBucket
from nh_platform.sources.fetching import FileLink, WantedFile
from nh_platform.sources.nwb.nwb_file import NwbFile, open_nwb
from nh_platform.sources.recorded_files import LFP, RecordedFile


@dataclass(frozen=True)
class CodingFiles(SessionDownloads, ProbeFiles):
    """The files of the sessions of source ``allen_vc``, and of their probes."""

    settings: AllenVcSettings

    name = "allen_vc"
    remote_mode = "warehouse or s3"

    @property
    def server(self) -> WarehouseCatalogue | CodingBucket:
        """What is asked in the modes that fetch."""
        settings = self.settings
        if settings.mode != "s3":
            return WarehouseCatalogue(settings.root, settings.address)
        bucket = PublicBucket(
            settings.bucket, None, self._timeouts, "bucket and prefix of allen_vc, and AWS_ENDPOINT_URL"
        )
        return CodingBucket(settings.root, bucket, settings.prefix, self._retries)

    @property
    def downloads(self) -> CodingDownloads:
        """The folder, as it is filled from the server."""
        server, settings = self.server, self.settings
        if isinstance(server, CodingBucket):
            return server.downloads
        return WarehouseDownloads(settings.root, settings.address, self._retries, self._timeouts)

    @property
    def _retries(self) -> RetryPolicy:
        return RetryPolicy(self.settings.attempts, self.settings.retry_wait_s)

    @property
    def _timeouts(self) -> Timeouts:
        return Timeouts(read_s=self.settings.stall_s)

    @contextmanager
    def open(self, session: SessionFiles) -> Iterator[tuple[NwbFile, list[Note]]]:
        """Open the session's NWB file after checking that it is the file of the manifest, with what to note of it.

        Raises
        ------
        BadUpstreamData
            If it is missing, damaged, another session's, or does not come.
        """
        row = _nwb_row(session)
        if self.settings.ranges and self.downloads.held(file := self._served(row, session.session_id)) is None:
            served = self.downloads.served(file)
            label = f"NWB file {row['name']}"
            with (
                RangedFile(label, served.opener, served.size, self._retries) as content,  # type: ignore[arg-type]
                open_nwb(Path(row["name"]), content=content, again=SYNC_AGAIN) as nwb,
            ):
                refuse_another_session(nwb, session)
                yield nwb, [ranged_note(row["name"], content)]
            return
        at_hand = self._at_hand(row, session.session_id)
        with at_hand as (path, expected, notes), open_nwb(path) as nwb:
            # Opened first: a truncated file should be called truncated, not different.
            found = file_hash(path, cache_dir=self.settings.cache_dir)
            if expected is not None and found != expected:
                raise nwb.bad(*self._difference(found, expected))
            refuse_another_session(nwb, session)
            yield nwb, notes

    def wanted(self, session: SessionFiles) -> WantedFile:
        """Return the session's NWB file, and whether it is there.

        A file that AllenSDK left counts as not there: `fetch` looks whether it is whole, and takes it over.
        """
        file = self._served(_nwb_row(session), session.session_id)
        return WantedFile(file.identity, file.size, self.downloads.held(file) is not None)

    def fetch_file(self, session: SessionFiles, on_bytes: OnBytes | None) -> None:
        """Download the session's NWB file where it is not there whole."""
        self.downloads.fetch(self._served(_nwb_row(session), session.session_id), on_bytes)

    def link(self, session: SessionFiles) -> FileLink:
        """Return the address of the well-known file, whose id is its version."""
        row = _nwb_row(session)
        file = self._served(row, session.session_id)
        return FileLink(f"{row['collection']}/{row['name']}", None, file.size, str(row["url"]))

    def lfp_path(self, session: SessionFiles, probe: str) -> Path | None:
        """Return where AllenSDK's cache keeps the LFP of a probe; as of `ProbeFiles`."""
        probe_id = session.insertions.set_index("probe").loc[probe, "insertion_id"]
        path = warehouse.lfp_path(self.settings.root, session.session_id, str(probe_id))
        return None if not path.is_file() and warehouse.lacks_lfp(self.settings.root, str(probe_id)) else path

    def recorded_files(self, session: SessionFiles) -> list[RecordedFile]:
        """Return the LFP files: those of the folder, or what the server says now that it has."""
        if self.settings.mode == "local":
            paths = {probe: self.lfp_path(session, probe) for probe in sorted(session.insertions["probe"])}
            held = {probe: path for probe, path in paths.items() if path is not None and path.is_file()}
            return [
                RecordedFile(LFP, probe, f"{path.parent.name}/{path.name}", path.stat().st_size, path)
                for probe, path in held.items()
            ]
        return [file for file, _ in self._served_lfp(session)]

    def fetch_recorded(
        self, session: SessionFiles, files: Sequence[RecordedFile], on_bytes: OnBytes | None = None
    ) -> None:
        """Download LFP files into the places of AllenSDK's cache; as of `RecordedFileSource`."""
        self.raw_files()  # refuses mode local
        wanted = {file.path for file in files}
        for file, served in self._served_lfp(session):
            if file.path in wanted:
                self.downloads.fetch(served, on_bytes)

    def _served_lfp(self, session: SessionFiles) -> list[tuple[RecordedFile, ServedFile]]:
        names = dict(zip(session.insertions["insertion_id"], session.insertions["probe"]))
        served: Sequence[ServedFile] = self.server.ask_lfp(session.session_id, sorted(names))
        rows = []
        for file in sorted(served, key=lambda file: names[file.probe_id]):
            path, held = self.downloads.path(file), self.downloads.held(file)
            listed = RecordedFile(
                LFP, names[file.probe_id], f"{path.parent.name}/{path.name}", file.size, None if held is None else path
            )
            rows.append((listed, file))
        return rows

    @contextmanager
    def _at_hand(self, row: pd.Series, session_id: str) -> Iterator[tuple[Path, str | None, list[Note]]]:
        """Give where the file of a manifest row lies, fetched if need be, the md5 it must have, and what to note."""
        if self.settings.mode == "local":
            yield self.settings.root / row["collection"] / row["name"], row["md5"], []
            return
        file, own = self._served(row, session_id), self.downloads
        if self.settings.keep_raw or own.held(file) is not None:
            fetched = own.fetch(file)
            yield fetched.path, fetched.md5, [_came(file, fetched)]
            return

        def fetch(folder: Path) -> Fetched:
            return own.beside(folder).fetch(file)

        with passing_file(self.settings.root, file.identity, fetch) as fetched:
            yield fetched.path, fetched.md5, [_came(file, fetched)]

    def _served(self, row: pd.Series, session_id: str) -> ServedFile:
        """Return the file of a manifest row as its server has it."""
        of_bucket = str(row["md5"]).startswith(ETAG_IDENTITY.format(""))
        if pd.isna(row["url"]) or of_bucket != (self.settings.mode == "s3"):
            made_in = "local" if pd.isna(row["url"]) else "s3" if of_bucket else "warehouse"
            where = "bucket" if self.settings.mode == "s3" else "warehouse"
            raise BadUpstreamData(
                f"session {session_id}",
                f"the stored manifest was made in mode {made_in} and does not say where the {where} has the file",
                "Run `nh sync allen_vc`.",
            )
        size = None if pd.isna(row["size"]) else int(row["size"])
        if of_bucket:
            return BucketFile(session_id, str(row["dataset_id"]), f"{row['collection']}/{row['name']}", size)
        return WarehouseFile(session_id, str(row["dataset_id"]), urlsplit(str(row["url"])).path, size)

    def _difference(self, found: str, expected: str) -> tuple[str, str]:
        if self.settings.mode != "local":
            return f"its md5 is {found} and that of what came was {expected}", "Delete it; it is fetched again."
        return (
            f"its md5 is {found} and the manifest says {expected}",
            "Run `nh sync allen_vc` if the file was replaced on purpose; else download it again.",
        )


def _nwb_row(session: SessionFiles) -> pd.Series:
    """Return the row of the session's NWB file."""
    session_id = session.session_id
    rows = session.of_group("spikes")
    if len(rows) != 1:
        raise BadUpstreamData(
            f"session {session_id}",
            f"the manifest lists {len(rows)} NWB files and one is needed",
            f"Put {warehouse.nwb_path(Path(), session_id)} under the source's root and run `nh sync allen_vc`.",
        )
    return rows.iloc[0]


def _came(file: ServedFile, fetched: Fetched) -> Note:
    text = f"{file.identity} of the {file.server}, which states no hash; the md5 of what came is {fetched.md5}"
    return Note(fetched.path.name, text, is_origin=True)
