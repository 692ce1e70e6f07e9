"""The reconciliation asset and its check, on simulated sources: no counts, a part of a release, and a contradiction."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from nh_platform.assets.across_sessions.reconciliation import ASSET, TABLE_FILE, published_part
from nh_platform.defs.across_sessions.source_assets import build_source_asset
from nh_platform.defs.making_checks import NOT_COMPARED
from nh_platform.history.manifest import Manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.qc.published import published_counts as published
from nh_platform.qc.published import published_members
from nh_platform.qc.published.published_counts import PublishedRelease, published_releases
from nh_platform.session.tables.across_sessions.catalogs import RECONCILIATION
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.sources.registry import source_entry, sources
from nh_platform.store.codecs.json_files import SUMMARY_FILE
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.names import SOURCE_WIDE
from nh_platform_tests.homes import make_home, materialize


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Path:
    """Two IBL sessions, of which one is ingested."""
    folder = tmp_path_factory.mktemp("home")
    made = make_home(folder, ("ibl",), n_sessions=2)
    materialize(made, instance, "ibl", made.source("ibl").manifest().session_ids[:1], assets=["raw_spikes", "units"])
    return folder


def reconciled(home: Path, instance: dg.DagsterInstance) -> tuple[dg.AssetCheckEvaluation, dict, pd.DataFrame]:
    """Run the asset and return the check, the summary and the table."""
    platform = Platform(load_settings(home))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = dg.materialize([build_source_asset(source_entry("ibl"), platform, ASSET)], instance=instance)
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert check.check_name == "counts_reconcile"
    folder = platform.store.folder("ibl", SOURCE_WIDE, ASSET.name)
    table = read_table(folder / TABLE_FILE)
    RECONCILIATION.validate(table)
    return check, json.loads((folder / SUMMARY_FILE).read_text()), table


def a_release(**counts: int) -> dict[str, PublishedRelease]:
    stated = {name: {"value": value, "cited": "ibllib"} for name, value in counts.items()}
    content = {"title": "Simulated", "names": ["follow_default"], "good_units_by": "ibl-2022-10"}
    return {"simulated": PublishedRelease.model_validate({**content, "counts": stated})}


def test_a_simulated_source_has_no_published_counts_and_says_so(home: Path, instance: dg.DagsterInstance) -> None:
    check, summary, table = reconciled(home, instance)
    assert not check.passed, "green would say that the counts are as published"
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert check.metadata[NOT_COMPARED].value is True
    assert check.description == (
        "Not compared: no published counts are known for ibl follow_default; 1 of 2 sessions are ingested."
    )
    assert check.metadata["compared"].value == "no"
    ours = table.set_index("count")["ours"]
    assert (ours["sessions"], ours["insertions"], ours["units"]) == (2, 4, 24)
    assert 0 < ours["good_units"] < 24
    assert (summary["coverage"], summary["published"], summary["compared"]) == (0.5, None, "no")


def test_a_folder_that_holds_sessions_of_a_release_is_held_against_it_at_least(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Platform(load_settings(home)).manifest("ibl")
    pairs = sorted(zip(manifest.insertions["session_id"], manifest.insertions["probe"]))
    chosen = [pairs[0], ("elsewhere", "probe00")]
    stated = {"ibl-bwm-2024-05": (True, frozenset(published_members.member(*pair) for pair in chosen))}
    monkeypatch.setattr(published_members, "published_members", lambda source: stated)
    check, summary, table = reconciled(home, instance)
    assert check.passed
    assert (
        "map, second spike sorting (may 2024), at least: 1 of its 2 insertions are listed; listed and not counted: 3"
        in str(check.description).lower()
    )
    assert str(check.metadata["compared"].value).startswith("at least")
    assert summary["published"] == "Brain-wide Map, second spike sorting (May 2024)"
    ours = table.set_index("count")["ours"]
    assert (ours["sessions"], ours["insertions"]) == (1, 1)
    assert ours["units"] in (0, 12)  # those of one probe, if it is of the session that is ingested


def test_what_upstream_serves_is_compared_and_a_folder_of_the_same_name_is_not() -> None:
    for source, release, selection, match in (
        ("allen_vc", "warehouse", "warehouse", "named"),
        ("allen_vc", "local", "local", "none"),
        ("allen_vbn", "0.5.0", "s3, manifest latest", "named"),
        ("allen_vbn", "0.5.0", "local, manifest latest", "none"),
        ("ibl", "Brainwidemap, follow_default", "public, tag Brainwidemap", "named"),
        # Nothing of the Brain-wide Map is in these tables, so there is nothing to hold against it.
        ("ibl", "follow_default", "remote, server alyx.example.org, account 01234567", "none"),
    ):
        tables = [schema.empty() for schema in (SESSIONS, INSERTIONS, FILES)]
        found, _, _ = published_part(Manifest(source, release, *tables, selection=selection), None)
        assert found.match == match, (source, release, selection)


def test_a_part_of_a_configured_release_passes_with_its_coverage(home: Path, instance: dg.DagsterInstance) -> None:
    settings = home / "sources.yaml"
    before = settings.read_text()
    settings.write_text(before + "  published: ibl-bwm-2024-05\n")
    check, summary, table = reconciled(home, instance)
    settings.write_text(before)
    assert check.passed
    assert check.metadata["coverage"].value == pytest.approx(1 / 459, rel=1e-3)
    assert not summary["complete"]
    assert table.set_index("count").loc["units", "published"] == 621_733
    assert set(table["state"]) == {"incomplete", "not published"}


def test_a_complete_release_that_does_not_reconcile_fails(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "published_releases", lambda source: a_release(sessions=1, insertions=4, units=25))
    check, summary, table = reconciled(home, instance)
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert summary["complete"]
    assert "sessions 2 instead of 1; units 24 instead of 25" in str(check.description)
    assert table.set_index("count").loc["insertions", "state"] == "equal"


def test_units_that_another_rulebook_judged_are_not_counted(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = a_release(sessions=2, good_units=3)["simulated"].model_copy(update={"good_units_by": "allen-vc-default"})
    monkeypatch.setattr(published, "published_releases", lambda source: {"simulated": release})
    check, _, table = reconciled(home, instance)
    assert check.passed  # one of two sessions: nothing is contradicted yet
    assert table.set_index("count").loc["good_units", "state"] == "not counted"


def test_the_same_state_is_the_same_version_and_another_session_is_another(
    home: Path, instance: dg.DagsterInstance
) -> None:
    platform = Platform(load_settings(home))
    reconciled(home, instance)
    first = platform.store.provenance("ibl", SOURCE_WIDE, ASSET.name)
    reconciled(home, instance)
    again = platform.store.provenance("ibl", SOURCE_WIDE, ASSET.name)
    materialize(platform, instance, "ibl", assets=["raw_spikes", "units"])
    check, summary, _ = reconciled(home, instance)
    other = platform.store.provenance("ibl", SOURCE_WIDE, ASSET.name)
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.data_version == again.data_version != other.data_version
    assert (check.passed, summary["complete"]) == (False, True)


def test_a_source_that_was_never_synced_fails_with_what_to_do(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    platform = make_home(tmp_path, ("ibl",))
    asset = build_source_asset(source_entry("ibl"), platform, ASSET)
    result = dg.materialize([asset], instance=instance, raise_on_error=False)
    assert not result.success
    (failed,) = result.get_step_failure_events()
    assert "nh sync ibl" in str(failed.step_failure_data.user_failure_data.description)


def test_the_published_releases_of_the_registry_exist() -> None:
    for entry in sources().values():
        assert entry.published is None or entry.published in published_releases(entry.name)
