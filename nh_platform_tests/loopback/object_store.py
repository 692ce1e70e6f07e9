"""An S3 bucket on loopback for stores: moto's server, and the environment that leads the platform there.

Add here what tests of stores in a bucket need of the server. moto verifies no checksums and keeps no permissions; a
proxy of faults stands in front of it in `object_faults`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUCKET = "nh-store"
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class ObjectServer:
    """A running server: its address, a client of it, and the variables that lead the platform to it."""

    url: str
    client: Any

    def environment(self, cache: Path) -> Mapping[str, str]:
        """Return the variables of a machine whose cache is a folder."""
        return {
            "NH_STORE_ENDPOINT": self.url,
            "NH_STORE_CACHE": str(cache),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys of all objects that begin with a prefix."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def get(self, key: str) -> bytes:
        """Return the bytes of an object."""
        return bytes(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def put(self, key: str, content: bytes) -> None:
        """Write an object, as nobody's publication."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)


@contextmanager
def moto_server(bucket: str, *, is_public: bool = False) -> Iterator[tuple[str, Any]]:
    """Give address and signed client of moto's server with one empty bucket; a public one everybody may read."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=url, **keys)
        client.create_bucket(
            Bucket=bucket
        )  # moto's servers of one process share their buckets: an earlier one's is there
        boto3.resource("s3", endpoint_url=url, **keys).Bucket(bucket).object_versions.delete()
        client.delete_bucket(Bucket=bucket)
        client.create_bucket(Bucket=bucket, **({"ACL": "public-read"} if is_public else {}))
        if is_public:
            allowed = {
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions"],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            }
            policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
            client.put_bucket_policy(Bucket=bucket, Policy=policy)
        yield url, client
    finally:
        server.stop()


@contextmanager
def serve_objects() -> Iterator[ObjectServer]:
    """Serve an empty bucket on the loopback interface."""
    with moto_server(BUCKET) as (url, client):
        yield ObjectServer(url, client)


def on_machine(cache: Path, do: Callable[[], None]) -> multiprocessing.process.BaseProcess:
    """Begin something in another process, as on a machine with a cache of its own."""

    def run() -> None:
        os.environ["NH_STORE_CACHE"] = str(cache)
        do()

    process = FORK.Process(target=run)
    process.start()
    return process
