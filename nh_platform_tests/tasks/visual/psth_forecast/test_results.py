"""The targets and results of ``psth-forecast`` for sessions with known answers: no test repeat reaches the target."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform.tasks.task import TargetMissing
from nh_platform.tasks.visual import VISUAL_TASKS
from nh_platform.tasks.visual.psth_forecast import (
    BASELINES,
    forecast_summary,
    forecast_table,
    forecast_targets,
    score_forecast,
)
from nh_platform.tasks.visual.psth_forecast.forecast_target import UnitRepeats
from nh_platform_tests.tasks.visual.shown_sessions import all_over, shown, stored_session

N_IMAGES, N_REPEATS, BIN_S = 12, 25, 0.025
STARTS = 1.0 + 0.5 * np.arange(N_IMAGES * N_REPEATS)
IMAGES = np.tile(np.arange(N_IMAGES), N_REPEATS)
RATES = np.random.default_rng(1).gamma(0.5, 40.0, size=(N_IMAGES, 10))
"""Hz, of the tuned unit by image and bin."""


def poisson_train(rates, seed) -> np.ndarray:
    """Draw the spikes of a unit with these rates in the ten bins of every presentation."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rates[IMAGES] * BIN_S)
    edges = STARTS[:, None] + BIN_S * np.arange(10)
    return np.sort(np.repeat(edges.ravel(), counts.ravel()) + rng.random(counts.sum()) * BIN_S)


def n_spikes(train, starts) -> int:
    """Count the spikes in a bin from each start."""
    return sum(int(((train >= start) & (train < start + BIN_S)).sum()) for start in starts)


def of_image(image) -> np.ndarray:
    return np.equal(IMAGES, image)


def scenes() -> pd.DataFrame:
    return shown("natural_scenes", STARTS, 0.2502, frame=IMAGES.astype(float))


TUNED, NOISE = poisson_train(RATES, 2), poisson_train(np.full_like(RATES, 20.0), 3)


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> SessionView:
    """Units: tuned, noise, silent, and one whose probe was invalid for the second half."""
    return stored_session(
        tmp_path_factory.mktemp("forecast"),
        [TUNED, NOISE, [], TUNED, all_over(170.0)],
        scenes(),
        probes=["probeA", "probeA", "probeA", "probeB", "probeA"],
        invalid=[(100.0, 500.0, "probeB")],
    )


@pytest.fixture(scope="module")
def table(session) -> pd.DataFrame:
    return forecast_table(session, n_permutations=199).set_index(["model", "unit_id"])


def test_the_target_is_the_mean_of_the_training_repeats_by_hand(session) -> None:
    target = forecast_targets(session)[0]
    assert target.shape == (12, 10, 5)
    psth, split = target.psth(), target.repeats.split
    for image in (0, 7):
        place = target.repeats.conditions.index(f"frame={image}")
        rows = np.flatnonzero(of_image(image) & (split == "train"))
        assert len(rows) == 15
        for bin_number in (0, 9):
            spikes = n_spikes(TUNED, STARTS[rows] + bin_number * BIN_S)
            np.testing.assert_allclose(psth[place, bin_number, 0], spikes / 15 / BIN_S)


def test_spikes_of_repeats_that_validate_or_test_do_not_move_the_target(session, tmp_path) -> None:
    target = forecast_targets(session)[0]
    other = STARTS[target.repeats.split != "train"]
    more = np.sort(np.concatenate([TUNED, *(other + shift for shift in (0.03, 0.04, 0.2))]))
    changed = forecast_targets(stored_session(tmp_path, [more, all_over(170.0)], scenes()))[0]
    assert np.array_equal(changed.psth()[:, :, 0], target.psth()[:, :, 0])
    assert not np.array_equal(changed.psth("test")[:, :, 0], target.psth("test")[:, :, 0])


def test_the_tuned_unit_is_predicted_up_to_its_ceiling_and_noise_is_not(table) -> None:
    tuned, noise = table.loc[("training-psth", "u0")], table.loc[("training-psth", "u1")]
    signal = (RATES * BIN_S).var()
    expected = signal / (signal + (RATES * BIN_S).mean() / 5)
    np.testing.assert_allclose(tuned["ceiling"], expected, atol=0.05)
    np.testing.assert_allclose(tuned["reliability"], signal / (signal + (RATES * BIN_S).mean() / 24), atol=0.05)
    assert tuned["p"] == 1 / 200
    assert tuned["low"] < tuned["correlation"] < tuned["high"]
    assert (tuned["interval_over"], tuned["n_conditions"], tuned["n_repeats"], tuned["n_test"]) == (
        "repeats",
        12,
        25,
        5,
    )
    assert noise["ceiling"] < 0.2
    assert noise["p"] > 0.02
    assert tuned["region"] == "R0"
    np.testing.assert_allclose(tuned["correlation_normalised"], tuned["correlation"] / np.sqrt(tuned["ceiling"]))


def test_the_true_rate_reaches_the_ceiling_and_the_linear_model_beats_the_mean_rate(session, table) -> None:
    target = forecast_targets(session, units=["u0"])[0]
    order = [int(name.removeprefix("frame=")) for name in target.repeats.conditions]
    truth = score_forecast(target, RATES[order][:, :, None], "truth", n_permutations=199).iloc[0]
    np.testing.assert_allclose(truth["r2"], truth["ceiling"], atol=0.08)
    np.testing.assert_allclose(truth["correlation_normalised"], 1.0, atol=0.06)
    r2 = table["r2"]
    assert truth["r2"] > r2["linear", "u0"] > 0.3 > 0 >= r2["mean-rate", "u0"]
    assert r2["linear", "u1"] > r2["training-psth", "u1"]


def test_a_silent_unit_has_no_scores_and_a_constant_prediction_no_correlation(table) -> None:
    scores = ["reliability", "ceiling", "r2", "correlation", "correlation_normalised", "p", "low", "high"]
    assert table.loc[("linear", "u2"), scores].isna().all()
    assert table.loc[("linear", "u2"), "interval_over"] == ""
    constant = table.loc[("mean-rate", "u0")]
    assert constant[["correlation", "p", "low"]].isna().all()
    assert np.isfinite(constant[["reliability", "ceiling", "r2"]].astype(float)).all()


def test_repeats_in_the_invalid_time_of_a_probe_are_left_out_of_its_units_alone(session, table) -> None:
    target = forecast_targets(session)[0]
    late = STARTS + 0.25 > 100.0
    assert (target.valid[:, 3] == ~late).all()
    assert target.valid[:, 0].all()
    of_probe = table.loc[("training-psth", "u3")]
    assert of_probe["n_repeats"] == min(int((of_image(image) & ~late).sum()) for image in range(12)) < 25
    inside = of_image(0) & ~late & (target.repeats.split == "train")
    spikes = n_spikes(TUNED, STARTS[inside])
    place = target.repeats.conditions.index("frame=0")
    np.testing.assert_allclose(target.psth()[place, 0, 3], spikes / inside.sum() / BIN_S)


def test_a_unit_without_a_valid_repeat_has_a_row_without_scores(tmp_path) -> None:
    trains, probes = [TUNED, TUNED], ["probeA", "probeB"]
    session = stored_session(tmp_path, trains, scenes(), probes=probes, invalid=[(0.0, 500.0, "probeB")])
    table = forecast_table(session, models=["linear"], n_permutations=20).set_index("unit_id")
    assert table.loc["u1", ["n_conditions", "n_repeats", "n_test"]].tolist() == [0, 0, 0]
    assert np.isnan(table.loc["u1", "r2"])
    assert np.isfinite(table.loc["u0", "r2"])
    assert np.isnan(forecast_targets(session)[0].psth()[:, :, 1]).all()


def test_units_may_be_chosen_in_any_order(session, table) -> None:
    few = forecast_table(session, units=["u3", "u0"], models=["linear"], n_permutations=199)
    assert few["unit_id"].tolist() == ["u3", "u0"]
    for name in ("reliability", "ceiling", "r2", "p", "low"):
        np.testing.assert_allclose(few[name], table.loc["linear"].loc[["u3", "u0"], name], rtol=1e-9)


def test_the_summary_counts_a_constant_prediction_as_no_correlation(table) -> None:
    summary = forecast_summary(table.reset_index()).set_index("model")
    assert summary["n_units"].tolist() == [4, 4, 4]
    assert summary.loc["mean-rate", ["correlation", "share_p05"]].tolist() == [0.0, 0.0]
    assert summary.loc["linear", "low"] <= summary.loc["linear", "correlation"] <= summary.loc["linear", "high"]
    assert summary.loc["training-psth", "n_reliable"] >= 2
    assert forecast_summary(table.reset_index().iloc[:0]).empty


def test_a_movie_is_scored_by_rotations_and_drawn_by_the_second(tmp_path) -> None:
    rng = np.random.default_rng(8)
    rate = np.repeat(rng.gamma(0.5, 40.0, size=80), 2)  # 8 s in 160 bins of 50 ms
    starts = 10.0 * np.arange(1, 9)
    frames = pd.concat(
        [
            shown("natural_movie_one", start + 0.1 * np.arange(80), 0.1, frame=np.arange(80.0), stimulus_block=start)
            for start in starts
        ]
    )
    counts = rng.poisson(rate * 0.05, size=(8, 160))
    edges = starts[:, None] + 0.05 * np.arange(160)
    train = np.sort(np.repeat(edges.ravel(), counts.ravel()) + rng.random(counts.sum()) * 0.05)
    session = stored_session(tmp_path, [train, all_over(100.0)], frames)
    found = forecast_table(session, models=["training-psth"], bin_s=0.05).iloc[0]
    assert (found["n_conditions"], found["n_repeats"], found["n_test"]) == (1, 8, 2)
    assert found["interval_over"] == "seconds"
    assert found["p"] <= 3 / 160
    assert found["low"] < found["correlation"] < found["high"]
    steps = forecast_table(session, models=["training-psth"], bin_s=0.05, movie_step_s=1.0).iloc[0]
    assert (steps["n_conditions"], steps["interval_over"]) == (8, "conditions")
    np.testing.assert_allclose(steps["r2"], found["r2"])  # the same points, and the same split


def test_two_repeats_train_and_test_and_one_alone_is_nothing_to_forecast(tmp_path) -> None:
    twice = shown("flashes", [1.0, 3.0], 0.25, color="1.0")
    found = forecast_table(stored_session(tmp_path / "a", [[1.11, 3.11], all_over(5)], twice)).set_index("model")
    u0 = found[found["unit_id"] == "u0"]
    assert u0.loc["training-psth", ["r2", "ceiling", "reliability"]].tolist() == [1.0, 1.0, 1.0]
    assert u0.loc["linear", "r2"] == 1.0  # nothing validates: it is the training PSTH
    assert u0["interval_over"].tolist() == [""] * 3
    with pytest.raises(TargetMissing, match="no condition of a stimulus was shown twice: it has flashes"):
        forecast_table(stored_session(tmp_path / "b", [[1.11], all_over(5)], twice.iloc[:1]))


def test_the_linear_model_gives_noise_no_weight() -> None:
    # train: condition effects -1 and 1, time effects -2 and 2, no interaction; validation: the condition's alone
    train = np.array([[2.0, 6.0], [4.0, 8.0]])
    check = np.array([[4.5, 4.5], [5.5, 5.5]])
    counts = np.stack([train[0], train[1], check[0] * 2, check[1] * 2])[:, :, None]
    split = np.array(["train", "train", "val", "val"], dtype=object)
    group = UnitRepeats(np.arange(1), np.arange(2), np.array([0, 1, 0, 1]), counts, split)
    predicted = BASELINES["linear"](group)[:, :, 0]
    # the effect of the condition has weight 1, that of time 0; the mean rate of all four repeats is 7.5
    np.testing.assert_allclose(predicted, [[6.5, 6.5], [8.5, 8.5]])
    np.testing.assert_allclose(BASELINES["mean-rate"](group)[:, :, 0], 5.0)


def test_wrong_shapes_models_and_widths_are_refused_by_name(session) -> None:
    target = forecast_targets(session)[0]
    with pytest.raises(ConfigError, match=r"its shape is \(12, 10\), that of the target \(12, 10, 5\)"):
        score_forecast(target, np.zeros((12, 10)))
    with pytest.raises(ConfigError, match="Did you mean linear"):
        forecast_table(session, models=["linear-psth"])
    with pytest.raises(TargetMissing, match="no unit"):
        forecast_table(session, units=[])


def test_the_task_gives_rows_of_repeats_whose_linear_model_is_the_psth(session) -> None:
    task = next(task for task in VISUAL_TASKS if task.name == "psth-forecast")
    assert len(task.table(session)) == 15
    data = task.make(session)
    target = forecast_targets(session)[0]
    well = target.valid.all(axis=1)
    assert len(data) == well.sum() < len(target.repeats.times)
    rows = data.rows("train")
    shown_images, counts = data.inputs(rows), data.outputs(rows)
    assert shown_images.shape == (len(rows), 12)
    fitted = np.linalg.lstsq(shown_images, counts.reshape(len(rows), -1).astype(float), rcond=None)[0]
    psth = fitted.reshape(12, 10, 5)[:, :, 3] / BIN_S
    np.testing.assert_allclose(psth, target.psth()[:, :, 3], atol=1e-9)
    assert data.mask.shape == (len(data), 10)
    assert data.timestamps[0] == pytest.approx(BIN_S / 2)
    assert data.target_ids.tolist() == [f"u{row}" for row in range(5)]
