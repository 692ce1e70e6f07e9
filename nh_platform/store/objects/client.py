"""The S3 client of a store: where its server is, and how long is waited for it.

Keys come from where boto3 looks for them. Tries are counted in `bucket`.
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
    """Return a boto3 S3 client, which threads of this process may share."""
    stated = (os.environ.get(name) for name in _ENDPOINT_VARIABLES)
    return _client(os.getpid(), next(filter(None, stated), None))


@lru_cache(maxsize=4)
def _client(process: int, endpoint: str | None) -> Any:
    """Make a client: it takes 0.3 s, and connections must not survive a fork. Tries are counted in `Bucket`."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
    )
    return boto3.Session().client("s3", config=config, endpoint_url=endpoint)
