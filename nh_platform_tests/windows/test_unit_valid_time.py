"""An interval of one unit makes the windows that it overlaps invalid for that unit, and for no other."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.session.tables.units import UNIT_INVALID_TIMES
from nh_platform.windows.unit_valid_time import intervals_by_unit, without_unit_intervals


def table(*rows: tuple[str, float, float]) -> pd.DataFrame:
    columns = ["unit_id", "start_time", "stop_time"]
    return UNIT_INVALID_TIMES.conform(pd.DataFrame(rows, columns=columns).assign(label="review"))


def test_intervals_of_a_unit_are_merged_where_they_touch() -> None:
    found = intervals_by_unit(table(("b", 5.0, 6.0), ("a", 3.0, 4.0), ("a", 1.0, 3.0)))
    assert {unit: part.tolist() for unit, part in found.items()} == {"a": [[1.0, 4.0]], "b": [[5.0, 6.0]]}
    assert intervals_by_unit(UNIT_INVALID_TIMES.empty()) == {}


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 10) | st.just(np.nan), min_size=1, max_size=8),
    st.lists(st.tuples(st.floats(0, 9), st.floats(0.01, 2)), max_size=4),
    st.lists(st.booleans(), min_size=1, max_size=8),
)
def test_a_window_is_valid_where_it_was_and_none_of_the_units_intervals_overlaps_it(times, spans, before) -> None:
    at = np.array(times)
    valid = np.resize(np.array(before), (len(at), 2))
    intervals = [(begin, begin + length) for begin, length in spans]
    of_units = intervals_by_unit(table(*(("u1", *one) for one in intervals))) if intervals else {}
    found = without_unit_intervals(valid, at, -0.5, 0.5, ["u0", "u1"], of_units)
    assert (found[:, 0] == valid[:, 0]).all()
    for event, time in enumerate(at):
        overlaps = any(begin < time + 0.5 and end > time - 0.5 for begin, end in intervals)
        assert found[event, 1] == (valid[event, 1] and not overlaps)
