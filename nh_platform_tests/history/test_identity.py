"""Content versions of all sessions at once are those of each session by itself."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nh_platform.history.identity import GROUPS, ON_REQUEST, group_versions
from nh_platform.history.manifest import Manifest
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform_tests.history.releases import a_manifest, edit, ids, of, with_fact


def by_session(manifest: Manifest) -> dict[tuple[str, str], str]:
    return {(name, group): manifest.session(name).version(group) for name in ids(manifest) for group in GROUPS}


def at_once(manifest: Manifest) -> dict[tuple[str, str], str]:
    versions = group_versions(manifest.sessions, manifest.insertions, manifest.files)
    return {(name, group): version for name, groups in versions.items() for group, version in groups.items()}


def awkward() -> Manifest:
    """One file for several groups, no md5, no QC, text that sorts unlike its parts, a session without files."""
    manifest = a_manifest(3)
    first, second, _ = ids(manifest)
    manifest = edit(
        manifest, of(first, "spikes.times", "probe00"), group="spikes,events,signals,alignment,qc", md5=None
    )
    manifest = edit(manifest, of(first, "licks"), qc=None, collection="alf\x01odd")
    manifest = edit(manifest, of(first, "_ibl_wheel.position"), name="_ibl_wheel\x1e.é.npy")
    manifest = with_fact(manifest, "sessions", 0, qc="FAIL", extended_qc='{"task":"PASS"}')
    manifest = with_fact(manifest, "insertions", 4, qc="CRITICAL", alignment_resolved="no")
    manifest = with_fact(manifest, "insertions", 1, alignment_resolved="yes", alignment_stored="2022-02-08T10:00:00")
    files = manifest.files[manifest.files["session_id"] != second]
    return Manifest("ibl", "x", manifest.sessions, manifest.insertions, files.sample(frac=1, random_state=1))


@pytest.mark.parametrize("make", [a_manifest, awkward])
def test_versions_at_once_are_those_of_each_session(make) -> None:
    manifest = make()
    assert at_once(manifest) == by_session(manifest)
    assert len(at_once(manifest)) == len(ids(manifest)) * len(GROUPS)


def test_the_identity_of_the_same_content_is_what_it_always_was() -> None:
    """A change here makes every stored asset stale."""
    versions = sorted(at_once(awkward()).items())
    # The groups that came later are no part of what was stored before.
    text = "".join(f"{name} {group} {version}\n" for (name, group), version in versions if group not in ON_REQUEST)
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "6ececcaa7cac95c23719cb13fd2fbe0926fb0714e89f54d37e935fb6df1630f8"
    )


def test_a_manifest_without_rows_has_no_versions() -> None:
    assert group_versions(SESSIONS.empty(), INSERTIONS.empty(), FILES.empty()) == {}


def test_the_order_of_rows_is_no_part_of_identity() -> None:
    manifest = a_manifest()
    shuffled = Manifest(
        "ibl",
        "x",
        manifest.sessions.iloc[::-1].reset_index(drop=True),
        manifest.insertions.iloc[::-1].reset_index(drop=True),
        manifest.files.sample(frac=1, random_state=3).reset_index(drop=True),
    )
    assert at_once(shuffled) == at_once(manifest)
    assert shuffled.version() == manifest.version()


@pytest.mark.parametrize(
    ("table", "values", "group"),
    [
        ("sessions", {"qc": "FAIL"}, "qc"),
        ("insertions", {"qc": "FAIL"}, "qc"),
        ("insertions", {"alignment_resolved": "yes"}, "alignment"),
        ("insertions", {"alignment_stored": "2022-02-08T10:00:00"}, "alignment"),
    ],
)
def test_facts_of_session_and_insertion_move_one_group(table, values, group) -> None:
    before = a_manifest()
    after = with_fact(before, table, 0, **values)
    old, new = at_once(before), at_once(after)
    assert {key for key in old if old[key] != new[key]} == {(ids(before)[0], group)}


@pytest.mark.parametrize("has_other_files", [False, True])
def test_an_insertion_of_which_nothing_is_read_changes_no_version(has_other_files) -> None:
    before = a_manifest()
    row = before.insertions.iloc[[0]].assign(insertion_id="new", probe="probe07", qc="FAIL", alignment_resolved="yes")
    files = before.files
    if has_other_files:
        raw = {"probe": "probe07", "group": "other", "collection": "raw_ephys_data/probe07"}
        files = pd.concat([files, files.iloc[[0]].assign(**raw)], ignore_index=True)
    after = replace(before, insertions=pd.concat([before.insertions, row], ignore_index=True), files=files)
    assert at_once(after) == at_once(before)
    assert by_session(after) == at_once(before)


def test_an_alignment_that_is_not_final_and_sizes_move_nothing() -> None:
    before = a_manifest()
    after = with_fact(before, "insertions", 0, alignment_resolved="no")
    after = edit(after, lambda files: pd.Series(True, index=files.index), size=np.nan, tags="X", url="elsewhere")
    assert at_once(before) == at_once(after)
    assert before.version() != after.version()


def test_a_size_is_no_part_of_a_manifest_either() -> None:
    before = a_manifest()
    after = edit(before, lambda files: pd.Series(True, index=files.index), size=1.0)
    assert before.version() == after.version()


def test_a_file_that_becomes_critical_is_another_content_because_it_is_not_read() -> None:
    before = _manifest_of_one_file("PASS")
    after = _manifest_of_one_file("CRITICAL")
    assert before.session("s1").version("spikes") != after.session("s1").version("spikes")
    assert _manifest_of_one_file("WARNING").session("s1").version("spikes") == before.session("s1").version("spikes")
    for manifest in (before, after):
        assert at_once(manifest)["s1", "spikes"] == manifest.session("s1").version("spikes")


def _manifest_of_one_file(qc: str) -> Manifest:
    file = {
        **dict.fromkeys(("collection", "revision"), ""),
        **{"session_id": "s1", "probe": "p", "group": "spikes", "name": "spikes.times.npy", "md5": "0" * 32, "qc": qc},
    }
    files = pd.DataFrame([file]).assign(default_revision=True)
    sessions = pd.DataFrame({"session_id": ["s1"], "subject": ["mouse"], "number": [1]})
    return Manifest("ibl", "test", SESSIONS.conform(sessions), INSERTIONS.empty(), FILES.conform(files))
