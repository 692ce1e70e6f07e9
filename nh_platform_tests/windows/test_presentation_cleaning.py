"""The steps from presentations to a data set: exclusion, movies, durations, blanks, summary; and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.exports.stimulus.grids import time_centers, time_edges
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.session.presentation_overlap import PRESENTATION_OVERLAP_S, slight_overlaps
from nh_platform.session.tables.events import PRESENTATIONS
from nh_platform.windows.presentations.cleaning import (
    clean_presentations,
    filter_summary,
    median_durations,
    regular,
    unknown_stimuli,
    unusable_parameters,
)
from nh_platform.windows.presentations.conventions import PARAMETERS, PUBLISHED_MEDIAN_S
from nh_platform.windows.presentations.faulty_rows import check_overlap, overlapping_rows

LONGEST_S = {
    "gabors": 0.25022886,
    "flashes": 0.2503,
    "static_gratings": 0.2503,
    "natural_scenes": 0.2503,
    "drifting_gratings": 2.0018,
    "drifting_gratings_75_repeats": 2.0018,
    "natural_movie_three": 120.1004,
    "natural_movie_one": 30.0252,
    "natural_movie_one_more_repeats": 30.0252,
    "drifting_gratings_contrast": 0.5005,
    "dot_motion": 1.0009,
}
"""Longest durations that the filter lets through, near the published medians."""
COMPAT_BINS = {
    "gabors": 14, "flashes": 14, "static_gratings": 14, "natural_scenes": 14, "drifting_gratings": 101,
    "drifting_gratings_75_repeats": 101, "natural_movie_three": 6006, "natural_movie_one": 1502,
    "natural_movie_one_more_repeats": 1502, "drifting_gratings_contrast": 26, "dot_motion": 51,
}  # fmt: skip


def shown(*rows) -> pd.DataFrame:
    """Presentations back to back: (name, duration, parameters)."""
    table, time = [], 10.0
    for number, (name, duration, parameters) in enumerate(rows):
        row = {"presentation_id": number, "start_time": time, "stop_time": time + duration, "stimulus_name": name}
        table.append({"stimulus_block": 0.0, "valid": True, **row, **parameters})
        time += duration
    return PRESENTATIONS.conform(pd.DataFrame(table))


def movie(n_frames, first=0, name="natural_movie_one", frame_s=1 / 32) -> list[tuple[str, float, dict[str, float]]]:
    return [(name, frame_s, {"frame": float(first + i)}) for i in range(n_frames)]


@pytest.mark.parametrize("mode", ["exact", "mlynarski-compat"])
@pytest.mark.parametrize("name", PARAMETERS)
def test_every_stimulus_has_its_number_of_bins(name, mode) -> None:
    expected = COMPAT_BINS[name] if mode == "mlynarski-compat" or COMPAT_BINS[name] != 14 else 13
    for longest in (PUBLISHED_MEDIAN_S[name], LONGEST_S[name]):
        edges = time_edges(longest, mode)
        assert len(edges) - 1 == expected
        assert edges[0] == 0
        assert edges[-1] >= longest
    if mode == "exact":
        assert edges.tolist() == [k * 20_000 / 1e6 for k in range(expected + 1)]
    assert time_centers(edges)[0] == 0.01


@pytest.mark.parametrize("mode", ["exact", "mlynarski-compat"])
def test_a_longer_stimulus_begins_with_the_edges_of_a_shorter_one(mode) -> None:
    longest = time_edges(3.0, mode)
    for duration in np.linspace(0.01, 2.9, 200):
        edges = time_edges(float(duration), mode)
        np.testing.assert_array_equal(edges, longest[: len(edges)])


@pytest.mark.parametrize("mode", ["exact", "mlynarski-compat"])
def test_spontaneous_shuffled_invalid_and_unknown_presentations_are_left_out(mode) -> None:
    table = shown(
        ("spontaneous", 10, {}), ("flashes", 0.25, {"color": 1.0}), ("natural_movie_one_shuffled", 1, {"frame": 3.0}),
        ("flashes", 0.25, {"color": -1.0}), ("test_movie_one", 1.0, {}), ("invalid_presentation", 1, {}),
    )  # fmt: skip
    table.loc[3, "valid"] = False
    assert clean_presentations(table, mode)["presentation_id"].tolist() == [1]
    assert unknown_stimuli(table) == {"test_movie_one": 1}


@pytest.mark.parametrize("mode", ["exact", "mlynarski-compat"])
def test_frames_become_movies_with_the_first_id_and_the_whole_time(mode) -> None:
    table = shown(("flashes", 0.25, {"color": 1.0}), *movie(4), *movie(4), *movie(3, name="natural_movie_three"))
    clean = clean_presentations(table, mode)
    assert clean["presentation_id"].tolist() == [0, 1, 5, 9]
    assert clean["n_frames"].tolist() == [1, 4, 4, 3]
    assert clean["duration"].tolist() == [0.25, 4 / 32, 4 / 32, 3 / 32]
    assert clean["start_time"].tolist() == [10.0, 10.25, 10.375, 10.5]
    assert clean["stop_time"].tolist() == [10.25, 10.375, 10.5, 10.59375]
    assert clean["frame"].isna().all()


def test_two_movies_cut_short_become_one_only_in_compat() -> None:
    """Frames 0-4 of one movie and 5-9 of the next: the frame number never falls, as in that data set."""
    table = shown(*movie(10), *movie(10), *movie(10))
    table.loc[5:14, "valid"] = False
    compat = clean_presentations(table, "mlynarski-compat")
    assert compat["n_frames"].tolist() == [10, 10]
    assert compat["duration"].tolist() == [10 / 32, 10 / 32]  # looks whole and is not: 20 frames lie between its ends
    assert compat["stop_time"][0] - compat["start_time"][0] == 20 / 32
    exact = clean_presentations(table, "exact")
    assert exact["n_frames"].tolist() == [5, 5, 10]
    kept = exact[regular(exact, {"natural_movie_one": 10 / 32})]
    assert kept["presentation_id"].tolist() == [20]


def test_a_movie_of_another_name_is_another_movie_also_where_its_frames_go_on() -> None:
    table = shown(*movie(3), *movie(3, first=3, name="natural_movie_three"))
    assert clean_presentations(table, "exact")["n_frames"].tolist() == [3, 3]
    assert clean_presentations(table, "mlynarski-compat")["n_frames"].tolist() == [3, 3]


def test_blanks_are_sweeps_without_parameters_and_scene_minus_one() -> None:
    grating = {"orientation": 45.0, "temporal_frequency": 2.0}
    blank = {"orientation": np.nan, "temporal_frequency": np.nan}
    table = shown(
        ("drifting_gratings", 2.0, grating),
        ("drifting_gratings", 2.0, blank),
        ("natural_scenes", 0.25, {"frame": 7.0}),
        ("natural_scenes", 0.25, {"frame": -1.0}),
        ("dot_motion", 1.0, {"Speed": 0.1, "Dir": np.nan}),
        ("gabors", 0.25, {"x_position": np.nan}),
        *movie(2),
    )
    clean = clean_presentations(table, "exact")
    assert clean["blank"].tolist() == [False, True, False, True, True, False, False]


def test_text_parameters_become_numbers_and_other_texts_are_missing() -> None:
    table = shown(("static_gratings", 0.25, {"phase": "0.75", "spatial_frequency": 0.04, "orientation": 30.0}))
    clean = clean_presentations(table, "exact")
    assert clean["phase"].tolist() == [0.75]
    table.loc[0, "phase"] = "a quarter"
    assert clean_presentations(table, "exact")["phase"].isna().all()
    assert unusable_parameters(table) == {
        ("static_gratings", "phase"): "phase is no number in 1 of 1 presentations; NaN",
    }
    without = table.drop(columns="phase")
    text = "no value of phase in any of 1 presentations"
    assert unusable_parameters(without) == {("static_gratings", "phase"): text}


def test_the_filter_takes_medians_over_all_sessions_and_its_bound_is_out() -> None:
    first = clean_presentations(shown(*[("flashes", 0.25, {"color": 1.0})] * 3), "exact")
    second = clean_presentations(shown(("flashes", 0.2515, {"color": 1.0}), ("flashes", 0.3, {"color": 1.0})), "exact")
    medians = median_durations([first, second])
    assert medians == {"flashes": 0.25}
    assert regular(first, medians).all()
    assert not regular(second, medians).any()
    exactly = first.assign(duration=[0.25, 0.251, 0.2509999])
    assert regular(exactly, {"flashes": 0.25}).tolist() == [True, False, True]
    summary = filter_summary([first, second], medians)
    assert summary.to_dict("records") == [
        {"stimulus_name": "flashes", "num_presentations_before": 5, "num_presentations_after": 3,
         "num_presentations_removed": 2, "percent_presentations_removed": 40.0}
    ]  # fmt: skip


FLASH, GABOR = ("flashes", 0.25, {"color": 1.0}), ("gabors", 0.25, {})


@pytest.mark.parametrize("mode", ["exact", "mlynarski-compat"])
def test_two_rows_that_overlap_are_left_out_and_the_rest_is_kept(mode) -> None:
    table = shown(FLASH, GABOR, GABOR, FLASH)
    table.loc[1, "stop_time"] += 0.03  # more than a tenth of 0.25 s
    assert clean_presentations(table, mode)["presentation_id"].tolist() == [0, 3]
    with pytest.raises(BadUpstreamData, match="1 rows overlap"):
        check_overlap(table)


@pytest.mark.parametrize("late_s", [0.0005, 0.002, 0.02])
def test_ends_that_are_all_slightly_late_leave_every_row(late_s) -> None:
    table = shown(*[FLASH] * 10)
    table["stop_time"] += late_s
    assert len(clean_presentations(table, "exact")) == 10
    check_overlap(table)


def test_a_slight_overlap_is_less_than_a_tenth_of_the_shorter_row_and_of_rows_that_start_apart() -> None:
    starts = np.array([3.0, 0.0, 1.0, 1.0, 2.0])
    stops = np.array([4.0, 1.0625, 2.0625, 2.0625, 3.5])
    assert slight_overlaps(starts, stops).tolist() == [0, 0.0625, 0.0625, 0.0625, 0]
    # The two that start together are at the same time all the same, and 3.5 s is far too late.
    assert overlapping_rows(starts, stops).tolist() == [True, False, True, True, True]
    assert slight_overlaps(np.array([0.0, 1.0]), np.array([1.0625, 1.5])).tolist() == [0, 0]
    assert slight_overlaps(np.array([0.0, 1.0]), np.array([np.nan, 1.5])).tolist() == [0, 0]


def test_rows_at_the_same_time_are_left_out_however_many() -> None:
    table = shown(*[FLASH] * 6)
    table.loc[2:4, ["start_time", "stop_time"]] = table.loc[2, ["start_time", "stop_time"]].tolist()
    assert clean_presentations(table, "exact")["presentation_id"].tolist() == [0, 1, 5]


def test_one_wrong_end_takes_only_its_own_row() -> None:
    """A row of 60 s over 99 others that agree with each other is the one at fault."""
    table = shown(*[FLASH] * 100)
    table.loc[0, "stop_time"] = 70.0
    assert clean_presentations(table, "exact")["presentation_id"].tolist() == list(range(1, 100))


@pytest.mark.parametrize("seed", range(20))
def test_no_two_rows_that_are_left_overlap_and_none_that_is_alone_goes(seed) -> None:
    rng = np.random.default_rng(seed)
    starts = np.round(rng.uniform(0, 20, 60), 1)
    stops = starts + rng.choice([0.0005, 0.1, 0.3, 8.0], 60, p=[0.2, 0.4, 0.35, 0.05])

    def overlaps(rows) -> np.ndarray:
        starts_before_end = starts[rows][None, :] < stops[rows][:, None] - PRESENTATION_OVERLAP_S
        return (starts_before_end & starts_before_end.T & ~np.eye(len(rows), dtype=bool)).sum(axis=1)

    gone = overlapping_rows(starts, stops)
    assert 0 < gone.sum() < 60
    assert not overlaps(np.flatnonzero(~gone)).any()
    assert (overlaps(np.arange(60))[gone] > 0).all()


def test_what_is_not_shown_as_a_stimulus_overlaps_nothing() -> None:
    table = shown(FLASH, FLASH, ("spontaneous", 5.0, {}))
    table.loc[1, ["start_time", "stop_time"]] = table.loc[0, ["start_time", "stop_time"]].tolist()
    table.loc[2, "start_time"] = 9.0
    table.loc[1, "valid"] = False
    assert clean_presentations(table, "exact")["presentation_id"].tolist() == [0]


@pytest.mark.parametrize("row", [1, 2])
@pytest.mark.parametrize("stop", [np.nan, np.inf, 10.25, 9.0, 9e6])
def test_a_row_that_does_not_end_after_it_starts_or_lasts_for_hours_is_left_out(stop, row) -> None:
    table = shown(FLASH, GABOR, FLASH)
    table.loc[row, "stop_time"] = stop
    assert clean_presentations(table, "exact")["presentation_id"].tolist() == [0, 3 - row]


def test_a_stimulus_without_median_is_an_error_with_close_names() -> None:
    table = clean_presentations(shown(("natural_scenes", 0.25, {"frame": 1.0})), "exact")
    with pytest.raises(ConfigError, match="Did you mean natural_scene"):
        regular(table, {"natural_scene": 0.25})


def test_nothing_shown_gives_an_empty_table() -> None:
    empty = clean_presentations(PRESENTATIONS.empty(), "exact")
    assert len(empty) == 0
    assert median_durations([empty]) == {}
    assert len(filter_summary([empty], {})) == 0


@pytest.mark.reference
@pytest.mark.parametrize("session", ["715093703", "768515987"])
def test_the_rule_removes_one_of_3645_real_gabors(reference_dir: Path, session: str) -> None:
    gabors = pd.read_csv(reference_dir / "allen_vc" / f"session_{session}" / "gabor_trial_gaze_table.csv")
    columns = ["start_time", "stop_time", "stimulus_name", "stimulus_block", "orientation", "x_position", "y_position"]
    table = gabors[columns].assign(presentation_id=gabors["stimulus_presentation_id"], valid=True)
    for mode in ("exact", "mlynarski-compat"):
        clean = clean_presentations(PRESENTATIONS.conform(table), mode)
        assert len(clean) == 3645
        for medians in (median_durations([clean]), PUBLISHED_MEDIAN_S):
            assert (~regular(clean, medians)).sum() == 1
        assert not clean["blank"].any()
        longest = clean.loc[regular(clean, PUBLISHED_MEDIAN_S), "duration"].max()
        assert len(time_edges(longest, mode)) - 1 == (14 if mode == "mlynarski-compat" else 13)
