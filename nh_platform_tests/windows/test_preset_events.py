"""A preset names an event; where a session does not have it there are no windows, and a note says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import Events
from nh_platform.session.tables.windows import WINDOW_INDEX
from nh_platform.sources.events import EventFilter, EventTimes
from nh_platform.sources.registry import sources
from nh_platform.windows import AlignedPreset, Windows, build_windows, load_preset
from nh_platform_tests.windows.trains import events_of, spikes_of, trials, units_of, windows_of

ALIGNED, CONTINUOUS = "stim-halves-500ms", "continuous-1s"
SPIKES, UNITS = spikes_of(np.arange(0, 1000) / 100), units_of("probe00")
FLASH = EventTimes("presentations", "start_time")


def aligned(**fields: Any) -> AlignedPreset:
    stated: dict[str, Any] = {
        "id": "mine",
        "version": 1,
        "kind": "aligned",
        "bin_us": 20_000,
        "start_us": 0,
        "dense": True,
    }
    stated |= {"event": "stimulus onset", "description": "d", "why": "w"}
    return AlignedPreset.model_validate(stated | ({} if "stop_column" in fields else {"stop_us": 100_000}) | fields)


def flashes(*, color: list[float | None]) -> dict[str, object]:
    times = np.arange(1.0, len(color) + 1)
    names = {"presentation_id": np.arange(len(color)), "stimulus_name": "flashes", "stimulus_block": 1.0, "valid": True}
    return {"start_time": times, "stop_time": times + 0.25, "color": color, **names}


def laid_out(preset: AlignedPreset, session_events: Events, events: Mapping[str, EventTimes]) -> Windows:
    """Lay out one preset, and check that the session's tables are typed and that nothing was silently left out."""
    windows = build_windows(SPIKES, UNITS, session_events, [preset], events)
    WINDOW_INDEX.validate(windows.index)
    assert len(windows.index) or windows.notes
    return windows


def notes_of(windows: Windows) -> list[tuple[str, str]]:
    return [(note.subject, note.text) for note in windows.notes]


def test_a_lab_that_states_the_event_gets_the_windows() -> None:
    session_events = events_of("toy", presentations=flashes(color=[1, -1, 1]))
    windows = laid_out(aligned(), session_events, {"stimulus onset": FLASH})
    assert windows.index["event_time"].tolist() == [1.0, 2.0, 3.0]
    assert windows.index["alignment"].unique().tolist() == ["presentations.start_time"]
    assert windows.dense["mine"].count().sum(axis=2, dtype=int).tolist() == [[10], [10], [10]]
    assert windows.notes == ()


def test_filters_of_the_source_and_of_the_preset_both_hold() -> None:
    session_events = events_of("toy", presentations=flashes(color=[1, -1, 1, -1, np.nan]))
    white = EventTimes("presentations", "start_time", (EventFilter(column="color", minimum=1),))
    early = aligned(filters=[{"column": "start_time", "maximum": 2.5}])
    windows = laid_out(early, session_events, {"stimulus onset": white})
    assert windows.index["event_id"].tolist() == [0]
    assert notes_of(windows) == [("mine", "4 of 5 presentations are left out by its filters")]


def test_an_event_that_the_source_does_not_state_is_a_note_with_those_that_it_states() -> None:
    session_events = events_of("toy", presentations=flashes(color=[1]))
    windows = laid_out(aligned(event="stimulus onsett"), session_events, {"stimulus onset": FLASH, "lick": FLASH})
    found = "no windows: toy states no event 'stimulus onsett'; it states lick, stimulus onset"
    assert notes_of(windows) == [("mine", found)]
    assert windows.dense["mine"].count().shape == (0, 1, 5)
    (note,) = laid_out(aligned(), session_events, {}).notes
    assert note.text == "no windows: toy states no event 'stimulus onset'; it states none"


@pytest.mark.parametrize("tables", [{}, {"trials": trials([])}])
def test_a_session_without_the_event_is_a_note(tables: dict[str, Any]) -> None:
    windows = windows_of(SPIKES, UNITS, events_of(**tables))
    assert notes_of(windows) == [(ALIGNED, "no windows: the session has no trials")]
    assert windows.index["preset"].unique().tolist() == [CONTINUOUS]


@pytest.mark.parametrize(
    "fields",
    [
        {"filters": [{"column": "speed", "minimum": 1}]},
        {"filters": [{"column": "start_time", "minus": "speed", "minimum": 1}]},
        {"stop_column": "speed"},
    ],
)
def test_a_column_that_is_not_there_is_a_note_with_those_there_are(fields: dict[str, Any]) -> None:
    session_events = events_of("toy", presentations=flashes(color=[1]))
    (note,) = laid_out(aligned(**fields), session_events, {"stimulus onset": FLASH}).notes
    found = "no windows: presentations has no column 'speed'; it has presentation_id, start_time, stop_time, "
    assert note.text == f"{found}stimulus_name, stimulus_block, valid, color"


@pytest.mark.parametrize("column", ["start", "stimulus_name"])
def test_a_source_that_names_a_wrong_column_of_times_is_a_note(column: str) -> None:
    session_events = events_of("toy", presentations=flashes(color=[1]))
    (note,) = laid_out(aligned(), session_events, {"stimulus onset": EventTimes("presentations", column)}).notes
    assert f"no {column}" in note.text or f"no column {column!r}" in note.text


def test_bounds_on_a_column_of_words_are_met_by_none() -> None:
    session_events = events_of("toy", presentations=flashes(color=[1, 1]))
    early = aligned(filters=[{"column": "stimulus_name", "minimum": 1}])
    (note,) = laid_out(early, session_events, {"stimulus onset": FLASH}).notes
    assert note.text == "2 of 2 presentations are left out by its filters"


def test_sessions_without_units_or_spikes_say_so() -> None:
    session_events = events_of(trials=trials([1.0]))
    empty = windows_of(spikes_of(), units_of(), session_events)
    no_units = ("units", "the session has none: its windows hold no counts")
    assert notes_of(empty) == [no_units, (CONTINUOUS, "no windows: there are no spikes")]
    short = windows_of(spikes_of([1.0, 1.5]), UNITS, session_events)
    assert notes_of(short)[0] == (CONTINUOUS, "no windows: the spikes do not span one")


def test_identity_moves_with_the_definition_of_the_event_and_not_with_its_name() -> None:
    onset = load_preset(ALIGNED)
    assert isinstance(onset, AlignedPreset)
    stated = {"stimulus onset": FLASH}
    version = onset.content_version(stated)
    assert onset.content_version(stated | {"lick": EventTimes("licks", "times")}) == version
    renamed = onset.model_copy(update={"event": "flash"})
    assert renamed.content_version({"flash": FLASH}) == version
    gray = (EventFilter(column="color", exclude=(0,)),)
    others = [
        {"stimulus onset": EventTimes("trials", "start_time")},
        {"stimulus onset": EventTimes("presentations", "stop_time")},
        {"stimulus onset": EventTimes("presentations", "start_time", gray)},
        {},
        {"lick": FLASH},
    ]
    assert len({version, *(onset.content_version(events) for events in others)}) == 6
    filtered = onset.model_copy(update={"filters": gray})
    assert filtered.content_version(stated) == onset.content_version(others[2])


@pytest.mark.parametrize("source", sources())
def test_the_shipped_sources_name_tables_and_columns_that_there_are(source: str) -> None:
    from nh_platform.session.tables.events import EVENTS

    for event in sources()[source].events.values():
        columns = [column.name for column in EVENTS[event.table].columns]
        named = [event.column, *(one.column for one in event.filters if one.column != "is_change")]
        assert set(named) <= set(columns)


def test_image_changes_are_the_presentations_that_changed() -> None:
    presentations = flashes(color=[1, 1, 1]) | {"is_change": [0.0, 1.0, np.nan]}
    events = sources()["allen_vbn"].events
    windows = laid_out(aligned(event="image change"), events_of("allen_vbn", presentations=presentations), events)
    assert windows.index["event_time"].tolist() == [2.0]
    assert isinstance(windows.index, pd.DataFrame)
