"""Rows that torch_brain can slice: closed, sorted, without overlap, and said where they were mended."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.exports.torch_brain.ibl_trials import UNKNOWN, benchmark_columns
from nh_platform.exports.torch_brain.tables import closed_rows, interval_of

NAN = float("nan")


def a_table(*rows: tuple[float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["start_time", "stop_time"])


def test_what_torch_brain_cannot_slice_is_mended_or_left_out_and_said() -> None:
    table = a_table((10.0, 14.0), (NAN, 3.0), (2.0, NAN), (5.0, 11.0), (20.0, 20.0), (30.0, NAN))
    notes: list[str] = []
    rows, ranges, is_known = closed_rows("trials", table, 33.0, notes)
    assert rows.tolist() == [2, 3, 0, 5]
    assert ranges.tolist() == [[2.0, 5.0], [5.0, 10.0], [10.0, 14.0], [30.0, 33.0]]
    assert is_known.tolist() == [False, False, True, False]
    assert notes == [
        "trials: 1 row without a start: left out",
        "trials: 2 rows without an end: closed where the next one starts",
        "trials: 1 row ending behind the start of the next one, by 1 s at most: ended there",
        "trials: 1 row not ending after the start: left out",
    ]


seconds = st.floats(0, 1000) | st.just(NAN)


@given(st.lists(st.tuples(seconds, seconds), max_size=30))
def test_rows_never_overlap_and_keep_their_start(pairs: list[tuple[float, float]]) -> None:
    table = a_table(*pairs)
    rows, ranges, is_known = closed_rows("trials", table, 1001.0, [])
    assert (ranges[:, 1] > ranges[:, 0]).all()
    assert (ranges[1:, 0] >= ranges[:-1, 1]).all()
    assert (table["start_time"].to_numpy()[rows] == ranges[:, 0]).all()
    assert (table["stop_time"].to_numpy()[rows][is_known] == ranges[is_known, 1]).all()


def test_times_are_found_by_their_values_and_text_is_ascii() -> None:
    table = a_table((10.0, 14.0), (50.0, 55.0)).assign(
        cue=[11.0, 51.0], wait_time=[0.4, 0.5], stated=[NAN, NAN], kind=["5 µm", None], keys=[1, 2]
    )
    found = interval_of("lab_trials", table, (0.0, 60.0), [], known_times={"stated"})
    assert found.timekeys == ("cue", "stated", "start", "end")
    assert found.arrays["kind"].tolist() == ["5 \\xb5m", ""]
    assert set(found.arrays) == {"start", "end", "cue", "wait_time", "stated", "kind", "keys_", "end_known", "row"}


def test_classes_are_those_of_the_benchmark() -> None:
    trials = pd.DataFrame(
        {
            "choice": [1.0, -1.0, 0.0, NAN],
            "feedbackType": [1.0, -1.0, -1.0, NAN],
            "probabilityLeft": [0.5, 0.2, 0.8, NAN],
            "contrastLeft": [1.0, NAN, 0.0625, NAN],
            "contrastRight": [NAN, 0.25, NAN, NAN],
            "stimOn_times": [1.0, 2.0, 3.0, 4.0],
            "firstMovement_times": [1.5, 12.5, 3.5, 4.5],
            "feedback_times": [2.0, 13.0, 4.0, 5.0],
        }
    )
    found = {name: values.tolist() for name, values in benchmark_columns(trials).items()}
    assert found == {
        "choice": [1, 0, 2, UNKNOWN],
        "reward": [1, 0, 0, UNKNOWN],
        "block_prior": [UNKNOWN, 0, 1, UNKNOWN],
        "stimulus_side": [1, 0, 1, UNKNOWN],
        "stimulus_contrast": [4, 3, 1, UNKNOWN],
        "is_valid": [True, False, False, False],
    }
    assert all(values.dtype in (np.int64, np.bool_) for values in benchmark_columns(trials).values())
