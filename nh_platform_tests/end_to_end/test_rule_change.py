"""A change of rules or a review re-runs what depends on it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.defs.build import build_defs
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.staleness import standing_of
from nh_platform.planning.versions import SourcePlan
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR, load_rulebook
from nh_platform.store.codecs.parquet import read_table
from nh_platform_tests.homes import make_home, materialize

BELOW_RULES = ["units", "session_report"]
"""What is made again; windows and embeddings of all units do not hang on which of them pass."""
BELOW_INTERVALS = ("units", "windows", "unit_embeddings", "session_report")
REVIEWS = """\
source: ibl
session: {session}
reviews:
  - unit: {unit}
    decision: fail
    reason: two neurons, see the bimodal amplitudes
    reviewer: ada
    date: 2026-03-01
"""
SECOND_REVIEW = """\
  - unit: {unit}
    decision: fail
    reason: two neurons
    reviewer: bea
    date: 2026-03-02
"""


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Path:
    """Two IBL sessions, all assets made with a rulebook of the home's own; each test leaves everything current."""
    tmp_path = tmp_path_factory.mktemp("home")
    make_home(tmp_path, ("ibl",), n_sessions=2)
    text = (RULEBOOK_DIR / "ibl-2022-10.yaml").read_text(encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(text.replace("id: ibl-2022-10\n", "id: ours\n"), encoding="utf-8")
    settings = tmp_path / "sources.yaml"
    settings.write_text(settings.read_text() + "  rulebook: rules.yaml\n  also_rulebooks: []\n", encoding="utf-8")
    outcomes = materialize(opened(tmp_path), instance, "ibl")
    assert [outcome.errors for outcome in outcomes] == [(), ()]
    return tmp_path


def opened(home: Path) -> Platform:
    return Platform(load_settings(home))


def stale(platform: Platform) -> dict[str, list[str]]:
    manifest = platform.manifest("ibl")
    return {
        session_id: list(standing_of(SourcePlan(platform, "ibl"), manifest.session(session_id)).stale)
        for session_id in manifest.session_ids
    }


def unsynced(platform: Platform, instance: dg.DagsterInstance) -> dict[str, list[str]]:
    """Return what Dagster itself marks as unsynced, which is what the UI shows."""
    from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
    from dagster._core.loader import LoadingContextForTest

    graph = build_defs(platform).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {
        session_id: [
            asset
            for asset in session_assets("ibl")
            if resolver.get_status(dg.AssetKey(["ibl", asset]), session_id) is not StaleStatus.FRESH
        ]
        for session_id in platform.manifest("ibl").session_ids
    }


def units(platform: Platform, session_id: str) -> pd.DataFrame:
    return read_table(platform.store.folder("ibl", session_id, "units") / "units.parquet")


def versions(platform: Platform) -> dict[tuple[str, str], str]:
    return {
        (session_id, asset): record.data_version
        for session_id in platform.manifest("ibl").session_ids
        for asset in session_assets("ibl")
        if (record := platform.store.provenance("ibl", session_id, asset)) is not None
    }


def test_a_changed_threshold_makes_units_stale_and_nothing_that_does_not_read_the_verdicts(
    home: Path, instance: dg.DagsterInstance
) -> None:
    platform = opened(home)
    first, second = platform.manifest("ibl").session_ids
    before, were = versions(platform), units(platform, first)
    assert stale(platform) == {first: [], second: []}
    assert unsynced(platform, instance) == {first: [], second: []}

    rules = home / "rules.yaml"
    # Better words change no verdict, so they make nothing stale.
    rules.write_text(rules.read_text().replace("well clear of the noise", "far above the noise"))
    assert stale(opened(home)) == {first: [], second: []}

    rules.write_text(rules.read_text().replace("threshold: 50\n", "threshold: 120\n"))
    assert load_rulebook(rules).rule("amp_median").threshold == 120
    changed = opened(home)
    assert stale(changed) == {first: BELOW_RULES, second: BELOW_RULES}
    assert unsynced(changed, instance) == {first: BELOW_RULES, second: BELOW_RULES}

    outcomes = materialize(changed, instance, "ibl")
    assert [outcome.plan.assets for outcome in outcomes] == [tuple(BELOW_RULES)] * 2
    after, are = versions(changed), units(changed, first)
    assert {key[1] for key, version in after.items() if before[key] != version} == set(BELOW_RULES)
    lost = were["pass.ours"] & ~are["pass.ours"]
    assert lost.any()
    assert are.loc[lost, "reason.ours"].str.contains(r"amp_median \S+ µV ≤ 120 µV").all()
    assert stale(changed) == {first: [], second: []}
    assert unsynced(changed, instance) == {first: [], second: []}


def test_one_review_file_re_runs_one_session_and_changes_that_unit_once_the_quorum_is_reached(
    home: Path, instance: dg.DagsterInstance
) -> None:
    platform = opened(home)
    first, second = platform.manifest("ibl").session_ids
    before, were = versions(platform), units(platform, first)
    row = int(were.index[were["pass.ours"]][0])
    unit = were.loc[row, "unit_id"]
    folder = platform.settings.reviews / "ibl"
    folder.mkdir(parents=True)
    file = folder / f"{first}.yaml"

    # One reviewer of two: recorded, and nothing is overridden yet.
    file.write_text(REVIEWS.format(session=first, unit=unit), encoding="utf-8")
    (outcome,) = materialize(opened(home), instance, "ibl")
    assert (outcome.plan.session_id, outcome.plan.assets) == (first, tuple(BELOW_RULES))
    assert units(platform, first).loc[row, "pass.ours"]

    file.write_text(file.read_text() + SECOND_REVIEW.format(unit=unit), encoding="utf-8")
    assert stale(opened(home)) == {first: BELOW_RULES, second: []}
    (outcome,) = materialize(opened(home), instance, "ibl")
    assert (outcome.plan.session_id, outcome.plan.assets) == (first, tuple(BELOW_RULES))
    are = units(platform, first)
    assert not are.loc[row, "pass.ours"]
    assert are.loc[row, "review"] == "fail"
    assert are.loc[row, "reason.ours"] == "reviews say fail"
    # The rules say what they said, and every other unit is as it was.
    assert are.loc[row, "label.ours"] == 1
    pd.testing.assert_frame_equal(are.drop(index=row), were.drop(index=row))
    moved = {key for key, version in versions(platform).items() if before[key] != version}
    assert moved == {(first, asset) for asset in BELOW_RULES}


def test_an_interval_that_two_reviewers_fail_marks_its_windows(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    platform = make_home(tmp_path, ("ibl",))
    (first,) = materialize(platform, instance, "ibl")
    session = first.plan.session_id
    lines = ["source: ibl", f"session: {session}", "reviews:"]
    for reviewer in ("ada", "bea"):
        lines += ["  - interval: [20.0, 30.0]", "    decision: fail", "    reason: the probe moved"]
        lines += [f"    reviewer: {reviewer}", "    date: 2026-03-01"]
    file = platform.settings.reviews / "ibl" / f"{session}.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (again,) = materialize(opened(tmp_path), instance, "ibl")
    assert again.plan.assets == BELOW_INTERVALS
    index = read_table(platform.store.folder("ibl", session, "windows") / "index.parquet")
    continuous = index[index["alignment"] == "none"]
    inside = (continuous["start"] < 30.0) & (continuous["stop"] > 20.0)
    assert inside.sum() == 10
    assert not continuous.loc[inside, "valid"].any()
    assert continuous.loc[~inside, "valid"].all()
