"""Linear baselines find what the spikes carry, find nothing where they carry nothing, and look at no test row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from nh_platform.tasks.baselines import BASELINES, NoFit, baseline_of
from nh_platform.tasks.baselines.poisson import STRENGTHS
from nh_platform.tasks.control import moved_targets
from nh_platform.tasks.scoring import scores, truth_rows
from nh_platform.tasks.task import Kind, TaskData
from nh_platform_tests.tasks import made_up


def score_of(kind: Kind, data: TaskData, seed: int = 43) -> dict[str, float]:
    rows = truth_rows(data)
    predictions = baseline_of(kind, data, seed).fit().predict(rows)
    return scores(made_up.task({"": data}, kind), data, rows, predictions)


def test_training_rows_of_one_class_or_without_a_target_are_refused() -> None:
    one = replace(made_up.classes(), outputs=lambda rows: np.ones(len(rows), dtype=int))
    with pytest.raises(NoFit, match="of classes: b"):
        baseline_of("classes", one, 43)
    without = replace(made_up.moments(), mask=np.zeros((150, 50), dtype=bool))
    with pytest.raises(NoFit, match="no training window"):
        baseline_of("values", without, 43)
    empty = replace(made_up.classes(), split=np.full(200, "test", dtype=object))
    with pytest.raises(NoFit, match="0 training rows of ts1-choice, of classes: none"):
        baseline_of("classes", empty, 43)


def test_classes_that_the_spikes_carry_are_found_and_others_are_not() -> None:
    assert score_of("classes", made_up.classes())["bacc"] > 0.95
    assert score_of("classes", made_up.classes(n_classes=5))["bacc"] > 0.8
    assert 0.3 < score_of("classes", made_up.classes(strength=0))["bacc"] < 0.7


def test_a_class_of_no_training_row_has_a_finite_probability() -> None:
    data = made_up.classes(n_classes=3)
    true = data.outputs(np.arange(200))
    split = data.split.copy()
    split[(true == 2) & (split == "train")] = ""
    rows = truth_rows(data)
    predictions = baseline_of("classes", replace(data, split=split), 43).fit().predict(rows)
    assert predictions.shape == (len(rows), 3)
    assert np.isfinite(predictions).all()
    assert (predictions.argmax(axis=1) < 2).all()


def test_values_and_events_over_time_are_found() -> None:
    values, noise = score_of("values", made_up.moments()), score_of("values", made_up.moments(strength=0))
    assert values["r2"] > 0.5
    assert values["pearson"] > 0.7
    assert noise["r2"] < 0.1
    assert score_of("counts", made_up.moments(counts=True))["poisson_d2"] > 0.25
    assert score_of("counts", made_up.moments(counts=True, strength=0))["poisson_d2"] < 0.05


def test_masked_and_missing_moments_are_not_fitted_on() -> None:
    data = made_up.moments()
    mask = np.random.default_rng(2).random(data.mask.shape) < 0.6
    spoiled = np.where(mask[..., None], data.outputs(np.arange(150)), np.nan)
    assert (
        score_of("values", replace(data, task="ts1-left_paw_speed", outputs=lambda rows: spoiled[rows], mask=mask))[
            "r2"
        ]
        > 0.5
    )


@pytest.mark.parametrize("forecast", [False, True])
def test_hidden_units_and_bins_are_predicted_better_than_their_mean(forecast: bool) -> None:
    found = score_of("counts", made_up.population(n=3_000, forecast=forecast))
    assert found["poisson_d2"] > 0.03
    assert found["bps"] > 0.05


def test_a_unit_that_is_silent_in_training_is_predicted_low_and_finite() -> None:
    data = made_up.population(n=400)
    train = set(data.rows("train").tolist()) | set(data.rows("val").tolist())

    def outputs(rows: np.ndarray) -> np.ndarray:
        found = data.outputs(rows).copy()
        found[[row in train for row in rows.tolist()], :, 0] = 0
        return found

    rows = truth_rows(data)[::20]
    predictions = baseline_of("counts", replace(data, outputs=outputs), 43).fit().predict(rows)
    assert predictions.dtype == np.float16
    assert np.isfinite(predictions).all()
    assert np.exp(predictions[..., 0].astype(float)).max() < 1e-3


def test_poisson_is_scikit_learns_on_the_same_features() -> None:
    data = made_up.moments(counts=True)
    baseline = baseline_of("counts", data, 43)
    design = baseline._design  # type: ignore[attr-defined]
    true, counts = design.samples.targets()
    assert counts.all()
    strength = design.best_strength(None)
    assert strength in STRENGTHS
    scaled = (design.samples.values - design.scaler.mean_) / design.scaler.scale_
    known = PoissonRegressor(alpha=strength, max_iter=2_000, tol=1e-8).fit(scaled, true[:, 0])
    rows = data.rows("train")
    found = np.exp(baseline.fit().predict(rows)).ravel()
    bounded = np.clip(known.predict(scaled), 0.5 / len(true), true.max() + 1)
    np.testing.assert_allclose(found, bounded, rtol=2e-2)


@pytest.mark.parametrize("kind", BASELINES)
def test_a_control_is_wholly_made_from_moved_targets(kind: Kind) -> None:
    data = {"classes": made_up.classes(), "values": made_up.moments(), "counts": made_up.population(n=200)}[kind]
    moved = next(moved_targets(data, kind, 1, seed=3))
    true = replace(data, outputs=lambda rows: data.outputs(moved[rows]))
    rows = truth_rows(data)[::20]
    expected = baseline_of(kind, true, 43).fit().predict(rows)
    np.testing.assert_array_equal(baseline_of(kind, data, 43).fit(moved).predict(rows), expected)


def test_other_held_out_units_choose_the_strength() -> None:
    data = made_up.population(n=400)
    asked: list[str] = []

    def tuning() -> TaskData:
        asked.append("tuning")
        return replace(
            data,
            inputs=lambda rows: data.inputs(rows)[:, :, 4:],
            input_ids=data.input_ids[4:],
            outputs=lambda rows: data.inputs(rows)[:, :, :4].astype(np.float32),
            target_ids=data.input_ids[:4],
        )

    assert np.isfinite(score_of("counts", replace(data, tuning=tuning))["poisson_d2"])
    assert asked == ["tuning"]


@pytest.mark.parametrize("kind", BASELINES)
def test_test_rows_do_not_change_the_fit_and_a_seed_repeats_itself(kind: Kind) -> None:
    data = {"classes": made_up.classes(), "values": made_up.moments(), "counts": made_up.population(n=200)}[kind]
    rows = truth_rows(data)[::20]
    first = baseline_of(kind, data, 43).fit().predict(rows)
    np.testing.assert_array_equal(baseline_of(kind, data, 43).fit().predict(rows), first)
    tested = set(data.rows("test").tolist())

    def spoiled(given: np.ndarray) -> np.ndarray:
        found = data.outputs(given).copy()
        found[[row in tested for row in given.tolist()]] = 0
        return found

    np.testing.assert_array_equal(baseline_of(kind, replace(data, outputs=spoiled), 43).fit().predict(rows), first)


def test_units_of_features_are_told_apart() -> None:
    split = made_up.split_of(300)
    np.random.default_rng(0).shuffle(split)
    found = score_of("classes", replace(made_up.units("s", n=300), split=split))
    assert found["bacc"] > 0.8
