"""Both kinds of file state origin, terms, citations, what was left out, and labels that were not applied."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nh_platform.tasks.brain_wide_bench.qc_labels import ALIGNMENT, NEURAL, not_applied
from nh_platform.tasks.predictions import write_ground_truth, write_predictions
from nh_platform.tasks.safetensors_file import read_tensors
from nh_platform.tasks.scoring import truth_rows
from nh_platform.tasks.stated_texts import stated_texts, unit_filtering_of
from nh_platform_tests.tasks import made_up

ORIGINS = tuple(
    {"session_id": one, "source": "ibl", "release": "2024_05", "terms": "CC BY 4.0", "cites": ("a", one), "lab": ""}
    for one in ("s1", "s2")
)


def test_data_of_which_nothing_is_known_state_their_version_alone() -> None:
    assert list(stated_texts(made_up.classes())) == ["dataset_version"]


def test_predictions_and_ground_truth_state_the_same_of_their_data(tmp_path: Path) -> None:
    data = replace(
        made_up.units("eid", n=5, split="test"),
        origins=ORIGINS,
        left_out={"in none of the ten regions": 3},
        notes=(not_applied(NEURAL), not_applied(ALIGNMENT), "another"),
    )
    rows = truth_rows(data)
    paths = [
        write_predictions(tmp_path, data, rows, data.inputs(rows)[:, [0] * 10], label="mine", seed=43),
        write_ground_truth(tmp_path, data),
    ]
    for path in paths:
        _, texts = read_tensors(path)
        assert texts["dataset_version"].startswith("nh-platform ")
        assert (texts["source"], texts["release"], texts["terms"]) == ("ibl", "2024_05", "CC BY 4.0")
        assert texts["cites"] == "a\ns1\ns2"
        assert [one["session_id"] for one in json.loads(texts["origin"])] == ["s1", "s2"]
        assert json.loads(texts["left_out"]) == {"in none of the ten regions": 3}
        assert texts["qc_labels"] == "not applied: qc_neural, qc_neural_alignment"
        assert texts["notes"].endswith("; another")
    assert read_tensors(paths[0])[1]["unit_filtering"] == "custom"


@pytest.mark.parametrize(
    ("task", "notes", "expected"),
    [
        ("ts1-choice", (), "all_units"),
        ("ts1-wheel_speed", (not_applied("qc_behavior_wheel"),), "all_units"),
        ("ts2-forecasting", (), "selected_units"),
        ("ts2-forecasting", (not_applied(NEURAL),), "custom"),
        ("vc-natural_scene", (), "custom"),
    ],
)
def test_units_that_were_selected_without_labels_are_not_called_the_selected_ones(
    task: str, notes: tuple[str, ...], expected: str
) -> None:
    assert unit_filtering_of(replace(made_up.classes(name=task), notes=notes)) == expected
