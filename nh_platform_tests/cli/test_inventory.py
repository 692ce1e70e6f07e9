"""`nh inventory` and the catalogs that it makes, on simulated sessions of two sources."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import nh_platform
from nh_platform.cli.app import app
from nh_platform.defs.inventory import old_source_assets
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.session import ConfigError
from nh_platform.session.tables.across_sessions.catalogs import SESSION_CATALOG, UNIT_CATALOG
from nh_platform.store.names import SOURCE_WIDE
from nh_platform_tests.homes import make_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home of two sessions, of which one is ingested."""
    folder = tmp_path_factory.mktemp("inventory")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        patch.setenv("NH_HOME", str(folder))
        make_home(folder, ("ibl",), n_sessions=2)
        nh(folder, "sync", "ibl")
        first, _ = Platform(load_settings(folder)).manifest("ibl").session_ids
        nh(folder, "materialize", "ibl", first)
        nh(folder, "inventory", "ibl")
    return folder


def nh(home: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["--home", str(home), *arguments])
    assert result.exit_code == 0, (result.output, result.stderr)
    return result.output


def catalog(home: Path, name: str) -> pd.DataFrame:
    folder = Platform(load_settings(home)).store.folder("ibl", SOURCE_WIDE, name)
    return pd.read_parquet(folder / f"{name}.parquet")


def test_the_session_catalog_lists_every_session_and_what_is_known_of_it(home: Path) -> None:
    platform = Platform(load_settings(home))
    table = catalog(home, "session_catalog")
    SESSION_CATALOG.conform(table)
    assert list(table["session_id"]) == sorted(platform.manifest("ibl").session_ids)
    first = platform.store.sessions("ibl")[0]
    row = table.set_index("session_id").loc[first]
    units = nh_platform.open_store(home).session("ibl", first).units
    assert (row["units"], row["good_units"], row["assets"]) == (len(units), units["good"].sum(), 7)
    assert table.set_index("session_id").drop(first)["good_units"].isna().all()


def test_the_unit_catalog_is_the_units_of_every_ingested_session(home: Path) -> None:
    store = nh_platform.open_store(home)
    table = catalog(home, "unit_catalog")
    UNIT_CATALOG.conform(table)
    (session_id,) = table["session_id"].unique()
    one = store.session("ibl", session_id).units.drop(columns=["region", "label", "good"])
    pd.testing.assert_frame_equal(table.drop(columns="session_id"), one)
    pd.testing.assert_frame_equal(store.units("ibl"), table)
    few = store.units("ibl", ["beryl", "pass.ibl-2022-10"])
    assert list(few.columns) == ["session_id", "beryl", "pass.ibl-2022-10"]
    pd.testing.assert_frame_equal(few, table[few.columns])


def test_a_column_that_no_session_has_is_refused_with_those_there_are(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"pass\.mine.*no session's units have it.*pass\.ibl-2022-10"):
        nh_platform.open_store(home).units("ibl", ["pass.mine"])


def test_a_new_session_makes_the_catalogs_old(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_HOME", str(home))
    platform = Platform(load_settings(home))
    assert old_source_assets(platform, "ibl") == ["reconciliation"]
    nh(home, "materialize", "ibl", "--missing")
    assert old_source_assets(platform, "ibl") == ["qc_site", "reconciliation", "session_catalog", "unit_catalog"]
    said = nh(home, "inventory", "ibl")
    assert old_source_assets(platform, "ibl") == ["reconciliation"]
    for check in ("counts_reconcile", "no_partitions_left_failed"):
        assert check in said
    assert catalog(home, "unit_catalog")["session_id"].nunique() == 2


def test_a_source_that_was_never_synced_is_named(home: Path) -> None:
    result = CliRunner().invoke(app, ["--home", str(home), "inventory", "allen_vc"])
    assert result.exit_code == 1
    assert "allen_vc" in result.stderr
    assert " sync allen_vc" in result.stderr
