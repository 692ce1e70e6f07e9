"""What the manifest takes of a freeze, and of what Alyx states of insertions."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.manifest import Manifest
from nh_platform.session import ConfigError
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.sources.ibl.catalogue.alyx_records import notices_table
from nh_platform.sources.ibl.catalogue.manifest_tables import build_manifest
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import Tree


def test_insertion_facts_are_those_of_its_json(tree: Tree) -> None:
    insertions = tree.source().manifest().session(tree.eid).insertions
    assert insertions["qc"].tolist() == ["PASS", "PASS"]
    assert set(insertions["alignment_resolved"]) <= {"yes", "no"}
    stored = insertions.loc[insertions["alignment_resolved"] == "yes", "alignment_stored"]
    assert stored.tolist() == ["2023-01-09T10:00:00"] * len(stored)


@pytest.mark.parametrize(
    ("text", "qc", "resolved", "stored"),
    [
        ('{"qc": "NOT_SET"}', None, None, None),
        ('{"qc": "FAIL", "extended_qc": {"alignment_resolved": false}}', "FAIL", "no", None),
        ('{"extended_qc": {"alignment_stored": "2022-02-08T10:00:00_someone"}}', None, None, "2022-02-08T10:00:00"),
        (
            '{"alignment_resolved": true, "alignment_stored": "2022-02-08T10:00:00_x"}',
            None,
            "yes",
            "2022-02-08T10:00:00",
        ),
        ("[]", None, None, None),
        ("not json", None, None, None),
        (None, None, None, None),
    ],
)
def test_each_way_in_which_an_insertion_is_stated(tree: Tree, text, qc, resolved, stored) -> None:
    tree.edit(lambda table: table.assign(json=text), "insertions")
    row = tree.source().manifest().session(tree.eid).insertions.iloc[0]
    assert (row["qc"], row["alignment_resolved"], row["alignment_stored"]) == (qc, resolved, stored)


def test_the_author_of_an_alignment_is_no_part_of_identity(tree: Tree) -> None:
    versions = []
    for author in ("one", "other"):
        details = json.dumps({"alignment_stored": f"2022-02-08T10:00:00_{author}"})
        tree.edit(lambda table, text=details: table.assign(json=text), "insertions")
        versions.append(tree.source().manifest().session(tree.eid).version("alignment"))
    assert versions[0] == versions[1]


def test_a_freeze_selects_what_the_source_lists(tree: Tree, tmp_path: Path) -> None:
    pid = tree.source().manifest().session(tree.eid).insertions["insertion_id"][1]
    path = tmp_path / "paper.csv"
    path.write_text(f"pid,eid\n{pid},{tree.eid}\n")
    manifest = tree.source(freeze=path).manifest()
    assert manifest.session_ids == [tree.eid]
    assert manifest.insertions["probe"].tolist() == ["probe01"]
    assert manifest.release == "paper, follow_default"
    recording = tree.source(freeze=path).read_spikes(manifest.session(tree.eid))
    assert set(recording.units["probe"]) == {"probe01"}


def test_the_selection_tells_an_edited_freeze_from_the_one_before(tree: Tree, tmp_path: Path) -> None:
    first, second = tree.source().manifest().session(tree.eid).insertions["insertion_id"]
    path = tmp_path / "paper.csv"
    selections = [tree.source().manifest().selection]
    for lines in ([first], [first, second], [second, first]):
        path.write_text("pid,eid\n" + "".join(f"{pid},{tree.eid}\n" for pid in lines))
        selections.append(tree.source(freeze=path).manifest().selection)
    assert selections[0] == "local"
    assert all(text.startswith("local, freeze paper (") for text in selections[1:])
    assert selections[1] != selections[2] == selections[3]


def test_a_freeze_that_cannot_be_read_is_named(tree: Tree, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"paper\.csv.*no such file"):
        tree.source(freeze=tmp_path / "paper.csv").manifest()


def test_session_qc_and_notices_are_kept_where_the_tables_have_them(tree: Tree) -> None:
    from nh_platform.sources.ibl.catalogue.one_tables import read_tables

    tables = read_tables(tree.root)
    tables["sessions"] = tables["sessions"].assign(qc="CRITICAL")
    tables["notices"] = pd.DataFrame({"notice_id": ["1"], "text": ["wheel polarity of 62 sessions"]})
    manifest: Manifest = build_manifest(tables, IblSettings(root=tree.root))
    assert set(manifest.sessions["qc"]) == {"CRITICAL"}
    assert manifest.session(tree.eid).qc == "CRITICAL"
    assert manifest.notices["text"].tolist() == ["wheel polarity of 62 sessions"]


def test_what_alyx_states_beside_its_tables_is_told_in_the_diff(tree: Tree) -> None:
    """Session QC, insertion QC, alignment and notices of an account; a touched timestamp and a tag move nothing."""
    with Loopback(tree.root) as servers:
        source, state = IblSource(IblSettings.model_validate(servers.settings)), servers.state
        pid = next(key for key, record in state.insertions.items() if record["session"] == tree.eid)
        states = [source.manifest()]
        for change in (
            lambda: state.set_session_qc(tree.eid, "CRITICAL"),
            lambda: state.set_insertion(pid, qc="FAIL"),
            lambda: state.set_insertion(pid, alignment_stored="2025-02-08T10:00:00_someone"),
            lambda: state.add_notice("wheel polarity of 62 sessions"),
            lambda: (state.touch(tree.eid), state.add_alignment(pid, "other"), state.add_tag("New", [])),
        ):
            change()
            states.append(source.manifest())
    diffs = [diff_manifests(before, after) for before, after in pairwise(states)]
    assert [list(diff.counts()) for diff in diffs] == [
        ["QC changed"],
        ["QC changed"],
        ["alignment changed"],
        ["notice published"],
        [],
    ]
    assert [diff.affected["group"].tolist() for diff in diffs] == [["qc"], ["qc"], ["alignment"], [], []]
    assert all(set(diff.affected["session_id"]) <= {tree.eid} for diff in diffs)
    assert "none → CRITICAL" in diffs[0].changes["what"][0]


@pytest.mark.parametrize("name", ["datasets", "insertions"])
def test_a_table_that_pandas_wrote_again_is_refused_by_name(own_tree: Tree, name: str) -> None:
    """ONE takes it for empty: every file of upstream withdrawn."""
    tree, path = own_tree, next(own_tree.root.rglob(f"{name}.pqt"))
    pd.read_parquet(path).to_parquet(path)
    with pytest.raises(ConfigError, match=rf"{name}\.pqt: no `date_created` metadata of ONE"):
        IblSource(IblSettings(mode="local", root=str(tree.root))).manifest()


def test_notices_are_read_from_whichever_field_holds_the_text() -> None:
    records = [
        {"id": 7, "text": "a", "datetime": "2025-01-02T03:04:05"},
        {"id": "x", "description": "b", "name": "B", "importance": 50, "datasets": ["e", "d"]},
        {"name": "c", "date": "2025-01-02", "importance": 7, "affected_date_end": "2025-01-03"},
        {"id": 9, "text": ""},
    ]
    table = notices_table(records)
    assert table[["notice_id", "date", "text"]].to_numpy().tolist() == [
        ["7", "2025-01-02", "a"],
        ["x", None, "b"],
        ["c", "2025-01-02", "c"],
    ]
    assert table[["title", "importance", "affected_dates", "datasets"]].to_numpy().tolist() == [
        [None, None, None, None],
        ["B", "CRITICAL", None, "d,e"],
        [None, "7", "/2025-01-03", None],
    ]
