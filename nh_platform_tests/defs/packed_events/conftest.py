"""An instance with the embedded configuration for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    """Give the embedded instance of an empty home."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    return open_instance(load_settings(tmp_path))
