"""The S3 client of the platform: with timeouts, made once per process and set-up.

Add here what any bucket needs. Which bucket is read, and with whose keys, is each source's matter.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from nh_platform.downloads.remote_bytes import Timeouts

MAX_CONNECTIONS = 32
"""Most connections to a bucket at a time; the bound on `parallel_downloads`."""


def s3_client(
    timeouts: Timeouts, *, unsigned: bool, tries: int = 1, endpoint: str | None = None, **session: Any
) -> Any:
    """Return a boto3 S3 client, which threads may share.

    Parameters
    ----------
    timeouts
        Longest waits; boto3's own make 5 minutes of a silent server.
    unsigned
        Whether a public bucket is read, without keys.
    tries
        Tries of a request. One for downloads, whose tries are counted in `transfers`.
    endpoint
        Address of the S3 server where it is not Amazon's; that of ``AWS_ENDPOINT_URL_S3`` where None.
    **session
        Arguments of ``boto3.Session``: region, keys.
    """
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3")
    return _client(os.getpid(), timeouts, unsigned, tries, endpoint, tuple(sorted(session.items())))


@lru_cache(maxsize=8)
def _client(
    process: int,
    timeouts: Timeouts,
    unsigned: bool,
    tries: int,
    endpoint: str | None,
    session: tuple[tuple[str, Any], ...],
) -> Any:
    """Make a client: it takes 0.3 s, and connections must not survive a fork."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        signature_version=UNSIGNED if unsigned else None,
        connect_timeout=timeouts.connect_s,
        read_timeout=timeouts.read_s,
        retries={"total_max_attempts": tries, "mode": "standard"},
        max_pool_connections=MAX_CONNECTIONS,
    )
    return boto3.Session(**dict(session)).client("s3", config=config, endpoint_url=endpoint)
