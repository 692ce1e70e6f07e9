"""Download of IBL's aggregate tables from the public bucket, pinned by their md5 where it is published.

Contains the one download. Which tables there are, and how they are read, is `catalogue.aggregate_tables`.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.downloads.download_folder import DownloadFolder, Place
from nh_platform.downloads.hashes import file_hash
from nh_platform.downloads.remote_bytes import Timeouts
from nh_platform.downloads.s3_objects import S3Opener
from nh_platform.downloads.transfers import OnBytes, RetryPolicy, TransferFailed, Transferred
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.sources.ibl.catalogue.aggregate_tables import FETCHED, KNOWN_MD5
from nh_platform.sources.ibl.downloads.bucket_access import bucket_client, public_bucket
from nh_platform.sources.ibl.settings import IblSettings


def fetch_aggregates(settings: IblSettings, folder: Path, on_bytes: OnBytes | None = None) -> tuple[Path, ...]:
    """Download the aggregate tables of the release that the settings name, and return where they lie.

    A table that is there with the md5 that is published is not fetched again.

    Raises
    ------
    ConfigError
        If the bucket has none of that release; the text names those known.
    UpstreamTrouble
        If one does not come, or not with the md5 that is published.
    StoreError
        If the disk is full.
    """
    return tuple(_fetch(settings, folder, name, on_bytes) for name in FETCHED)


def _fetch(settings: IblSettings, folder: Path, name: str, on_bytes: OnBytes | None) -> Path:
    path, part = folder / name, folder / f".{name}.part"
    key = f"{settings.aggregates_tag}/{name}"
    known, bucket = KNOWN_MD5.get(key), public_bucket()
    if known and path.is_file() and file_hash(path) == known:
        return path

    def problem(came: Transferred) -> str | None:
        return f"its md5 is {came.md5} and {known} is published" if known not in (None, came.md5) else None

    downloads = DownloadFolder(folder, "aggregates", RetryPolicy(settings.attempts, settings.retry_wait_s))
    timeouts = Timeouts(settings.connect_timeout_s, settings.read_timeout_s)
    label = f"table s3://{bucket}/aggregates/{key}"
    try:
        with downloads.alone(label, folder / f".{name}.lock"):
            opener = S3Opener(bucket_client(timeouts, {}, bucket), bucket, f"aggregates/{key}")
            # Without a published hash nothing tells a table that was put together from two versions.
            downloads.download(Place(label, path, part, problem, resumes=known is not None), [opener], on_bytes)
    except BadUpstreamData as error:
        if not (isinstance(error.__cause__, TransferFailed) and error.__cause__.missing):
            raise
        tags = [one.split("/")[0] for one in KNOWN_MD5]
        near = close_matches(settings.aggregates_tag, tags)
        action = f"Set `aggregates_tag` of the IBL settings to one of {', '.join(tags)}.{near}"
        raise ConfigError(label, "the bucket has no such table", action) from error
    return path
