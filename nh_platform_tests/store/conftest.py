"""Fixtures of stores: one on the disk, one in a bucket, for what holds of both."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer


@pytest.fixture
def address(led_to_bucket: ObjectServer) -> str:
    """Address of an empty store in a bucket, to which this process is led."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}/store"


@pytest.fixture(params=["disk", "bucket"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty store on the disk, and one in a bucket."""
    return str(tmp_path / "store") if request.param == "disk" else str(request.getfixturevalue("address"))
