"""S3 clients of this process: how one is made, and that of the store.

Keys come from where boto3 looks for them, unless they are given. Tries of the store's are counted in `bucket`. Add here
what the client of any bucket needs; which bucket a source reads, and with whose keys, is that source's matter.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

_ENDPOINT_VARIABLES = ("NH_STORE_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Where the server is, if not Amazon's. The first is the store's alone; the others lead downloads there too."""
_CONNECT_S, _READ_S = 10.0, 30.0
CONNECTIONS = 32
"""Requests to a bucket at the same time."""


def object_client() -> Any:
    """Return the boto3 S3 client of the store, which threads of this process may share."""
    stated = (os.environ.get(name) for name in _ENDPOINT_VARIABLES)
    return made_client(_CONNECT_S, _READ_S, endpoint=next(filter(None, stated), None))


def made_client(
    connect_s: float,
    read_s: float,
    *,
    unsigned: bool = False,
    tries: int = 1,
    endpoint: str | None = None,
    **session: Any,
) -> Any:
    """Return a boto3 S3 client, made once per process and set-up, which threads may share.

    Parameters
    ----------
    connect_s, read_s
        Longest waits [s]; boto3's own make 5 minutes of a silent server.
    unsigned
        Whether a public bucket is read, without keys.
    tries
        Tries of a request.
    endpoint
        Address of the S3 server where it is not Amazon's.
    **session
        Arguments of ``boto3.Session``: region, keys.
    """
    return _client(os.getpid(), connect_s, read_s, unsigned, tries, endpoint, tuple(sorted(session.items())))


@lru_cache(maxsize=8)
def _client(
    process: int,
    connect_s: float,
    read_s: float,
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
        connect_timeout=connect_s,
        read_timeout=read_s,
        retries={"total_max_attempts": tries, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
    )
    return boto3.Session(**dict(session)).client("s3", config=config, endpoint_url=endpoint)
