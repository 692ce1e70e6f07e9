"""Natural-scene identity: rows, classes, counts and splits of sessions with known answers, and what is missing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from nh_platform.reading import SessionView
from nh_platform.tasks.task import TargetMissing
from nh_platform.tasks.visual import VISUAL_TASKS
from nh_platform.tasks.visual.presented_windows import INVALID, NEXT_BEGINS
from nh_platform.tasks.visual.scene_identity import scene_identity
from nh_platform_tests.tasks.visual.shown_sessions import all_over, shown, stored_session

IMAGES = [5, 117, -1, 5, 117, 5, 117, 3]
STARTS = 1.0 + 0.26 * np.arange(8)


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> SessionView:
    table = shown("natural_scenes", STARTS, 0.25, frame=[float(image) for image in IMAGES])
    # one spike 60 ms after each onset of image 5 (bin 1), one at the very end of its window, which is in no bin
    answers = np.sort(np.concatenate([STARTS[[0, 3, 5]] + 0.06, STARTS[[0, 3, 5]] + 0.25]))
    return stored_session(tmp_path_factory.mktemp("scenes"), [answers, all_over(10.0)], table)


def test_a_row_is_an_image_and_its_class_is_the_frame(session) -> None:
    data = scene_identity(session)
    assert (data.task, data.window_s, data.bin_s) == ("vc-natural_scene", 0.25, 0.05)
    assert data.row_ids.tolist() == [0, 1, 3, 4, 5, 6, 7]
    assert data.outputs(np.arange(7)).tolist() == [5, 117, 5, 117, 5, 117, 3]
    assert data.label_names[117] == "117"
    assert len(data.label_names) == 118
    assert data.left_out == {"show grey": 1}


def test_counts_are_those_of_the_window_by_bin_and_unit(session) -> None:
    data = scene_identity(session)
    counts = data.inputs(np.array([2, 0, 1]))
    assert counts.shape == (3, 5, 2)
    assert counts[:, :, 0].tolist() == [[0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert data.input_ids.tolist() == ["u0", "u1"]
    only = scene_identity(session, units=["u0"])
    assert only.inputs(np.array([0])).shape == (1, 5, 1)
    assert only.input_ids.tolist() == ["u0"]


def test_the_repeats_of_every_image_are_split_and_one_shown_once_is_in_none(session) -> None:
    data = scene_identity(session)
    classes = data.outputs(np.arange(len(data)))
    assert Counter(data.split[classes == 5]) == {"train": 1, "val": 1, "test": 1}
    assert Counter(data.split[classes == 117]) == {"train": 1, "val": 1, "test": 1}
    assert data.split[classes == 3].tolist() == [""]


def test_windows_that_cannot_be_used_are_left_out_and_counted(tmp_path) -> None:
    starts = np.array([1.0, 1.2, 2.0, 3.0, 4.0, 5.0])
    table = shown("natural_scenes", starts, 0.2, frame=[1.0, 1.0, 1.0, 1.0, 200.0, 1.0])
    table["valid"] = [True, True, True, True, True, False]
    noise = [(3.1, 3.15, "probeB")]
    session = stored_session(tmp_path, [all_over(9), all_over(9)], table, probes=["probeA", "probeB"], invalid=noise)
    data = scene_identity(session)
    assert data.row_ids.tolist() == [1, 2]
    assert data.left_out == {"show no image of the set": 1, "are not valid": 1, NEXT_BEGINS: 1, INVALID: 1}
    # the noise is of probeB: units of probeA alone have one row more
    assert scene_identity(session, units=["u0"]).row_ids.tolist() == [1, 2, 3]


def test_a_session_without_scenes_or_repeats_or_presentations_says_what_it_has(tmp_path) -> None:
    flashes = shown("flashes", [1.0, 3.0], 0.25, color="1.0")
    with pytest.raises(TargetMissing, match=r"shows no natural_scenes; it shows flashes \(2\)"):
        scene_identity(stored_session(tmp_path / "a", [all_over(9)], flashes))
    once = shown("natural_scenes", [1.0, 2.0], 0.25, frame=[1.0, 2.0])
    with pytest.raises(TargetMissing, match="no image was shown twice: 2 images in 2 usable"):
        scene_identity(stored_session(tmp_path / "b", [all_over(9)], once))
    with pytest.raises(TargetMissing, match=r"no stimulus presentations.*; it has trials"):
        scene_identity(stored_session(tmp_path / "c", [all_over(9)], None, source="ibl"))
    twice = shown("natural_scenes", [1.0, 2.0], 0.25, frame=[1.0, 1.0])
    with pytest.raises(TargetMissing, match="no unit"):
        scene_identity(stored_session(tmp_path / "d", [all_over(9)], twice), units=[])


def test_the_registry_makes_it(session) -> None:
    task = next(task for task in VISUAL_TASKS if task.name == "vc-natural_scene")
    assert task.sources == ("allen_vc",)
    assert len(task.make(session)) == 7
