"""`nh backfill` queues what is stale; `nh status` counts sessions by what became of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nh_platform.cli.app import app
from nh_platform.cli.instance import open_instance
from nh_platform.defs.settings import load_settings
from nh_platform.simulation import remove_session
from nh_platform_tests.homes import make_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    make_home(tmp_path, ("ibl",), n_sessions=2)
    return tmp_path


def nh(home: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--home", str(home), *arguments])
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return result


def ibl_status(home: Path) -> dict[str, object]:
    rows = json.loads(nh(home, "status", "--format", "json").output)
    return next(row for row in rows if row["source"] == "ibl")


def test_a_dry_run_queues_nothing(home: Path) -> None:
    nh(home, "sync", "ibl")
    assert "2 of 2 sessions would be queued" in nh(home, "backfill", "ibl", "--dry-run").output
    with open_instance(load_settings(home)) as instance:
        assert list(instance.get_backfills()) == []


def test_what_is_stale_is_queued_once_per_session(home: Path) -> None:
    nh(home, "sync", "ibl")
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    nh(home, "materialize", "ibl", first)
    assert "1 sessions queued as backfill" in nh(home, "backfill", "ibl").output
    with open_instance(load_settings(home)) as instance:
        (queued,) = instance.get_backfills()
        assert queued.asset_backfill_data is not None
        (keys,) = {
            tuple(subset.get_partition_keys())
            for subset in queued.asset_backfill_data.target_subset.partitions_subsets_by_asset_key.values()
        }
    assert len(keys) == 1
    assert keys[0] != first


def test_status_counts_sessions_by_what_became_of_them(home: Path) -> None:
    assert "never synced" in str(ibl_status(home)["release"])
    nh(home, "sync", "ibl")
    first, second = nh(home, "sessions", "--source", "ibl", "--ids").output.split()
    nh(home, "materialize", "ibl", first)
    row = ibl_status(home)
    assert (row["sessions"], row["ingested"], row["stale"], row["not loaded"]) == (2, 1, 0, 1)
    remove_session(home / "upstream" / "ibl", second)
    nh(home, "sync", "ibl")
    row = ibl_status(home)
    assert (row["sessions"], row["ingested"], row["withdrawn"]) == (1, 1, 1)


def test_a_failed_session_is_counted(home: Path) -> None:
    nh(home, "sync", "ibl")
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    for path in (home / "upstream" / "ibl").rglob("spikes.times.npy"):
        path.write_bytes(b"broken")
    nh(home, "materialize", "ibl", first, code=1)
    assert ibl_status(home)["failed"] == 1


def test_an_unknown_session_is_named(home: Path) -> None:
    nh(home, "sync", "ibl")
    assert "nope" in nh(home, "backfill", "ibl", "nope", code=1).stderr
