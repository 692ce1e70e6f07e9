"""Rows of a table that are an event: values, bounds and differences, and which columns must be there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.sources.events import EventFilter, EventTimes

TABLE = pd.DataFrame({"a": [1.0, 2.0, np.nan, 4.0], "b": [0.5, 2.0, 1.0, np.nan], "word": ["x", "y", None, "x"]})


@pytest.mark.parametrize(
    ("stated", "met"),
    [
        ({"column": "word", "include": ("x",)}, [True, False, False, True]),
        ({"column": "word", "exclude": ("x",)}, [False, True, True, False]),
        ({"column": "a", "minimum": 2}, [False, True, False, True]),
        ({"column": "a", "minimum": 1, "maximum": 2}, [True, True, False, False]),
        ({"column": "a", "minus": "b", "maximum": 0.0}, [False, True, False, False]),
        ({"column": "word", "minimum": 0}, [False, False, False, False]),
    ],
)
def test_rows_that_meet_a_filter(stated, met) -> None:
    assert EventFilter(**stated).met_by(TABLE).tolist() == met


def test_differences_are_those_of_rows_whatever_their_index() -> None:
    shuffled = TABLE.iloc[[3, 1, 0]]
    assert EventFilter(column="a", minus="b", minimum=0.5).met_by(shuffled).tolist() == [False, False, True]


def test_columns_that_an_event_reads() -> None:
    filters = (EventFilter(column="a", minus="b", minimum=0), EventFilter(column="t", exclude=(1,)))
    assert EventTimes("trials", "t", filters).columns == ("t", "a", "b")
