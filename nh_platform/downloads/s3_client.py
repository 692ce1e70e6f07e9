"""The S3 client of downloads: with their timeouts, and the server that the environment names.

Contains what downloads add to `nh_platform.store.objects.client`. Which bucket is read, and with whose keys, is each
source's matter.
"""

from __future__ import annotations

import os
from typing import Any

from nh_platform.downloads.remote_bytes import Timeouts
from nh_platform.store.objects.client import CONNECTIONS, made_client

MAX_CONNECTIONS = CONNECTIONS
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
        Address of the S3 server where it is not Amazon's; as of `stated_endpoint` where None.
    **session
        Arguments of ``boto3.Session``: region, keys.
    """
    endpoint = endpoint or stated_endpoint()
    return made_client(
        timeouts.connect_s, timeouts.read_s, unsigned=unsigned, tries=tries, endpoint=endpoint, **session
    )


def stated_endpoint() -> str | None:
    """Return the address of the S3 server that the environment names in the place of Amazon's."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
