"""Named events of any source: their rows and times, what a session lacks, and those of a stretch of time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading.events.session_events import SessionEvents, rows_within
from nh_platform.reading.events.stated_events import stated_events
from nh_platform.session import ConfigError
from nh_platform.sources.events import EventFilter, EventTimes
from nh_platform.sources.registry import source_entry

PRESENTATIONS = pd.DataFrame(
    {
        "presentation_id": range(8),
        "start_time": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        "stop_time": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        "stimulus_name": ["spontaneous", "natural_movie_one", "natural_movie_one", *["flashes"] * 4, "spontaneous"],
        "stimulus_block": [np.nan, 1, 1, 2, 2, 2, 2, np.nan],
        "frame": [np.nan, 0, 1, *[np.nan] * 5],
        "valid": [True, True, True, True, False, True, True, True],
    }
)
TRIALS = pd.DataFrame({"start_time": [0.0, 2.0, 4.0], "stop_time": [1.9, 3.9, 6.0], "cue": [0.5, np.nan, 4.5]})
STATED = {
    "stimulus onset": source_entry("allen_vc").events["stimulus onset"],
    "go cue": EventTimes("trials", "cue"),
    "late cue": EventTimes("trials", "cue", (EventFilter(column="start_time", minimum=1),)),
    "lick": EventTimes("licks", "times"),
    "feedback": EventTimes("trials", "feedback_times"),
}


@pytest.fixture
def events() -> SessionEvents:
    return SessionEvents(lambda: {"trials": TRIALS, "presentations": PRESENTATIONS}, lambda: STATED, "toy session 1")


def test_it_is_a_mapping_of_tables(events) -> None:
    assert list(events) == ["trials", "presentations"]
    assert len(events) == 2
    assert events["trials"] is TRIALS
    assert "licks" not in events
    assert events.get("licks") is None
    assert {**events}["presentations"] is PRESENTATIONS
    assert sorted(dict(events.items())) == ["presentations", "trials"]


def test_events_that_the_session_has(events) -> None:
    assert events.names == ("stimulus onset", "go cue", "late cue")
    assert repr(events) == (
        "SessionEvents(tables: trials (3), presentations (8); events: stimulus onset, go cue, late cue)"
    )
    shown = events._repr_html_()
    assert "<td>event</td><td>go cue</td><td>2</td><td>trials.cue</td>" in shown


def test_filters_and_whole_movies_are_applied(events) -> None:
    onset = events("stimulus onset")
    # no spontaneous row, and the two frames of the movie are one event
    assert onset.times.tolist() == [1.0, 3.0, 4.0, 5.0, 6.0]
    assert onset.rows.index.tolist() == [1, 3, 4, 5, 6]
    assert onset.rows["stop_time"].iloc[0] == 3.0
    assert onset.valid.tolist() == [True, True, False, True, True]
    assert np.asarray(onset).tolist() == onset.times.tolist()
    assert repr(onset) == "EventRows('stimulus onset', 5 of presentations.start_time, 1.000 to 6.000 s)"
    assert "<td>3</td><td>3.0000</td>" in onset._repr_html_()


def test_a_row_without_a_time_is_no_event(events) -> None:
    assert events("go cue").times.tolist() == [0.5, 4.5]
    assert events("go cue").rows.index.tolist() == [0, 2]
    assert events("late cue").times.tolist() == [4.5]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lick", r"event 'lick' of toy session 1: .*at licks.times, and the session has no licks"),
        ("feedback", r"trials has no column 'feedback_times'"),
        ("go queue", r"Use one of stimulus onset, go cue, late cue\. Did you mean go cue"),
        ("trials", r"it is a table. Read the table: `session.events\['trials'\]`"),
        (3, "event 3 of toy session 1"),
        (["go cue"], "its source states no such event"),
    ],
)
def test_an_event_that_the_session_lacks_is_named(events, name, text) -> None:
    with pytest.raises(ConfigError, match=text):
        events(name)


def test_a_source_that_is_not_served_states_no_event() -> None:
    events = SessionEvents(lambda: {"trials": TRIALS}, dict, "gone session 1")
    assert events.names == ()
    assert "events: none" in repr(events)
    text = r"served neither by .* nor by the home\. It has no named event; use .* \('trials', 'start_time'\)"
    with pytest.raises(ConfigError, match=text):
        events("go cue")
    without = SessionEvents(dict, lambda: {"onset": EventTimes("presentations", "start_time")}, "toy session 1")
    text = r"the session has no presentations\. It has no named event; give times of your own"
    with pytest.raises(ConfigError, match=text):
        without("onset")


def test_an_event_at_presentations_that_are_not_there_names_those_that_are(events) -> None:
    stated = {"flash": EventTimes("presentations", "start_time"), "go cue": EventTimes("trials", "cue")}
    some = SessionEvents(lambda: {"trials": events["trials"]}, lambda: stated, "toy session 1")
    text = r"at presentations\.start_time, and the session has no presentations\. Use one of go cue\."
    with pytest.raises(ConfigError, match=text):
        some("flash")


def test_a_stretch_has_the_events_within_it_and_the_rows_that_overlap_it(events) -> None:
    part = events.between(1.0, 4.5)
    assert part("stimulus onset").times.tolist() == [1.0, 3.0, 4.0]
    assert part("go cue").times.tolist() == []  # 4.5 is its end
    assert part["trials"].index.tolist() == [0, 1, 2]
    assert part["presentations"].index.tolist() == [1, 2, 3, 4]
    assert part.between(2.0, 9.0)("stimulus onset").times.tolist() == [3.0, 4.0]
    assert events("stimulus onset").times.tolist() == [1.0, 3.0, 4.0, 5.0, 6.0]
    # a movie that began before the stretch does not begin in it
    assert events.between(2.0, 3.0)("stimulus onset").times.tolist() == []


def test_tables_without_times_are_whole() -> None:
    facts = pd.DataFrame({"name": ["a"], "value": ["1"]})
    assert rows_within(facts, 0.0, 1.0) is facts
    times = pd.DataFrame({"times": [0.0, 1.0, np.nan]})
    assert rows_within(times, 0.0, 1.0).index.tolist() == [0]


def test_events_of_an_own_source_are_those_of_its_home(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    text = "mylab:\n  kind: nwb\n  read:\n    files: rec/*.nwb\n    events: {tone: trials.tone_time}\n"
    (tmp_path / "sources.yaml").write_text(text, encoding="utf-8")
    stated = stated_events(tmp_path / "store", "mylab")
    assert stated["tone"] == EventTimes("lab_trials", "tone_time")
    assert stated["trial start"].label == "lab_trials.start_time"
    assert stated_events(tmp_path / "store", "gone") == {}
    elsewhere = tmp_path / "moved"
    elsewhere.mkdir()
    assert stated_events(elsewhere, "mylab") == {}
    # a source of the platform needs no home
    assert stated_events(elsewhere, "ibl") == source_entry("ibl").events
