"""What torch_brain lets pass in silence is refused: every row of what was measured, planted one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nh_platform.exports.torch_brain.checks import are_times, check_recording
from nh_platform.exports.torch_brain.objects import Group, array_dict, data, interval, irregular, regular
from nh_platform.session import StoreError

BOUNDS = (0.5, 100.0)
WHOLE = np.array([BOUNDS])
TIMES = np.array([0.5, 1.0, 2.0, 100.0])


def a_recording(**changed: Group | None) -> Group:
    """Return a recording without a fault, of which some objects are changed."""
    groups: dict[str, Group] = {
        "brainset": data({"id": "ibl"}),
        "subject": data({"id": "mouse"}),
        "session": data({"id": "one"}),
        "device": data({"id": "rig"}),
        "units": array_dict({"id": np.array(["a", "b"])}),
        "spikes": irregular(TIMES, WHOLE, {"unit_index": np.array([0, 1, 0, 1])}),
        "trials": interval(np.array([[1.0, 2.0], [40.0, 50.0]]), {"cue": np.array([1.5, 41.0])}, ["cue"]),
        "wheel": regular(0.5, 10.0, {"speed": np.full(995, np.nan)}),
        "train_domain": interval(np.array([[0.5, 60.0]])),
        "valid_domain": interval(np.array([[65.0, 80.0]])),
        "val_domain": interval(np.array([[65.0, 80.0]])),
        "test_domain": interval(np.array([[85.0, 100.0]])),
    }
    changes = {name: one for name, one in changed.items() if one is not None}
    return data({}, {**groups, **changes}, domain=np.array([[0.5, 30.0], [31.0, 100.0]]))


def with_arrays(group: Group, **arrays: Any) -> Group:
    return replace(group, arrays={**group.arrays, **arrays})


WITHOUT = a_recording()
SPIKES, UNITS, TRIALS = (WITHOUT.groups[name] for name in ("spikes", "units", "trials"))


def ranges(*pairs: tuple[float, float], dtype: type = np.float64) -> Group:
    return interval(np.array(pairs, dtype=dtype))


FAULTS: Mapping[str, tuple[dict[str, Group], str]] = {
    "unit_index is one too large": (
        {"spikes": with_arrays(SPIKES, unit_index=np.array([0, 1, 2, 1]))}, "0 to 2 and there are 2 units",
    ),
    "unit_index is -1": ({"spikes": with_arrays(SPIKES, unit_index=np.array([0, -1, 0, 1]))}, "from -1 to 1 and"),
    "unit_index is unsigned": (
        {"spikes": with_arrays(SPIKES, unit_index=np.array([0, 1, 0, 1], dtype=np.uint64))}, "dtype uint64",
    ),
    "unit_index is float": ({"spikes": with_arrays(SPIKES, unit_index=np.zeros(4))}, "dtype float64"),
    "a gap in the domain of the spikes": (
        {"spikes": replace(SPIKES, domain=np.array([[0.5, 50.0], [60.0, 100.0]]))}, "not one stretch",
    ),
    "the domain of the spikes begins with the first one": (
        {"spikes": irregular(TIMES + 0.1, np.array([[0.6, 100.1]]), {"unit_index": np.zeros(4, dtype=np.int64)})},
        "bins would be shifted",
    ),
    "spikes before the domain": (
        {"spikes": with_arrays(SPIKES, timestamps=np.array([0.1, 1.0, 2.0, 3.0]))}, "the lazy reader drops them",
    ),
    "spikes behind the domain": (
        {"spikes": with_arrays(SPIKES, timestamps=np.array([0.6, 1.0, 2.0, 101.0]))}, "the lazy reader drops them",
    ),
    "unsorted spikes": ({"spikes": with_arrays(SPIKES, timestamps=np.array([0.5, 2.0, 1.0, 3.0]))}, "not sorted"),
    "times of float32": ({"spikes": with_arrays(SPIKES, timestamps=TIMES.astype(np.float32))}, "times have float64"),
    "a spike at NaN": (
        {"spikes": with_arrays(SPIKES, timestamps=np.array([0.5, 1.0, 2.0, np.nan]))}, "not finite",
    ),
    "a time that is no timekey": (
        {"trials": replace(TRIALS, timekeys=("start", "end"))}, "cue is a time and not among the timekeys",
    ),
    "overlapping intervals": ({"trials": ranges((1.0, 3.0), (2.0, 4.0))}, "they overlap"),
    "unsorted intervals": ({"trials": ranges((5.0, 6.0), (1.0, 2.0))}, "a lazy slice would give other rows"),
    "an interval without an end": ({"trials": ranges((1.0, np.nan))}, "not finite"),
    "an interval that ends before it starts": ({"trials": ranges((3.0, 2.0))}, "does not end after it starts"),
    "intervals of float32": ({"trials": ranges((1.0, 2.0), dtype=np.float32)}, "float32"),
    "train and test overlap": ({"test_domain": ranges((59.0, 100.0))}, "train and test: they overlap"),
    "valid and train overlap under the other name": ({"val_domain": ranges((50.0, 80.0))}, "train and val"),
    "a split of a scope overlaps": (
        {"ts1_train_domain": ranges((1.0, 9.0)), "ts1_test_domain": ranges((8.0, 9.5))}, "ts1 train and test",
    ),
    "a split reaches beyond the recording": ({"test_domain": ranges((85.0, 101.0))}, "beyond the recorded time"),
    "text as objects": ({"units": with_arrays(UNITS, region=np.array(["VISp", None], dtype=object))}, "dtype object"),
    "text as bytes": ({"units": with_arrays(UNITS, region=np.array([b"VISp", b"CA1"]))}, "comes back as bytes"),
    "text that is not ASCII": ({"units": with_arrays(UNITS, region=np.array(["µ", ""]))}, "not ASCII"),
    "ids of units are numbers": ({"units": array_dict({"id": np.array([1, 2])})}, "vocabularies want text"),
    "two units have one id": ({"units": array_dict({"id": np.array(["a", "a"])})}, "two units have one id"),
    "no unit": (
        {
            "units": array_dict({"id": np.zeros(0, dtype="<U1")}),
            "spikes": irregular(np.zeros(0), WHOLE, {"unit_index": np.zeros(0, dtype=np.int64)}),
        },
        "there is none",
    ),
    "the id of the session is not the name of the file": ({"session": data({"id": "two"})}, "not the name of the file"),
    "an id is a number": ({"subject": data({"id": 7})}, "no text"),
    "a fact is no text or number": ({"device": data({"id": "rig", "when": np.str_("now")})}, "type str_"),
    "arrays of different lengths": ({"units": with_arrays(UNITS, depth=np.zeros(3))}, "different lengths"),
    "a name that torch_brain has": ({"trials": with_arrays(TRIALS, domain=np.zeros(2))}, "'domain' cannot be"),
    "objects with times and no domain": ({"shown": data({}, {"a": ranges((1.0, 2.0))})}, "no domain"),
}  # fmt: skip


def test_a_recording_without_a_fault_passes() -> None:
    check_recording(WITHOUT, "one", BOUNDS)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_refused(fault: str) -> None:
    changed, said = FAULTS[fault]
    with pytest.raises(StoreError, match="recording one") as refused:
        check_recording(a_recording(**changed), "one", BOUNDS)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        (None, "no domain"),
        (np.zeros((0, 2)), "no window can be drawn"),
        (np.array([[0.0, 100.0]]), "beyond the recorded time"),
        (np.array([[0.5, 60.0], [50.0, 100.0]]), "overlap"),
    ],
)
def test_a_domain_that_cannot_be_is_refused(domain: Any, said: str) -> None:
    with pytest.raises(StoreError) as refused:
        check_recording(replace(WITHOUT, domain=domain), "one", BOUNDS)
    assert said in str(refused.value)


def test_lengths_labels_and_counts_are_no_times() -> None:
    start = np.arange(10) * 20.0
    end = start + 5.0
    for values in (np.full(10, 0.4), np.arange(10.0), np.full(10, np.nan), np.zeros(10), end - start):
        assert not are_times(values, start, end)
    assert are_times(np.where(np.arange(10) % 2, np.nan, start + 1), start, end)
    assert not are_times(np.array(["a"] * 10), start, end)
