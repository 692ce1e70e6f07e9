"""A home with two simulated sessions, and reviews of each test's own."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform_tests.homes import make_home, materialize


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Home with the units of one session of two."""
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",), 2)
    with dg.DagsterInstance.ephemeral() as instance:
        operations.sync(platform.settings.home, "ibl")
        first = platform.manifest("ibl").session_ids[0]
        materialize(platform, instance, "ibl", [first], assets=("raw_spikes", "units"))
    return platform


@pytest.fixture
def stored_home(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_HOME", "")
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path / "reviews"))
    monkeypatch.setattr(Platform, "today", "2026-05-01")
    return platform.settings.home


@pytest.fixture
def session(platform: Platform) -> str:
    return platform.manifest("ibl").session_ids[0]
