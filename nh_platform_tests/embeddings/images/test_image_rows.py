"""Which image a presentation showed: scenes, movies and their repeats, blanks, omissions, other stimuli."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.embeddings.images.image_rows import image_rows, images_on_screen


def presentations(**columns: list[object]) -> pd.DataFrame:
    n = len(columns["stimulus_name"])
    start = 1.0 + 0.25 * np.arange(n)
    return pd.DataFrame({"presentation_id": np.arange(n), "start_time": start, "stop_time": start + 0.25, **columns})


def test_frames_of_visual_coding() -> None:
    names = ["natural_scenes", "natural_scenes", "natural_movie_one_more_repeats", "natural_movie_three"]
    names += ["natural_movie_one_shuffled", "gabors", "natural_scenes"]
    found = image_rows(presentations(stimulus_name=names, frame=[117.0, -1.0, 5.0, 3599.0, 8.0, np.nan, np.nan]))
    assert found["image_row"].tolist() == [117, -1, 5, 3599, -1, -1, -1]
    assert found["shows"].tolist() == ["shown", "blank", "shown", "shown", "unknown", "no image", "unknown"]
    assert found["image_set"].tolist() == [
        "natural_scenes",
        "natural_scenes",
        "natural_movie_one",
        "natural_movie_three",
        "",
        "",
        "natural_scenes",
    ]
    assert found["onset"].tolist() == (1.0 + 0.25 * np.arange(7)).tolist()


def test_images_of_visual_behavior() -> None:
    found = image_rows(
        presentations(
            stimulus_name=["set_G", "set_G", "spontaneous", "flashes"],
            image_index=[3.0, 8.0, np.nan, np.nan],
            image_name=["im012", "omitted", None, None],
            omitted=[0.0, 1.0, np.nan, np.nan],
        )
    )
    assert found["image_row"].tolist() == [3, -1, -1, -1]
    assert found["shows"].tolist() == ["shown", "omitted", "no image", "no image"]
    assert found["image_set"].tolist() == ["set_G", "set_G", "", ""]


def test_an_image_is_on_from_its_onset_to_its_offset() -> None:
    rows = image_rows(
        presentations(stimulus_name=["natural_scenes", "natural_scenes", "gabors"], frame=[4.0, 2.0, 0.0])
    )
    times = [[0.9, 1.0, 1.2499], [1.25, 1.5, 1.6]]
    assert images_on_screen(rows, {"natural_scenes": 10}).at(times).tolist() == [[-1, 14, 14], [12, -1, -1]]
    assert images_on_screen(rows, {"natural_movie_one": 0}).at(times).tolist() == [[-1] * 3] * 2


def test_a_session_without_presentations_of_images() -> None:
    empty = image_rows(presentations(stimulus_name=[]))
    assert empty.empty
    assert images_on_screen(empty, {"natural_scenes": 0}).at([1.0]).tolist() == [-1]


def test_numbers_that_are_no_rows_show_nothing() -> None:
    odd = [1e30, np.inf, 1.5, -3.0, np.nan]
    table = pd.DataFrame(
        {
            "presentation_id": np.arange(10),
            "start_time": np.arange(10.0),
            "stop_time": np.arange(10.0) + 1,
            "stimulus_name": ["natural_scenes"] * 5 + ["images"] * 5,
            "frame": odd + [np.nan] * 5,
            "image_index": [np.nan] * 5 + odd,
        }
    )
    found = image_rows(table)
    assert (found["image_row"] == -1).all()
    assert set(found["shows"]) == {"unknown", "no image"}
