"""Values over the time of a trial: which samples, which mask, which mean and deviation, and what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.session import Signal
from nh_platform.tasks.brain_wide_bench.spike_counts import INVALID
from nh_platform.tasks.brain_wide_bench.trial_signals import (
    NOT_CONFIDENT,
    NOT_SPANNED,
    left_paw_speed,
    licking_rate,
    wheel_speed,
    whisker_motion_energy,
)
from nh_platform.tasks.task import TargetMissing, TaskData
from nh_platform.windows.valid_time import InvalidTimes
from nh_platform_tests.tasks.brain_wide_bench.hand_made import session_of, spikes_of, trials_at

ONSETS = np.arange(10.0, 310.0, 5.0)
"""60 trials, whose first movement comes 0.5 s after the onset and whose feedback after 1 s."""

STOP = 320.0
TIMES = np.arange(0.25, STOP, 1 / 60)
LABELS = {"eid": ["by-hand"], "probe_name": ["probe00"], "qc_neural": ["PASS"], "qc_neural_alignment": ["PASS"]}


def session(**others: Any) -> SessionView:
    energy = Signal("motion_energy_left", TIMES, 2.0 + np.sin(TIMES), "a.u.", ("motion_energy",))
    wheel = Signal(
        "wheel_position", np.arange(0.5, STOP, 0.01), -2.0 * np.arange(0.5, STOP, 0.01), "rad", ("position",)
    )
    signals = {"motion_energy_left": energy, "wheel_position": wheel} | others.pop("signals", {})
    return session_of(spikes_of([0.0, 10.6, STOP]), trials_at(ONSETS), signals=signals, **others)


def values(data: TaskData) -> np.ndarray:
    return data.outputs(np.arange(len(data)))


def labels(**behaviours: str) -> pd.DataFrame:
    passing = {f"qc_behavior_{name}": ["PASS"] for name in ("whisker", "wheel", "licks", "paws")}
    return pd.DataFrame(LABELS | passing | {f"qc_behavior_{name}": [label] for name, label in behaviours.items()})


def test_licks_are_counts_of_the_second_after_the_feedback_on_the_grid() -> None:
    # The grid has samples at 10.99 and 11.01 s: the first window, from 11 s, begins with that at 11.01 s.
    licks = pd.DataFrame({"times": [11.0, 11.005, 11.01, 11.02, 12.0, 12.0099, 12.01, 16.5]})
    data = licking_rate(session(events={"licks": licks}))
    counts = values(data)
    assert counts.shape == (60, 50, 1)
    assert np.argwhere(counts[0, :, 0]).ravel().tolist() == [0, 49]
    assert counts[0, [0, 49], 0].tolist() == [2.0, 2.0]
    assert counts[1].sum() == 1.0
    assert data.timestamps[0, [0, 1, 49]] == pytest.approx([0.01, 0.03, 0.99])
    assert data.mask.all()
    assert data.normalisation is None


def test_motion_energy_is_z_scored_by_the_training_windows_alone() -> None:
    data = whisker_motion_energy(session())
    train = values(data)[data.rows("train")]
    assert (train.mean(), train.std()) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert data.normalisation is not None
    mean, std = data.normalisation
    at = data.starts[:, None] + data.timestamps
    assert values(data)[:, :, 0] * std + mean == pytest.approx(2.0 + np.sin(at), abs=1e-3)
    assert data.starts[0] == 10.5
    assert 0 < len(data.rows("train")) < len(data)


def test_the_wheel_s_speed_is_raw() -> None:
    data = wheel_speed(session())
    assert values(data) == pytest.approx(2.0, abs=1e-2)
    assert data.normalisation is None


def test_a_window_of_test_that_the_signal_does_not_span_still_counts_as_asked_for() -> None:
    short = Signal("motion_energy_left", TIMES[TIMES < 281.0], TIMES[TIMES < 281.0], "a.u.", ("motion_energy",))
    data = whisker_motion_energy(session(signals={"motion_energy_left": short}))
    assert data.n_to_test() == len(data.rows("test")) + 6


def test_a_window_that_the_signal_does_not_span_is_left_out() -> None:
    short = Signal("motion_energy_left", TIMES[TIMES < 281.0], TIMES[TIMES < 281.0], "a.u.", ("motion_energy",))
    data = whisker_motion_energy(session(signals={"motion_energy_left": short}))
    assert data.row_ids[-1] == 53
    assert data.left_out == {NOT_SPANNED: 6}


def test_a_window_in_which_one_probe_is_invalid_is_left_out_and_does_not_normalise() -> None:
    # Of the second trial; the animal's whisker pad moves more than ever then.
    energy = np.where(np.abs(TIMES - 16.0) < 0.7, 100.0, np.sin(TIMES))
    moved = Signal("motion_energy_left", TIMES, energy, "a.u.", ("motion_energy",))
    invalid = InvalidTimes(np.zeros((0, 2)), np.zeros((0, 2)), {"probe00": np.array([[15.9, 15.91]])})
    data = whisker_motion_energy(session(signals={"motion_energy_left": moved}, invalid_times=invalid))
    assert data.row_ids[:2].tolist() == [0, 2]
    assert data.left_out == {INVALID: 1}
    assert data.normalisation is not None
    assert data.normalisation[1] < 1.0


def test_a_session_whose_signal_spans_no_window_is_refused() -> None:
    short = Signal("motion_energy_left", TIMES[TIMES < 9.0], TIMES[TIMES < 9.0], "a.u.", ("motion_energy",))
    with pytest.raises(TargetMissing, match=r"no window is left: the signal does not span the window \(60\)"):
        licking_rate(session(signals={"motion_energy_left": short}, events={"licks": pd.DataFrame({"times": [1.0]})}))


def paws(unsure: np.ndarray) -> pd.DataFrame:
    """Return a paw that goes 60 px/s, and 600 px/s while Lightning Pose is unsure of it."""
    x = np.concatenate([[0.0], np.cumsum(np.where(unsure, 10.0, 1.0))[:-1]])
    likelihood = np.where(unsure, 0.2, 1.0)
    return pd.DataFrame({"times": TIMES, "paw_r_x": x, "paw_r_y": 0.0, "paw_r_likelihood": likelihood})


def test_a_paw_counts_where_it_is_seen_and_a_trial_without_a_sample_is_left_out() -> None:
    # Unsure in the middle of the first window, and in the whole of the second and the last one.
    unsure = ((TIMES > 10.8) & (TIMES < 11.2)) | ((TIMES > 15.0) & (TIMES < 17.0)) | (TIMES > 304.0)
    data = left_paw_speed(session(poses={"left": paws(unsure)}))
    assert data.left_out == {NOT_CONFIDENT: 2}
    assert data.row_ids[[0, 1, -1]].tolist() == [0, 2, 58]
    assert data.mask[1].all()
    at = data.timestamps[0] + 10.5
    assert not data.mask[0][(at > 10.8) & (at < 11.2)].any()
    assert data.mask[0][(at < 10.7) | (at > 11.3)].all()
    assert data.normalisation is not None
    mean, std = data.normalisation
    train = values(data)[data.rows("train")][:, :, 0][data.mask[data.rows("train")]] * std + mean
    # The second window counts whole in mean and deviation, although none of its samples is confident.
    all_of_second = np.concatenate([train, np.full(50, 600.0)])
    assert mean == pytest.approx(all_of_second.mean(), rel=0.01)
    assert std == pytest.approx(all_of_second.std(), rel=0.01)


@pytest.mark.parametrize(
    ("make", "behaviour"),
    [(licking_rate, "licks"), (whisker_motion_energy, "whisker"), (wheel_speed, "wheel"), (left_paw_speed, "paws")],
)
def test_a_behaviour_that_fails_is_refused_and_a_note_says_where_no_label_is_known(make, behaviour) -> None:
    sure = {"left": paws(np.zeros(len(TIMES), dtype=bool))}
    made = session(events={"licks": pd.DataFrame({"times": [11.0]})}, poses=sure)
    assert make(made).notes == (
        f"qc_behavior_{behaviour} was not applied: no release states it; give the benchmark's bwm_qc.csv",
    )
    assert make(made, labels(**{behaviour: "WARNING"})).notes == ()
    for label in ("FAIL", "MISSING"):
        with pytest.raises(TargetMissing, match=f"by-hand: qc_behavior_{behaviour} is {label}"):
            make(made, labels(**{behaviour: label}))
    with pytest.raises(TargetMissing, match="the table of QC labels has no row of it"):
        make(made, labels().assign(eid="another"))
