"""`nh task` on a home of simulated sessions: lists, runs, writes, scores, and says what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import open_store, operations
from nh_platform.session import ConfigError, StoreError
from nh_platform.tasks.safetensors_file import read_tensors
from nh_platform_tests.cli.commands import nh, rows
from nh_platform_tests.homes import make_home, materialize, set_aside

ASSETS = ("raw_spikes", "events", "units")
"""What the tasks of this module read."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small session of `ibl`, nothing of the others."""
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "ibl", assets=ASSETS)
    assert outcome.success, outcome.errors
    return platform.settings.home


def test_what_cannot_be_run_is_said_with_what_can(home: Path, tmp_path: Path) -> None:
    said = nh(home, "task", "run", "ts1-choise", code=1).stderr
    assert "Did you mean ts1-choice" in said
    said = nh(home, "task", "run", "ts1-choice", "--source", "allen_vc", code=1).stderr
    assert "source allen_vc has it not" in said
    assert "Sources that have it: ibl." in said
    assert "no session of it is stored" in nh(home, "task", "run", "vc-natural_scene", code=1).stderr
    for seeds in ("4x", "0-99999999999", "4294967296", "47-43"):
        assert "names no seeds" in nh(home, "task", "run", "ts1-choice", "--seeds", seeds, code=1).stderr
    assert "Give a source (--source): ibl." in nh(home, "task", "run", "psth-forecast", code=1).stderr
    assert "Give 0 for no control" in nh(home, "task", "run", "ts1-choice", "--permutations", "-1", code=1).stderr
    assert "must not be reported" in nh(home, "task", "run", "ts1-choice", "--seeds", "41-43", code=1).stderr
    (tmp_path / "mine").write_text("")
    said = nh(home, "task", "run", "ts1-choice", "--out", str(tmp_path), code=1).stderr
    assert "it holds mine already" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    forecast = ("task", "run", "psth-forecast")
    assert "is of one seed" in nh(home, *forecast, "--seeds", "43-45", code=1).stderr
    assert "must not be reported" in nh(home, *forecast, "--seeds", "42", code=1).stderr
    assert "Give 1 or more" in nh(home, *forecast, "--permutations", "0", code=1).stderr
    assert "takes no labels" in nh(home, *forecast, "--qc-labels", "bwm_qc.csv", code=1).stderr
    assert "it holds mine already" in nh(home, *forecast, "--out", str(tmp_path), code=1).stderr
    assert "it names no session" in nh(home, "task", "run", "ts1-choice", "--sessions", ",", code=1).stderr
    assert "it is not among" in nh(home, "task", "run", "ts1-choice", "--sessions", "0000", code=1).stderr
    with pytest.raises(ConfigError, match="Call `run_task`"):
        operations.task_tables(home, "ts1-choice")
    with pytest.raises(ConfigError, match="Call `task_tables`"):
        operations.run_task(home, "psth-forecast")
    with pytest.raises(StoreError, match="there is no file"):
        operations.score_predictions(tmp_path, tmp_path)


def test_every_task_is_listed_with_the_sessions_that_there_are(home: Path) -> None:
    listed = {row["task"]: row for row in rows(nh(home, "task", "list", "--format", "csv"))}
    assert len(listed) == 14
    assert listed["ts1-choice"]["stored sessions"] == "1"
    assert listed["vb-image_change"]["stored sessions"] == "0"
    assert listed["ts2-forecasting"]["metrics"] == "poisson_d2, bps"
    assert "ts3-unit_cosmos" in nh(home, "task", "list").stdout


def test_targets_are_shown_by_split(home: Path) -> None:
    (row,) = rows(nh(home, "task", "targets", "ts1-choice", "--format", "csv"))
    assert row["predicted"] == "2 classes"
    assert int(row["train"]) > int(row["val"]) > 0


def test_a_run_prints_scores_for_people_and_programs_and_writes_what_scores_the_same(
    home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = ("task", "run", "ts1-choice", "--seeds", "43-45", "--permutations", "9")
    table = nh(home, *run, "--out", str(out))
    assert "ts1-choice, nh-logistic, seeds 43, 44, 45" in table.stdout
    assert "100%" in table.stdout
    assert "left out: " in table.stderr
    (row,) = json.loads(nh(home, *run, "--format", "json").stdout)
    assert row["matched"] == 1
    assert 0.1 <= row["p"] <= 1
    scored = rows(nh(home, "task", "score", str(out / "predictions"), str(out / "ground_truth"), "--format", "csv"))
    assert [one["seed"] for one in scored] == ["43", "44", "45"]
    assert sum(float(one["bacc"]) for one in scored) / 3 == pytest.approx(row["bacc"])
    for path in (next(out.rglob("seed_43.safetensors")), next(out.rglob("ground_truth.safetensors"))):
        _, texts = read_tensors(path)
        (origin,) = json.loads(texts["origin"])
        assert origin["data_versions"].keys() == {"raw_spikes", "units", "events"}
        assert "with citation" in texts["terms"]
        assert "doi.org" in texts["cites"]
        assert json.loads(texts["left_out"])
    score = ("task", "score", str(out / "predictions"), str(out / "ground_truth"))
    next(out.rglob("seed_44.safetensors")).write_bytes(b"")
    some = nh(home, *score, code=1)
    assert "2 of 3 files scored" in some.stderr
    assert "seed_44.safetensors" in some.stderr
    assert [one["seed"] for one in rows(nh(home, *score, "--format", "csv", code=1))] == ["43", "45"]
    next(out.rglob("ground_truth.safetensors")).write_bytes(b"")
    assert (
        "no whole safetensors file"
        in nh(home, "task", "score", str(out / "predictions"), str(out / "ground_truth"), code=1).stderr
    )


def test_a_session_that_lacks_the_target_is_named_and_nothing_is_written(home: Path, tmp_path: Path) -> None:
    result = nh(home, "task", "run", "ts1-left_paw_speed", "--out", str(tmp_path / "out"), code=1)
    assert "no score" in result.stderr
    assert "pose" in result.stderr
    assert not (tmp_path / "out").exists()
    assert "no score" in nh(home, "task", "targets", "ts1-left_paw_speed", code=1).stderr


@pytest.mark.parametrize("command", [("targets", "ts1-choice"), ("run", "ts1-choice", "--permutations", "0")])
def test_a_session_that_is_set_aside_has_targets_and_scores_where_it_is_asked_for(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path))
    session = open_store(home).store.sessions("ibl")[0]
    set_aside(tmp_path, "ibl", session)
    refused = " ".join(nh(home, "task", *command, code=1).stderr.split())
    assert f"set aside 1 session, and no other is stored; {session}: set aside by ada, bea: seizures" in refused
    for asked in (("--with-set-aside",), ("--sessions", session[:6])):
        taken = nh(home, "task", *command, *asked, "--format", "json")
        assert f"{session}: set aside by ada, bea: seizures; taken all the same" in " ".join(taken.stderr.split())
        assert len(json.loads(taken.stdout)) == 1
