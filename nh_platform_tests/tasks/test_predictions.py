"""Files of predictions: what is refused, the layout, the same bytes twice, and nothing half-written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from nh_platform.session import ConfigError, SchemaError, StoreError
from nh_platform.tasks.predictions import write_ground_truth, write_predictions
from nh_platform.tasks.safetensors_file import read_tensors, write_tensors
from nh_platform.tasks.scoring import truth_rows
from nh_platform.tasks.task import TaskData
from nh_platform_tests.tasks import made_up


def written(
    folder: Path, data: TaskData, predictions: np.ndarray
) -> tuple[Path, dict[str, np.ndarray], dict[str, str]]:
    path = write_predictions(folder, data, truth_rows(data), predictions, label="mine", seed=43)
    with safe_open(str(path), framework="numpy") as opened:
        return path.relative_to(folder), load_file(path), opened.metadata()


def test_what_cannot_be_scored_is_refused_before_it_is_written(tmp_path: Path) -> None:
    data = made_up.classes()
    rows, right = truth_rows(data), np.zeros((80, 2))
    with pytest.raises(SchemaError, match=r"their shape is \(80, 3\), and \(80, 2\) is asked for"):
        write_predictions(tmp_path, data, rows, np.zeros((80, 3)), label="mine", seed=43)
    with pytest.raises(SchemaError, match="NaN or infinite"):
        write_predictions(tmp_path, data, rows, np.full((80, 2), -np.inf), label="mine", seed=43)
    with pytest.raises(ConfigError, match="it is to be a folder's name"):
        write_predictions(tmp_path, data, rows, right, label="../mine", seed=43)
    with pytest.raises(ConfigError, match="must not be reported"):
        write_predictions(tmp_path, data, rows, right, label="mine", seed=42)
    odd = replace(made_up.population(n=100), target_ids=np.array(["µ", "b", "c", "d"], dtype=object))
    with pytest.raises(SchemaError, match="ASCII"):
        write_predictions(tmp_path, odd, np.arange(2), np.zeros((2, 50, 4)), label="mine", seed=43)
    assert list(tmp_path.iterdir()) == []


def test_classes_of_trials(tmp_path: Path) -> None:
    data = made_up.classes()
    logits = np.random.default_rng(0).normal(size=(80, 2))
    path, tensors, metadata = written(tmp_path, data, logits)
    assert path == Path("mine", "ts1-choice", made_up.SESSION, "seed_43.safetensors")
    assert set(tensors) == {"predictions", "trial_id"}
    assert (tensors["predictions"].shape, tensors["predictions"].dtype) == ((80, 1, 2), np.float32)
    np.testing.assert_array_equal(tensors["trial_id"], np.arange(120, 200) * 2 + 1)
    assert tensors["trial_id"].dtype == np.int64
    assert metadata.pop("dataset_version").startswith("nh-platform ")
    assert metadata == {
        "label": "mine",
        "task": "ts1-choice",
        "seed": "43",
        "recording_id": made_up.SESSION,
        "unit_filtering": "all_units",
        "ibl_bwb_eval_version": "0.1.0",
    }
    truth = load_file(write_ground_truth(tmp_path, data))
    np.testing.assert_array_equal(truth["values"][:, 0], data.outputs(np.arange(120, 200)))
    assert set(truth) == {"values", "trial_id"}


def test_values_have_seconds_from_the_start_of_their_window_and_paws_a_mask(tmp_path: Path) -> None:
    data = made_up.moments(name="ts1-right_paw_speed")
    mask = data.mask.copy()
    mask[-2, :40], mask[-1] = False, False
    spoiled = np.where(mask[..., None], data.outputs(np.arange(150)), np.nan)
    data = replace(data, mask=mask, outputs=lambda rows: spoiled[rows])
    _, tensors, _ = written(tmp_path, data, np.zeros((59, 50, 1)))  # the last trial has no moment that counts
    assert tensors["timestamps"].shape == (59, 50)
    np.testing.assert_allclose(tensors["timestamps"][0, :2], [0.008, 0.028], atol=1e-6)
    truth = load_file(write_ground_truth(tmp_path, data))
    assert truth["values"].shape == (59, 50, 1)
    np.testing.assert_array_equal(truth["mask"], mask[90:149])
    assert np.isfinite(truth["values"]).all()
    other = load_file(write_ground_truth(tmp_path, replace(data, task="ts1-wheel_speed")))
    assert "mask" not in other
    assert len(other["values"]) == 58  # the scorer would count the moments that are not there


def test_counts_of_units_have_window_starts_that_match_exactly(tmp_path: Path) -> None:
    data = made_up.population(n=500)
    rows = truth_rows(data)
    _, tensors, metadata = written(tmp_path, data, np.zeros((len(rows), 50, 4), dtype=np.float16))
    truth_path = write_ground_truth(tmp_path, data)
    truth = load_file(truth_path)
    assert tensors["predictions"].dtype == np.float16
    assert tensors["window_timestamps"].dtype == np.float64
    np.testing.assert_array_equal(tensors["window_timestamps"], truth["window_timestamps"])
    np.testing.assert_array_equal(truth["targets"], data.outputs(rows))
    assert truth["targets"].dtype == np.uint8
    assert [bytes(one).rstrip(b"\0").decode() for one in tensors["unit_ids"]] == data.target_ids.tolist()
    assert (metadata["context_window"], metadata["bin_size"]) == ("1.0", "0.02")
    assert metadata["unit_filtering"] == "selected_units"


def test_units_are_of_no_session_and_say_the_order_of_regions(tmp_path: Path) -> None:
    data = replace(made_up.units("eid", n=5, split="test"), notes=("QC was not applied", "twice"))
    path, tensors, metadata = written(tmp_path, data, np.full((5, 10), 0.1))
    assert path == Path("mine", "ts3-unit_cosmos", "seed_43.safetensors")
    assert tensors["pred_proba"].shape == (5, 10)
    assert metadata["label_names"] == "CB,CNU,CTXsp,HB,HPF,HY,Isocortex,MB,OLF,TH"
    assert metadata["notes"] == "QC was not applied; twice"
    _, of_truth = read_tensors(write_ground_truth(tmp_path, data))
    assert of_truth["label_names"] == metadata["label_names"]


def test_the_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    contents = set()
    for number in range(5):
        path = tmp_path / f"{number}.safetensors"
        tensors = {"b": np.arange(3), "a": np.zeros((2, 1), dtype=np.float16)}
        write_tensors(path, tensors, {one: one for one in "gadfcbe"})
        contents.add(path.read_bytes())
    assert len(contents) == 1
    tensors, metadata = read_tensors(path)
    np.testing.assert_array_equal(tensors["b"], np.arange(3))
    assert metadata == {one: one for one in "abcdefg"}


def test_a_file_that_is_not_whole_is_named(tmp_path: Path) -> None:
    path = tmp_path / "seed_43.safetensors"
    path.write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(StoreError, match=r"seed_43\.safetensors: it is no whole safetensors file"):
        read_tensors(path)
    with pytest.raises(StoreError, match="no whole"):
        read_tensors(tmp_path / "none.safetensors")
