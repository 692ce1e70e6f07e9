"""Published counts against ours: the counting, what a difference means, and that the numbers are the published ones."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nh_platform.qc.published.published_counts import (
    PublishedRelease,
    parse_published,
    published_release,
    published_releases,
)
from nh_platform.qc.published.reconcile import COUNTS, count_release, reconcile
from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.session import ConfigError
from nh_platform.session.tables.across_sessions.catalogs import RECONCILIATION
from nh_platform.sources.registry import source_names

SESSIONS = pd.DataFrame({"session_id": ["a", "b", "c"], "subject": ["m1", "m1", "m2"]})
INSERTIONS = pd.DataFrame({"session_id": ["a", "a", "b", "c"], "insertion_id": ["p0", "p1", "p2", "p3"]})


def release(known: list[dict] | None = None, **counts: int) -> PublishedRelease:
    return PublishedRelease.model_validate(
        {
            "title": "A release",
            "names": ["A"],
            "good_units_by": "ibl-2022-10",
            "counts": {name: {"value": value, "cited": "ibllib"} for name, value in counts.items()},
            "known": known or [],
        }
    )


def states(found) -> dict[str, str]:
    return dict(zip(found.table["count"], found.table["state"]))


def units_of(*rows: tuple[str, str, str | None, int, int]) -> pd.DataFrame:
    """Make units from (session, probe, region, good, bad)."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "session_id": session,
                    "probe": probe,
                    "region": pd.Series([region] * (good + bad), dtype=object),
                    "good": [True] * good + [False] * bad,
                }
            )
            for session, probe, region, good, bad in rows
        ],
        ignore_index=True,
    )


def test_the_funnel_counts_units_sessions_insertions_and_regions_at_every_stage() -> None:
    units = units_of(
        ("a", "probe00", "CA1", 15, 3),
        ("a", "probe01", "VISp", 5, 0),
        ("a", "probe01", "root", 4, 1),
        ("b", "probe00", "CA1", 6, 0),
        ("b", "probe00", "VISp", 4, 2),
        ("b", "probe00", None, 2, 0),
        ("c", "probe00", "VISp", 7, 0),
        ("c", "probe00", "LP", 9, 0),
        ("c", "probe00", "PO", 0, 2),
    )
    counts = count_release(SESSIONS, INSERTIONS, units)
    assert set(counts) == set(COUNTS)
    assert (counts["sessions"], counts["insertions"], counts["subjects"]) == (3, 4, 2)
    assert (counts["units"], counts["regions"]) == (60, 5)
    assert (counts["good_units"], counts["good_units_insertions"], counts["good_units_regions"]) == (52, 4, 4)
    assert (counts["grey_matter_units"], counts["grey_matter_regions"]) == (46, 3)
    # VISp of b has 4 units in its session.
    assert (counts["five_units_units"], counts["five_units_sessions"], counts["five_units_regions"]) == (42, 3, 3)
    # LP was seen in one session only.
    assert (counts["two_sessions_units"], counts["two_sessions_regions"]) == (33, 2)
    # VISp has 12 units, CA1 21.
    assert (counts["twenty_units_units"], counts["twenty_units_sessions"], counts["twenty_units_insertions"]) == (
        21,
        2,
        2,
    )


def test_no_units_at_all_can_be_counted() -> None:
    counts = count_release(
        SESSIONS, INSERTIONS, pd.DataFrame({"session_id": [], "probe": [], "region": [], "good": []})
    )
    assert counts["units"] == counts["twenty_units_units"] == 0
    assert counts["sessions"] == 3


def test_a_complete_release_with_the_published_counts_passes() -> None:
    found = reconcile(
        release(sessions=3, units=10), {"sessions": 3, "units": 10}, listed="abc", ingested="abc", whole=True
    )
    assert (found.complete, found.passed, found.coverage) == (True, True, 1.0)
    assert states(found) == {"sessions": "equal", "units": "equal"}
    assert found.text() == (
        "A release, complete: 100.0% of its sessions are ingested. "
        "2 of 2 published counts are met; none is contradicted."
    )
    RECONCILIATION.validate(found.table)


def test_a_complete_release_that_differs_fails_and_names_each_difference() -> None:
    ours = {"sessions": 3, "units": 9, "good_units": 5}
    found = reconcile(release(sessions=3, units=10, good_units=4), ours, listed="abc", ingested="abc", whole=True)
    assert not found.passed
    assert states(found) == {"sessions": "equal", "units": "differs", "good_units": "differs"}
    assert found.differing["explanation"].tolist() == [
        "1 fewer; no reason is known",
        "1 more; no reason is known",
    ]
    assert found.text().endswith("Not as published: units 9 instead of 10; good_units 5 instead of 4.")


def test_a_part_of_a_release_passes_with_its_coverage() -> None:
    found = reconcile(
        release(sessions=4, units=10), {"sessions": 3, "units": 2}, listed="abc", ingested="a", whole=True
    )
    assert (found.complete, found.passed, found.coverage) == (False, True, 0.25)
    assert states(found) == {"sessions": "incomplete", "units": "incomplete"}
    assert found.table["explanation"].tolist() == [
        "the manifest lists 1 fewer",
        "the ingested sessions hold 8 fewer",
    ]


def test_sessions_that_upstream_withdrew_are_missing_once_all_others_are_there() -> None:
    listed = [f"s{number}" for number in range(19)]
    for whole, published, complete in ((True, 20, True), (False, 20, False), (True, 22, False)):
        ours = {"sessions": len(listed)}
        found = reconcile(release(sessions=published), ours, listed=listed, ingested=listed, whole=whole)
        assert (found.complete, found.passed) == (complete, not complete)


def test_a_count_above_the_published_one_fails_at_any_time() -> None:
    found = reconcile(release(sessions=9, units=1), {"sessions": 3, "units": 2}, listed="abc", ingested="a", whole=True)
    assert not found.complete
    assert not found.passed
    assert states(found)["units"] == "differs"


def test_a_known_difference_is_explained_and_passes_only_where_it_is_accepted() -> None:
    for accepted in (True, False):
        known = [{"count": "units", "value": 9, "accepted": accepted, "why": "One was lost."}]
        found = reconcile(
            release(known, sessions=3, units=10), {"sessions": 3, "units": 9}, listed="abc", ingested="abc", whole=True
        )
        assert found.passed is accepted
        assert "One was lost." in found.table.set_index("count").loc["units", "explanation"]


def test_what_could_not_be_counted_does_not_pass_a_complete_release() -> None:
    for ingested, passed in (("abc", False), ("a", True)):
        found = reconcile(
            release(sessions=3, good_units=4), {"sessions": 3}, listed="abc", ingested=ingested, whole=True
        )
        assert found.passed is passed
        assert states(found)["good_units"] == "not counted"
    assert "also_rulebooks" in found.table["explanation"].iloc[-1]


def test_without_published_counts_ours_are_shown() -> None:
    found = reconcile(None, {"sessions": 3, "units": 7}, listed="abc", ingested="ab", whole=False)
    assert found.passed
    assert found.table["ours"].tolist() == [3.0, 7.0]
    assert found.table["published"].isna().all()
    assert not found.compared
    assert found.text().startswith("Not compared: no published counts are known")
    assert found.text().endswith("2 of 3 sessions are ingested.")


def test_a_count_that_may_differ_is_named_and_contradicts_nothing() -> None:
    for published in (10, 4):
        found = reconcile(
            release(sessions=3, units=published),
            {"sessions": 3, "units": 7},
            listed="abc",
            ingested="abc",
            whole=False,
            binding=False,
            note="at least: 3 of its 3 sessions are listed",
        )
        assert found.passed
        assert states(found) == {"sessions": "equal", "units": "may differ"}
        assert found.text() == (
            "A release, at least: 3 of its 3 sessions are listed. 100.0% of its sessions are ingested. "
            f"1 of 2 published counts are met; units 7 where {published} are published."
        )


def test_a_session_that_upstream_does_not_list_any_more_does_not_count_as_ingested() -> None:
    found = reconcile(release(sessions=2), {"sessions": 2}, listed="ab", ingested=["a", "gone"], whole=True)
    assert (found.n_ingested, found.coverage) == (1, 0.5)


@pytest.mark.parametrize(
    ("source", "name", "title", "match"),
    [
        # What `IblSettings.release` says with a tag, and with a freeze before it.
        ("ibl", "2024_Q2_IBL_et_al_BWM_iblsort, follow_default", "second spike sorting", "named"),
        ("ibl", "Brainwidemap, follow_default", "second spike sorting", "named"),
        ("ibl", "2022_Q4_IBL_et_al_BWM, pinned 2022-12-01", "first release", "named"),
        ("ibl", "2023_12_bwm_release, follow_default", "second spike sorting", "named"),
        ("ibl", "follow_default", "second spike sorting", "at least"),
        ("ibl", "pinned 2024-05-06", "second spike sorting", "at least"),
        ("allen_vc", "visual-coding-neuropixels", "Visual Coding", "named"),
        ("allen_vc", "warehouse", "Visual Coding", "named"),
        ("allen_vbn", "visual-behavior-neuropixels, 0.5.0", "Visual Behavior", "named"),
        ("allen_vbn", "0.5.0", "Visual Behavior", "named"),
        ("allen_vbn", "0.4.0", "Visual Behavior", "stands in"),
        ("allen_vbn", "0.4.0-fix", "Visual Behavior", "stands in"),
        ("allen_vbn", "0.6.0", "Visual Behavior", "stands in"),
    ],
)
def test_a_manifest_is_recognised_by_the_name_of_its_release(source, name, title, match) -> None:
    found = published_release(source, name)
    assert found.release is not None
    assert title in found.release.title
    assert (found.match, found.whole, found.binding) == (match, match == "named", match == "named")
    assert bool(found.note) is (match != "named")


def test_the_counts_of_another_version_are_said_to_be_that() -> None:
    assert published_release("allen_vbn", "0.4.0").note == (
        "another version: no counts are known of 0.4.0, these are of 0.5.0"
    )


@pytest.mark.parametrize(
    ("source", "name"),
    [("ibl", "follow_default"), ("ibl", "pinned 2024-05-06"), ("allen_vc", "local"), ("allen_vbn", "0.5.0")],
)
def test_a_folder_is_not_recognised_by_a_mode_or_a_bare_version(source, name) -> None:
    found = published_release(source, name, of_folder=True)
    assert (found.release, found.match) == (None, "none")
    assert found.note == f"no published counts are known for {source} {name}"
    assert published_release(source, f"2022_Q4_IBL_et_al_BWM_2, {name}", of_folder=True).release is None


def test_another_name_has_no_published_counts() -> None:
    for source, name in (("ibl", "2022_Q4_IBL_et_al_BWM_2"), ("elsewhere", "2022_Q4_IBL_et_al_BWM"), ("toy", "0.5.0")):
        assert published_release(source, name).release is None


def test_the_configuration_chooses_and_does_not_claim_that_the_manifest_is_whole() -> None:
    found = published_release("ibl", "follow_default", "ibl-bwm-2024-05")
    assert found.release is published_releases("ibl")["ibl-bwm-2024-05"]
    assert (found.whole, found.binding) == (False, True)
    assert published_release("ibl", "2024_Q2_IBL_et_al_BWM_iblsort", "ibl-bwm-2024-05").whole
    with pytest.raises(ConfigError, match="ibl-bwm-2024-05"):
        published_release("ibl", "follow_default", "ibl-bwm-2024")
    with pytest.raises(ConfigError, match="Use one of: allen-vc"):
        published_release("allen_vc", "local", "ibl-bwm-2024-05")


def test_every_published_number_has_its_source() -> None:
    found = [release for source in source_names() for release in published_releases(source).values()]
    assert len(found) == 5
    assert {count.cited for release in found for count in release.counts.values()} <= set(bibliography())
    counts = {name: release.counts for name, release in published_releases("ibl").items()}
    additions = counts["ibl-bwm-2023-12-additions"]["units"].value
    # The total before the second sorting, which the notes state too.
    assert counts["ibl-bwm-2022-10"]["units"].value + additions == 376_730


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (("units:", "unitz:"), "unknown count 'unitz'"),
        (("cited: ibllib", "cited: nobody"), "cites 'nobody', which is unknown"),
        (("sessions: {", "subjects: {"), "sessions are not stated"),
        (("good_units_by: ibl-2022-10", "good_units_by: ibl-2022"), "unknown rulebook 'ibl-2022'"),
        (("names: [A]", "names: []"), "at least 1 item"),
        (("value: 2", "value: two"), "a whole number is expected"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(change, found) -> None:
    text = (
        "first:\n  title: T\n  names: [A]\n  good_units_by: ibl-2022-10\n"
        "  counts:\n    sessions: {value: 1, cited: ibllib}\n    units: {value: 2, cited: ibllib}\n"
    )
    assert parse_published(text, "f.yaml", {"ibl-2022-10"})["first"].counts["units"].value == 2
    with pytest.raises(ConfigError, match=r"f\.yaml:\d") as error:
        parse_published(text.replace(*change), "f.yaml", {"ibl-2022-10"})
    assert found in str(error.value)


def test_a_lab_cites_addresses_and_judges_by_its_own_rulebook() -> None:
    text = (
        "first:\n  title: T\n  names: [A]\n  good_units_by: toy-lab\n"
        "  counts:\n    sessions: {value: 1, cited: 'https://toy.example.org/data'}\n"
    )
    stated = parse_published(text, "f.yaml", {"toy-lab", "nh-common"})["first"]
    assert (stated.good_units_by, stated.counts["sessions"].cited) == ("toy-lab", "https://toy.example.org/data")


def test_a_name_means_one_release() -> None:
    one = "  title: T\n  names: [A]\n  good_units_by: ibl-2022-10\n"
    one += "  counts:\n    sessions: {value: 1, cited: ibllib}\n"
    with pytest.raises(ConfigError, match="means first already"):
        parse_published(f"first:\n{one}second:\n{one}", "f.yaml", {"ibl-2022-10"})


@pytest.mark.reference
def test_the_brain_wide_map_funnel_is_the_published_one(reference_dir: Path) -> None:
    table = pd.read_csv(reference_dir / "ibl_session_qc" / "inclusion_info.csv", index_col=0)
    counts = {name: count.value for name, count in published_releases("ibl")["ibl-bwm-2024-05"].counts.items()}
    columns = {"n_sessions": "sessions", "n_probes": "insertions", "n_units": "units", "n_regions": "regions"}
    stages = {
        "Session and insertion QC": "{}",
        "Single unit QC": "good_units_{}",
        "Gray matter regions": "grey_matter_{}",
        "Minimum 5 units per region": "five_units_{}",
        "Minimum 2 sessions per region": "two_sessions_{}",
        "Minimum 20 units per region": "twenty_units_{}",
    }
    compared = 0
    for stage, pattern in stages.items():
        row = table.loc[[stage]].iloc[0]
        for column, thing in columns.items():
            name = pattern.format(thing).replace("good_units_units", "good_units")
            if name in counts:
                assert counts[name] == row[column], name
                compared += 1
    assert compared == len(counts) - 1  # all but the animals, which the freeze states


@pytest.mark.reference
@pytest.mark.parametrize(
    ("file", "release_id"),
    [
        ("2022_10_bwm_release.csv", "ibl-bwm-2022-10"),
        ("2023_12_bwm_release.csv", "ibl-bwm-2024-05"),
    ],
)
def test_the_freezes_have_the_published_sessions_insertions_and_animals(reference_dir: Path, file, release_id) -> None:
    freeze = pd.read_csv(reference_dir / "ibl_releases" / file)
    sessions = freeze[["eid", "subject"]].drop_duplicates().rename(columns={"eid": "session_id"})
    insertions = freeze.rename(columns={"eid": "session_id", "pid": "insertion_id"})
    none = pd.DataFrame({"session_id": [], "probe": [], "region": [], "good": []})
    ours = count_release(sessions, insertions, none)
    counts = published_releases("ibl")[release_id].counts
    for name in ("sessions", "insertions", "subjects"):
        assert ours[name] == counts[name].value, name
    listed = sessions["session_id"].tolist()
    found = reconcile(published_releases("ibl")[release_id], ours, listed=listed, ingested=[], whole=True)
    assert (found.passed, found.coverage, found.complete) == (True, 0.0, False)


@pytest.mark.reference
def test_visual_coding_has_58_sessions(reference_dir: Path) -> None:
    table = pd.read_csv(reference_dir / "allen_vc" / "sessions_58.csv")
    assert len(table) == published_releases("allen_vc")["allen-vc"].counts["sessions"].value


@pytest.mark.reference
def test_the_additions_of_2023_are_sessions_new_and_old(reference_dir: Path) -> None:
    folder = reference_dir / "ibl_releases"
    added = pd.read_csv(folder / "2023_Q4_IBL_et_al_BWM_2_eids_pids.csv")
    before, after = (pd.read_csv(folder / f"{name}_bwm_release.csv") for name in ("2022_10", "2023_12"))
    release = published_releases("ibl")["ibl-bwm-2023-12-additions"]
    assert set(before["pid"]) | set(added["pid"]) == set(after["pid"])
    subject = after.drop_duplicates("eid").set_index("eid")["subject"]
    ours = {
        "sessions": added["eid"].nunique(),
        "insertions": added["pid"].nunique(),
        "subjects": subject[added["eid"].unique()].nunique(),
    }
    assert ours == {name: release.counts[name].value for name in ours}
    known = {one.count: one.value for one in release.known}
    assert known["sessions"] == len(set(added["eid"]) - set(before["eid"]))
    assert known["subjects"] == len(set(after["subject"]) - set(before["subject"]))
