"""One class per trial: the codes, which spikes the window holds, the splits, and what is left out."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from nh_platform.reading import SessionView
from nh_platform.tasks.brain_wide_bench.spike_counts import INVALID
from nh_platform.tasks.brain_wide_bench.splits import NO_VAL
from nh_platform.tasks.brain_wide_bench.trial_classes import choice, reward, stimulus_contrast
from nh_platform.tasks.task import TargetMissing, TaskData
from nh_platform.windows.valid_time import InvalidTimes
from nh_platform_tests.tasks.brain_wide_bench.hand_made import session_of, spikes_of, trials_at

ONSETS = np.arange(10.0, 510.0, 5.0)
"""100 trials of a span of 2.9 s."""

SPIKES = spikes_of([0.0, 520.0])


def classes(data: TaskData) -> list[int]:
    return data.outputs(np.arange(len(data))).tolist()


def test_a_choice_of_minus_one_is_class_0_right_and_plus_one_class_1_left() -> None:
    data = choice(session_of(SPIKES, trials_at(ONSETS)))
    assert data.label_names == ("right", "left")
    assert classes(data)[:4] == [1, 0, 1, 0]
    assert data.row_ids.tolist() == list(range(100))


def test_feedback_is_class_0_where_it_was_an_error() -> None:
    data = reward(session_of(SPIKES, trials_at(ONSETS, feedbackType=np.where(np.arange(100) % 3, 1, -1))))
    assert data.label_names == ("error", "reward")
    assert classes(data)[:4] == [0, 1, 1, 0]


def test_a_session_none_of_whose_trials_has_a_class_is_refused() -> None:
    nothing = np.full(100, np.nan)
    with pytest.raises(
        TargetMissing, match=r"none of its valid trials is of one of the classes 0, 0.0625, 0.125, 0.25, 1"
    ):
        stimulus_contrast(session_of(SPIKES, trials_at(ONSETS, contrastLeft=nothing, contrastRight=nothing)))


def test_contrasts_are_classes_0_to_4_whatever_the_side_and_others_are_left_out() -> None:
    contrast = np.array([0.0, 0.0625, 0.125, 0.25, 1.0, 0.5, np.nan])[np.arange(100) % 7]
    left = np.arange(100) % 2 == 0
    trials = trials_at(
        ONSETS, contrastLeft=np.where(left, contrast, np.nan), contrastRight=np.where(left, np.nan, contrast)
    )
    data = stimulus_contrast(session_of(SPIKES, trials))
    assert data.label_names == ("0", "0.0625", "0.125", "0.25", "1")
    assert classes(data)[:6] == [0, 1, 2, 3, 4, 0]
    assert data.row_ids[:6].tolist() == [0, 1, 2, 3, 4, 7]
    assert data.left_out == {"of none of the classes": 28}


@pytest.mark.parametrize(
    ("make", "first", "last"), [(choice, 9.5, 10.5), (reward, 11.0, 12.0), (stimulus_contrast, 9.1, 10.1)]
)
def test_a_window_holds_its_start_and_not_its_end_in_50_bins(make, first, last) -> None:
    # Of the first trial; a spike in the middle of the second and the last bin.
    data = make(
        session_of(spikes_of([0.0, first, first + 0.03, 520.0], [first - 0.001, last - 0.01, last]), trials_at(ONSETS))
    )
    counts = data.inputs(np.array([0]))
    assert counts.shape == (1, 50, 2)
    assert np.argwhere(counts[0]).tolist() == [[0, 0], [1, 0], [49, 1]]
    assert data.starts[0] == pytest.approx(first)
    assert (data.window_s, data.bin_s) == (1.0, 0.02)
    assert data.input_ids.tolist() == ["a", "b"]


def test_the_first_40_percent_of_the_task_train_and_trials_within_20_s_of_a_cut_are_in_no_split() -> None:
    data = choice(session_of(SPIKES, trials_at(ONSETS)))
    # Cuts lie after the 40th and the 60th trial; the next split begins 20 s later, with the fourth trial from there.
    assert data.rows("train").tolist() == list(range(40))
    assert data.rows("val").tolist() == list(range(44, 60))
    assert data.rows("test").tolist() == list(range(64, 100))
    assert data.rows("").tolist() == [40, 41, 42, 43, 60, 61, 62, 63]


def test_a_window_that_the_recording_does_not_span_is_in_no_split() -> None:
    data = reward(session_of(spikes_of([11.5, 506.9]), trials_at(ONSETS)))
    assert [data.split[0], data.split[1], data.split[98], data.split[99]] == ["", "train", "test", ""]


def test_a_stray_spike_behind_the_recording_does_not_make_trials_count() -> None:
    onsets, recorded = np.arange(10.0, 1000.0, 5.0), np.arange(0.0, 520.0, 0.25)
    strayed = choice(session_of(spikes_of([*recorded, 5000.0]), trials_at(onsets)))
    data = choice(session_of(spikes_of(recorded), trials_at(onsets)))
    assert strayed.split.tolist() == data.split.tolist()
    assert data.starts[data.rows("test")].max() < 520.0


def test_what_lacks_windows_of_val_says_so_and_of_test_is_refused() -> None:
    # Trials of val start at 230 to 305 s, those of test at 330 s or later.
    def of(*invalid: float) -> SessionView:
        stretch = np.array([invalid])
        return session_of(SPIKES, trials_at(ONSETS), invalid_times=InvalidTimes(stretch, stretch, {}))

    assert choice(of(0.0, 5.0)).notes == ()
    assert choice(of(220.0, 320.0)).notes == (NO_VAL,)
    with pytest.raises(TargetMissing, match=r"no window is left of test: .*in invalid time of the session"):
        choice(of(320.0, 520.0))


def test_windows_that_touch_invalid_time_of_the_session_or_of_one_probe_are_left_out() -> None:
    # Windows are 9.5 to 10.5 s, and so on every 5 s; the third one ends where an interval starts.
    of_probe = np.array([[15.49, 15.51], [20.5, 20.6]])
    invalid = InvalidTimes(np.array([[9.8, 9.9]]), np.array([[9.8, 9.9]]), {"probe01": of_probe})
    spikes = spikes_of([0.0, 14.65], [14.65, 19.75, 520.0])
    session = session_of(spikes, trials_at(ONSETS), {"probe": ["probe00", "probe01"]}, invalid_times=invalid)
    data = choice(session)
    assert data.row_ids[:2].tolist() == [2, 3]
    assert data.left_out == MappingProxyType({INVALID: 2})
    assert data.inputs(np.array([0])).sum(axis=(0, 1)).tolist() == [0, 1]


def test_a_window_of_test_that_is_left_out_still_counts_as_one_that_was_asked_for() -> None:
    whole = choice(session_of(SPIKES, trials_at(ONSETS)))
    at = whole.starts[whole.rows("test")[1]] + 0.5
    invalid = np.array([[at, at + 0.1]])
    data = choice(session_of(SPIKES, trials_at(ONSETS), invalid_times=InvalidTimes(invalid, invalid, {})))
    assert len(data.rows("test")) == len(whole.rows("test")) - 1
    assert data.n_to_test() == whole.n_to_test() == len(whole.rows("test"))


@pytest.mark.parametrize(
    ("spikes", "onsets", "found"),
    [
        (spikes_of([], []), ONSETS, "it has no spikes"),
        (SPIKES, ONSETS[:4], "nothing is left of"),
        (spikes_of([600.0, 700.0]), ONSETS, "none of them lies between 600 and 700 s"),
    ],
)
def test_what_has_no_spikes_or_too_few_trials_is_refused_by_name(spikes, onsets, found) -> None:
    with pytest.raises(TargetMissing, match=f"ibl session by-hand: .*{found}"):
        choice(session_of(spikes, trials_at(onsets)))
