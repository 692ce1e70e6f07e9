"""Windows around presentations: one for a whole showing of a movie, none for each of its frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import Note
from nh_platform.simulation.allen.visual_stimuli import OBSERVATORY, simulate_stimuli
from nh_platform.sources.registry import source_entry
from nh_platform.windows.presentations.showings import whole_movies
from nh_platform.windows.presets.preset_files import parse_preset
from nh_platform.windows.session_windows import build_windows
from nh_platform_tests.windows.test_presentation_cleaning import movie, shown
from nh_platform_tests.windows.trains import events_of, spikes_of, units_of, windows_of

ALIGNED = "stim-halves-500ms"
PRESET = (
    "{id: own, version: 1, kind: aligned, bin_us: 20000, event: stimulus onset, start_us: 0, stop_us: 20000, "
    "description: d, why: w}"
)
FLASH = ("flashes", 0.25, {"color": 1.0})


def aligned(table: pd.DataFrame, name: str = "allen_vc") -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Return the aligned windows of a session that was shown ``table``, and the notes."""
    every = np.arange(9.0, 10.0 + table["stop_time"].max(), 0.05)
    windows = windows_of(spikes_of(every), units_of("probeA"), events_of(name, presentations=table))
    return windows.index[windows.index["preset"] == ALIGNED].reset_index(drop=True), windows.notes


@pytest.mark.parametrize("source", ["allen_vc", "allen_vbn"])
def test_a_movie_has_one_window_at_the_start_of_its_first_frame(source) -> None:
    table = shown(FLASH, *movie(90), *movie(90), FLASH)
    found, notes = aligned(table, source)
    assert found["event_id"].tolist() == [0, 1, 91, 181]
    assert found["event_time"].tolist() == table["start_time"][[0, 1, 91, 181]].tolist()
    assert [note.text for note in notes if "movie" in note.text] == [
        "180 frames are 2 showings of movies: one window each"
    ]


def test_a_showing_is_valid_if_all_its_frames_are() -> None:
    table = shown(*movie(40), *movie(40), *movie(40))
    table.loc[60, "valid"] = False
    found, _ = aligned(table)
    assert found["event_id"].tolist() == [0, 40, 80]
    assert found["valid"].tolist() == [True, False, True]


def test_what_does_not_begin_with_the_first_frame_is_no_onset() -> None:
    table = shown(*movie(40), *movie(20), FLASH, *movie(20, first=20), *movie(40)).drop(index=[100, 101])
    found, notes = aligned(table.reset_index(drop=True))
    assert found["event_time"].tolist() == table["start_time"].loc[[0, 40, 60, 81]].tolist()
    assert any("2 parts of movies do not begin with their first frame: no window" in note.text for note in notes)


CUT = "1 showings of movies end before the last frame: not valid"


def without(table: pd.DataFrame, *rows: int) -> pd.DataFrame:
    """Return a table of presentations as a reader makes it of a file that lacks ``rows``."""
    left = table.drop(index=list(rows)).reset_index(drop=True)
    return left.assign(presentation_id=np.arange(len(left)))


@pytest.mark.parametrize("missing", [20, 38, 39])
def test_a_showing_that_lacks_a_frame_is_not_valid_and_counted(missing: int) -> None:
    found, notes = aligned(without(shown(*movie(40), FLASH, *movie(40)), missing))
    assert found["valid"].tolist() == [False, True, True]
    assert CUT in [note.text for note in notes]


def test_of_a_single_showing_the_part_behind_a_missing_frame_says_that_it_is_cut() -> None:
    found, notes = aligned(without(shown(*movie(900), FLASH), 450))
    assert found["valid"].tolist() == [False, True]
    assert CUT in [note.text for note in notes]


def test_a_frame_with_a_number_that_cannot_be_makes_its_own_showing_alone_not_valid() -> None:
    table = shown(*movie(40), *movie(40), *movie(40), *movie(20, name="natural_movie_three"))
    table.loc[50, "frame"] = 1e9
    found, notes = aligned(table)
    assert found["valid"].tolist() == [True, False, True, True]
    assert CUT in [note.text for note in notes]
    table.loc[50, "frame"] = np.nan  # one frame is no showing
    found, _ = aligned(table)
    assert found.loc[found["valid"], "event_id"].tolist() == [0, 80, 120]


def test_movies_without_numbers_of_frames_or_shuffled_ones_are_not_called_cut() -> None:
    order = [3.0, 0.0, 4.0, 1.0, 2.0]
    shuffled = [("natural_movie_one_shuffled", 0.5, {"frame": frame}) for frame in [*order, *order[:3]]]
    found, _ = aligned(shown(*shuffled, FLASH))
    assert found["valid"].all()
    unnumbered = [(name, duration, {}) for name, duration, _ in (*movie(40), FLASH, *movie(20), FLASH)]
    found, _ = aligned(shown(*unnumbered))
    assert found["valid"].all()


def test_every_repeat_of_a_shuffled_movie_is_a_showing() -> None:
    order = [3.0, 0.0, 4.0, 1.0, 2.0]
    table = shown(
        *[("natural_movie_one_shuffled", 0.5, {"frame": frame}) for frame in order * 3], *movie(5, frame_s=0.5)
    )
    found, _ = aligned(table)
    assert found["event_id"].tolist() == [0, 5, 10, 15]


def test_two_movies_one_after_the_other_are_two_showings() -> None:
    table = shown(*movie(4, frame_s=0.5), *movie(4, first=0, name="natural_movie_three", frame_s=0.5))
    table.loc[4:, "stimulus_block"] = 1.0
    assert aligned(table)[0]["event_id"].tolist() == [0, 4]


def test_a_window_that_ends_with_its_event_lasts_the_whole_movie() -> None:
    preset = parse_preset(
        "{id: to-the-end, version: 1, kind: aligned, dense: true, bin_us: 20000, event: stimulus onset, start_us: 0, "
        "stop_column: stop_time, description: d, why: w}",
        "own.yaml",
    )
    table = shown(FLASH, *movie(64))  # 2 s
    behavior = events_of("allen_vc", presentations=table)
    spikes = spikes_of(np.arange(9.0, 14.0, 0.05))
    windows = build_windows(spikes, units_of("probeA"), behavior, [preset], source_entry("allen_vc").events)
    assert windows.dense["to-the-end"].n_bins == 100
    assert len(windows.index) == 2


def test_of_a_simulated_session_no_window_is_a_frame() -> None:
    stimuli, _ = simulate_stimuli(np.random.default_rng(1), 2, OBSERVATORY)
    table = pd.concat(stimuli.values(), ignore_index=True).sort_values("start_time", ignore_index=True)
    table = table.assign(presentation_id=np.arange(len(table)), valid=True)
    showings = whole_movies(table)
    joined = showings.table
    assert joined["valid"].all()
    assert showings.n_cut == showings.n_parts == 0
    names = joined["stimulus_name"].value_counts()
    assert names["natural_movie_one"] == 2
    assert names.drop("natural_movie_one").equals(
        table["stimulus_name"].value_counts().drop("natural_movie_one").reindex(names.drop("natural_movie_one").index)
    )
    movies = joined[joined["stimulus_name"] == "natural_movie_one"]
    assert (movies["stop_time"] - movies["start_time"]).tolist() == pytest.approx([30.02, 30.02], abs=0.02)


def test_an_event_that_joins_no_movies_leaves_the_rows_as_they_are() -> None:
    table = shown(*movie(30))
    onset = source_entry("allen_vc").events["stimulus onset"]
    windows = build_windows(
        spikes_of(np.arange(9.0, 14.0, 0.05)),
        units_of("probeA"),
        events_of("allen_vc", presentations=table),
        [parse_preset(PRESET, "own.yaml")],
        {"stimulus onset": replace(onset, whole_movies=False)},
    )
    assert len(windows.index) == 30
