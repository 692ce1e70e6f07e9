"""A simulated Visual Coding cache in a public bucket of moto's server, laid out as Allen's registry bucket is.

Add here what tests on that bucket need of it. Faults stand in front of it (`nh_platform_tests.loopback.object_faults`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nh_platform.sources.allen.coding.settings import BUCKET, PREFIX
from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import moto_server

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
    with moto_server(BUCKET, is_public=True) as (url, client), ObjectFaults(url) as faults:
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL", faults.url)
        objects = CodingObjects(client, faults)
        for path in sorted(root.rglob("*")):
            if path.suffix in SUFFIXES:
                objects.put(path.relative_to(root).as_posix(), path.read_bytes())
        yield objects
