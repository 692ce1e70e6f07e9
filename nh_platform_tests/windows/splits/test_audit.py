"""Six planted leaks are found, each by what leaks, and sets without one pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from nh_platform.session import ConfigError
from nh_platform.windows.splits import PartOfSet, SetRecord, audit, causal_ranges


def part(session_id: str, subject: str, split: str, release: str = "2023", **fields: object) -> PartOfSet:
    return PartOfSet("ibl", release, session_id, subject, split, (f"pid-{session_id}",), **fields)  # type: ignore[arg-type]


def window(name: str, *intervals: tuple[float, float]) -> tuple[str, npt.NDArray[np.float64]]:
    return name, np.array(intervals, dtype=np.float64).reshape(-1, 2)


TRAIN, VALID = part("s1", "m1", "train"), part("s2", "m2", "valid")
TEST = part("s3", "m3", "test", ranges=np.array([[30.0, 1000.0]]))  # behind its reference window
BY_SUBJECT = SetRecord(
    parts=[TRAIN, part("s4", "m1", "train"), VALID, TEST],
    is_by_subject=True,
    normalised_on=[TRAIN],
    fitted_on=[part("s1", "m1", "train", ranges=np.array([[0.0, 30.0]]))],
    reference_windows={("ibl", "s3"): window("start-30s", (0, 30)), ("ibl", "s1"): window("start-30s", (0, 30))},
    before=[TRAIN, part("s9", "m9", "test")],
)
RANGES = causal_ranges(0.0, 1040.0)
IN_TIME = SetRecord(
    parts=[part("s1", "m1", split, ranges=ranges) for split, ranges in RANGES.items()],
    is_by_subject=False,
    normalised_on=[part("s1", "m1", "train", ranges=RANGES["train"])],
    fitted_on=[part("s1", "m1", "train", ranges=np.array([[0.0, 30.0]]))],
    reference_windows={("ibl", "s1"): window("start-30s", (0, 30))},
)


def found(record: SetRecord) -> list[tuple[str, str]]:
    return [(one.kind, one.thing) for one in audit(record)]


def test_sets_without_a_leak_pass() -> None:
    assert audit(BY_SUBJECT) == []
    assert audit(IN_TIME) == []


def test_a_subject_in_two_splits_is_found() -> None:
    leaking = replace(BY_SUBJECT, parts=[*BY_SUBJECT.parts, part("s5", "m1", "test")])
    (finding,) = audit(leaking)
    assert finding.kind == "subject"
    assert str(finding) == (
        "subject: ibl subject m1: it is in train (session s1 of 2023 and 1 more) and in test (session s5 of 2023). "
        "Keep all of it in one split: divide by subject, over every release at once."
    )


def test_a_session_of_two_releases_in_two_splits_is_found_with_its_insertion() -> None:
    again = part("s1", "m1", "test", release="Reproducible Ephys")
    kinds = found(replace(BY_SUBJECT, parts=[*BY_SUBJECT.parts, again], before=[], reference_windows={}))
    assert kinds == [
        ("subject", "ibl subject m1"),
        ("session", "ibl session s1"),
        ("insertion", "ibl insertion pid-s1"),
    ]


def test_an_id_of_another_source_is_the_same_session() -> None:
    other = replace(part("s1", "m1", "test"), source="mine")
    first, *others = audit(replace(BY_SUBJECT, parts=[*BY_SUBJECT.parts, other]))
    assert (first.kind, first.thing) == ("subject", "ibl and mine subject m1")
    assert "Leave one of the sources' sessions out" in first.action
    assert [one.thing for one in others] == ["ibl and mine session s1", "ibl and mine insertion pid-s1"]


def test_what_is_kept_out_is_of_no_animal_that_is_used() -> None:
    out = [part("s8", "m8", "held_out"), part("s6", "m8", "reserved")]
    assert audit(replace(BY_SUBJECT, parts=[*BY_SUBJECT.parts, *out])) == []
    assert audit(replace(IN_TIME, parts=[*IN_TIME.parts, *out])) == []
    assert found(replace(IN_TIME, parts=[*IN_TIME.parts, part("s7", "m1", "held_out")])) == [
        ("subject", "ibl subject m1")
    ]


def test_training_on_what_tested_before_is_found() -> None:
    later = causal_ranges(0.0, 1040.0, {"train": 0.9, "valid": 0.05, "test": 0.05})
    parts = [part("s1", "m1", split, ranges=ranges) for split, ranges in later.items()]
    same = replace(IN_TIME, before=IN_TIME.parts)
    assert audit(same) == []
    assert found(replace(same, parts=parts, normalised_on=[])) == [("moved", "ibl session s1")]


def test_stretches_that_reach_over_the_gap_or_overlap_are_found() -> None:
    near = [part("s1", "m1", "train", ranges=np.array([[0.0, 810.0]])), *IN_TIME.parts[1:]]
    (finding,) = audit(replace(IN_TIME, parts=near, normalised_on=[]))
    assert (finding.kind, finding.found) == ("time", "stretches of train and valid are 10 s apart, and 20 s is the gap")
    over = [part("s1", "m1", "train", ranges=np.array([[0.0, 10.0], [500.0, 830.0]])), *IN_TIME.parts[1:]]
    (finding,) = audit(replace(IN_TIME, parts=over, normalised_on=[], fitted_on=[], reference_windows={}))
    assert finding.found == "stretches of train and valid overlap"
    whole = [part("s1", "m1", "train"), *IN_TIME.parts[1:]]
    assert found(replace(IN_TIME, parts=whole))[0] == ("time", "ibl session s1")


def test_normalisation_on_more_than_training_data_is_found() -> None:
    assert found(replace(BY_SUBJECT, normalised_on=[TRAIN, TEST])) == [("normalisation", "ibl session s3")]
    everything = part("s1", "m1", "train")
    assert found(replace(IN_TIME, normalised_on=[everything])) == [("normalisation", "ibl session s1")]
    beyond = part("s1", "m1", "train", ranges=np.array([[0.0, 801.0]]))
    assert found(replace(IN_TIME, normalised_on=[beyond])) == [("normalisation", "ibl session s1")]


def test_vectors_fitted_on_more_than_training_data_and_reference_windows_are_found() -> None:
    (finding,) = audit(replace(BY_SUBJECT, fitted_on=[TEST]))
    assert (finding.kind, finding.thing) == ("normalisation", "ibl session s3")
    assert finding.found == "vectors of units were fitted on stretches of it, which is not all training data"
    beyond = part("s1", "m1", "train", ranges=np.array([[0.0, 30.0], [850.0, 860.0]]))
    assert found(replace(IN_TIME, fitted_on=[beyond])) == [("normalisation", "ibl session s1")]
    assert found(replace(IN_TIME, reference_windows={}, fitted_on=[beyond])) == [("normalisation", "ibl session s1")]


def test_counts_of_a_reference_window_outside_of_training_are_no_training_data() -> None:
    beside = {("ibl", "s1"): window("spontaneous-30s", (0, 30), (1065, 1070))}
    assert audit(replace(IN_TIME, reference_windows=beside)) == []
    counts = part("s1", "m1", "train", ranges=np.array([[1065.0, 1070.0]]))
    assert found(replace(IN_TIME, reference_windows=beside, normalised_on=[counts])) == [
        ("normalisation", "ibl session s1")
    ]


def test_a_session_that_moved_since_the_earlier_build_is_found() -> None:
    (finding,) = audit(replace(BY_SUBJECT, before=[part("s1", "m1", "test"), VALID]))
    assert (finding.kind, finding.found) == ("moved", "what was in test is in train now")


def test_a_reference_window_that_has_seen_what_is_tested_is_found() -> None:
    late = {("ibl", "s1"): window("pre-task", (790, 820))}
    (finding,) = audit(replace(IN_TIME, reference_windows=late))
    assert finding.thing == "ibl session s1, reference window pre-task"
    assert finding.found == "its 790 to 820 s are 0 s from what is tested, and 20 s is the gap"
    whole = {("ibl", "s1"): window("whole-session", (0, 1040))}
    for record in (IN_TIME, BY_SUBJECT):
        (finding,) = audit(replace(record, reference_windows=whole))
        assert finding.found == "it has seen all that is tested"
        assert (
            "`nh materialize ibl --missing`" in finding.action
        )  # also where settings have moved and what is stored not


def test_intervals_of_a_reference_window_are_looked_at_one_by_one() -> None:
    def spread(*last: tuple[float, float]) -> SetRecord:
        intervals = window("spontaneous-60s", (5, 25), (700, 730), *last)
        fitted = part("s1", "m1", "train", ranges=intervals[1])
        return replace(IN_TIME, fitted_on=[fitted], reference_windows={("ibl", "s1"): intervals})

    assert audit(spread()) == []
    (finding,) = audit(spread((930, 935)))  # between valid, to 920 s, and test, from 940 s
    assert finding.found == "its 930 to 935 s are 5 s from what is tested, and 20 s is the gap"
    (finding,) = audit(spread((950, 960)))  # told once, although vectors were fitted on it
    assert (finding.kind, finding.found) == ("reference window", "windows that are tested lie in its 950 to 960 s")
    cut = [*IN_TIME.parts[:2], part("s1", "m1", "test", ranges=np.array([[980.0, 1040.0]]))]
    assert audit(replace(spread((950, 960)), parts=cut)) == []
    whole = replace(IN_TIME.normalised_on[0], ranges=np.array([[0.0, 1040.0]]))
    seen = {("ibl", "s1"): window("whole-session", (0, 1040))}
    assert [one.kind for one in audit(replace(IN_TIME, fitted_on=[whole], reference_windows=seen))] == [
        "reference window"
    ]


def test_of_a_session_that_is_tested_as_a_whole_intervals_are_not_tested() -> None:
    spread = {("ibl", "s3"): window("spontaneous-60s", (100, 130), (400, 430))}
    around = part("s3", "m3", "test", ranges=np.array([[0.0, 100.0], [130.0, 400.0], [430.0, 1000.0]]))
    parts = [*BY_SUBJECT.parts[:-1], around]
    assert audit(replace(BY_SUBJECT, parts=parts, reference_windows=spread)) == []
    (finding,) = audit(replace(BY_SUBJECT, reference_windows=spread))
    assert finding.found == "windows that are tested lie in its 100 to 130 s"


def test_intervals_that_are_none_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"reference window start-30s of ibl session s1: its intervals are \[\[30"):
        audit(replace(IN_TIME, reference_windows={("ibl", "s1"): window("start-30s", (30, 0))}))


def test_stretches_that_touch_are_one() -> None:
    pieces = [part("s1", "m1", "train", ranges=np.array([[400.0, 800.0], [0.0, 400.0]])), *IN_TIME.parts[1:]]
    across = {("ibl", "s1"): window("pre-task", (390, 410))}
    assert audit(replace(IN_TIME, parts=pieces, fitted_on=[], reference_windows=across)) == []


def test_what_was_tested_as_a_whole_does_not_train_in_stretches_and_the_other_way_round() -> None:
    whole = [part("s1", "m1", "test")]
    assert found(replace(IN_TIME, before=whole)) == [("moved", "ibl session s1")]
    trained = [part("s1", "m1", "train")]
    assert {kind for kind, _ in found(replace(IN_TIME, before=trained))} == {"moved"}
    assert found(replace(BY_SUBJECT, before=BY_SUBJECT.parts)) == []


def test_windows_that_are_tested_do_not_lie_in_the_reference_window_of_their_session() -> None:
    whole = [one if one.session_id != "s3" else replace(one, ranges=None) for one in BY_SUBJECT.parts]
    assert found(replace(BY_SUBJECT, parts=whole)) == [
        ("reference window", "ibl session s3, reference window start-30s")
    ]


def test_sessions_without_an_animal_are_no_animal() -> None:
    parts = [replace(one, subject="") for one in BY_SUBJECT.parts]
    assert audit(replace(BY_SUBJECT, parts=parts)) == []
