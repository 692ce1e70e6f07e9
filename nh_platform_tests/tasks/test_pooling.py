"""Units of several sessions: each is tested by a model of other animals, unless some sessions are the benchmark's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nh_platform.session import ConfigError
from nh_platform.tasks.pooling import OF_TESTED_ANIMAL, folds, pool
from nh_platform_tests.tasks import made_up


def test_units_of_one_animal_alone_are_refused() -> None:
    with pytest.raises(ConfigError, match="all units are of animal anna"):
        folds(pool([made_up.units("a"), made_up.units("b")], ["anna", "anna"]), 43)


def test_rows_are_named_by_session_and_unit_and_read_from_their_session() -> None:
    parts = [replace(made_up.units("a", 3, seed=1), left_out={"quiet": 2})]
    parts.append(replace(made_up.units("b", 4, seed=2), left_out={"quiet": 1}))
    pooled = pool(parts, ["anna", "bert"])
    assert pooled.data.target_ids.tolist()[:4] == ["a/unit-00", "a/unit-01", "a/unit-02", "b/unit-00"]
    assert pooled.data.left_out == {"quiet": 3}
    first = [part.inputs(np.array([0]))[0] for part in parts]
    np.testing.assert_array_equal(pooled.data.inputs(np.array([3, 0])), [first[1], first[0]])
    np.testing.assert_array_equal(pooled.data.outputs(np.arange(3)), parts[0].outputs(np.arange(3)))


@pytest.mark.parametrize("n_animals", [2, 3, 12])
def test_every_unit_is_tested_once_by_models_of_other_animals(n_animals: int) -> None:
    animals = [f"animal {number:02d}" for number in range(n_animals)]
    pooled = pool([made_up.units(one, 20) for one in animals], animals)
    made = folds(pooled, 43)
    assert len(made) == min(n_animals, 5)
    tested = np.array([part.split == "test" for part in made])
    np.testing.assert_array_equal(tested.sum(axis=0), 1)
    for part in made:
        of = {split: set(pooled.animals[part.split == split]) for split in ("train", "val", "test")}
        assert not of["test"] & (of["train"] | of["val"])
        assert len(part.rows("val"))
        if n_animals > 3:  # two to train: one of them would be half of it
            assert not of["train"] & of["val"]


def test_sessions_of_the_benchmark_are_tested_by_all_others() -> None:
    parts = [made_up.units("a", split="train"), made_up.units("b", split="test"), made_up.units("c", split="train")]
    pooled = pool(parts, ["anna", "bert", "carl"])
    (made,) = folds(pooled, 43)
    assert set(pooled.animals[made.split == "test"]) == {"bert"}
    assert set(pooled.animals[made.split != "test"]) == {"anna", "carl"}


@pytest.mark.parametrize("split", ["", "train"])
def test_no_other_session_of_an_animal_that_is_tested_trains(split: str) -> None:
    # Five units a session, and three that train or more: some of them are drawn for val.
    animals = ["anna", "bert", "carl", "dora", "bert"]
    parts = [made_up.units(f"{one}-{number}", 5) for number, one in enumerate(animals[:4])]
    parts[1] = made_up.units("tested", 5, split="test")
    parts.append(made_up.units("other", 5, split=split))
    pooled = pool(parts, animals)
    for seed in range(5):
        (made,) = folds(pooled, seed)
        of = {name: set(pooled.animals[made.split == name]) for name in ("train", "val", "test", "")}
        assert of["train"] | of["val"] == {"anna", "carl", "dora"}
        assert of["test"] == of[""] == {"bert"}
        assert made.rows("test").tolist() == list(range(5, 10))
        assert made.left_out == {OF_TESTED_ANIMAL: 5}


def test_where_only_animals_that_are_tested_are_left_they_are_divided_by_animal() -> None:
    parts = [made_up.units("a", 5, split="test"), made_up.units("b", 5, split=""), made_up.units("c", 5, split="test")]
    made = folds(pool(parts, ["anna", "anna", "carl"]), 43)
    assert [set(part.target_ids[part.rows("test")[:1]]) for part in made] == [{"a/unit-00"}, {"c/unit-00"}]
    with pytest.raises(ConfigError, match="no unit of another animal trains: all are of anna, which is tested"):
        folds(pool([parts[0], made_up.units("d", 5)], ["anna", "anna"]), 43)
