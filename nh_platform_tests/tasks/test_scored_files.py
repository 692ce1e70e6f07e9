"""Files of anyone's predictions are scored, with the share of the truth that they predict; bad ones are named."""

from __future__ import annotations

from pathlib import Path

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
    with pytest.raises(SchemaError, match="lacks the array 'trial_id'"):
        score_file(path, tmp_path, tasks())
