"""Fixtures that every test may use.

Add a fixture here when two test folders share it. Data that only one folder needs is made there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Folder of real public data for checks; the test is skipped with a reason where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "reference"
    folder = Path(os.environ.get("NH_REFERENCE", default))
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder}; set NH_REFERENCE to its folder")
    return folder
