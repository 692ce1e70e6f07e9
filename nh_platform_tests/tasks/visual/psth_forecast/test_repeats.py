"""Which presentations repeat what: conditions, windows, movies and their steps, a lab's own, and what is left out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform.tasks.task import TargetMissing
from nh_platform.tasks.visual.presented_windows import NEXT_BEGINS
from nh_platform.tasks.visual.psth_forecast.repeats import repeated_stimuli
from nh_platform_tests.tasks.visual.shown_sessions import all_over, shown, stored_session


def session_of(folder, *tables, source="allen_vc", **more) -> SessionView:
    """Store a session that shows these tables, and a unit that fires all over it."""
    table = pd.concat(tables, ignore_index=True).sort_values("start_time", ignore_index=True)
    return stored_session(folder, [all_over(float(table["stop_time"].max()) + 20)], table, source, **more)


def movie(starts, n_frames=40, frame_s=0.05, name="natural_movie_one") -> pd.DataFrame:
    times = np.asarray(starts)[:, None] + frame_s * np.arange(n_frames)
    frames = np.tile(np.arange(n_frames, dtype=float), len(starts))
    blocks = np.repeat(np.arange(len(starts), dtype=float), n_frames)
    return shown(name, times.ravel(), frame_s, frame=frames, stimulus_block=blocks)


def test_a_condition_is_a_combination_of_the_stimulus_parameters_in_the_order_of_showing(tmp_path) -> None:
    starts = 1.0 + 0.2502 * np.arange(6)
    phase, orientation = ["0.25", "0.0", "N/A", "0.25", "0.0", "0.5"], [30.0, 30.0, np.nan, 30.0, 30.0, 0.0]
    gratings = shown("static_gratings", starts, 0.2502, phase=phase, orientation=orientation, spatial_frequency=0.04)
    repeats = repeated_stimuli(session_of(tmp_path, gratings))[0]
    assert repeats.conditions == (
        "phase=0.25, spatial_frequency=0.04, orientation=30",
        "phase=0.0, spatial_frequency=0.04, orientation=30",
    )
    assert repeats.presentation_ids.tolist() == [0, 1, 3, 4]
    assert repeats.condition.tolist() == [0, 1, 0, 1]
    assert (repeats.window_s, repeats.bin_s) == (0.25, 0.025)
    assert repeats.left_out == {"show nothing": 1, "are of a condition that was shown once": 1}
    assert Counter(repeats.split) == {"train": 2, "test": 2}


def test_scenes_without_an_image_and_omitted_flashes_are_blanks(tmp_path) -> None:
    scenes = shown("natural_scenes", 1.0 + np.arange(5), 0.25, frame=[10.0, -1.0, 2.0, 10.0, 2.0])
    flashes = shown(
        "Natural_Images_Lum_Matched_set_ophys_G_2019",
        10.0 + np.arange(6),
        0.25,
        image_name=["a", "omitted", "a", "b", "b", "b"],
        omitted=[0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        active=[1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        is_change=0.0,
    )
    found = repeated_stimuli(session_of(tmp_path, scenes, flashes))
    assert [one.conditions for one in found] == [
        ("frame=10", "frame=2"),
        ("active=1, image_name=a, is_change=0", "active=1, image_name=b, is_change=0"),
    ]
    assert [one.left_out["show nothing"] for one in found] == [1, 1]


def test_a_repeat_of_a_movie_is_a_showing_of_the_whole(tmp_path) -> None:
    late = movie([40.0])
    late.loc[5:, ["start_time", "stop_time"]] += 0.04  # a frame stood too long: the others come late
    cut = movie([50.0]).iloc[:30]
    repeats = repeated_stimuli(session_of(tmp_path, movie([1.0, 10.0, 20.0, 30.0]), late, cut))[0]
    assert repeats.conditions == ("natural_movie_one",)
    assert repeats.times.tolist() == [1.0, 10.0, 20.0, 30.0]
    assert repeats.presentation_ids.tolist() == [0, 40, 80, 120]
    assert repeats.window_s == 2.0
    assert repeats.left_out == {"are not valid": 1, "last longer or shorter than the movie does": 1}
    assert repr(repeats) == "RepeatedStimulus('natural_movie_one', conditions=1, repeats=4)"


def test_steps_of_a_movie_are_conditions_and_no_showing_is_in_two_splits(tmp_path) -> None:
    session = session_of(tmp_path, movie(10.0 * np.arange(1, 11)))
    repeats = repeated_stimuli(session, movie_step_s=0.5)[0]
    assert repeats.conditions == tuple(f"natural_movie_one {a:g}-{a + 0.5:g} s" for a in (0.0, 0.5, 1.0, 1.5))
    np.testing.assert_allclose(repeats.times[:5], [10.0, 10.5, 11.0, 11.5, 20.0])
    assert repeats.window_s == 0.5
    for showing in np.unique(repeats.presentation_ids):
        assert len(set(repeats.split[repeats.presentation_ids == showing])) == 1
    whole = repeated_stimuli(session)[0]
    assert dict(zip(whole.presentation_ids, whole.split)) == dict(zip(repeats.presentation_ids, repeats.split))
    with pytest.raises(ConfigError, match=r"movie_step_s = 0\.51 s"):
        repeated_stimuli(session, movie_step_s=0.51)


def test_presentations_too_short_or_followed_too_soon_are_left_out(tmp_path) -> None:
    starts = 2.0 * np.arange(1, 42)
    flashes = shown("flashes", starts, 0.25, color="1.0")
    flashes.loc[3, "stop_time"] -= 0.1
    flashes.loc[7, "stop_time"] = np.nan
    flashes["valid"] = np.arange(41) != 5
    between = shown("spontaneous", [starts[9] + 0.2], 0.05, valid=True)
    repeats = repeated_stimuli(session_of(tmp_path, flashes, between))[0]
    assert repeats.window_s == 0.25  # one short flash of 40 does not shorten the window
    assert repeats.left_out == {"are not valid": 2, "are shorter than the window": 1, NEXT_BEGINS: 1}
    assert len(repeats.times) == 37
    assert repeated_stimuli(session_of(tmp_path / "b", flashes), window_s=0.1)[0].window_s == 0.1


def test_the_columns_of_a_lab_s_own_stimulus_are_stated(tmp_path) -> None:
    table = shown("odours", 1.0 + np.arange(6), 0.5, odour=["a", "b"] * 3, trial_no=np.arange(6.0))
    session = session_of(tmp_path, table, source="lab")
    with pytest.raises(TargetMissing, match=r"odours \(6 presentations; no column is known to name its condition\)"):
        repeated_stimuli(session)
    for stated in ({"odours": ["odour"]}, ["odour"]):
        repeats = repeated_stimuli(session, conditions=stated)[0]
        assert (repeats.conditions, repeats.window_s) == (("odour=a", "odour=b"), 0.5)
    with pytest.raises(ConfigError, match="Did you mean odour"):
        repeated_stimuli(session, conditions=["odor"])
    with pytest.raises(ConfigError, match="Did you mean odours"):
        repeated_stimuli(session, ["odour"], ["odour"])
    with pytest.raises(TargetMissing, match=r"odours \(6 presentations; 6 are of a condition that was shown once\)"):
        repeated_stimuli(session, conditions=["trial_no"])


def test_numbers_that_differ_in_the_seventh_digit_are_two_conditions(tmp_path) -> None:
    table = shown("odours", 1.0 + np.arange(6), 0.5, bottle=[1234567.0, 1234568.0, 0.25] * 2)
    repeats = repeated_stimuli(session_of(tmp_path, table, source="lab"), conditions=["bottle"])[0]
    assert repeats.conditions == ("bottle=1234567", "bottle=1234568", "bottle=0.25")


@pytest.mark.reference
@pytest.mark.parametrize("session", ["715093703", "768515987"])
def test_real_gabors_are_15_repeats_of_the_conditions_that_upstream_numbers(reference_dir, tmp_path, session) -> None:
    table = pd.read_csv(reference_dir / "allen_vc" / f"session_{session}" / "gabor_trial_gaze_table.csv")
    columns = ["start_time", "stop_time", "stimulus_name", "stimulus_block", "orientation", "x_position", "y_position"]
    repeats = repeated_stimuli(session_of(tmp_path, table[columns]))[0]
    # the first one lasts 0.2335 s; the others 0.2502 s, and the next begins where one ends
    assert (repeats.window_s, repeats.left_out) == (0.25, {"are shorter than the window": 1})
    assert sorted(set(np.bincount(repeats.condition))) == [14, 15]
    upstream = table["stimulus_condition_id"].to_numpy()[repeats.presentation_ids]
    assert len(set(zip(repeats.condition, upstream))) == len(set(upstream)) == len(repeats.conditions) == 243
    assert Counter(repeats.split) == {"train": 242 * 9 + 8, "val": 729, "test": 729}


def test_a_session_without_presentations_or_with_a_wrong_bin_says_so(tmp_path) -> None:
    with pytest.raises(TargetMissing, match="it has trials"):
        repeated_stimuli(stored_session(tmp_path / "a", [all_over(9)], None, source="ibl"))
    nothing = shown("spontaneous", [1.0, 5.0], 2.0)
    with pytest.raises(TargetMissing, match=r"it has spontaneous \(2\)"):
        repeated_stimuli(session_of(tmp_path / "b", nothing))
    flashes = session_of(tmp_path / "c", shown("flashes", [1.0, 3.0], 0.25, color="1.0"))
    for width in (0.0, -0.025):
        with pytest.raises(ConfigError, match="is not positive"):
            repeated_stimuli(flashes, bin_s=width)
    with pytest.raises(ConfigError, match="whole number of microseconds"):
        repeated_stimuli(flashes, bin_s=1e-7)
    with pytest.raises(ConfigError, match=r"window_s = 0\.26 s"):
        repeated_stimuli(flashes, window_s=0.26)
