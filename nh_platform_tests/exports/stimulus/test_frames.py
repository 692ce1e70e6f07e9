"""Which image was on the screen: scenes to template images, movie frames to times."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.exports.stimulus import frames_at, movie_frames, scene_images
from nh_platform.session import BadUpstreamData
from nh_platform.windows.presentations.cleaning import clean_presentations
from nh_platform_tests.windows.test_presentation_cleaning import movie, shown


def test_scenes_map_to_their_template_and_the_grey_screen_to_none() -> None:
    assert scene_images(pd.DataFrame({"frame": [0.0, 117.0, -1.0]})).tolist() == [0, 117, -1]


@pytest.mark.parametrize("frame", [118.0, -2.0, 3.5, np.nan])
def test_a_scene_that_is_no_image_is_refused(frame) -> None:
    with pytest.raises(BadUpstreamData, match="is no image"):
        scene_images(pd.DataFrame({"frame": [1.0, frame]}))


def test_frames_carry_the_id_of_their_movie_and_their_times() -> None:
    table = shown(("gabors", 0.25, {}), *movie(4), *movie(3))
    frames = movie_frames(table)
    assert frames["frame"].tolist() == [0, 1, 2, 3, 0, 1, 2]
    movies = clean_presentations(table, "exact")
    assert frames["presentation_id"].unique().tolist() == movies["presentation_id"].tolist()[1:]
    assert frames["start_time"].tolist() == table["start_time"].tolist()[1:]
    first = frames[frames["presentation_id"] == 1]
    centers = 10.25 + np.array([0.001, 0.04, 0.124, 0.126])
    assert frames_at(first, centers).tolist() == [0, 1, 3, -1]


def test_a_frame_beyond_the_movie_is_refused() -> None:
    with pytest.raises(BadUpstreamData, match=r"frame 900.0 is none of natural_movie_one"):
        movie_frames(shown(*movie(3, first=898)))


def test_no_movie_gives_no_frames() -> None:
    frames = movie_frames(shown(("gabors", 0.25, {})))
    assert len(frames) == 0
    assert frames_at(frames, [1.0]).tolist() == [-1]
