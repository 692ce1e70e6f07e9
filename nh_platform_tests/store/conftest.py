"""Fixtures of stores: one on the disk, one in a bucket, for what holds of both."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nh_platform_tests.loopback.object_faults import ObjectFaults
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer


@pytest.fixture
def address(object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of an empty store in a bucket, to which this process is led."""
    for name, value in object_server.environment(tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}/store"


@pytest.fixture
def faults(object_server: ObjectServer, address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectFaults]:
    """Give a proxy that spoils requests, through which this process reaches the bucket."""
    with ObjectFaults(object_server.url) as proxy:
        monkeypatch.setenv("NH_STORE_ENDPOINT", proxy.url)
        yield proxy


@pytest.fixture(params=["disk", "bucket"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty store on the disk, and one in a bucket."""
    return str(tmp_path / "store") if request.param == "disk" else str(request.getfixturevalue("address"))
