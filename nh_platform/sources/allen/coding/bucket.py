"""Visual Coding in Allen's public registry bucket: what it lists, kept in a folder, and how each object comes.

Contains the list of objects (``bucket_files.csv``), the tables beside it, session files and stimulus templates. Add
here what the bucket is asked. What any bucket is asked is `nh_platform.sources.allen.public_bucket`; what makes a
session's file complete is `downloads`.

Below the prefix lies what AllenSDK's project cache would have fetched, under the same names. The bucket states no
hashes: an object is told by its ETag, which every request names (If-Match), so that what was replaced since is told
and never put together with what came before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from nh_platform.downloads.download_folder import Place
from nh_platform.downloads.transfers import RetryPolicy
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen.coding.analysis_metrics import NAMES, SESSION_TYPES
from nh_platform.sources.allen.coding.downloads import CodingDownloads, Served, ServedFile
from nh_platform.sources.allen.coding.natural_images import Template, read_picture
from nh_platform.sources.allen.public_bucket import LIST_WAIT_S, PublicBucket
from nh_platform.store.durable import write_durably

TABLES = ("sessions.csv", "probes.csv", "channels.csv", "units.csv")
FILES_CSV = "bucket_files.csv"
TABLES_JSON = "bucket_tables.json"
"""ETag of each table that came from the bucket."""
ETAG_IDENTITY = "etag/{}"
"""Stands in a manifest where other sources have an md5."""
_COLUMNS = ["path", "etag", "size"]
_SESSION = re.compile(r"session_(\d+)/session_\1\.nwb")
_LFP = re.compile(r"session_(\d+)/probe_(\d+)_lfp\.nwb")


class BucketFile(ServedFile):
    """One NWB file as the bucket has it, told from others by its ETag."""

    server = "bucket"

    @property
    def identity(self) -> str:
        """What takes the place of the md5 in a manifest."""
        return ETAG_IDENTITY.format(self.file_id)


@dataclass(frozen=True)
class CodingBucket:
    """Sessions of a bucket, and a folder that AllenSDK's `EcephysProjectCache` uses too.

    Parameters
    ----------
    root
        The folder.
    bucket, prefix
        The bucket, and what the keys begin with, with a slash at the end.
    retries
        Attempts and waits of downloads.
    """

    root: Path
    bucket: PublicBucket
    prefix: str
    retries: RetryPolicy = field(default_factory=RetryPolicy)

    @property
    def downloads(self) -> BucketDownloads:
        """The folder, as it is filled from the bucket."""
        return BucketDownloads(self.root, self)

    def address_of(self, file: ServedFile) -> str:
        """Return the address of a file, for any HTTP client."""
        return self.bucket.link(f"{self.prefix}{file.link}")

    def objects(self, wait_s: float = LIST_WAIT_S) -> dict[str, tuple[str, int]]:
        """Return ETag and bytes of every object, by its path below the prefix; stores nothing.

        Raises
        ------
        BadUpstreamData
            If the bucket cannot be listed in that time, or has no session there.
        """
        rows = self.bucket.listed("list_objects_v2", "Contents", self.prefix, wait_s)
        found = {row["Key"].removeprefix(self.prefix): (row["ETag"].strip('"'), int(row["Size"])) for row in rows}
        if not any(map(_SESSION.fullmatch, found)):
            raise BadUpstreamData(
                f"bucket {self.bucket.name}",
                f"no session file (session_<id>/session_<id>.nwb) is below {self.prefix}",
                "Correct the settings bucket and prefix of allen_vc.",
            )
        return found

    def ask(self, wait_s: float = LIST_WAIT_S) -> list[BucketFile]:
        """Return the session files that the bucket has now, by session; raises as of `objects`."""
        return _session_files(self.objects(wait_s))

    def ask_lfp(self, session_id: str, probe_ids: Sequence[str]) -> list[BucketFile]:
        """Return the LFP files that the bucket has now of some probes of a session; raises as of `objects`."""
        found = [(_LFP.fullmatch(path), path, *stated) for path, stated in self.objects().items()]
        return [
            BucketFile(one[1], etag, path, size, one[2])
            for one, path, etag, size in found
            if one and one[1] == session_id and one[2] in probe_ids
        ]

    def stored(self) -> list[BucketFile] | None:
        """Return what the folder knows of the bucket, by session; None where it was never asked.

        Raises
        ------
        BadUpstreamData
            If the list cannot be read.
        """
        path = self.root / FILES_CSV
        if not path.is_file():
            return None
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False)[_COLUMNS]
            return _session_files({name: (etag, int(size)) for name, etag, size in table.itertuples(index=False)})
        except (ValueError, KeyError, OSError) as error:
            raise BadUpstreamData(
                f"file {path.name}", f"it cannot be read: {error}", "Delete it; it is asked for again."
            ) from error

    def update(self) -> list[BucketFile]:
        """Ask the bucket, fetch the tables that it replaced, and return its session files.

        Raises
        ------
        BadUpstreamData
            If the bucket cannot be asked, lacks a table, or one does not come whole; the folder keeps what it had.
        """
        objects = self.objects()
        lacking = [name for name in TABLES if name not in objects]
        if lacking:
            raise BadUpstreamData(
                f"bucket {self.bucket.name}",
                f"it has no {', '.join(lacking)} below {self.prefix}",
                "Correct the settings bucket and prefix of allen_vc.",
            )
        self._fetch_tables(TABLES, objects)
        rows = [(path, etag, str(size)) for path, (etag, size) in sorted(objects.items())]
        text = pd.DataFrame(rows, columns=_COLUMNS).to_csv(index=False, lineterminator="\n")
        write_durably(self.root / FILES_CSV, text.encode())
        return _session_files(objects)

    def fetch_metrics(self) -> None:
        """Fetch the tables of analysis metrics that the bucket has; raises as of `update`."""
        objects = self.objects()
        names = [NAMES[0].format(one) for one in SESSION_TYPES]
        self._fetch_tables([name for name in names if name in objects], objects)

    def fetch_template(self, template: Template) -> Path:
        """Return where a template lies, downloaded if it is not there.

        Raises
        ------
        BadUpstreamData
            If the bucket has no such template, or it does not come whole.
        """
        path = template.path(self.root)
        if not path.is_file():
            below = path.relative_to(self.root).as_posix()
            objects = self.objects()
            if below not in objects:
                raise BadUpstreamData(
                    f"template {path.name}",
                    f"bucket {self.bucket.name} has no {self.prefix}{below}",
                    "Check the frame and the stimulus name of the presentation.",
                )
            self._fetch(below, *objects[below], kind=template.kind)
        return path

    def _fetch_tables(self, names: Iterable[str], objects: dict[str, tuple[str, int]]) -> None:
        record = self.root / TABLES_JSON
        try:
            known = dict(json.loads(record.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            known = {}
        for name in names:
            etag, size = objects[name]
            if known.get(name) == etag and (self.root / name).is_file():
                continue
            self._fetch(name, etag, size)
            known[name] = etag
            write_durably(record, json.dumps(known, indent=1, sort_keys=True).encode())

    def _fetch(self, below: str, etag: str, size: int, kind: str = "") -> None:
        path, own = self.root / below, self.downloads
        part = path.with_name(f"{path.name}.{etag}.part")
        label = f"{'template' if kind else 'table'} {path.name}"

        def problem(_: object) -> str | None:
            if (came := part.stat().st_size) != size:
                return f"{came} bytes came and the bucket lists {size}"
            if kind:
                try:
                    read_picture(part, kind)  # type: ignore[arg-type]
                except BadUpstreamData as error:
                    return error.found
            return None

        with own.alone(label, path.with_name(f"{path.name}.lock")):
            own.download(
                Place(label, path, part, problem, size, is_size_exact=True),
                [self.bucket.opener(self.prefix + below, etag=etag)],
            )


class BucketDownloads(CodingDownloads):
    """AllenSDK's cache folder, filled from a bucket.

    Parameters
    ----------
    root
        The folder.
    server
        The bucket and its prefix.
    """

    def __init__(self, root: Path, server: CodingBucket) -> None:
        super().__init__(root, "root", server.retries)
        self.server = server

    def served(self, file: ServedFile) -> Served:
        """Return how the bucket sends a file: exactly the content of its ETag."""
        opener = self.server.bucket.opener(f"{self.server.prefix}{file.link}", etag=file.file_id)
        return Served(opener, file.size, file.file_id)

    def beside(self, folder: Path) -> BucketDownloads:
        """Return the same bucket, filling another folder."""
        return BucketDownloads(folder, self.server)


def _session_files(objects: dict[str, tuple[str, int]]) -> list[BucketFile]:
    found = [(_SESSION.fullmatch(path), path, *stated) for path, stated in objects.items()]
    files = [BucketFile(one[1], etag, path, size) for one, path, etag, size in found if one]
    return sorted(files, key=lambda file: int(file.session_id))
