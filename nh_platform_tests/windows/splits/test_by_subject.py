"""A subject is in one split, adding sessions moves none, and reserved subjects never train."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.session import ConfigError
from nh_platform.windows.splits import load_reserved, nested_subset, reserved_ids, split_by_subject
from nh_platform.windows.splits.report import split_report, spread_report

NAMES = st.lists(st.text("abcdef0123456789-", min_size=1, max_size=6), min_size=1, max_size=60)


def sessions(subjects: list[str], **columns: object) -> pd.DataFrame:
    ids = [f"s{number}" for number in range(len(subjects))]
    return pd.DataFrame({"session_id": ids, "subject": subjects, **columns})


MANY = sessions([f"m{number % 400}" for number in range(1000)], lab=[f"lab{number % 7}" for number in range(1000)])


@settings(deadline=None, derandomize=True)  # a busy machine draws slowly
@given(NAMES, NAMES, st.integers(0, 5))
def test_adding_sessions_moves_none_and_no_subject_is_divided(first, more, seed) -> None:
    before = split_by_subject(sessions(first), seed=seed, allow_empty=True)
    after = split_by_subject(sessions([*first, *more]), seed=seed, allow_empty=True)
    assert after["split"].tolist()[: len(first)] == before["split"].tolist()
    assert len(after[["subject", "split"]].drop_duplicates()) == after["subject"].nunique()


def test_the_shares_are_near_those_asked_for_and_another_seed_is_another_split() -> None:
    found = split_by_subject(MANY)
    shares = found.drop_duplicates("subject")["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.8, abs=0.06)
    assert shares["valid"] == pytest.approx(0.1, abs=0.05)
    assert (split_by_subject(MANY, seed=1)["split"] != found["split"]).any()
    half = split_by_subject(MANY, shares={"train": 50, "test": 50})
    assert set(half["split"]) == {"train", "test"}


def test_a_split_is_known_for_ever() -> None:
    # What anyone gets from these names and the default seed; a change of the hash would move every set.
    found = split_by_subject(sessions(list(KNOWN), source="ibl"), allow_empty=True)
    assert dict(zip(found["subject"], found["split"])) == KNOWN


KNOWN = {"ZFM-02370": "train", "NYU-11": "train", "CSHL049": "valid", "NYU-48": "test", "MFD_09": "test"}


def test_a_reserved_list_names_subjects_with_every_session_of_whatever_source() -> None:
    listed = load_reserved("brain-wide-bench")
    table = sessions(["NYU-11", "NYU-11", "other", "NYU-11"], source=["ibl", "ibl", "ibl", "allen_vc"])
    found = split_by_subject(table, reserved=[listed], allow_empty=True)
    assert found["split"].tolist()[:2] == ["reserved", "reserved"]
    assert found["why"].tolist()[:3] == ["brain-wide-bench", "brain-wide-bench", ""]
    assert found["split"].iloc[3] == "reserved"  # a copy of its files is the same animal


def test_a_lab_is_held_out_with_all_sessions_of_its_subjects() -> None:
    table = sessions(["a", "a", "b"], lab=["one", "two", "two"])
    found = split_by_subject(table, hold_out_labs=["one"], allow_empty=True)
    assert found["split"].tolist()[:2] == ["held_out", "held_out"]
    assert found["split"].iloc[2] != "held_out"
    with pytest.raises(ConfigError, match=r"lab 'onee': no session is of it; there are one, two\. .*Did you mean one"):
        split_by_subject(table, hold_out_labs=["onee"], allow_empty=True)


def test_single_sessions_are_held_out_with_all_others_of_their_subject() -> None:
    found = split_by_subject(sessions(["a", "b", "a"]), hold_out_sessions={"s0": "region CA1"}, allow_empty=True)
    assert found["split"].tolist()[::2] == ["held_out", "held_out"]
    assert found["why"].tolist() == ["region CA1", "", "region CA1"]


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"split of 1 subject .*: no subject falls into .*divide each session in time"
    ):
        split_by_subject(sessions(["a", "a"]))
    with pytest.raises(ConfigError, match="1 of 2 rows have none, session s1 first"):
        split_by_subject(sessions(["a", ""]))
    with pytest.raises(ConfigError, match="train 80, test 10: they add up to 90"):
        split_by_subject(MANY, shares={"train": 80, "test": 10})


@settings(deadline=None, derandomize=True)  # a busy machine draws slowly
@given(st.lists(st.text("abc123", min_size=1), unique=True, min_size=3, max_size=40), st.integers(0, 3))
def test_a_smaller_subset_is_within_every_larger_one(ids, seed) -> None:
    every = nested_subset(ids, len(ids), seed)
    assert sorted(every) == sorted(ids)
    for size in range(1, len(ids)):
        assert nested_subset(ids[::-1], size, seed) == every[:size]


def test_a_subset_that_is_larger_than_the_source_is_refused_by_name() -> None:
    with pytest.raises(
        ConfigError, match=r"subset of 100 sessions: there are 58 training sessions\. Take 10 or 50 or all 58"
    ):
        nested_subset([str(number) for number in range(58)], 100)
    with pytest.raises(ConfigError, match="it is none"):
        nested_subset(["a"], 0)


def test_the_report_counts_what_each_split_holds() -> None:
    rows = sessions(["a", "a", "b", "c"], lab=["x", "x", "y", "y"], insertion_id=["p", "q", "r", "s"])
    rows = rows.assign(split=["train", "train", "test", "reserved"])
    units = pd.DataFrame({"session_id": ["s0", "s0", "s2"], "region": ["CA1", "DG", "CA1"]})
    report = split_report(rows, units).set_index("split")
    assert report.loc["train", ["subjects", "sessions", "insertions", "labs", "units", "regions"]].tolist() == [
        1,
        2,
        2,
        1,
        2,
        2,
    ]
    assert report.loc["train", "sessions_share"] == 0.5
    assert report.loc["all", ["subjects", "sessions", "units"]].tolist() == [3, 4, 3]
    assert list(report.index) == ["train", "test", "reserved", "all"]
    assert spread_report(rows, "lab").to_dict("records") == [
        {"lab": "x", "train": 2, "test": 0, "reserved": 0, "all": 2},
        {"lab": "y", "train": 0, "test": 1, "reserved": 1, "all": 2},
    ]


def test_a_list_of_your_own_is_read_and_a_wrong_one_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("id: mine\nversion: 1\nsource: ibl\nsubjects: [a]\ndescription: d\nwhy: w\n")
    assert load_reserved(path).subjects == ("a",)
    path.write_text("id: mine\nversion: 1\nsource: ibl\nsubject: [a]\ndescription: d\nwhy: w\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml:4, reserved list mine, subject: unknown key 'subject'"):
        load_reserved(path)
    with pytest.raises(ConfigError, match="Did you mean brain-wide-bench"):
        load_reserved("brain-wide-bank")


@pytest.mark.reference
def test_the_reserved_lists_are_what_the_benchmark_and_the_releases_say(reference_dir: Path) -> None:
    release = pd.read_csv(reference_dir / "ibl_releases" / "2023_12_bwm_release.csv")
    evaluated = (reference_dir / "brain_wide_bench" / "eval_recording_ids.txt").read_text().split()
    bench = load_reserved("brain-wide-bench")
    assert sorted(bench.sessions) == sorted(evaluated)
    assert len(bench.sessions) == 29
    assert sorted(bench.subjects) == sorted(set(release.loc[release["eid"].isin(evaluated), "subject"]))
    assert len(bench.subjects) == 13
    assert release.loc[release["subject"].isin(bench.subjects), "eid"].nunique() == 36
    repeated = pd.read_csv(reference_dir / "ibl_releases" / "2024_Q2_IBL_et_al_RepeatedSite_eids_pids.csv")
    public = pd.read_parquet(reference_dir / "one_tables" / "sessions.pqt")
    subjects = set(public.loc[public.index.astype(str).isin(repeated["eid"]), "subject"])
    for path in (reference_dir / "repro_ephys").glob("metrics_*.csv"):
        subjects |= set(pd.read_csv(path)["subject"])
    assert sorted(load_reserved("reproducible-ephys").subjects) == sorted(subjects)
    assert reserved_ids() == ["brain-wide-bench", "reproducible-ephys"]
