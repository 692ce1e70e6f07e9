"""One home for the tests of exports: a session of each source, with what exports read.

Add a fixture here when tests of two layouts share it.
"""

from __future__ import annotations

import dagster as dg
import pytest

from nh_platform import open_store
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform_tests.homes import make_home, materialize

SOURCES = ("ibl", "allen_vc", "allen_vbn")


@pytest.fixture(scope="session")
def three_sources(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Home with one tiny session of each source: spikes, events, signals, units. Read only."""
    platform = make_home(tmp_path_factory.mktemp("exports"), SOURCES)
    with dg.DagsterInstance.ephemeral() as instance:
        for source in SOURCES:
            materialize(platform, instance, source, assets=("raw_spikes", "events", "signals", "units"))
    return platform


@pytest.fixture
def only_session(three_sources: Platform) -> dict[str, SessionView]:
    """Return the one session of each source, by source."""
    store = open_store(three_sources.settings.home)
    return {source: store.session(source, store.store.sessions(source)[0]) for source in SOURCES}
