"""An S3 client for IBL's buckets, with timeouts.

Bucket, region and unsigned access come from ``one.remote.aws``; ONE's own client has boto3's timeouts and retries, so
that a file would be tried 5 times inside each of our attempts. Add a bucket's peculiarities here. Nothing here is
downloaded.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from nh_platform.sources.ibl.settings import IblSettings

MAX_CONNECTIONS = 32
"""Most connections to a bucket at a time; the bound on `parallel_downloads`."""


def public_bucket() -> str:
    """Return the name of IBL's public bucket."""
    from one.remote import aws

    return str(aws.S3_BUCKET_IBL)


def s3_client(settings: IblSettings, keys: dict[str, Any], bucket: str) -> Any:
    """Return a boto3 S3 client, which threads may share.

    Parameters
    ----------
    settings
        Timeouts.
    keys
        Arguments of ``boto3.Session``, as ``one.remote.aws.get_aws_access_keys`` gives them.
    bucket
        Name of the bucket. As ONE has it, a public bucket without keys is read unsigned, and any other with the
        credentials of the environment.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    stated = tuple(sorted(keys.items()))
    return _client(os.getpid(), endpoint, settings.connect_timeout_s, settings.read_timeout_s, stated, bucket)


@lru_cache(maxsize=8)
def _client(
    process: int,
    endpoint: str | None,
    connect_timeout_s: float,
    read_timeout_s: float,
    keys: tuple[tuple[str, Any], ...],
    bucket: str,
) -> Any:
    """Make a client, once per process and set-up: it takes 0.3 s, and connections must not survive a fork."""
    import boto3
    from botocore.config import Config
    from one.remote import aws

    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": 1},  # attempts are counted in one place, `transfers`
        max_pool_connections=MAX_CONNECTIONS,
    )
    has_keys = any(value for name, value in keys if "key" in name.casefold())
    if not has_keys and "public" in bucket.casefold():
        unsigned = aws.get_s3_public()[0].meta.client.meta.config
        return boto3.Session(region_name=aws.REGION_NAME).client("s3", config=unsigned.merge(config))
    return boto3.Session(**dict(keys)).client("s3", config=config)
