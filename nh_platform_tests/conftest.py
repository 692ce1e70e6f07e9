"""Fixtures that every test may use.

Add a fixture here when two test folders share it. Data that only one folder needs is made there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy one takes 250 ms for nothing
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Folder of real public data for checks; the test is skipped with a reason where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "reference"
    folder = Path(os.environ.get("NH_REFERENCE", default))
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder}; set NH_REFERENCE to its folder")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a real disk of 1 MB; the test is skipped where that needs root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs Linux and root")
    yield disk
    subprocess.run(["umount", str(disk)], check=False)
