"""A simulated Visual Coding cache in a public bucket of moto's server, laid out as Allen's registry bucket is.

Add here what tests on that bucket need of it. Faults stand in front of it (`nh_platform_tests.loopback.object_faults`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nh_platform.sources.allen.coding.settings import BUCKET, PREFIX
from nh_platform_tests.loopback.object_faults import ObjectFaults

SUFFIXES = (".csv", ".nwb", ".tiff", ".h5")


@dataclass(frozen=True)
class CodingObjects:
    """The bucket: a client with an account, to fill it, and the proxy of faults that everybody else asks."""

    client: Any
    faults: ObjectFaults

    def put(self, below: str, content: bytes) -> None:
        """Write an object below the prefix."""
        self.client.put_object(Bucket=BUCKET, Key=PREFIX + below, Body=content, ACL="public-read")

    def remove(self, below: str) -> None:
        """Remove an object below the prefix."""
        self.client.delete_object(Bucket=BUCKET, Key=PREFIX + below)

    def asked(self, part: str) -> int:
        """Return how many requests for objects so far contain ``part``."""
        return sum(part in path for method, path in self.faults.requests if method == "GET")


@contextmanager
def serve_coding_bucket(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CodingObjects]:
    """Serve a simulated cache; the environment leads every client there."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=url, **keys)
        client.create_bucket(Bucket=BUCKET, ACL="public-read")
        allowed = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        }
        client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
        with ObjectFaults(url) as faults:
            monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
            monkeypatch.setenv("AWS_ENDPOINT_URL", faults.url)
            objects = CodingObjects(client, faults)
            for path in sorted(root.rglob("*")):
                if path.suffix in SUFFIXES:
                    objects.put(path.relative_to(root).as_posix(), path.read_bytes())
            yield objects
    finally:
        server.stop()
