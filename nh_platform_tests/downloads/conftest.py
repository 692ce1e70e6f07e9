"""A server of bytes, and what it serves, for tests of downloads onto the disk and into a bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from nh_platform_tests.downloads.bytes_server import BytesServer

CONTENT = np.random.default_rng(0).bytes(1_500_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[BytesServer]:
    with BytesServer() as running:
        assert isinstance(running, BytesServer)
        running.files = {"/a": CONTENT, "/b": b"other"}
        yield running
