"""A home with one simulated session of each source, what is asked for only included, and its upstream files.

Add a fixture here when the tests of the views share it.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import OpenedStore, open_store
from nh_platform_tests.homes import make_home, materialize

ASSETS = {
    "ibl": ("raw_spikes", "events", "signals", "units", "pose", "mean_waveforms"),
    "allen_vc": ("raw_spikes", "events", "signals", "units", "mean_waveforms"),
    "allen_vbn": ("raw_spikes", "events", "signals", "units", "mean_waveforms"),
}


@pytest.fixture(scope="package")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the home; its upstream files are in ``upstream/<source>``."""
    folder = tmp_path_factory.mktemp("views")
    make_home(folder, tuple(ASSETS))
    settings = folder / "sources.yaml"
    lines = settings.read_text(encoding="utf-8")
    for source, assets in ASSETS.items():
        asked = ", ".join(name for name in assets if name in ("pose", "mean_waveforms"))
        lines = lines.replace(f"upstream/{source}}}", f"upstream/{source}}}\n  also_assets: [{asked}]")
    settings.write_text(lines, encoding="utf-8")
    platform = Platform(load_settings(folder))
    with dg.DagsterInstance.ephemeral() as instance:
        for source, assets in ASSETS.items():
            (outcome,) = materialize(platform, instance, source, assets=assets)
            assert outcome.success, outcome.errors
    return folder


@pytest.fixture(scope="package")
def store(simulated: Path) -> OpenedStore:
    """Open the store of that home."""
    return open_store(simulated)


def only_session(store: OpenedStore, source: str) -> str:
    """Return the id of the one session of a source."""
    (session_id,) = store.sessions(source)["session_id"]
    return str(session_id)
