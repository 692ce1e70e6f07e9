"""A home of one simulated session, for what shows its units."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.history.publishing import store_manifest
from nh_platform.planning.making import make_session_asset
from nh_platform_tests.homes import make_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small session of `ibl`, made from raw spikes to embeddings."""
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",))
    store_manifest(platform.store, platform.source("ibl").manifest(), "1")
    (session_id,) = platform.manifest("ibl").session_ids
    for asset in ("raw_spikes", "events", "units", "windows", "unit_embeddings"):
        make_session_asset(platform, "ibl", session_id, asset)
    return platform.settings.home
