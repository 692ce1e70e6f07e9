"""Every kind of change that a release brings is told in its words, and names exactly what has to run again."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nh_platform.history.comparison.changes import listed
from nh_platform.history.comparison.release_diff import ReleaseDiff, Seen, diff_manifests
from nh_platform.history.identity import GROUPS
from nh_platform.history.manifest import Manifest
from nh_platform.session.tables.catalogue.releases import RELEASE_CHANGES
from nh_platform_tests.history.releases import (
    NEW_REVISION,
    a_manifest,
    edit,
    ids,
    of,
    with_fact,
    with_notice,
    with_resort,
    without_probe,
    without_sessions,
)


def unjudged(manifest: Manifest) -> Manifest:
    """Return the manifest without dataset QC, of which a judged file that goes would take its part along."""
    return edit(manifest, lambda files: files["qc"].notna(), qc=None)


BASE = unjudged(a_manifest())
FIRST, SECOND = ids(BASE)[:2]
PIDS = list(BASE.insertions["insertion_id"])
GONE = ids(BASE)[2:]


def told(diff: ReleaseDiff) -> set[tuple[str, str, str, str]]:
    changes = diff.changes
    return set(zip(changes["kind"], changes["session_id"], changes["probe"], changes["group"]))


def affected(diff: ReleaseDiff) -> set[tuple[str, str]]:
    return set(zip(diff.affected["session_id"], diff.affected["group"]))


def test_nothing_changed_between_equal_manifests() -> None:
    diff = diff_manifests(a_manifest(), a_manifest())
    assert diff.is_empty
    assert diff.summary() == ["insertions: +0 -0", "sessions: +0 -0", "changed sessions: 0"]
    assert list(diff.changes.columns) == RELEASE_CHANGES.names


def test_a_moved_size_is_no_change() -> None:
    assert diff_manifests(BASE, edit(BASE, of(FIRST, "licks"), size=5.0)).is_empty


def test_everything_is_new_where_there_was_nothing() -> None:
    diff = diff_manifests(None, BASE)
    assert diff.added == sorted(ids(BASE))
    assert diff.summary() == ["insertions: +8 -0", "sessions: +4 -0", "changed sessions: 0"]


def test_sessions_are_added_withdrawn_and_returned() -> None:
    less = without_sessions(BASE, FIRST, SECOND)
    gone = diff_manifests(BASE, less)
    assert gone.withdrawn == sorted([FIRST, SECOND])
    assert told(gone) == {("session withdrawn", FIRST, "", ""), ("session withdrawn", SECOND, "", "")}
    back = diff_manifests(less, BASE, Seen(frozenset([FIRST]), BASE.insertions[:2]))
    assert (back.added, back.returned) == ([SECOND], [FIRST])
    assert back.insertions_returned == sorted(PIDS[:2])
    assert told(back) == {
        ("session added", SECOND, "", ""),
        ("session returned", FIRST, "", ""),
        ("insertion returned", FIRST, "probe00", ""),
        ("insertion returned", FIRST, "probe01", ""),
    }
    assert back.summary() == ["insertions: +4 -0", "sessions: +2 -0", "changed sessions: 0"]


def test_an_insertion_of_a_kept_session_comes_and_goes() -> None:
    less = without_probe(BASE, FIRST, "probe01")
    gone, back = diff_manifests(BASE, less), diff_manifests(less, BASE, Seen(insertions=BASE.insertions[1:2]))
    assert told(gone) == {("insertion removed", FIRST, "probe01", "")}
    assert gone.changes["insertion_id"].tolist() == [PIDS[1]]
    assert gone.summary() == ["insertions: +0 -1", "sessions: +0 -0", "changed sessions: 1"]
    assert told(back) == {("insertion returned", FIRST, "probe01", "")}
    assert affected(gone) == affected(back) == {(FIRST, "spikes"), (FIRST, "alignment"), (FIRST, "qc")}


def test_only_what_the_state_before_lacked_has_returned() -> None:
    """The history lists everything; of that, what both states list was never away."""
    less = without_sessions(without_probe(BASE, FIRST, "probe01"), SECOND)
    everything = Seen.of_manifests([BASE])
    diff = diff_manifests(less, BASE, everything)
    assert diff.insertions_returned == sorted(PIDS[1:4])
    assert (diff.added, diff.returned) == ([], [SECOND])
    for before, after in ((BASE, BASE), (BASE, less), (less, less)):
        diff = diff_manifests(before, after, everything)
        assert (diff.insertions_returned, diff.returned) == ([], [])
        assert not {"insertion returned", "session returned"} & set(diff.counts())


def test_a_resort_takes_its_alignment_and_metrics_with_it() -> None:
    diff = diff_manifests(BASE, with_resort(BASE, FIRST, "probe01"))
    resorted = {("re-sorted", FIRST, "probe01", group) for group in ("spikes", "alignment", "qc")}
    assert told(diff) == resorted | {("catalogue entry changed", FIRST, "", "")}  # templates, which nothing reads
    spikes = diff.changes[diff.changes["group"] == "spikes"].iloc[0]
    assert (spikes["before"], spikes["after"]) == ("revision 2024-05-06", f"revision {NEW_REVISION}")
    assert spikes["n_files"] == 11
    assert affected(diff) == {(FIRST, group) for group in ("spikes", "alignment", "qc")}
    assert diff.changed_sessions == [FIRST]


def test_a_sort_by_another_sorter_is_a_resort() -> None:
    chosen = lambda f: (f["session_id"] == FIRST) & (f["probe"] == "probe00") & (f["group"] == "spikes")  # noqa: E731
    diff = diff_manifests(BASE, edit(BASE, chosen, collection="alf/probe00/iblsorter"))
    row = diff.changes[diff.changes["kind"] == "re-sorted"].iloc[0]
    assert "alf/probe00/iblsorter revision 2024-05-06" in row["what"]
    assert affected(diff) == {(FIRST, "spikes")}


def test_a_new_revision_of_behaviour_is_no_resort() -> None:
    diff = diff_manifests(BASE, edit(BASE, of(FIRST, "_ibl_trials.table"), revision="2024-07-10"))
    assert told(diff) == {("new revision", FIRST, "", "events")}
    assert diff.changes["what"].tolist() == [
        "1 events file from revision 2024-07-10, before unrevised: _ibl_trials.table.pqt"
    ]
    assert affected(diff) == {(FIRST, "events")}


def test_a_patch_in_place_names_the_files() -> None:
    diff = diff_manifests(BASE, edit(BASE, of(FIRST, "_ibl_wheel."), md5="0" * 32))
    assert told(diff) == {("patched in place", FIRST, "", "signals")}
    assert diff.changes["what"].tolist() == [
        "2 signals files with a new md5: _ibl_wheel.position.npy, _ibl_wheel.timestamps.npy"
    ]
    assert affected(diff) == {(FIRST, "signals")}


def test_files_come_and_go() -> None:
    files = BASE.files[~of(FIRST, "licks")(BASE.files)].reset_index(drop=True)
    less = replace(BASE, files=files)
    assert told(diff_manifests(BASE, less)) == {("files withdrawn", FIRST, "", "events")}
    assert told(diff_manifests(less, BASE)) == {("files added", FIRST, "", "events")}
    assert affected(diff_manifests(less, BASE)) == {(FIRST, "events")}


@pytest.mark.parametrize(
    ("after", "probe", "what"),
    [
        (edit(BASE, of(FIRST, "licks"), qc="FAIL"), "", "FAIL: licks.times.npy"),
        (with_fact(BASE, "sessions", 0, qc="FAIL"), "", "session QC: none → FAIL"),
        (with_fact(BASE, "insertions", 1, qc="WARNING"), "probe01", "insertion QC: none → WARNING"),
    ],
)
def test_qc_of_dataset_session_and_insertion(after, probe, what) -> None:
    diff = diff_manifests(BASE, after)
    assert set(diff.changes["kind"]) == {"QC changed"}
    assert diff.changes["probe"].tolist() == [probe]
    assert diff.changes["what"].iloc[0].endswith(what)
    assert affected(diff) == {(FIRST, "qc")}


def test_a_file_that_becomes_critical_is_not_read_any_more_so_its_group_runs_too() -> None:
    diff = diff_manifests(BASE, edit(BASE, of(FIRST, "licks"), qc="CRITICAL"))
    assert set(diff.changes["kind"]) == {"QC changed"}
    assert affected(diff) == {(FIRST, "qc"), (FIRST, "events")}


@pytest.mark.parametrize(
    "after",
    [
        edit(BASE, of(FIRST, "electrodeSites.mlapdv", "probe01"), md5="0" * 32),
        edit(BASE, of(FIRST, "electrodeSites.mlapdv", "probe01"), revision=NEW_REVISION),
        replace(BASE, files=BASE.files[~of(FIRST, "electrodeSites", "probe01")(BASE.files)].reset_index(drop=True)),
        with_fact(BASE, "insertions", 1, alignment_resolved="yes"),
        with_fact(BASE, "insertions", 1, alignment_stored="2022-02-08T10:00:00"),
    ],
)
def test_alignment_by_files_or_by_what_upstream_states(after) -> None:
    diff = diff_manifests(BASE, after)
    assert told(diff) == {("alignment changed", FIRST, "probe01", "alignment")}
    assert affected(diff) == {(FIRST, "alignment")}


@pytest.mark.parametrize(
    ("after", "kind", "what"),
    [
        (edit(BASE, of(FIRST, "licks"), tags="2022_Q4_IBL_et_al_BWM,New"), "tag changed", "1 file: +New"),
        (edit(BASE, of(FIRST, "licks"), tags=None), "tag changed", "1 file: −2022_Q4_IBL_et_al_BWM"),
        (with_fact(BASE, "sessions", 0, projects="other"), "session facts changed", "→ other"),
        (with_fact(BASE, "sessions", 0, n_units_released=7.0), "session facts changed", "none → 7.0"),
        (edit(BASE, of(FIRST, "licks"), url="elsewhere"), "catalogue entry changed", "1 file(s) with another id"),
        (edit(BASE, of(FIRST, "spikes.amps", "probe00", ""), md5="0" * 32), "catalogue entry changed", "1 unread"),
        (with_notice(BASE, "probe00 of NYU-11 was mislabelled"), "notice published", "NYU-11"),
    ],
)
def test_tag_notice_and_facts_run_nothing(after, kind, what) -> None:
    diff = diff_manifests(BASE, after)
    assert diff.changes["kind"].tolist() == [kind]
    assert what in diff.changes["what"].iloc[0]
    assert len(diff.affected) == 0


def test_an_edited_notice_is_told_with_what_was_edited() -> None:
    first = with_notice(BASE, "wheel polarity")
    dataset = str(BASE.files["dataset_id"].iloc[0])
    facts = first.notices.assign(importance="MINOR", datasets=dataset)
    stated = replace(first, notices=facts)
    edited = replace(first, notices=facts.assign(importance="CRITICAL", datasets=f"{dataset},x", text="turned around"))
    diff = diff_manifests(stated, edited)
    assert diff.changes[["kind", "what", "before", "after"]].to_numpy().tolist() == [
        [
            "notice edited",
            "CRITICAL: turned around (2 datasets, 1 listed session): another text; "
            "importance MINOR → CRITICAL; datasets +1 −0",
            "wheel polarity",
            "turned around",
        ]
    ]
    assert len(diff.affected) == 0
    assert stated.version() != edited.version()
    assert diff_manifests(first, stated).is_empty, "stored before importance was kept"


def test_a_withdrawn_notice_is_told() -> None:
    assert diff_manifests(with_notice(BASE, "text"), BASE).counts() == {"notice withdrawn": 1}


def test_membership_alone_says_nothing_of_files_and_facts() -> None:
    after = edit(with_fact(without_sessions(BASE, SECOND), "sessions", 0, subject="x"), of(FIRST, "licks"), md5="0")
    diff = diff_manifests(BASE, after, membership_only=True)
    assert told(diff) == {("session withdrawn", SECOND, "", "")}
    assert len(diff.affected) == 0


def test_lines_come_in_the_same_order_whatever_the_order_of_rows() -> None:
    after = with_resort(edit(without_probe(BASE, SECOND, "probe00"), of(FIRST, "licks"), md5="0"), FIRST, "probe00")
    shuffled = replace(
        after,
        sessions=after.sessions.iloc[::-1].reset_index(drop=True),
        files=after.files.sample(frac=1, random_state=2).reset_index(drop=True),
    )
    pd.testing.assert_frame_equal(diff_manifests(BASE, after).changes, diff_manifests(BASE, shuffled).changes)


def test_long_lists_of_names_are_counted() -> None:
    assert listed(f"f{i}" for i in range(7)) == "f0, f1, f2, f3 and 3 more"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.integers(0, len(BASE.files) - 1), max_size=5),
    column=st.sampled_from(["md5", "qc", "tags", "group", "default_revision", "collection", "revision", "url"]),
    dropped=st.lists(st.integers(0, len(BASE.files) - 1), max_size=5, unique=True),
)
def test_no_difference_of_two_manifests_goes_untold(rows, column, dropped) -> None:
    """Whatever moves, a line names the session; whatever a group reads that moves, the group is affected."""
    files = BASE.files.copy()
    for row in rows:
        files.loc[row, column] = not files.loc[row, column] if column == "default_revision" else "changed"
    files = files.drop(index=dropped).drop_duplicates(["session_id", "collection", "revision", "name"])
    after = replace(BASE, files=files.reset_index(drop=True))
    diff = diff_manifests(BASE, after)
    assert diff.is_empty == (BASE.version() == after.version())
    for session_id in ids(BASE):
        before, now = BASE.session(session_id), after.session(session_id)
        same = before.files.drop(columns="size").equals(now.files.drop(columns="size"))
        assert (session_id in diff.changed_sessions) == (not same)
        moved = {group for group in GROUPS if before.version(group) != now.version(group)}
        assert {group for name, group in affected(diff) if name == session_id} == moved
        lines = ",".join(diff.changes["group"][diff.changes["session_id"] == session_id])
        assert moved - {"qc"} <= set(lines.split(","))


def test_another_selection_is_said_first_and_makes_a_diff_of_equal_content() -> None:
    narrow = replace(without_sessions(BASE, *GONE), selection="public, tag Brainwidemap")
    wide = replace(BASE, selection="public")
    diff = diff_manifests(narrow, wide)
    assert diff.selection_changed
    assert diff.changes["kind"].iloc[0] == "selection changed"
    assert diff.changes["what"].iloc[0].endswith("public, tag Brainwidemap → public")
    assert diff.added == sorted(GONE)
    assert not diff_manifests(wide, replace(wide, selection="")).selection_changed
    assert not diff_manifests(None, wide).selection_changed
    assert diff_manifests(wide, narrow, membership_only=True).selection_changed is False
    assert not diff_manifests(replace(BASE, selection="local"), wide).is_empty
