"""A home with one small session of each source, and its recordings, made once.

Add a fixture here when two modules of this folder share it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import OpenedStore, open_store
from nh_platform.simulation import TINY
from nh_platform_tests.homes import make_home, materialize

SIZE = replace(TINY, name="tiny with cameras", ibl_task_s=450.0, ibl_trials=90, camera_fraction=1.0)
"""BrainWideBench's splits need minutes, and its signals every frame of the cameras."""

SOURCES = ("ibl", "allen_vc", "allen_vbn")


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Give a home with the assets that recordings are made of, and windows of POYO."""
    folder = tmp_path_factory.mktemp("recordings") / "home"
    make_home(folder, SOURCES, size=SIZE)
    text = (folder / "sources.yaml").read_text(encoding="utf-8")
    lines = [f"{line}\n  presets: [poyo-1s, continuous-1s]" if "read:" in line else line for line in text.splitlines()]
    (folder / "sources.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    platform = Platform(load_settings(folder))
    with dg.DagsterInstance.ephemeral() as instance:
        for source in SOURCES:
            (outcome,) = materialize(
                platform, instance, source, assets=("raw_spikes", "events", "signals", "units", "windows")
            )
            assert outcome.success, outcome.errors
    return platform


@pytest.fixture(scope="package")
def store(home: Platform) -> OpenedStore:
    return open_store(home.settings.home)


@pytest.fixture(scope="package")
def recordings(home: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export every session of every source into one folder."""
    out = tmp_path_factory.mktemp("recordings") / "out"
    for source in SOURCES:
        done = operations.export_sessions(home.settings.home, "torch-brain", source, out)
        assert done.written, done.failed
        assert done.failed == {}
    return out
