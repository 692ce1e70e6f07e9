"""Regions of units: classes in the benchmark's order, which units count, and which split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.tasks.brain_wide_bench.suite3 import REGIONS, unit_cosmos
from nh_platform.tasks.task import TargetMissing
from nh_platform_tests.tasks.brain_wide_bench.hand_made import session_of, spikes_of

UNITS = {
    "cosmos": ["TH", "CB", "void", "root", None, "Isocortex"],
    "probe": ["probe00", "probe00", "probe00", "probe00", "probe01", "probe01"],
    "depth": [0.0, 10.0, 20.0, 30.0, 40.0, 50.0],
    "amplitude": 1e-4,
    "peak_to_trough": [0.5, np.nan, 0.3, 0.3, 0.3, -0.1],
    "released.label": 1.0,
    "released.firing_rate": 10.0,
}
TEST_SESSION = "6713a4a7-faed-4df2-acab-ee4e63326f8d"
"""Of animal NYU-11; another of its sessions may be in no split."""


def session(**others: Any) -> SessionView:
    spikes = spikes_of(*([1.0, 2.0] for _ in range(6)))
    return session_of(spikes, None, UNITS | others.pop("units", {}), **others)


def labels(neural: str = "PASS", alignment: str = "PASS", eid: str = "by-hand") -> pd.DataFrame:
    behaviours = {f"qc_behavior_{name}": "PASS" for name in ("whisker", "wheel", "licks", "paws")}
    rows = [
        {"eid": eid, "probe_name": "probe00", "qc_neural": "PASS", "qc_neural_alignment": "PASS"},
        {"eid": eid, "probe_name": "probe01", "qc_neural": neural, "qc_neural_alignment": alignment},
    ]
    return pd.DataFrame([row | behaviours for row in rows])


def test_regions_are_classes_in_alphabetical_order_and_void_and_root_are_none() -> None:
    data = unit_cosmos(session())
    assert data.label_names == REGIONS == tuple(sorted(REGIONS))
    assert data.outputs(np.arange(3)).tolist() == [9, 0, 6]
    assert data.row_ids.tolist() == [0, 1, 5]
    assert data.target_ids.tolist() == ["a", "b", "f"]
    assert data.left_out == {"in none of the ten regions": 3}
    assert np.isnan(data.starts).all()


@pytest.mark.parametrize(
    ("ids", "split"),
    [
        ({"session_id": TEST_SESSION, "subject": "NYU-11"}, "test"),
        ({"session_id": "another", "subject": "NYU-11"}, ""),
        ({"session_id": "another", "subject": "mouse"}, "train"),
    ],
)
def test_a_session_tests_where_it_is_one_of_the_benchmark_s(ids, split) -> None:
    assert unit_cosmos(session(**ids)).split.tolist() == [split] * 3


def test_probes_with_a_warning_train_and_do_not_test_and_alignment_must_pass() -> None:
    assert unit_cosmos(session(), labels("WARNING")).row_ids.tolist() == [0, 1, 5]
    assert unit_cosmos(session(), labels("FAIL")).row_ids.tolist() == [0, 1]
    tested = session(session_id=TEST_SESSION)
    assert unit_cosmos(tested, labels("WARNING", eid=TEST_SESSION)).row_ids.tolist() == [0, 1]
    found = unit_cosmos(session(), labels(alignment="WARNING"))
    assert found.row_ids.tolist() == [0, 1]
    assert found.left_out["on a probe whose alignment does not pass"] == 2
    assert found.notes == ()
    assert [note.split(" ")[0] for note in unit_cosmos(session()).notes] == ["qc_neural", "qc_neural_alignment"]


def test_inputs_are_shares_of_intervals_rate_amplitude_and_duration_without_nan() -> None:
    intervals = np.zeros((6, 60), dtype=np.int64)
    intervals[0, [10, 20]] = 1, 3
    data = unit_cosmos(session(intervals=intervals))
    features = data.inputs(np.arange(3))
    assert features.shape == (3, 63) == (len(data), len(data.input_ids))
    assert features[0, [10, 20]].tolist() == [0.25, 0.75]
    assert features[1, :60].sum() == 0.0
    assert features[:, 60].tolist() == [1.0, 1.0, 1.0]
    assert features[:, 61] == pytest.approx(-4.0)
    assert features[:, 62].tolist() == [0.5, 0.2, -0.1]  # of the second, the median of the others


def test_depths_and_probes_are_those_of_the_rows() -> None:
    data = unit_cosmos(session())
    assert data.target_depths.tolist() == [0.0, 10.0, 50.0]
    assert data.target_probes.tolist() == ["probe00", "probe00", "probe01"]


@pytest.mark.parametrize(
    ("units", "found"),
    [
        ({"cosmos": None}, "its units have no region: the track of its probes is not resolved"),
        ({"cosmos": "void"}, "none of its selected units lies in one of the ten regions"),
        ({"released.label": 0.5}, "none of its 6 units is selected"),
    ],
)
def test_what_lacks_is_named(units, found) -> None:
    with pytest.raises(TargetMissing, match=f"ibl session by-hand: {found}"):
        unit_cosmos(session(units=units))
