"""A result of a rule counts as long as the rulebook that made it is in force: old greens do not stand for new rules."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.checks import session_checks
from nh_platform.defs.partitions import session_partitions
from nh_platform.defs.rules import rules_in_force
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR
from nh_platform.session import ConfigError
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import make_home, materialize

SUCCEEDED, FAILED = AssetCheckExecutionResolvedStatus.SUCCEEDED, AssetCheckExecutionResolvedStatus.FAILED
OTHER_CHECKS = {"released_vs_recomputed", "units_usable", "values_plausible"}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a home whose one session was judged by the shipped rulebook."""
    folder = tmp_path_factory.mktemp("judged") / "home"
    platform = make_home(folder, ("ibl",))
    with open_instance(platform.settings, embedded=True) as instance:
        outcomes = materialize(platform, instance, "ibl", assets=["raw_spikes", "units"])
        assert all(outcome.success for outcome in outcomes)
    return folder


@pytest.fixture
def home(judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenHome]:
    """Return a copy of that home."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(rules_in_force, "REMEMBERED_S", 0.0)
    folder = tmp_path / "home"
    shutil.copytree(judged, folder, symlinks=True)
    settings = load_settings(folder)
    with open_instance(settings) as instance:
        yield OpenHome(Platform(settings), instance)


def use_rulebook(home: OpenHome, rulebook_id: str, threshold: str) -> OpenHome:
    """Configure a rulebook of a lab's own, and return the home as a command would open it now."""
    folder = home.platform.settings.home
    text = (RULEBOOK_DIR / "ibl-2022-10.yaml").read_text().replace("id: ibl-2022-10", f"id: {rulebook_id}")
    assert "threshold: 50" in text
    (folder / "own.yaml").write_text(text.replace("threshold: 50", f"threshold: {threshold}", 1))
    settings = folder / "sources.yaml"
    if "rulebook:" not in settings.read_text():
        settings.write_text(settings.read_text() + "  rulebook: own.yaml\n")
    return OpenHome(Platform(load_settings(folder)), home.instance)


def use_shipped_rulebook(home: OpenHome) -> OpenHome:
    settings = home.platform.settings.home / "sources.yaml"
    settings.write_text(settings.read_text().replace("  rulebook: own.yaml\n", ""))
    return OpenHome(Platform(load_settings(home.platform.settings.home)), home.instance)


def shown(home: OpenHome) -> dict[str, set[str]]:
    """Return the checks that the pages of Dagster show a result of, by way of asking: of a session, last, of the asset.

    The three questions are those of a check's partitions, of its last execution, and of the asset's health.
    """
    keys = [key for of_asset in session_checks(source_entry("ibl"), home.platform).values() for key in of_asset]
    storage, partitions = home.instance.event_log_storage, session_partitions("ibl")
    with partition_loading_context(dynamic_partitions_store=home.instance):
        states = storage.get_asset_check_state([(key, partitions) for key in keys])
    results = {
        key.name: [status for status in (SUCCEEDED, FAILED) if not state.subsets[status].is_empty]
        for key, state in states.items()
        if state.subsets
    }
    health = storage.get_asset_check_summary_records(keys)
    return {
        "of a session": {name for name, found in results.items() if found},
        "last": {key.name for key in storage.get_latest_asset_check_execution_by_key(keys)},
        "of the asset": {key.name for key, one in health.items() if one.last_completed_check_execution_record},
    }


def test_results_of_other_rules_are_shown_nowhere_until_the_units_are_judged_again(home: OpenHome) -> None:
    (session,) = home.platform.manifest("ibl").session_ids
    names = {"noise_cutoff", "max_confidence", "amp_median", *OTHER_CHECKS}
    assert all(names <= found for found in shown(home).values())

    changed = use_rulebook(home, "lab-own", "49")
    assert shown(changed) == dict.fromkeys(shown(changed), OTHER_CHECKS)
    assert not set(operations.status(changed).sources["ibl"].warned) - OTHER_CHECKS
    history = operations.check_history(changed, "ibl", session, "amp_median")
    assert [(one.rulebook, one.is_in_force) for one in history] == [("ibl-2022-10", False)]

    materialize(changed.platform, home.instance, "ibl", assets=["units"])
    assert all(names <= found for found in shown(changed).values())
    history = operations.check_history(changed, "ibl", session, "amp_median")
    assert [(one.rulebook, one.is_in_force) for one in history] == [("lab-own", True), ("ibl-2022-10", False)]


def test_the_history_of_a_rule_counts_what_another_threshold_did(home: OpenHome) -> None:
    assert not [one for one in operations.rule_history(home, "ibl", "amp_median") if one.is_recorded]
    changed = use_rulebook(home, "lab-own", "5000")
    materialize(changed.platform, home.instance, "ibl", assets=["units"])
    recorded = [one for one in operations.rule_history(changed, "ibl", "amp_median") if one.is_recorded]
    assert len(recorded) == 1
    assert recorded[0].what.startswith("another state of the rules judged 1 session: ibl-2022-10 ")
    counts = re.fullmatch(r"(\d+) → 0 of (\d+) units pass this rule", recorded[0].effect)
    assert counts is not None
    assert 0 < int(counts[1]) <= int(counts[2])
    with pytest.raises(ConfigError, match=r"no such rule.*amp_median"):
        operations.rule_history(changed, "ibl", "amp_medain")


def test_the_same_rulebook_with_another_threshold_is_another_one(home: OpenHome) -> None:
    first = use_rulebook(home, "lab-own", "49")
    materialize(first.platform, home.instance, "ibl", assets=["units"])
    assert "amp_median" in shown(first)["of a session"]
    second = use_rulebook(home, "lab-own", "48")
    assert shown(second)["of a session"] == OTHER_CHECKS


def test_results_count_again_where_their_rulebook_comes_back(home: OpenHome) -> None:
    assert shown(use_rulebook(home, "lab-own", "49"))["of a session"] == OTHER_CHECKS
    assert "amp_median" in shown(use_shipped_rulebook(home))["of a session"]


def test_a_rulebook_with_a_mistake_hides_nothing(home: OpenHome) -> None:
    changed = use_rulebook(home, "lab-own", "much")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keys = [key for name in ("amp_median",) for key in [dg.AssetCheckKey(dg.AssetKey(["ibl", "units"]), name)]]
        assert set(changed.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)) == set(keys)


def test_nh_says_which_rules_have_not_judged_a_session_yet(home: OpenHome) -> None:
    (session,) = home.platform.manifest("ibl").session_ids
    changed = use_rulebook(home, "lab-own", "49")
    folder = str(changed.platform.settings.home)
    printed = CliRunner().invoke(app, ["--home", folder, "show", "ibl", session]).output
    line = next(one for one in printed.splitlines() if one.startswith("not judged yet"))
    assert "by rulebook lab-own" in line
    assert "not judged yet" in printed.split("checks: ")[1].splitlines()[0]
    listed = CliRunner().invoke(app, ["--home", folder, "qc", "history", "ibl", session], env={"COLUMNS": "200"}).output
    assert "Not judged yet by the rules in force" in listed
    assert "amp_median" in listed.split("Not judged yet")[1]
