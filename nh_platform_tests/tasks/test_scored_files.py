"""Files of anyone's predictions are scored, with the share of the truth that they predict; bad ones are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nh_platform.session import SchemaError, StoreError
from nh_platform.tasks.named_tasks import tasks
from nh_platform.tasks.predictions import write_ground_truth, write_predictions
from nh_platform.tasks.safetensors_file import read_tensors, write_tensors
from nh_platform.tasks.scored_files import score_file, score_files
from nh_platform.tasks.scoring import truth_rows
from nh_platform_tests.tasks import made_up


def test_missing_windows_are_left_out_of_the_score_and_of_the_share_that_matched(tmp_path: Path) -> None:
    data = made_up.classes()
    rows = truth_rows(data)[:60]
    right = np.eye(2)[data.outputs(rows)]
    right[:15] = right[:15, ::-1]
    path = write_predictions(tmp_path, data, rows[::-1], right[::-1], label="mine", seed=43)
    write_ground_truth(tmp_path, data)
    found = score_file(path, tmp_path, tasks())
    assert (found.label, found.task, found.session_id, found.seed) == ("mine", "ts1-choice", made_up.SESSION, 43)
    assert found.matched == pytest.approx(60 / 80)
    assert found.metrics["bacc"] == pytest.approx(0.75, abs=0.05)


def test_a_folder_is_scored_and_what_cannot_be_is_named(tmp_path: Path) -> None:
    data, units = made_up.classes(), made_up.units("a", n=8, split="test")
    with pytest.raises(StoreError, match=r"there is no file seed_<n>\.safetensors"):
        score_files(tmp_path / "p", tmp_path / "t", tasks())
    rows = truth_rows(data)
    write_predictions(tmp_path / "p", data, rows, np.zeros((len(rows), 2)), label="mine", seed=43)
    scored, refused = score_files(tmp_path / "p", tmp_path / "t", tasks())
    assert scored == []
    assert "ground_truth.safetensors" in next(iter(refused.values())).thing
    write_ground_truth(tmp_path / "t", data)
    write_ground_truth(tmp_path / "t", units)
    write_predictions(tmp_path / "p", units, np.arange(7), np.zeros((7, 10)), label="mine", seed=43)
    write_tensors(tmp_path / "p" / "seed_1.safetensors", {"predictions": np.zeros(1)}, {"task": "ts9-none"})
    scored, refused = score_files(tmp_path / "p", tmp_path / "t", tasks())
    assert [one.task for one in scored] == ["ts1-choice"]
    told = sorted(error.found for error in refused.values())
    assert told[0] == "1 units have no prediction, as unit-07"
    assert told[1].startswith("its metadata say task 'ts9-none'")


def test_another_order_of_regions_and_predictions_of_no_window_are_refused(tmp_path: Path) -> None:
    units, data = made_up.units("a", n=8, split="test"), made_up.classes()
    path = write_predictions(tmp_path, units, np.arange(8), np.zeros((8, 10)), label="mine", seed=43)
    write_ground_truth(tmp_path, units)
    tensors, metadata = read_tensors(path)
    write_tensors(path, tensors, metadata | {"label_names": "TH,CB"})
    with pytest.raises(SchemaError, match="its label_names are not those of"):
        score_file(path, tmp_path, tasks())
    rows = truth_rows(data)
    path = write_predictions(tmp_path, data, rows, np.zeros((len(rows), 2)), label="mine", seed=43)
    write_ground_truth(tmp_path, data)
    tensors, metadata = read_tensors(path)
    write_tensors(path, tensors | {"trial_id": tensors["trial_id"] - 10_000}, metadata)
    with pytest.raises(SchemaError, match="no trial_id of it is one of the ground truth"):
        score_file(path, tmp_path, tasks())
    write_tensors(path, {"predictions": tensors["predictions"]}, metadata)
    with pytest.raises(SchemaError, match="lacks the array trial_id"):
        score_file(path, tmp_path, tasks())


Arrays = dict[str, np.ndarray[Any, Any]]
Spoil = Callable[[Arrays, dict[str, str]], object]


def twice(name: str) -> Spoil:
    return lambda arrays, texts: arrays.update({name: np.concatenate([arrays[name][:1], arrays[name][:-1]])})


def changed(name: str, change: Callable[[Any], Any]) -> Spoil:
    return lambda arrays, texts: arrays.update({name: np.ascontiguousarray(change(arrays[name]))})


def with_nan(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array = array.copy()
    array.flat[3] = np.nan
    return array


TRIALS: dict[str, Spoil] = {
    "(80, 2), and 3 dimensions": changed("predictions", lambda one: one[:, 0]),
    "(windows, 1, classes) is asked for": changed("predictions", lambda one: one.repeat(2, axis=1)),
    "it has 3 classes": changed("predictions", lambda one: one[..., [0, 1, 1]]),
    "it has 1 classes": changed("predictions", lambda one: one[..., :1]),
    "some of predictions are NaN": changed("predictions", with_nan),
    "predictions are int64, and floats": changed("predictions", lambda one: one.astype(np.int64)),
    "trial_id are float64, and whole numbers": changed("trial_id", lambda one: one.astype(np.float64)),
    "trial_id have 79 rows, and the file has 80": changed("trial_id", lambda one: one[1:]),
    "1 of trial_id occur more than once": twice("trial_id"),
    "and whose scores must not be reported": lambda arrays, texts: texts.update(seed="42"),
    "seed 'none'": lambda arrays, texts: texts.update(seed="none"),
    "its metadata say seed 44": lambda arrays, texts: texts.update(seed="44"),
    "is no name of a session": lambda arrays, texts: texts.update(recording_id="../elsewhere"),
}
COUNTS: dict[str, Spoil] = {
    "its units are not in the order of": changed("unit_ids", lambda one: one[::-1]),
    "1 units of": changed("unit_ids", lambda one: np.vstack([one[:-1], one[:1] + 1])),
    "unit_ids have unit-00 more than once": twice("unit_ids"),
    "unit_ids are int64, and uint8": changed("unit_ids", lambda one: one.astype(np.int64)),
    "it lacks the array unit_ids": lambda arrays, texts: arrays.pop("unit_ids"),
    "it predicts 3 units": changed("predictions", lambda one: one[..., :3]),
    "predictions are (": changed("predictions", lambda one: one[:, :45]),
    "of window_timestamps occur more than once": changed("window_timestamps", lambda one: one.astype(np.float16)),
}


@pytest.mark.parametrize(
    ("counts", "said"), [*((False, said) for said in TRIALS), *((True, said) for said in COUNTS)], ids=str
)
def test_a_file_that_would_be_scored_wrongly_is_named_and_the_others_go_on(
    tmp_path: Path, counts: bool, said: str
) -> None:
    data = made_up.population(n=300) if counts else made_up.classes()
    rows = truth_rows(data)
    zeros = np.zeros((len(rows), 50, 4) if counts else (len(rows), 2))
    paths = [write_predictions(tmp_path, data, rows, zeros, label="mine", seed=seed) for seed in (43, 45)]
    write_ground_truth(tmp_path, data)
    arrays, texts = read_tensors(paths[0])
    (COUNTS if counts else TRIALS)[said](arrays, texts)
    write_tensors(paths[0], arrays, texts)
    scored, refused = score_files(tmp_path, tmp_path, tasks())
    assert [one.seed for one in scored] == [45]
    assert list(refused) == [paths[0]]
    assert str(paths[0]) == refused[paths[0]].thing
    assert said in refused[paths[0]].found


def test_times_that_the_benchmark_s_writer_rounds_match_those_that_are_not(tmp_path: Path) -> None:
    data = made_up.population(n=300)
    rows = truth_rows(data)
    path = write_predictions(tmp_path, data, rows, np.zeros((len(rows), 50, 4)), label="mine", seed=43)
    write_ground_truth(tmp_path, data)
    whole = score_file(path, tmp_path, tasks())
    arrays, texts = read_tensors(path)
    write_tensors(path, arrays | {"window_timestamps": arrays["window_timestamps"].astype(np.float32)}, texts)
    assert score_file(path, tmp_path, tasks()) == whole
    assert whole.matched == 1


def test_ground_truth_with_a_fault_is_named_as_itself(tmp_path: Path) -> None:
    data = made_up.moments(name="ts1-left_paw_speed")
    rows = truth_rows(data)
    write_predictions(tmp_path, data, rows, np.zeros((len(rows), 50, 1)), label="mine", seed=43)
    truth = write_ground_truth(tmp_path, data)
    arrays, texts = read_tensors(truth)
    for name, spoilt, said in (
        ("values", with_nan(arrays["values"]), "some of values are NaN"),
        ("mask", arrays["mask"][:, :40], "mask has the shape (60, 40)"),
        ("trial_id", arrays["trial_id"][::-1][:1].repeat(60), "occur more than once"),
    ):
        write_tensors(truth, arrays | {name: np.ascontiguousarray(spoilt)}, texts)
        _, refused = score_files(tmp_path, tmp_path, tasks())
        (error,) = refused.values()
        assert error.thing == str(truth)
        assert said in error.found


def test_numbers_that_numpy_does_not_have_are_said(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    path = tmp_path / "seed_43.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(StoreError, match="bfloat16"):
        score_file(path, tmp_path, tasks())
