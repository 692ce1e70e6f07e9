"""`nh releases` through the runner, and the four freezes of the Brain-wide Map played through the catalogue."""

from __future__ import annotations

import csv
import datetime
import io
import json
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.cli.releases import repeat_history
from nh_platform.defs.partitions import session_partitions
from nh_platform.history.freezes import Freeze, read_freeze
from nh_platform.history.publishing import store_manifest
from nh_platform.history.snapshots import find_snapshot, list_snapshots, read_manifest
from nh_platform.history.tombstones import withdrawn_sessions
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations import sync
from nh_platform.operations.opened_home import OpenHome
from nh_platform.simulation import TINY, write_allen_vbn
from nh_platform.simulation.file_bytes import write_parquet
from nh_platform.simulation.ibl.one_tables import METADATA
from nh_platform.store import Store
from nh_platform_tests.history.releases import (
    a_manifest,
    edit,
    ids,
    of,
    with_notice,
    with_resort,
    without_probe,
    without_sessions,
)

FREEZES = ("2022_10_initial", "2022_10_update", "2022_10_bwm_release", "2023_12_bwm_release")
runner = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: object, code: int = 0) -> list[str]:
    result = runner.invoke(app, ["releases", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return (result.stdout if code == 0 else result.output).strip().splitlines()


@pytest.fixture
def store(home) -> Store:
    """Store three snapshots of ibl: a session less, all, and one re-sorted and patched with a notice."""
    store, manifest = Store(home / "store"), a_manifest()
    changed = with_resort(
        edit(manifest, of(ids(manifest)[1], "_ibl_wheel."), md5="0" * 32), ids(manifest)[2], "probe00"
    )
    for state in (without_sessions(manifest, ids(manifest)[0]), manifest, with_notice(changed, "wheel polarity")):
        store_manifest(store, state, "1")
    return store


def freeze(home, name, *rows) -> Path:
    path = home / f"{name}.csv"
    path.write_text("\n".join(["pid,eid,probe_name", *rows]) + "\n")
    return path


def test_list_counts_each_snapshot_and_names_freezes_and_tags(home, store) -> None:
    (home / "freezes").mkdir()
    freeze(home / "freezes", "paper", "p1,e1,probe00")
    text = "\n".join(run("list"))
    for part in ("3 snapshots", "2022_Q4_IBL_et_al_BWM", "paper"):
        assert part in text
    rows = json.loads("\n".join(run("list", "ibl", "--format", "json")))
    assert [(r["number"], r["sessions"], r["insertions"], r["current"]) for r in rows] == [
        (1, 3, 6, ""),
        (2, 4, 8, ""),
        (3, 4, 8, "yes"),
    ]


def test_list_of_a_home_that_was_never_synced(home) -> None:
    text = "\n".join(run("list"))
    assert "0 snapshots" in text
    assert "freezes" in text


def test_show_says_what_a_snapshot_holds_and_changed(home, store) -> None:
    text = "\n".join(run("show", "ibl", "3"))
    for part in (
        "ibl snapshot 3",
        "sessions 4",
        "patched in place",
        "re-sorted",
        "changed sessions: 2",
        "wheel polarity",
    ):
        assert part in text
    assert run("show", "ibl", "previous")[0].startswith("ibl snapshot 2")


def test_show_names_what_was_withdrawn(home, store) -> None:
    manifest = read_manifest(store, "ibl")
    store_manifest(store, without_sessions(manifest, ids(manifest)[1]), "1")
    assert any(ids(manifest)[1] in line and "3" in line for line in run("show", "ibl"))


def test_diff_of_snapshots_tells_changes_and_ends_in_numbers(home, store) -> None:
    lines = run("diff", "previous", "latest")
    assert lines[-3:] == ["insertions: +0 -0", "sessions: +0 -0", "changed sessions: 2"]
    text = "\n".join(lines)
    for part in ("re-sorted", "revision 2026-01-01", "patched in place", "notice published"):
        assert part in text
    assert run("diff", "1", "2", "--source", "ibl")[-3:] == [
        "insertions: +2 -0",
        "sessions: +1 -0",
        "changed sessions: 0",
    ]


def test_one_snapshot_has_nothing_before_it(home) -> None:
    store_manifest(Store(home / "store"), a_manifest(), "1")
    text = " ".join(run("diff", "previous", "latest", code=1))
    assert "previous snapshot of ibl: there is one snapshot, of the first sync, and nothing before it" in text
    assert "nh releases show ibl" in text
    text = " ".join(run("diff", "previous", "latest", "--source", "allen_vc", code=1))
    assert "never synced" in text
    assert " sync allen_vc" in text


def test_a_list_without_probes_names_insertions_by_their_id(home) -> None:
    paths = [home / "first.csv", home / "second.csv"]
    paths[0].write_text("pid,eid\np1,e1\np2,e1\n")
    paths[1].write_text("pid,eid\np1,e1\np3,e1\np4,e2\np5,e2\n")
    rows = json.loads("\n".join(run("diff", *paths, "--format", "json")))
    assert [(row["kind"], row["insertion_id"], row["what"]) for row in rows] == [
        ("session added", None, "insertion p4, insertion p5"),
        ("insertion added", "p3", "insertion p3 new in a kept session"),
        ("insertion removed", "p2", "insertion p2 gone; its session is kept"),
    ]


def test_diff_of_equal_states_has_only_the_numbers(home, store) -> None:
    assert run("diff", "2", "2") == ["insertions: +0 -0", "sessions: +0 -0", "changed sessions: 0"]


def test_a_session_that_went_and_came_back_is_told_from_a_new_one(home, store) -> None:
    manifest = read_manifest(store, "ibl")
    store_manifest(store, without_sessions(manifest, ids(manifest)[1]), "1")
    store_manifest(store, manifest, "1")
    assert "session returned: 1" in run("diff", "previous", "latest")


def test_diff_of_files_with_history(home) -> None:
    first = freeze(home, "first", "p1,e1,probe00", "p2,e1,probe01", "p3,e3,probe00")
    second = freeze(home, "second", "p1,e1,probe00")
    third = freeze(home, "third", "p1,e1,probe00", "p2,e1,probe01", "p3,e3,probe00", "p4,e4,probe00")
    ends = [
        "insertions: +3 -0",
        "sessions: +2 -0",
        "changed sessions: 1",
        "returned insertions: 2",
    ]
    lines = run("diff", second, third, "--history", first)
    assert lines[-4:] == ends
    assert {"session returned: 1", "insertion returned: 2"} <= set(lines)
    assert run("diff", "--history", first, second, third)[-4:] == ends
    assert run("diff", second, "--history", first, third)[-4:] == ends
    assert run("diff", second, third, "--history", first, second)[-4:] == ends
    assert run("diff", second, third)[-1] == "changed sessions: 1"


def test_a_table_for_a_program_has_nothing_else_on_stdout(home) -> None:
    first, second = freeze(home, "first", "p1,e1,probe00"), freeze(home, "second", "p1,e1,probe00", "p2,e1,probe01")
    (row,) = json.loads("\n".join(run("diff", first, second, "--format", "json")))
    assert (row["kind"], row["session_id"], row["insertion_id"]) == ("insertion added", "e1", "p2")
    (row,) = csv.DictReader(io.StringIO("\n".join(run("diff", first, second, "--format", "csv"))))
    assert row["probe"] == "probe01"
    assert json.loads("\n".join(run("diff", first, first, "--format", "json"))) == []


def test_a_snapshot_is_compared_with_a_freeze_by_membership(home, store) -> None:
    manifest = read_manifest(store, "ibl")
    rows = [
        f"{r.insertion_id},{r.session_id},{r.probe}"
        for r in without_probe(manifest, ids(manifest)[0], "probe01").insertions.itertuples()
    ]
    lines = run("diff", freeze(home, "paper", *rows), "latest")
    assert lines[-3:] == ["insertions: +1 -0", "sessions: +0 -0", "changed sessions: 1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("diff", "1", "nothing"), "release 'nothing' of ibl"),
        (("diff", "1", "nothing.csv"), "there is no such file"),
        (("diff", "1", "2", "--source", "other"), "there is no such source"),
        (("show", "ibl", "9"), "snapshots 1 to 3"),
        (("show", "allen_vc"), " sync allen_vc"),
        (("list", "other"), "there is no such source"),
    ],
)
def test_an_unknown_name_is_refused_in_words(home, store, arguments, message) -> None:
    result = runner.invoke(app, ["releases", *arguments])
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["A", "B"], ["A", "B"]),
        (
            ["A", "B", "--history", "1", "2", "--format", "csv"],
            ["A", "B", "--history", "1", "--history", "2", "--format", "csv"],
        ),
        (["--history", "1", "2", "A", "B"], ["--history", "1", "--history", "2", "A", "B"]),
        (["A", "--source", "ibl", "--history", "1", "B"], ["A", "--source", "ibl", "--history", "1", "B"]),
        (
            ["A", "B", "--history", "1", "--history", "2", "3"],
            ["A", "B", "--history", "1", "--history", "2", "--history", "3"],
        ),
        (["A", "B", "--history=1"], ["A", "B", "--history=1"]),
        (["A", "B", "--history"], ["A", "B", "--history"]),
    ],
)
def test_history_takes_several_files(given, meant) -> None:
    assert repeat_history(given) == meant


# The four freezes of the Brain-wide Map -------------------------------------------------------------------------------


def write_tables(root, freezes: list[Freeze]) -> None:
    """Write ONE tables that list every insertion of some freezes, one spike file each."""
    rows = pd.concat([freeze.rows for freeze in freezes]).drop_duplicates("insertion_id")
    sessions = rows.drop_duplicates("session_id").set_index("session_id")[["lab", "subject", "date", "number"]]
    sessions["date"] = [datetime.date.fromisoformat(day) for day in sessions["date"]]
    sessions = sessions.assign(task_protocol="ephys", projects="ibl_neuropixel_brainwide_01").rename_axis("id")
    index = pd.MultiIndex.from_arrays([rows["session_id"], rows["insertion_id"]], names=["eid", "id"])
    datasets = pd.DataFrame(
        {
            "rel_path": ["alf/" + probe + "/pykilosort/spikes.times.npy" for probe in rows["probe"]],
            "file_size": pd.array([1] * len(rows), dtype="UInt64"),
            "hash": [pid.replace("-", "") for pid in rows["insertion_id"]],
            "exists": True,
            "default_revision": True,
        },
        index=index,
    )
    insertions = pd.DataFrame({"name": rows["probe"].to_numpy()}, index=index)
    for name, table in (("sessions", sessions), ("datasets", datasets), ("insertions", insertions)):
        write_parquet(root / f"{name}.pqt", table, METADATA)


@pytest.mark.reference
def test_the_freezes_played_through_the_catalogue(reference_dir: Path, home) -> None:
    """350 → 355 → 354 and a tombstone → 459 sessions; +8/−3, +0/−10, +152/−0 insertions; nine come back."""
    paths = [reference_dir / "ibl_releases" / f"{name}.csv" for name in FREEZES]
    (home / "upstream").mkdir()
    write_tables(home / "upstream", [read_freeze(path) for path in paths])
    sessions, partitions, stones, ends, changed = [], [], [], [], []
    with dg.DagsterInstance.ephemeral() as instance:
        for path in paths:
            read = f"{{mode: local, root: upstream, freeze: {path}}}"
            (home / "sources.yaml").write_text(f"ibl:\n  read: {read}\n", encoding="utf-8")
            platform = Platform(load_settings(home))
            sync(OpenHome(platform, instance), "ibl")
            sessions.append(len(platform.manifest("ibl").sessions))
            partitions.append(len(instance.get_dynamic_partitions(session_partitions("ibl").name)))
            stones.append(len(withdrawn_sessions(find_snapshot(platform.store, "ibl").tombstones())))
            if path != paths[0]:
                ends.append(run("diff", "previous", "latest")[-3:])
                rows = json.loads("\n".join(run("diff", "previous", "latest", "--format", "json")))
                changed.append({row["session_id"] for row in rows if row["kind"].startswith("insertion")})
    assert sessions == [350, 355, 354, 459]
    assert stones == [0, 1, 2, 1]
    assert partitions == [350, 356, 356, 460]
    assert [lines[0] for lines in ends] == ["insertions: +8 -3", "insertions: +0 -10", "insertions: +152 -0"]
    assert [lines[1] for lines in ends] == ["sessions: +6 -1", "sessions: +0 -1", "sessions: +105 -0"]
    assert [lines[2] for lines in ends] == [f"changed sessions: {n}" for n in (3, 9, 28)]
    (back,) = changed[2] - set(read_manifest(platform.store, "ibl", 3).session_ids)
    assert [len(names) for names in changed] == [3, 9, 29]  # the last has the session that came back with its probes
    assert back == "5ec72172-3901-4771-8777-6e9490ca51fc"
    returned = {row["insertion_id"] for row in rows if row["kind"] == "insertion returned"}
    assert len(returned) == 9
    assert returned == _had_gone(paths)
    assert [snapshot.release.split(",")[0] for snapshot in list_snapshots(platform.store, "ibl")] == list(FREEZES)


@pytest.mark.reference
def test_the_freezes_compared_as_files(reference_dir: Path, home) -> None:
    paths = [reference_dir / "ibl_releases" / f"{name}.csv" for name in FREEZES]
    assert run("diff", *paths[:2])[-3:] == ["insertions: +8 -3", "sessions: +6 -1", "changed sessions: 3"]
    lines = run("diff", *paths[1:3], "--history", paths[0])
    assert lines[-4:] == ["insertions: +0 -10", "sessions: +0 -1", "changed sessions: 9", "returned insertions: 0"]
    lines = run("diff", *paths[2:], "--history", *paths[:2])
    assert lines[-4:] == ["insertions: +152 -0", "sessions: +105 -0", "changed sessions: 28", "returned insertions: 9"]
    assert all(any(pid in line and "insertion returned" in line for line in lines) for pid in _had_gone(paths))


def _had_gone(paths) -> set[str]:
    """Return the insertions of the last freeze that the one before lacks and an earlier one lists."""
    first, second, third, last = (set(pd.read_csv(path)["pid"]) for path in paths)
    return (last - third) & (first | second)


def test_the_versions_of_visual_behavior_are_compared_by_name(home) -> None:
    write_allen_vbn(home / "vbn", 3, 3, size=TINY)
    (home / "sources.yaml").write_text("allen_vbn:\n  read: {root: vbn}\n")
    lines = run("diff", "0.4.0", "0.5.0", "--source", "allen_vbn")
    assert lines[-3:] == ["insertions: +0 -0", "sessions: +0 -0", "changed sessions: 2"]
    assert lines[-4] == "tables: 1 changed"
    assert lines[0].strip() == "release 0.4.0 → release 0.5.0"
    rows = json.loads("\n".join(run("diff", "0.4.0", "0.5.0", "--source", "allen_vbn", "--format", "json")))
    (table,) = (row for row in rows if row["kind"] == "table changed")
    assert table["what"] == "project_metadata/units.csv; 72 rows, other values; new: quality"
    # The scale of the amplitudes is stated beside a session's files where it was wrong, and 0.5.0 mended it.
    assert {(row["kind"], row["group"]) for row in rows} >= {("files withdrawn", "spikes")}
    assert any(row["kind"] == "patched in place" and "events" in row["group"] for row in rows)
    text = " ".join(run("list", "allen_vbn"))
    assert "0.4.0" in text
    assert "0.5.0" in text
    assert any("sessions 3" in line for line in run("show", "allen_vbn", "0.4.0"))
    refused = runner.invoke(app, ["releases", "diff", "0.4.0", "0.9.0", "--source", "allen_vbn"])
    assert refused.exit_code == 1
    assert "release '0.9.0' of allen_vbn" in " ".join(refused.output.split())
    # What a session's file says does not depend on which files are here.
    for path in (home / "vbn").glob("*-0.4.0/behavior_ecephys_sessions/*/*.nwb"):
        path.unlink()
    assert run("diff", "0.4.0", "0.5.0", "--source", "allen_vbn") == lines


def test_a_pinned_version_does_not_hide_that_a_newer_one_is_out(home) -> None:
    write_allen_vbn(home / "vbn", 1, 3, size=TINY)
    (home / "sources.yaml").write_text("allen_vbn:\n  read: {root: vbn, manifest: 0.4.0}\n")
    for command in ("sync allen_vbn", "status"):
        result = runner.invoke(app, command.split())
        assert result.exit_code == 0, (result.output, result.exception)
        said = " ".join(result.output.split())
        assert "0.5.0 is out and 0.4.0 is read" in said
        assert "nh releases diff 0.4.0 0.5.0 --source allen_vbn" in said
    (home / "sources.yaml").write_text("allen_vbn:\n  read: {root: vbn}\n")
    assert "is out" not in runner.invoke(app, ["sync", "allen_vbn"]).output
