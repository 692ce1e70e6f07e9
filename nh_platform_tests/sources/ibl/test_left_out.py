"""What upstream lists and the catalogue does not take is counted with its reason, in every mode."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.history.snapshots import read_manifest
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.sources.ibl.catalogue import left_out
from nh_platform.store import Store
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import Tree

NEW = "11111111-1111-4111-8111-111111111111"


def reasons(manifest: Manifest) -> dict[str, str]:
    table = manifest.left_out
    return dict(zip(table["session_id"] + table["insertion_id"], table["reason"]))


def with_session(tree: Tree, *rel_paths: str, **facts: object) -> None:
    """List another session, with files of these paths, in the tables of a tree."""

    def listed(sessions: pd.DataFrame) -> pd.DataFrame:
        row = sessions.iloc[[0]].set_axis(pd.Index([NEW], name="id")).assign(date=datetime.date(2020, 1, 1))
        table = pd.concat([sessions, row.assign(**facts)])
        return table.astype({"number": str}) if table["number"].dtype == object else table

    def with_files(datasets: pd.DataFrame) -> pd.DataFrame:
        rows = datasets.iloc[: len(rel_paths)].assign(rel_path=list(rel_paths))
        ids = [(NEW, f"{number:08d}-0000-4000-8000-000000000000") for number in range(len(rel_paths))]
        return pd.concat([datasets, rows.set_axis(pd.MultiIndex.from_tuples(ids, names=["eid", "id"]))])

    tree.edit(listed, "sessions")
    if rel_paths:
        tree.edit(with_files)


BEHAVIOR = ("alf/_ibl_trials.table.pqt", "alf/licks.times.npy")


@pytest.mark.parametrize(
    ("paths", "reason", "found"),
    [
        ((), left_out.NO_FILES, "lists none"),
        (BEHAVIOR, left_out.BEHAVIOR_ONLY, "2 files"),
        ((*BEHAVIOR, "alf/spikes.times.npy"), left_out.NO_PROBE_FOLDER, "alf/spikes.times.npy"),
        (("raw_ephys_data/_spikeglx_g0.ap.cbin",), left_out.NO_PROBE_FOLDER, "raw_ephys_data/_spikeglx_g0.ap.cbin"),
        ((r"alf\probe00\spikes.times.npy",), left_out.BACKSLASHES, r"alf\probe00\spikes.times.npy"),
    ],
)
def test_a_session_without_a_probe_is_counted_with_the_reason(tree: Tree, paths, reason, found) -> None:
    before = tree.source().manifest()
    with_session(tree, *paths)
    after = tree.source().manifest()
    assert reasons(after) == {NEW: reason}
    assert found in after.left_out["found"][0]
    assert after.session_ids == before.session_ids
    changes = diff_manifests(before, after).changes
    assert changes["what"].tolist() == [f"left out, {reason}: +1 −0, now 1"]


def test_the_same_is_counted_from_a_server_and_from_the_bucket(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    with_session(tree, *BEHAVIOR)
    with Loopback(tree.root) as servers:
        for name, value in servers.bucket.environment.items():
            monkeypatch.setenv(name, value)
        for settings in (servers.settings, servers.public_settings):
            manifest = IblSource(IblSettings.model_validate(settings)).manifest()
            assert reasons(manifest) == {NEW: left_out.BEHAVIOR_ONLY}
            assert len(manifest.sessions) == 2


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"subject": None}, left_out.NO_SUBJECT),
        ({"number": "first"}, left_out.NO_NUMBER),
        ({"number": float("nan")}, left_out.NO_NUMBER),
    ],
)
def test_a_session_that_cannot_be_found_by_its_facts_leaves_the_others(tree: Tree, facts, reason) -> None:
    with_session(tree, **{name: pd.Series([value], index=[NEW], dtype=object) for name, value in facts.items()})
    manifest = tree.source().manifest()
    assert reasons(manifest) == {NEW: reason}
    assert len(manifest.sessions) == 2


def test_files_of_a_session_that_is_not_listed_are_counted_as_one(tree: Tree) -> None:
    tree.edit(lambda table: table.drop(index=tree.other), "sessions")
    manifest = tree.source().manifest()
    assert manifest.session_ids == [tree.eid]
    assert left_out.NOT_IN_TABLES in reasons(manifest)[tree.other]


def test_folders_that_the_tables_pass_over_are_counted(tree: Tree) -> None:
    (tree.folder.parent / "first").mkdir()
    (tree.folder.parent / "007").mkdir()
    (tree.folder.parent / "notes.txt").write_text("no folder")
    manifest = tree.source().manifest()
    day = tree.folder.parent.relative_to(tree.root).as_posix()
    assert reasons(manifest) == {f"{day}/007": left_out.NOT_IN_TABLES, f"{day}/first": left_out.FOLDER_NO_NUMBER}
    assert "rename it" in manifest.left_out["found"][1]


def test_sessions_that_a_freeze_does_not_name_are_counted(tree: Tree, tmp_path: Path) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(f"eid\n{tree.eid}\n")
    manifest = tree.source(freeze=path).manifest()
    assert reasons(manifest) == {tree.other: "not in the freeze paper"}


def test_an_insertion_of_no_session_leaves_the_others(tree: Tree) -> None:
    """Alyx' model allows it; it ended the whole sync in a TypeError."""
    with Loopback(tree.root) as servers:
        source = IblSource(IblSettings.model_validate(servers.settings))
        before = source.manifest()
        stray = servers.state.add_insertion(None, "probe00", qc="FAIL")
        unnamed = servers.state.add_insertion(tree.eid, None)
        after = source.manifest()
    assert reasons(after) == {stray: left_out.NO_SESSION, tree.eid + unnamed: left_out.NO_NAME}
    pd.testing.assert_frame_equal(after.insertions, before.insertions)
    assert len(diff_manifests(before, after).affected) == 0


def test_a_local_insertion_of_no_session_leaves_the_others(tree: Tree) -> None:
    before = tree.source().manifest()

    def stray(table: pd.DataFrame) -> pd.DataFrame:
        row = table.iloc[[0]].set_axis(pd.MultiIndex.from_tuples([(None, NEW)], names=["eid", "id"]))
        return pd.concat([table, row])

    tree.edit(stray, "insertions")
    after = tree.source().manifest()
    assert reasons(after) == {NEW: left_out.NO_SESSION}
    pd.testing.assert_frame_equal(after.insertions, before.insertions)


def test_what_is_left_out_is_stored_with_the_snapshot(tree: Tree, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert store_manifest(store, tree.source().manifest(), "1").is_new
    assert len(read_manifest(store, "ibl").left_out) == 0
    with_session(tree, *BEHAVIOR)
    assert store_manifest(store, tree.source().manifest(), "1").diff.counts() == {"left-out sessions changed": 1}
    assert read_manifest(store, "ibl").left_out_counts() == {left_out.BEHAVIOR_ONLY: 1}
    assert not store_manifest(store, tree.source().manifest(), "1").is_new


@pytest.fixture
def nh(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sources.yaml").write_text(f"ibl:\n  read: {{root: '{tree.root}'}}\n")
    monkeypatch.setenv("NH_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", "")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["--home", str(home), *arguments])
        assert result.exit_code == 0, (result.output, result.stderr, result.exception)
        return result.stdout

    return run


def test_sync_says_how_much_is_not_taken_and_lists_it(nh, tree: Tree) -> None:
    assert "not taken" not in nh("sync", "ibl")
    with_session(tree, *BEHAVIOR)
    (tree.folder.parent / "first").mkdir()
    said = nh("sync", "ibl")
    assert "ibl: 2 sessions, 4 insertions" in said
    assert "not taken: 2 (1 behaviour only, 1 session folder is no number); `nh --home " in said
    assert " sync ibl --left-out` lists them" in said
    rows = json.loads(nh("sync", "ibl", "--left-out", "--format", "json"))
    assert [row["reason"] for row in rows] == [left_out.BEHAVIOR_ONLY, left_out.FOLDER_NO_NUMBER]
    assert rows[0]["session_id"] == NEW


def test_a_tree_of_backslashes_is_no_silent_empty_catalogue(nh, tree: Tree) -> None:
    tree.edit(lambda table: table.assign(rel_path=table["rel_path"].str.replace("/", "\\")))
    said = nh("sync", "ibl")
    assert "ibl: 0 sessions" in said
    assert "not taken: 2 (2 paths with backslashes)" in said
