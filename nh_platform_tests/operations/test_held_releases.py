"""A release that is held: its sessions wait, it is shown and tried without publishing, and goes on when accepted."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.automation import evaluate_release
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import ConfigError
from nh_platform.simulation import TINY, add_revision, add_session
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import SEED, make_home, materialize

SOURCE = "ibl"


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> OpenHome:
    """Give a home whose one session is loaded, and then a release, held, that changes it and brings another."""
    folder = tmp_path_factory.mktemp("home")
    make_home(folder, (SOURCE,), n_sessions=1)
    with (folder / "sources.yaml").open("a") as settings:
        settings.write("  on_release: hold\n")
    platform = Platform(load_settings(folder))
    materialize(platform, instance, SOURCE, assets=["raw_spikes", "units"])
    upstream = folder / "upstream" / SOURCE
    add_revision(upstream, 0, SEED, size=TINY, probe="probe00", revision="2026-09-01")
    add_session(upstream, 1, SEED, size=TINY)
    opened = OpenHome(Platform(load_settings(folder)), instance)
    operations.sync(opened, SOURCE)
    return opened


def requested(home: OpenHome) -> tuple[list[str], str]:
    first = evaluate_release(home.instance, source_entry(SOURCE), home.platform, None)  # asks for the catalogs, if any
    result = evaluate_release(home.instance, source_entry(SOURCE), home.platform, getattr(first, "cursor", None))
    assert isinstance(result, dg.SensorResult)
    return [str(one.partition_key) for one in result.run_requests or []], str(result.skip_reason)


def test_its_sessions_wait_and_it_is_shown_where_people_look(home: OpenHome, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, said = requested(home)
    assert asked == []
    assert "snapshot 2 (" in said
    assert "is held, " in said
    assert f"`nh releases accept {SOURCE}` goes on" in said
    assert f"nh releases diff 1 2 --source {SOURCE}" in said
    found = operations.status(home).sources[SOURCE]
    assert "snapshot 2" in getattr(found, "held", "")
    assert operations.backfill(home, SOURCE, dry_run=True).stale == {}
    monkeypatch.setenv("DAGSTER_HOME", "")
    shown = CliRunner().invoke(app, ["--home", str(home.platform.settings.home), "status"])
    assert "is held" in shown.output
    synced = CliRunner().invoke(app, ["--home", str(home.platform.settings.home), "sync", SOURCE])
    assert "snapshot 2" in synced.output
    assert "is held" in synced.output


def test_a_trial_says_which_units_come_in_and_go_out_and_publishes_nothing(home: OpenHome) -> None:
    store = home.platform.store
    before = {one: store.data_version(SOURCE, one, "units") for one in store.sessions(SOURCE)}
    trials = operations.try_release(home, SOURCE, 2)
    assert {one: store.data_version(SOURCE, one, "units") for one in store.sessions(SOURCE)} == before
    assert list((home.platform.settings.home / "trials").iterdir()) == []
    assert {one.error for one in trials} == {""}
    for one in trials:
        assert one.n_good_after == one.n_good_before + len(one.came_in) - len(one.went_out)
    assert sum(len(one.came_in) for one in trials) > 0


def test_accepted_it_goes_on_and_nothing_more_is_held(home: OpenHome) -> None:
    waiting = operations.accept_release(home, SOURCE)
    assert waiting.snapshot == 2
    asked, _ = requested(home)
    assert len(asked) == waiting.n_sessions > 0
    with pytest.raises(ConfigError, match="no release of it is held"):
        operations.accept_release(home, SOURCE)
    with pytest.raises(ConfigError, match="no release of it is held"):
        operations.try_release(home, SOURCE)
