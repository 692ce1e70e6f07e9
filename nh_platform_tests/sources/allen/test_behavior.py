"""Presentations, invalid times and signals: what a file may lack, and what is left out with a note."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest

from nh_platform.session.tables.events import EVENTS
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.sources.allen.conftest import nwb_in, replace

Opened = Callable[..., Any]


def _subjects(behavior: Any) -> set[str]:
    return {note.subject for note in behavior.notes}


def test_every_table_has_its_schema(opened: Opened) -> None:
    source, session = opened()
    behavior = read_behavior(source, session)
    assert set(behavior.events) == {"presentations", "invalid_times", "optogenetic_epochs"}
    for name, table in behavior.events.items():
        EVENTS[name].validate(table)
    assert behavior.signals["running_speed"].columns == ("velocity", "end_time")
    assert behavior.notes == ()


def test_a_presentation_that_only_touches_a_stimulus_interval_is_not_valid_and_keeps_its_name(opened: Opened) -> None:
    source, session = opened()
    table = read_behavior(source, session).events["presentations"]
    marked = table[~table["valid"]]
    # Gabor 2 overlaps; gabor 3 starts at the very moment at which the interval ends.
    assert marked["presentation_id"].tolist() == [3, 4]
    assert set(marked["stimulus_name"]) == {"gabors"}
    assert marked["orientation"].tolist() == [90.0, 0.0]


def test_parameters_that_do_not_apply_are_null_and_blanks_are_nan(opened: Opened) -> None:
    source, session = opened()
    table = read_behavior(source, session).events["presentations"]
    gratings = table[table["stimulus_name"] == "drifting_gratings"]
    assert np.isnan(gratings["orientation"].iloc[1])
    assert gratings["frame"].isna().all()
    static = table[table["stimulus_name"] == "static_gratings"]
    assert static["phase"].tolist() == ["0.25", None, "0.75"]
    assert np.isnan(static["spatial_frequency"].iloc[1])
    flashes = table[table["stimulus_name"] == "flashes"]
    assert flashes["color"].tolist()[:2] == [-1.0, 1.0]
    assert flashes["color_triplet"].tolist() == [None, None, "[1.0, 1.0, 1.0]", None]
    assert np.isnan(flashes["color"].iloc[2])
    assert table["opacity"].dtype == np.float64  # AllenSDK turns a column of ones into booleans
    assert np.isnan(table.loc[table["stimulus_name"] == "spontaneous", "stimulus_block"]).all()


def test_movie_numbers_become_words_and_older_names_and_parameters_are_replaced(opened: Opened) -> None:
    def older(handle: h5py.File) -> None:
        table = handle["intervals/drifting_gratings_presentations"]
        table.move("orientation", "Ori")
        table["stimulus_name"][...] = "contrast_response"

    source, session = opened(older)
    table = read_behavior(source, session).events["presentations"]
    assert "natural_movie_one" in set(table["stimulus_name"])
    assert table.loc[table["stimulus_name"] == "drifting_gratings_contrast", "orientation"].tolist()[2:] == [
        90.0,
        315.0,
    ]
    assert "Ori" not in table


def test_a_shuffled_movie_gets_the_name_of_its_movie(opened: Opened) -> None:
    def shuffle(handle: h5py.File) -> None:
        handle["intervals/natural_scenes_presentations/stimulus_name"][...] = "natural_movie_shuffled"

    source, session = opened(shuffle)
    table = read_behavior(source, session).events["presentations"]
    assert (table["stimulus_name"] == "natural_movie_one_shuffled").sum() == 3


def _edited(opened: Opened, **columns: dict[int, float]) -> tuple[Any, str]:
    """Return the gabors of a file with other values in some rows of some columns, and the notes on presentations."""

    def edit(handle: h5py.File) -> None:
        for column, values in columns.items():
            for row, value in values.items():
                handle[f"intervals/gabors_presentations/{column}"][row] = value

    source, session = opened(edit)
    events = source.read_events(session)
    table = events.tables["presentations"]
    EVENTS["presentations"].validate(table)
    assert table["presentation_id"].tolist() == list(range(len(table)))
    gabors = table[table["stimulus_name"] == "gabors"].reset_index(drop=True)
    return gabors, " | ".join(note.text for note in events.notes)


GABORS = "intervals/gabors_presentations"
# Rows 2 and 3 of the six overlap or touch an invalid interval of the stimulus (`newer_layout`).


def test_a_presentation_without_start_is_left_out(opened: Opened) -> None:
    gabors, text = _edited(opened, start_time={1: np.nan})
    assert gabors["x_position"].tolist() == [0.0, 20.0, 30.0, 40.0, 50.0]
    assert f"{GABORS}/start_time: no time in 1 of 6 rows; left out" in text


def test_a_presentation_without_end_stays_and_is_not_valid(opened: Opened) -> None:
    gabors, text = _edited(opened, stop_time={4: np.nan})
    assert gabors["valid"].tolist() == [True, True, False, False, False, True]
    assert gabors["stop_time"].isna().tolist() == [False] * 4 + [True, False]
    assert f"{GABORS}/stop_time: no time in 1 of 6 rows; kept, not valid" in text


def test_a_presentation_that_ends_before_it_starts_stays_and_is_not_valid(opened: Opened) -> None:
    gabors, text = _edited(opened, stop_time={4: 1.0})
    assert gabors["valid"].tolist() == [True, True, False, False, False, True]
    assert f"{GABORS}/stop_time: a time at or before start_time in 1 of 6 rows; kept, not valid" in text


def test_presentations_at_the_same_time_stay_and_are_not_valid(opened: Opened) -> None:
    source, session = opened()
    table = source.read_events(session).tables["presentations"]
    start, stop = table.loc[table["stimulus_name"] == "gabors", ["start_time", "stop_time"]].iloc[4]
    with h5py.File(source.settings.root / "session_715093703" / "session_715093703.nwb", "r+") as handle:
        handle[f"{GABORS}/start_time"][5], handle[f"{GABORS}/stop_time"][5] = start, stop
    events = source.read_events(source.manifest().session("715093703"))
    gabors = events.tables["presentations"].query("stimulus_name == 'gabors'")
    assert gabors["valid"].tolist() == [True, True, False, False, False, False]
    assert any(f"{GABORS}/stop_time: a time after" in note.text and "2 of 6" in note.text for note in events.notes)


def test_ends_that_reach_slightly_into_the_next_row_are_noted_and_the_rows_stay_valid(opened: Opened) -> None:
    def late(handle: h5py.File) -> None:
        handle[f"{GABORS}/stop_time"][...] += 0.002

    source, session = opened(late)
    events = source.read_events(session)
    gabors = events.tables["presentations"].query("stimulus_name == 'gabors'")
    assert gabors["valid"].tolist() == [True, True, False, False, True, True]
    text = " | ".join(note.text for note in events.notes)
    assert (
        f"{GABORS}/stop_time: later than the next row's start_time by at most 0.0020 s in 5 of 6 rows, "
        "less than a tenth of either row; kept"
    ) in text
    assert "not valid" not in text


def test_one_end_far_too_late_takes_its_neighbour_alone(opened: Opened) -> None:
    gabors, _ = _edited(opened, stop_time={0: 500.0})
    assert gabors["valid"].tolist() == [False, False, False, False, True, True]


def test_a_damaged_stimulus_leaves_the_others(opened: Opened) -> None:
    def damage(handle: h5py.File) -> None:
        replace(handle, f"{GABORS}/start_time", handle[f"{GABORS}/start_time"][:-1])
        replace(handle, "intervals/natural_scenes_presentations/frame", np.zeros(2))

    source, session = opened(damage)
    events = source.read_events(session)
    table = events.tables["presentations"]
    assert "gabors" not in set(table["stimulus_name"])
    assert table.loc[table["stimulus_name"] == "natural_scenes", "frame"].isna().all()
    assert table.loc[table["stimulus_name"] == "natural_movie_one", "frame"].notna().all()
    text = " | ".join(note.text for note in events.notes)
    assert f"{GABORS}/start_time has 5 rows" in text
    assert "intervals/natural_scenes_presentations/frame: 2 rows, expected 3; left out" in text


def test_a_parameter_under_a_name_of_ours_is_left_out_and_any_other_is_kept(opened: Opened) -> None:
    ours = ("presentation_id", "valid")

    def add(handle: h5py.File) -> None:
        for name in (*ours, "whole"):
            handle[f"{GABORS}/{name}"] = np.arange(len(handle[f"{GABORS}/start_time"])) - 7.0

    source, session = opened(add)
    events = source.read_events(session)
    table = events.tables["presentations"]
    EVENTS["presentations"].validate(table)
    assert table["presentation_id"].tolist() == list(range(len(table)))
    gabors = table[table["stimulus_name"] == "gabors"]
    assert gabors["whole"].tolist() == (np.arange(len(gabors)) - 7.0).tolist()
    for name in ours:
        assert any(f"{GABORS}/{name}: the table made of it has a column" in note.text for note in events.notes)


def test_a_shuffled_movie_of_no_known_movie_keeps_its_name_and_is_not_valid(opened: Opened) -> None:
    def shuffle(handle: h5py.File) -> None:
        handle["intervals/natural_scenes_presentations/stimulus_name"][...] = "natural_movie_shuffled"
        del handle["intervals/natural_movie_1_presentations"]

    source, session = opened(shuffle)
    events = source.read_events(session)
    table = events.tables["presentations"]
    shuffled = table[table["stimulus_name"] == "natural_movie_shuffled"]
    assert shuffled["valid"].tolist() == [False] * 3
    assert any("3 rows of natural_movie_shuffled: movies of this session are none" in one.text for one in events.notes)


def test_an_invalid_interval_without_order_or_end_is_left_out(opened: Opened) -> None:
    def damage(handle: h5py.File) -> None:
        stop = handle["intervals/invalid_times/stop_time"]
        stop[0], stop[1] = 1.0, np.nan  # probeB's, the stimulus's

    source, session = opened(damage)
    events = source.read_events(session)
    assert events.tables["invalid_times"]["scope"].tolist() == ["all_probes"]
    text = " | ".join(note.text for note in events.notes)
    assert "intervals/invalid_times/stop_time: 1 of 3 rows that end before they start, first 90.0-1.0 s" in text
    assert "1 of 3 rows without start or stop" in text


@pytest.mark.parametrize("name", ["", "/tags"])
def test_a_link_in_a_circle_in_place_of_invalid_times_is_noted(opened: Opened, name: str) -> None:
    def link(handle: h5py.File) -> None:
        del handle[f"intervals/invalid_times{name}"]
        handle[f"intervals/invalid_times{name}"] = h5py.SoftLink(f"/intervals/invalid_times{name}")

    source, session = opened(link)
    assert "invalid_times" in _subjects(source.read_events(session))


def test_a_column_that_is_a_link_in_a_circle_is_called_missing_alone(opened: Opened) -> None:
    column = "intervals/gabors_presentations/stop_time"

    def link(handle: h5py.File) -> None:
        del handle[column]
        handle[column] = h5py.SoftLink(f"/{column}")

    source, session = opened(link)
    texts = [note.text for note in source.read_events(session).notes if "stop_time" in note.text]
    assert f"{column}: missing; NaN" in texts
    assert not any("more than one value" in text for text in texts)


def test_an_optogenetic_epoch_without_a_time_is_left_out(opened: Opened) -> None:
    def damage(handle: h5py.File) -> None:
        handle["processing/optotagging/optogenetic_stimulation/stop_time"][0] = np.nan

    source, session = opened(damage)
    events = source.read_events(session)
    assert events.tables["optogenetic_epochs"]["stimulus_name"].tolist() == ["pulse"]
    assert _subjects(events) == {"optogenetic_epochs"}


def test_missing_eye_tracking_running_and_optotagging_are_notes(opened: Opened) -> None:
    def drop(handle: h5py.File) -> None:
        for name in ("eye_tracking", "raw_gaze_mapping", "filtered_gaze_mapping", "running", "optotagging"):
            del handle[f"processing/{name}"]
        del handle["intervals/invalid_times"]

    source, session = opened(drop)
    behavior = read_behavior(source, session)
    assert behavior.signals == {}
    assert set(behavior.events) == {"presentations", "invalid_times"}
    assert len(behavior.events["invalid_times"]) == 0
    assert behavior.events["presentations"]["valid"].all()
    assert _subjects(behavior) == {"pupil", "gaze", "running_speed", "optogenetic_epochs"}


def test_ellipse_fits_without_gaze_mapping_keep_their_own_times(opened: Opened) -> None:
    def drop(handle: h5py.File) -> None:
        del handle["processing/raw_gaze_mapping"], handle["processing/filtered_gaze_mapping"]

    source, session = opened(drop)
    behavior = read_behavior(source, session)
    assert behavior.signals["pupil"].timestamps[0] == 60.0
    assert set(behavior.signals) == {"running_speed", "pupil"}
    assert _subjects(behavior) == {"pupil", "gaze"}


def test_running_speed_without_end_times_has_nan_there(opened: Opened) -> None:
    def drop(handle: h5py.File) -> None:
        del handle["processing/running/running_speed_end_times"]

    source, session = opened(drop)
    behavior = read_behavior(source, session)
    values = behavior.signals["running_speed"].values
    assert np.isfinite(values[:, 0]).all()
    assert np.isnan(values[:, 1]).all()
    assert _subjects(behavior) == {"running_speed"}


def test_no_presentations_is_a_note(opened: Opened) -> None:
    def drop(handle: h5py.File) -> None:
        for name in [name for name in handle["intervals"] if name.endswith("_presentations")]:
            del handle[f"intervals/{name}"]

    source, session = opened(drop)
    behavior = read_behavior(source, session)
    assert "presentations" not in behavior.events
    assert "presentations" in _subjects(behavior)


def test_an_eye_column_that_is_short_is_nan_alone(opened: Opened) -> None:
    def shorten(handle: h5py.File) -> None:
        name = "processing/eye_tracking/pupil_ellipse_fits/width"
        replace(handle, name, handle[name][:-1])

    source, session = opened(shorten)
    signals = source.read_signals(session)
    pupil = signals.signals["pupil"]
    lost = [name for name, values in zip(pupil.columns, pupil.values.T) if np.isnan(values).all()]
    assert lost == ["pupil_width"]
    (note,) = signals.notes
    assert "pupil_ellipse_fits/width has 2999 values for 3000 timestamps; pupil_width is NaN" in note.text


def test_a_matrix_that_cannot_be_used_names_both_of_its_columns(opened: Opened) -> None:
    def drop(handle: h5py.File) -> None:
        del handle["processing/raw_gaze_mapping/screen_coordinates/data"]

    source, session = opened(drop)
    (note,) = source.read_signals(session).notes
    columns = "raw_screen_coordinates_x_cm and raw_screen_coordinates_y_cm"
    assert note.text.endswith(f"screen_coordinates/data is missing; {columns} are NaN")


@pytest.mark.parametrize("signal", ["running_speed", "pupil"])
def test_gaps_in_time_are_noted_with_the_longest(opened: Opened, signal: str) -> None:
    source, session = opened()
    whole = source.read_signals(session)
    times = whole.signals[signal].timestamps
    paths = {"running_speed": "processing/running/running_speed", "pupil": "processing/raw_gaze_mapping/eye_area"}
    with h5py.File(nwb_in(source.settings.root), "r+") as handle:
        stored = handle[f"{paths[signal]}/timestamps"]
        stored[100:] = stored[100:] + 30.0
        stored[200:] = stored[200:] + 120.0
    signals = source.read_signals(source.manifest().session("715093703"))
    start, stop = times[199] + 30.0, times[200] + 150.0
    (text,) = [note.text for note in signals.notes if note.subject == signal and "gap" in note.text]
    assert text.startswith(f"{paths[signal]}/timestamps: 2 gaps between samples, of 150.")
    assert text.endswith(f"s in all, the longest {start:.3f}-{stop:.3f} s")
    assert not any("gap" in note.text for note in whole.notes)


def test_a_stated_conversion_is_noted_and_not_applied_as_in_allensdk(opened: Opened) -> None:
    path = "processing/running/running_speed/data"
    source, session = opened()
    before = source.read_signals(session).signals["running_speed"].values
    with h5py.File(nwb_in(source.settings.root), "r+") as handle:
        handle[path].attrs["conversion"] = 0.01
    signals = source.read_signals(source.manifest().session("715093703"))
    assert np.array_equal(signals.signals["running_speed"].values, before, equal_nan=True)
    (note,) = signals.notes
    assert note.text == f"{path}: conversion 0.01 is stated; values as stored, as AllenSDK reads them"


def test_times_of_the_gaze_that_do_not_fit_are_replaced_by_those_of_the_fits(opened: Opened) -> None:
    source, session = opened()
    before = source.read_signals(session).signals["pupil"]
    name = "processing/raw_gaze_mapping/eye_area/timestamps"
    with h5py.File(source.settings.root / "session_715093703" / "session_715093703.nwb", "r+") as handle:
        replace(handle, name, handle[name][:-3])
    signals = source.read_signals(source.manifest().session("715093703"))
    assert np.array_equal(signals.signals["pupil"].values, before.values, equal_nan=True)
    assert np.array_equal(signals.signals["pupil"].timestamps, before.timestamps)
    assert "gaze" not in signals.signals
    assert _subjects(signals) == {"pupil", "gaze"}


@pytest.mark.parametrize(("value", "left"), [(np.nan, 1), (-5.0, 0)], ids=["NaN", "not in order"])
def test_a_sample_without_a_time_is_dropped_and_times_out_of_order_cost_the_signal(
    opened: Opened, value: float, left: int
) -> None:
    def edit(handle: h5py.File) -> None:
        handle["processing/running/running_speed/timestamps"][7] = value

    source, session = opened(edit)
    signals = source.read_signals(session)
    assert ("running_speed" in signals.signals) == bool(left)
    if left:
        assert len(signals.signals["running_speed"].timestamps) == 5998
    assert _subjects(signals) == {"running_speed"}


def test_scopes_of_invalid_times_come_from_names_and_ids_and_unknown_ones_are_noted(opened: Opened) -> None:
    def retag(handle: h5py.File) -> None:
        tags = handle["intervals/invalid_times/tags"]
        assert tags.asstr()[:3].tolist() == ["EcephysProbe", "810755797", "probeB"]
        tags[2] = "missing frames"  # the probe is still named by its id
        tags[8] = "loose cable"  # was all_probes

    source, session = opened(retag)
    behavior = read_behavior(source, session)
    table = behavior.events["invalid_times"]
    assert table["scope"].tolist() == ["loose cable", "stimulus", "probeB"]
    assert table["label"].iloc[2] == "EcephysProbe, 810755797, missing frames"
    assert _subjects(behavior) == {"invalid_times"}
    assert table["start_time"].is_monotonic_increasing
