"""A home filled before `behavior` was divided goes on: it is named, made anew, and removed by one command."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.history.earlier_groups import with_current_groups
from nh_platform.history.snapshots import read_manifest
from nh_platform.home.platform import Platform
from nh_platform.store import Provenance
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.replaced_assets import remove_replaced, replaced_assets
from nh_platform_tests.homes import make_home
from nh_platform_tests.store.resealing import reseal


def nh(home: Path, *args: str) -> str:
    result = CliRunner().invoke(app, ["--home", str(home), *args])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture
def old_home(tmp_path: Path) -> Platform:
    """Make a home whose snapshot has the group `behavior`, and one session with the asset of that name."""
    platform = make_home(tmp_path / "home", ("ibl",))
    nh(tmp_path / "home", "sync", "ibl")
    store = platform.store
    (path,) = store.root.rglob("files.parquet")
    files = read_table(path)
    files["group"] = files["group"].replace({"events": "behavior", "signals": "behavior"})
    files.to_parquet(path)
    reseal(path.parent)
    session = read_manifest(store, "ibl").session_ids[0]
    record = Provenance.make(
        asset="behavior", source="ibl", session_id=session, code_version="1", inputs={}, parameters={}
    )
    with store.publish(record) as folder:
        (folder / "trials.parquet").write_bytes(b"as it was")
    return platform


def test_it_is_named_made_anew_and_removed(old_home: Platform) -> None:
    home, store = old_home.settings.home, old_home.store
    (session,) = store.sessions("ibl")
    assert "1 session still holds `behavior`, which events and signals replace" in nh(home, "status")
    kept = nh(home, "clean", "ibl")
    assert "behavior is kept: events, signals is not stored in its place" in kept
    assert replaced_assets(store, "ibl", session) == ["behavior"]
    nh(home, "materialize", "ibl", "--missing")
    assert {"events", "signals"} <= set(store.assets("ibl", session))
    assert "would be removed" in nh(home, "clean", "ibl", "--dry-run")
    assert replaced_assets(store, "ibl", session) == ["behavior"]
    assert f"ibl {session}: behavior removed" in nh(home, "clean", "ibl")
    assert not store.asset_folder("ibl", session, "behavior").exists()
    assert "still hold" not in nh(home, "status")
    # The snapshot was read with today's groups, so that a look at the same catalogue makes nothing stale.
    assert "nothing to do" in nh(home, "sync", "ibl") + nh(home, "materialize", "ibl", "--missing")


def test_two_that_remove_it_at_once_both_end_well(old_home: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    home, store = old_home.settings.home, old_home.store
    nh(home, "materialize", "ibl", "--missing")
    (session,) = store.sessions("ibl")
    as_it_is = os.rename

    def after_the_other(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "rename", as_it_is)
        assert "behavior removed" in nh(home, "clean", "ibl")
        as_it_is(source, target)

    monkeypatch.setattr(os, "rename", after_the_other)
    nh(home, "clean", "ibl")
    assert not store.asset_folder("ibl", session, "behavior").exists()


@pytest.mark.parametrize(
    ("group", "name", "now"),
    [
        ("behavior", "_ibl_wheel.position.npy", "signals"),
        ("behavior", "leftCamera.ROIMotionEnergy.npy", "signals"),
        ("behavior", "_ibl_trials.table.pqt", "events"),
        ("behavior", "_ibl_passivePeriods.intervalsTable.csv", "events"),
        ("behavior,alignment", "ecephys_sessions.csv", "events,alignment"),
        ("spikes,behavior,alignment,qc", "session_1.nwb", "spikes,events,signals,alignment,qc"),
        ("behavior", "flashes.of.a.lab", "events,signals"),
        ("spikes", "spikes.times.npy", "spikes"),
    ],
)
def test_groups_of_earlier_snapshots_are_todays(group: str, name: str, now: str) -> None:
    files = pd.DataFrame({"group": [group], "name": [name]})
    assert with_current_groups(files)["group"].tolist() == [now]


def test_what_a_killed_clean_left_is_taken_away_by_the_next_one(old_home: Platform) -> None:
    home, store = old_home.settings.home, old_home.store
    nh(home, "materialize", "ibl", "--missing")
    (session,) = store.sessions("ibl")
    held = store.asset_folder("ibl", session, "behavior").parent
    before = {child.name for child in held.iterdir()} - {"behavior"}

    def killed() -> None:
        shutil.rmtree = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
        remove_replaced(store, "ibl", session, "behavior")

    process = multiprocessing.get_context("fork").Process(target=killed)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    (left,) = {child.name for child in held.iterdir()} - before
    former = held / f".behavior-{left}"  # as versions up to 0.1 named it
    shutil.copytree(held / left, former)
    nh(home, "clean", "ibl", "--dry-run")
    assert (held / left).is_dir()
    nh(home, "clean", "ibl")
    assert {child.name for child in held.iterdir()} == before
    assert {"events", "signals"} <= set(store.assets("ibl", session))
