"""The simulated Visual Behavior release: a task that makes sense, two releases that differ where upstream's do."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform.simulation import TINY, SimulatedSession, write_allen_vbn
from nh_platform.simulation.allen.behavior.behavior_session import simulate_vbn_session
from nh_platform.simulation.allen.behavior.change_detection import IMAGES, simulate_task
from nh_platform.simulation.allen.behavior.cloud_release import PROJECT, manifest_name
from nh_platform.simulation.seeding import generator
from nh_platform_tests.simulation.conftest import SEED

Vbn = tuple[Path, list[SimulatedSession]]


@pytest.fixture(scope="module")
def vbn(tmp_path_factory: pytest.TempPathFactory) -> Vbn:
    root = tmp_path_factory.mktemp("vbn")
    return root, write_allen_vbn(root, 2, SEED, size=TINY)


def _tree(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_another_folder_and_another_order_give_the_same_bytes(vbn: Vbn, tmp_path: Path) -> None:
    write_allen_vbn(tmp_path, 1, SEED, size=TINY, first=1)
    write_allen_vbn(tmp_path, 1, SEED, size=TINY)
    assert _tree(tmp_path) == _tree(vbn[0])


def test_the_second_release_mends_amplitudes_and_brings_the_quality_column(vbn: Vbn) -> None:
    root, (first, second) = vbn
    name = f"behavior_ecephys_sessions/{first.session_id}/ecephys_session_{first.session_id}.nwb"
    with (
        h5py.File(root / f"{PROJECT}-0.4.0" / name) as old,
        h5py.File(root / f"{PROJECT}-0.5.0" / name) as new,
    ):
        np.testing.assert_array_equal(old["units/amplitude"][...], 2 * new["units/amplitude"][...])
        np.testing.assert_array_equal(old["units/waveform_mean"][:500], 2 * new["units/waveform_mean"][:500])
        np.testing.assert_array_equal(old["units/spike_amplitudes"][...], new["units/spike_amplitudes"][...])
        assert "waveform_halfwidth" not in new["units"]
        assert new["units/spike_times_index"].dtype.kind == "u"
    tables = {
        release: pd.read_csv(root / f"{PROJECT}-{release}" / "project_metadata" / "units.csv", index_col="unit_id")
        for release in ("0.4.0", "0.5.0")
    }
    assert "quality" in tables["0.5.0"]
    assert "quality" not in tables["0.4.0"]
    ratio = (tables["0.4.0"]["amplitude"] / tables["0.5.0"]["amplitude"]).groupby(tables["0.5.0"]["ecephys_session_id"])
    assert ratio.median().round(9).to_dict() == {int(first.session_id): 2.0, int(second.session_id): 1.0}


def test_the_manifest_states_the_hash_of_every_file(vbn: Vbn) -> None:
    root, sessions = vbn
    for release in ("0.4.0", "0.5.0"):
        manifest = json.loads((root / manifest_name(release)).read_text())
        entries = [*manifest["metadata_files"].values(), *manifest["data_files"].values()]
        assert len(entries) == 5 + len(sessions)
        for entry in entries:
            path = root / f"{PROJECT}-{release}" / entry["url"].split(f"/{PROJECT}/")[1]
            assert hashlib.blake2b(path.read_bytes()).hexdigest() == entry["file_hash"]


def test_sessions_of_a_kind_are_abnormal_unregistered_or_without_eye_tracking() -> None:
    normal, activity, histology, blind = (simulate_vbn_session(SEED, index, TINY) for index in range(4))
    assert not normal.abnormal_activity
    assert not normal.abnormal_histology
    assert len(activity.abnormal_activity) == 2
    assert histology.abnormal_histology == ("VISp", "CA1")
    assert [probe.registered for probe in histology.probes] == [True, False]
    assert [session.has_eye_tracking for session in (normal, activity, histology, blind)] == [True, True, True, False]
    assert normal.mouse_id == activity.mouse_id != histology.mouse_id
    assert normal.image_set != activity.image_set


def test_the_task_is_consistent() -> None:
    task = simulate_task(generator(SEED, "task"), 10.0, 1600, "G")
    trials, flashes = task.trials, task.flashes
    assert len(trials) > 80
    kinds = trials[["go", "catch", "aborted", "auto_rewarded"]].sum(axis=1)
    assert (kinds == 1).all()
    outcomes = trials[["hit", "miss", "false_alarm", "correct_reject"]].sum(axis=1)
    assert (outcomes == (trials["go"] | trials["catch"])).all()
    assert (trials["start_time"].to_numpy()[1:] == trials["stop_time"].to_numpy()[:-1]).all()
    assert flashes["is_change"].sum() == trials["stimulus_change"].sum()
    assert flashes["is_sham_change"].sum() == trials["catch"].sum()
    assert not (flashes["omitted"] & (flashes["is_change"] | flashes["is_sham_change"])).any()
    assert flashes["omitted"].mean() == pytest.approx(0.04, abs=0.02)
    assert len(task.rewards) == (trials["hit"] | trials["auto_rewarded"]).sum()
    for row, licks in zip(trials.itertuples(), task.trial_licks):
        assert ((licks >= row.start_time) & (licks < row.stop_time)).all()
    assert np.array_equal(np.concatenate(task.trial_licks), task.lick_times)
    assert (np.diff(task.lick_times) > 0).all()
    assert set(trials["change_image_name"]) - {""} <= set(IMAGES["G"])
    assert len(set(IMAGES["G"]) & set(IMAGES["H"])) == 2
