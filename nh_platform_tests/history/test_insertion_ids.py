"""An insertion without an upstream id is the same one as that with an id, by its session and probe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nh_platform.history.comparison.release_diff import Seen, diff_manifests
from nh_platform.history.freezes import freeze_manifest, read_freeze, restrict
from nh_platform.history.insertion_ids import is_made_up, with_known_ids
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.history.release_lookup import find_state
from nh_platform.history.snapshots import find_snapshot
from nh_platform.history.tombstones import seen_before
from nh_platform.session import ConfigError
from nh_platform.store import Store
from nh_platform_tests.history.releases import a_manifest, edit, ids, with_fact, without_probe, without_sessions


def without_account(manifest: Manifest) -> Manifest:
    """Return what the public tables say of the same upstream: no insertion ids, and nothing stated of insertions."""
    made = manifest.insertions["session_id"] + "_" + manifest.insertions["probe"]
    nothing = dict.fromkeys(("qc", "alignment_resolved", "alignment_stored"))
    return replace(manifest, insertions=manifest.insertions.assign(insertion_id=made, **nothing))


def freeze_csv(folder: Path, manifest: Manifest, columns: str = "pid,eid,probe_name") -> Path:
    rows = manifest.insertions.rename(columns={"insertion_id": "pid", "session_id": "eid", "probe": "probe_name"})
    path = folder / "paper.csv"
    rows[columns.split(",")].to_csv(path, index=False)
    return path


# Without dataset QC, of which a judged file that goes would take its part along.
REAL = edit(a_manifest(), lambda files: files["qc"].notna(), qc=None)
PUBLIC = without_account(REAL)
FIRST = ids(REAL)[0]
SECOND_PID = REAL.insertions["insertion_id"][1]


def test_made_up_ids_are_known_by_their_form_and_give_way_to_real_ones() -> None:
    assert is_made_up(PUBLIC.insertions).all()
    assert not is_made_up(REAL.insertions).any()
    known = with_known_ids(PUBLIC.insertions, REAL.insertions)
    assert known["insertion_id"].tolist() == REAL.insertions["insertion_id"].tolist()
    assert with_known_ids(REAL.insertions, PUBLIC.insertions).equals(REAL.insertions)
    partly = with_known_ids(PUBLIC.insertions, without_probe(REAL, FIRST, "probe01").insertions)
    assert partly["insertion_id"].tolist()[:2] == [REAL.insertions["insertion_id"][0], f"{FIRST}_probe01"]


@pytest.mark.parametrize(("before", "after"), [(PUBLIC, REAL), (REAL, PUBLIC), (PUBLIC, PUBLIC)])
def test_the_same_content_with_and_without_an_account_differs_in_nothing(before, after) -> None:
    for membership_only in (True, False):
        diff = diff_manifests(before, after, membership_only=membership_only)
        assert diff.is_empty
        assert diff.summary()[0] == "insertions: +0 -0"


def test_what_an_account_adds_is_told_of_the_insertion_and_nothing_else() -> None:
    judged = with_fact(REAL, "insertions", 1, qc="FAIL")
    diff = diff_manifests(PUBLIC, judged)
    assert diff.changes[["kind", "insertion_id", "what"]].to_numpy().tolist() == [
        ["QC changed", SECOND_PID, "insertion QC: none → FAIL"]
    ]
    assert diff.affected["group"].tolist() == ["qc"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_probe_that_comes_or_goes_at_a_login_is_told_once(turned) -> None:
    less = without_probe(REAL, FIRST, "probe01")
    gone = diff_manifests(REAL if turned else PUBLIC, without_account(less) if turned else less)
    assert gone.summary()[0] == "insertions: +0 -1"
    assert gone.insertions_removed == [SECOND_PID if turned else f"{FIRST}_probe01"]
    came = diff_manifests(less if turned else without_account(less), PUBLIC if turned else REAL)
    assert came.summary()[0] == "insertions: +1 -0"
    assert came.changes["kind"].tolist() == ["insertion added"]


@pytest.mark.parametrize(("seen_as", "comes_as"), [(REAL, PUBLIC), (PUBLIC, REAL), (REAL, REAL), (PUBLIC, PUBLIC)])
def test_an_insertion_that_returns_is_recognised_under_either_id(tmp_path: Path, seen_as, comes_as) -> None:
    store = Store(tmp_path)
    less = without_probe(seen_as, FIRST, "probe01")
    for manifest in (seen_as, less):
        store_manifest(store, manifest, "1")
    (stone,) = find_snapshot(store, "ibl").tombstones().to_dict("records")
    assert (stone["probe"], stone["gone_since"]) == ("probe01", 2)
    diff = diff_manifests(less, comes_as, seen_before(find_snapshot(store, "ibl").tombstones()))
    assert diff.counts() == {"insertion returned": 1}
    assert diff_manifests(less, comes_as, Seen.of_manifests([seen_as])).counts() == {"insertion returned": 1}
    store_manifest(store, comes_as, "1")
    (stone,) = find_snapshot(store, "ibl").tombstones().to_dict("records")
    assert stone["returned_in"] == 3


def test_another_insertion_on_the_same_probe_is_no_return() -> None:
    other = with_fact(REAL, "insertions", 1, insertion_id="another")
    diff = diff_manifests(without_probe(REAL, FIRST, "probe01"), other, Seen.of_manifests([REAL]))
    assert diff.counts() == {"insertion added": 1}


@pytest.mark.parametrize(("before", "after"), [(PUBLIC, REAL), (REAL, PUBLIC)])
def test_a_login_leaves_no_tombstones(tmp_path: Path, before, after) -> None:
    store = Store(tmp_path)
    for manifest in (before, after, without_sessions(after, FIRST)):
        store_manifest(store, manifest, "1")
    stones = find_snapshot(store, "ibl").tombstones()
    assert set(stones["session_id"]) == {FIRST}
    assert sorted(stones["probe"]) == ["", "probe00", "probe01"]


def test_a_login_after_a_return_does_not_make_another_insertion_of_the_probe_a_returned_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for manifest in (PUBLIC, without_account(without_probe(REAL, FIRST, "probe01")), PUBLIC, REAL):
        store_manifest(store, manifest, "1")
    stored = store_manifest(store, with_fact(REAL, "insertions", 1, insertion_id="another"), "1")
    assert stored.diff.counts() == {"insertion added": 1, "insertion removed": 1}
    assert stored.diff.insertions_returned == []


def test_a_logout_brings_back_no_insertion_that_another_one_replaced(tmp_path: Path) -> None:
    store, other = Store(tmp_path), with_fact(REAL, "insertions", 1, insertion_id="another")
    for manifest in (REAL, without_probe(REAL, FIRST, "probe01"), other, without_account(other)):
        stored = store_manifest(store, manifest, "1")
    assert stored.tombstones["insertion_id"].tolist() == [SECOND_PID]
    assert stored.tombstones["returned_in"].isna().all()


@pytest.mark.parametrize("turned", [False, True])
def test_a_history_that_knows_the_ids_shows_that_no_insertion_was_away(tmp_path: Path, turned: bool) -> None:
    """A list of ids alone and one without an account name the same insertions in ways that only the history joins."""
    states = [PUBLIC, freeze_manifest(freeze_csv(tmp_path, REAL, "pid,eid"), "ibl")]
    diff = diff_manifests(*(states[::-1] if turned else states), Seen.of_manifests([REAL]), membership_only=True)
    assert diff.summary() == ["insertions: +0 -0", "sessions: +0 -0", "changed sessions: 0"]
    assert diff.insertions_returned == []


def test_a_snapshot_without_an_account_is_compared_with_a_freeze_by_probe(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store_manifest(store, PUBLIC, "1")
    snapshot = find_state(store, "ibl", "latest", tmp_path).manifest
    freeze = find_state(store, "ibl", str(freeze_csv(tmp_path, REAL)), tmp_path)
    for before, after in ((freeze.manifest, snapshot), (snapshot, freeze.manifest)):
        diff = diff_manifests(before, after, membership_only=True)
        assert diff.summary() == ["insertions: +0 -0", "sessions: +0 -0", "changed sessions: 0"]
    narrow = freeze_manifest(freeze_csv(tmp_path, without_probe(REAL, FIRST, "probe01")), "ibl")
    diff = diff_manifests(narrow, snapshot, membership_only=True)
    assert diff.summary() == ["insertions: +1 -0", "sessions: +0 -0", "changed sessions: 1"]


def test_a_freeze_lends_its_ids_to_a_source_that_knows_none(tmp_path: Path) -> None:
    freeze = read_freeze(freeze_csv(tmp_path, without_probe(REAL, FIRST, "probe00")))
    part = restrict(PUBLIC, freeze)
    assert part.insertions["insertion_id"].tolist() == REAL.insertions["insertion_id"].tolist()[1:]
    assert part.insertions["probe"].tolist()[0] == "probe01"
    whole = restrict(REAL, freeze)
    assert diff_manifests(part, whole).is_empty
    for group in ("spikes", "events", "signals", "alignment", "qc"):
        assert part.session(FIRST).version(group) == whole.session(FIRST).version(group)


def test_a_freeze_that_states_no_probe_cannot_choose_among_unknown_ids(tmp_path: Path) -> None:
    freeze = read_freeze(freeze_csv(tmp_path, REAL, "pid,eid"))
    assert len(restrict(REAL, freeze).insertions) == 8
    with pytest.raises(ConfigError, match=r"freeze paper.*by pid alone.*8 insertions of 4 sessions.*probe_name"):
        restrict(PUBLIC, freeze)
