"""Names, columns, rows and times of one's own mean events; masks are matched by index or length, or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading.events.event_choice import ChosenEvents, choose_events
from nh_platform.reading.events.session_events import SessionEvents
from nh_platform.session import ConfigError
from nh_platform.sources.events import EventFilter, EventTimes

TRIALS = pd.DataFrame({"cue": [1.0, np.nan, 3.0, 4.0], "side": ["l", "r", "l", None], "correct": [1.0, 1.0, 0.0, 1.0]})
SHOWN = pd.DataFrame({"start_time": [0.0, 1.0, 2.0], "name": ["grey", "x", "y"], "valid": [True, True, False]})
STATED = {
    "cue": EventTimes("trials", "cue"),
    "onset": EventTimes("presentations", "start_time", (EventFilter(column="name", exclude=("grey",)),)),
}
EVENTS = SessionEvents(lambda: {"trials": TRIALS, "presentations": SHOWN}, lambda: STATED, "a session")


def choose(event) -> ChosenEvents:
    return choose_events(EVENTS, lambda: TRIALS, event)


def test_a_name_leaves_out_rows_without_a_time_and_knows_what_is_invalid() -> None:
    assert choose("cue").times.tolist() == [1.0, 3.0, 4.0]
    assert choose("cue").label == "cue (trials.cue)"
    assert choose("onset").times.tolist() == [1.0, 2.0]
    assert choose("onset").fit.tolist() == [True, False]
    assert choose(EVENTS("onset")).times.tolist() == [1.0, 2.0]


def test_a_column_has_every_row() -> None:
    assert choose("start_time").label == "presentations.start_time"
    assert choose(("presentations", "start_time")).times.tolist() == [0.0, 1.0, 2.0]
    column = choose(("trials", "cue"))
    assert np.isnan(column.times).tolist() == [False, True, False, False]
    assert column.timed().times.tolist() == [1.0, 3.0, 4.0]


def test_times_of_your_own() -> None:
    for times in ([2.0, 1.0], np.array([2, 1]), pd.Series([2.0, 1.0], index=[7, 3]), (2.0, 1.0)):
        chosen = choose(times)
        assert (chosen.times.tolist(), chosen.label, chosen.rows) == ([2.0, 1.0], "your times", None)
    assert choose([]).times.tolist() == []
    assert choose([2.0, 1.0, 3.0]).where([True, False, True]).times.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("times", "text"),
    [
        ([1.0, np.nan], "1 of 2 are not finite"),
        ([np.inf], "1 of 1 are not finite"),
        (np.zeros((2, 2)), r"shape \(2, 2\)"),
        (["a", "b"], "no numbers"),
        ([1.0, None], "no numbers"),
        ([[1.0], [1.0, 2.0]], "no numbers"),
        (np.array([True, False]), "they are a mask.*where=mask"),
        (np.array(["2020-01-01"], dtype="datetime64[s]"), "no numbers"),
        (None, "no numbers"),
    ],
)
def test_times_that_are_none_are_refused(times, text) -> None:
    with pytest.raises(ConfigError, match=text):
        choose(times)


@pytest.mark.parametrize(
    "event", ["cues", ("trials", "cues"), ("licks", "times"), ("trials", "cue", "x"), ("trials", 1)]
)
def test_an_unknown_event_names_events_and_columns(event) -> None:
    with pytest.raises(ConfigError, match=r"Use one of 'cue', 'onset', or \('presentations', 'start_time'\)"):
        choose(event)


def test_a_column_of_words_is_no_event() -> None:
    with pytest.raises(ConfigError, match=r"event trials.side: its values are object"):
        choose(("trials", "side"))


def test_a_mask_over_the_table_or_over_the_events() -> None:
    left = TRIALS["side"] == "l"
    for mask in (left, left.to_numpy(), left.tolist(), left.astype(object), [True, True, False]):
        assert choose("cue").where(mask).times.tolist() == [1.0, 3.0]
    assert choose("cue").where(None).times.tolist() == [1.0, 3.0, 4.0]
    of_events = EVENTS("onset").rows["name"] == "y"
    assert choose("onset").where(of_events).times.tolist() == [2.0]
    assert choose("onset").where(of_events.reset_index(drop=True)).times.tolist() == [2.0]
    assert choose("onset").where(np.array([True, False, True])).times.tolist() == [2.0]


def test_a_series_is_read_by_its_index() -> None:
    in_another_order = TRIALS.sort_values("correct", kind="stable")["correct"] == 0
    assert in_another_order.tolist() == [True, False, False, False]
    assert choose("cue").where(in_another_order).times.tolist() == [3.0]


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        ([True, False], "2 values for 3 events, rows of a table of 4"),
        ([1, 0, 1], "int64 of shape"),
        ([1.0, 0.0, 1.0], "float64 of shape"),
        ([[True, False, True]], r"shape \(1, 3\)"),
        ([True, None, False], "object of shape"),
        ("left", "of shape"),
        (True, r"shape \(\)"),
        ([], "of shape"),
    ],
)
def test_what_is_no_mask_is_refused(mask, text) -> None:
    with pytest.raises(ConfigError, match=text):
        choose("cue").where(mask)


def test_a_mask_of_other_times_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"1 values for 2 events. Match the times"):
        choose([1.0, 2.0]).where([True])


def test_values_of_a_column() -> None:
    groups = choose("cue").by("side")
    assert {value: mask.tolist() for value, mask in groups.items()} == {"l": [True, True, False]}
    assert choose("cue").by(None)[None].tolist() == [True, True, True]
    with pytest.raises(ConfigError, match="Did you mean side"):
        choose("cue").by("sides")
    with pytest.raises(ConfigError, match="your own have no columns"):
        choose([1.0]).by("side")
