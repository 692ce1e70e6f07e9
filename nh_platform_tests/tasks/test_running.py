"""A task over sessions and seeds: what lacks is named, the control is beaten, means and errors are of the scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nh_platform.session import ConfigError, DamagedFile, SchemaError, StoreError
from nh_platform.tasks import running
from nh_platform.tasks.baselines import Baseline
from nh_platform.tasks.run_table import Run, SessionRun
from nh_platform.tasks.running import Asked, run_task
from nh_platform.tasks.safetensors_file import read_tensors
from nh_platform.tasks.task import Kind, TaskData
from nh_platform_tests.tasks import made_up

SEEDS = (43, 44, 45)


def session_run(
    session_id: str, by_seed: dict[int, dict[str, float]], control: list[float], observed: float
) -> SessionRun:
    return SessionRun(
        session_id, "nh-logistic", by_seed, control, observed, {"train": 4, "val": 1, "test": 3, "valid": 3}, 3
    )


@pytest.mark.parametrize("seeds", [(43, 42), (43, -1), ()])
def test_seeds_that_cannot_be_reported_are_refused_before_a_session_is_read(seeds: tuple[int, ...]) -> None:
    heard: list[str] = []
    with pytest.raises(ConfigError, match="seed"):
        run_task(
            made_up.task({"a": made_up.classes()}),
            [made_up.View("a")],
            Asked(seeds, 0),
            lambda session_id, done, now: heard.append(now),
        )
    assert heard == []


def test_a_session_that_fails_after_its_first_seed_leaves_no_file_and_the_others_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {one: replace(made_up.classes(), session_id=one) for one in "ab"}
    made = running.baseline_of

    def fails_late(kind: Kind, part: TaskData, seed: int) -> Baseline:
        if (part.session_id, seed) == ("a", 44):
            raise SchemaError("session a", "its second seed fails", "See to it.")
        return made(kind, part, seed)

    monkeypatch.setattr(running, "baseline_of", fails_late)
    run = run_task(made_up.task(data), [made_up.View(one) for one in "ab"], Asked(SEEDS, 0, tmp_path))
    assert list(run.lacking) == ["a"]
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert written == [
        "ground_truth/ts1-choice/b/ground_truth.safetensors",
        *(f"predictions/nh-logistic/ts1-choice/b/seed_{seed}.safetensors" for seed in SEEDS),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ground_truth", "predictions"]


def test_means_errors_and_p_by_hand() -> None:
    task = made_up.task({"": made_up.classes()}, metrics=("bacc",))
    one = session_run("a", {43: {"bacc": 0.6}, 44: {"bacc": 0.8}}, [0.5, 0.9, 0.4], 0.6)
    other = session_run("b", {43: {"bacc": 0.9}, 44: {"bacc": 0.7}}, [0.5, 0.6, 0.4], 0.9)
    table = Run(task, (one, other), {}).table().set_index("session_id")
    assert table["bacc"].to_dict() == pytest.approx({"a": 0.7, "b": 0.8, "all": 0.75})
    assert table["bacc_se"].to_dict() == pytest.approx({"a": 0.1, "b": 0.1, "all": 0.0})  # 0.75 with either seed
    assert table["control"].to_dict() == pytest.approx({"a": 0.6, "b": 0.5, "all": 0.55})
    assert table["p"].to_dict() == pytest.approx({"a": 2 / 4, "b": 1 / 4, "all": 2 / 4})
    assert table["test"].tolist() == [3, 3, 6]
    scores = Run(task, (one, other), {}).scores()
    assert scores[["session_id", "seed", "bacc"]].to_numpy().tolist() == [
        ["a", 43, 0.6],
        ["a", 44, 0.8],
        ["b", 43, 0.9],
        ["b", 44, 0.7],
    ]


def test_a_session_without_a_score_or_a_control_takes_none_from_the_row_of_all() -> None:
    nan = float("nan")
    task = made_up.task({"": made_up.classes()}, metrics=("bacc",))
    one = session_run("a", {43: {"bacc": 0.6}}, [0.5, nan, 0.4, 0.2], 0.6)
    other = session_run("b", {43: {"bacc": 0.9}}, [0.5, 0.6, 0.4], 0.9)
    silent = session_run("c", {43: {"bacc": nan}}, [nan, nan, nan], nan)
    short = session_run("d", {43: {"bacc": 0.1}}, [], nan)
    (row,) = Run(task, (one, other, silent, short), {}).table().iloc[-1:].to_dict("records")
    assert row["session_id"] == "all"
    assert row["bacc"] == pytest.approx((0.6 + 0.9 + 0.1) / 3)
    assert row["control"] == pytest.approx((0.5 + 0.6 + 0.4) / 3)
    assert row["p"] == pytest.approx(1 / 4)  # the mean of a and b is 0.75


def test_windows_that_were_left_out_lower_the_share_that_matched() -> None:
    data = made_up.moments()  # 60 windows test
    mask = data.mask.copy()
    mask[-15:, 3] = False
    some = replace(data, session_id="a", mask=mask)
    few = replace(data, session_id="b", n_valid=90)
    run = run_task(made_up.task({"a": some, "b": few}, "values"), [made_up.View(one) for one in "ab"], Asked((43,), 0))
    assert run.table()["matched"].tolist() == pytest.approx([45 / 60, 60 / 90, 105 / 150])
    assert run.table()["test"].tolist() == [45, 60, 105]


def test_one_seed_has_no_error_and_no_permutations_no_control() -> None:
    run = run_task(made_up.task({"a": made_up.classes()}), [made_up.View("a")], Asked((43,), 0))
    (row,) = run.table().to_dict("records")
    assert np.isnan(row["bacc_se"])
    assert np.isnan(row["control"])
    assert np.isnan(row["p"])


def test_a_session_that_lacks_something_is_named_and_the_others_go_on() -> None:
    data = {"a": made_up.classes(), "c": made_up.classes(strength=0, seed=1)}
    heard: list[tuple[str, int, str]] = []
    views = [made_up.View(one) for one in ("a", "b", "c")]
    run = run_task(made_up.task(data), views, Asked(SEEDS, 19), lambda *step: heard.append(step))
    assert [one.session_id for one in run.sessions] == [made_up.SESSION, made_up.SESSION]
    assert {one: error.found for one, error in run.lacking.items()} == {"b": "it has no trials"}
    assert ("b", 5, "failed") in heard
    assert [now for one, _, now in heard if one == made_up.SESSION][:5] == [
        "seed 43",
        "seed 44",
        "seed 45",
        "control",
        "done",
    ]
    carried, chance = run.table()["p"][:2]
    assert carried == pytest.approx(1 / 20)
    assert chance > 0.05
    assert run.table()["matched"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("kind", ["values", "counts"])
def test_signals_and_counts_beat_targets_that_were_rolled(kind: str) -> None:
    data = made_up.moments(counts=kind == "counts", name="ts1-licking_rate" if kind == "counts" else "ts1-wheel_speed")
    (row,) = run_task(made_up.task({"a": data}, kind), [made_up.View("a")], Asked((43,), 19)).table().to_dict("records")
    assert row["p"] == pytest.approx(1 / 20)
    assert row[made_up.METRICS[kind][0]] > row["control"] + 0.1


def test_units_of_sessions_are_run_as_one_each_by_a_model_of_other_animals(tmp_path: Path) -> None:
    data = {one: made_up.units(one, seed=number) for number, one in enumerate("abc")}
    views = [made_up.View(one, f"animal {one}") for one in "abc"]
    run = run_task(made_up.task(data, metrics=("macro_f1",)), views, Asked(SEEDS, 19, tmp_path))
    assert run.pooled == ("a", "b", "c")
    (row,) = run.table().to_dict("records")
    assert (row["session_id"], row["test"]) == ("all", 360)
    assert row["macro_f1"] > 0.2  # three of ten regions occur: 0.3 is the most
    assert row["p"] == pytest.approx(1 / 20)
    tensors, _ = read_tensors(tmp_path / "predictions" / "nh-logistic" / "ts3-unit_cosmos" / "seed_43.safetensors")
    assert tensors["pred_proba"].shape == (360, 10)
    truth, _ = read_tensors(tmp_path / "ground_truth" / "ts3-unit_cosmos" / "ground_truth.safetensors")
    np.testing.assert_array_equal(truth["entity_ids"], tensors["entity_ids"])


def test_sessions_that_state_no_subject_are_left_out_of_tasks_about_units() -> None:
    data = {one: made_up.units(one, seed=number) for number, one in enumerate("abcd")}
    views = [made_up.View(one, f"animal {one}" if one in "ab" else "") for one in "abcd"]
    run = run_task(made_up.task(data, metrics=("macro_f1",)), views, Asked((43,), 0))
    assert run.pooled == ("a", "b")
    assert {one: "it states no subject" in str(error) for one, error in run.lacking.items()} == {"c": True, "d": True}


def test_units_with_places_have_a_row_of_their_own_of_means_over_neighbours() -> None:
    data = {one: made_up.placed(made_up.units(one, seed=number)) for number, one in enumerate("abc")}
    views = [made_up.View(one, f"animal {one}") for one in "abc"]
    run = run_task(made_up.task(data, metrics=("macro_f1",)), views, Asked(SEEDS[:2], 3))
    single, multi = run.table().to_dict("records")
    assert (single["session_id"], multi["session_id"]) == ("all", "all, multi-unit")
    assert multi["macro_f1"] > single["macro_f1"]  # neighbours are of one region
    assert np.isfinite(single["control"])
    assert np.isnan([multi["control"], multi["p"]]).all()
    assert run.scores()["session_id"].tolist() == ["all"] * 2 + ["all, multi-unit"] * 2


def test_one_animal_alone_has_no_score_and_says_why() -> None:
    data = {"a": made_up.units("a")}
    run = run_task(made_up.task(data, metrics=("macro_f1",)), [made_up.View("a")], Asked(SEEDS, 0))
    assert run.sessions == ()
    assert "Choose sessions of two animals" in run.lacking["all"].action


def test_a_damaged_session_is_passed_over_and_a_disk_that_cannot_be_written_is_not(tmp_path: Path) -> None:
    views = [made_up.View("a"), made_up.View("b")]
    good = made_up.task({"b": made_up.classes()})

    def damaged(view: made_up.View) -> TaskData:
        if view.session_id == "a":
            raise DamagedFile("units of a", "units.parquet is damaged: its hash differs", "Run `nh verify --repair`.")
        return good.make(view)  # type: ignore[arg-type]

    run = run_task(replace(good, make=damaged), views, Asked((43,), 0))  # type: ignore[arg-type]
    assert (len(run.sessions), list(run.lacking)) == (1, ["a"])
    (tmp_path / "predictions").write_text("a file")
    with pytest.raises(StoreError):
        run_task(replace(good, make=damaged), views, Asked((43,), 0, tmp_path))  # type: ignore[arg-type]


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_task(made_up.task({"a": made_up.classes()}), [made_up.View("a")], Asked((43,), 0, tmp_path / name))
    files = [
        sorted(path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*.safetensors"))
        for name in ("one", "two")
    ]
    assert len(files[0]) == 2
    assert files[0] == files[1]
    for path in files[0]:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
