"""Presentations, invalid times and signals: what a file may lack, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest

from nh_platform.session import BadUpstreamData
from nh_platform.session.tables.events import EVENTS
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.sources.allen.conftest import replace

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


def test_a_presentation_time_of_nan_is_refused(opened: Opened) -> None:
    def blank(handle: h5py.File) -> None:
        handle["intervals/gabors_presentations/start_time"][1] = np.nan

    source, session = opened(blank)
    with pytest.raises(
        BadUpstreamData, match=r"session_715093703.nwb: 1 presentations have a start or stop time of NaN"
    ):
        read_behavior(source, session)


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


def test_eye_frames_that_disagree_are_refused(opened: Opened) -> None:
    def shorten(handle: h5py.File) -> None:
        name = "processing/eye_tracking/pupil_ellipse_fits/width"
        replace(handle, name, handle[name][:-1])

    source, session = opened(shorten)
    with pytest.raises(BadUpstreamData, match="pupil_ellipse_fits/width has 2999 values for 3000 eye frames"):
        read_behavior(source, session)


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
