"""Hidden units and hidden bins: which units, which windows, what the inputs keep from a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import SessionView
from nh_platform.tasks.brain_wide_bench.held_out_units import held_out_units
from nh_platform.tasks.brain_wide_bench.spike_counts import INVALID
from nh_platform.tasks.brain_wide_bench.splits import NO_VAL
from nh_platform.tasks.brain_wide_bench.suite2 import co_smoothing, forecasting
from nh_platform.tasks.task import TargetMissing
from nh_platform.windows.valid_time import InvalidTimes
from nh_platform_tests.tasks.brain_wide_bench.hand_made import session_of, spikes_of, trials_at

ONSETS = np.arange(10.0, 1590.0, 10.0)
N_UNITS = 24


def session(**others: Any) -> SessionView:
    rng = np.random.default_rng(5)
    units = [np.sort(rng.uniform(0.0, 1600.0, 8000)) for _ in range(N_UNITS)]
    stated = {"released.label": 1.0, "released.firing_rate": 5.0} | others.pop("units", {})
    return session_of(spikes_of(*units), trials_at(ONSETS, probabilityLeft=np.full(158, 0.8)), stated, **others)


def labels(neural: str, eid: str = "by-hand") -> pd.DataFrame:
    columns = ("qc_neural_alignment", *(f"qc_behavior_{name}" for name in ("whisker", "wheel", "licks", "paws")))
    row = {"eid": eid, "probe_name": "probe00", "qc_neural": neural} | dict.fromkeys(columns, "PASS")
    return pd.DataFrame([row])


def test_windows_lie_within_the_trials_and_chunks_follow_the_pattern() -> None:
    data = co_smoothing(session())
    # A trial's span is 1 s before the onset to 2 s after: 101 windows.
    assert len(data) % 101 == 0
    assert np.diff(data.starts[:101]) == pytest.approx(0.02)
    assert (data.starts[0], data.starts[100], data.starts[101]) == pytest.approx((9.0, 11.0, 19.0))
    # The trial of 299 to 302 s moves the first boundary to its start; the trial 20 s later is the first that tests.
    first_test = data.starts[data.rows("test")[0]]
    assert first_test == pytest.approx(319.0)
    assert data.starts[data.rows("train")].min() == pytest.approx(9.0)
    assert [data.split[row] for row in np.searchsorted(data.starts, [250.0, 350.0, 650.0, 950.0, 1250.0, 1550.0])] == [
        "train",
        "test",
        "train",
        "val",
        "test",
        "train",
    ]
    assert data.row_ids.tolist() == list(range(len(data)))


def test_a_stray_spike_behind_the_recording_makes_no_chunk() -> None:
    recorded = np.arange(0.0, 1000.0, 0.25)
    stated = {"released.label": 1.0, "released.firing_rate": 5.0}
    strayed = forecasting(session_of(spikes_of([*recorded, 5000.0]), trials_at(ONSETS), stated))
    data = forecasting(session_of(spikes_of(recorded), trials_at(ONSETS), stated))
    assert strayed.starts.tolist() == data.starts.tolist()
    assert data.starts.max() < 1000.0


@pytest.mark.parametrize("make", [co_smoothing, forecasting])
def test_a_session_without_a_chunk_of_val_says_so_and_one_whose_windows_are_invalid_is_refused(make) -> None:
    spikes, stated = spikes_of(*[np.arange(0.0, 900.0, 0.25)] * 2), {"released.label": 1.0, "released.firing_rate": 5.0}
    data = make(session_of(spikes, trials_at(ONSETS[:80]), stated))
    assert len(data.rows("train"))
    assert not len(data.rows("val"))
    assert data.notes[-1] == "no window is of val, so that nothing chooses hyperparameters: they are the standard ones"
    assert NO_VAL not in make(session()).notes
    of_test = np.array([[300.0, 600.0]])
    broken = session_of(spikes, trials_at(ONSETS[:80]), stated, invalid_times=InvalidTimes(of_test, of_test, {}))
    with pytest.raises(TargetMissing, match=r"no window is left of test: .*in invalid time of the session"):
        make(broken)


def test_hidden_units_are_not_in_the_inputs_and_their_counts_are_the_target() -> None:
    made = session()
    data = co_smoothing(made)
    ids = made.units["unit_id"].to_numpy()
    hidden = held_out_units(ids.tolist(), "test")
    assert data.target_ids.tolist() == ids[hidden].tolist()
    assert data.input_ids.tolist() == ids[~hidden].tolist()
    rows = data.rows("test")[[0, 77, -1]]
    assert data.inputs(rows).shape == (3, 50, 22)
    assert data.outputs(rows).shape == (*data.mask[rows].shape, 2)
    for row, counts in zip(rows, data.outputs(rows)):
        edges = data.starts[row] + np.arange(51) * 0.02
        for unit, found in zip(np.flatnonzero(hidden), counts.T):
            assert np.array_equal(found, np.histogram(made.spikes.of_unit(int(unit)), edges)[0])
    assert data.outputs(rows).dtype == np.float32


def test_for_choosing_units_are_hidden_by_another_salt() -> None:
    data = co_smoothing(session())
    assert data.tuning is not None
    tuning = data.tuning()
    assert tuning.tuning is None
    assert set(tuning.target_ids) != set(data.target_ids)
    assert len(tuning.target_ids) == len(data.target_ids)
    assert tuning.rows("val").tolist() == data.rows("val").tolist()


def test_of_forecasting_the_last_five_bins_of_every_unit_are_hidden() -> None:
    data, smoothed = forecasting(session()), co_smoothing(session())
    assert data.starts.tolist() == smoothed.starts.tolist()
    rows = data.rows("test")[:200]
    inputs, outputs = data.inputs(rows), data.outputs(rows)
    assert (inputs.shape, outputs.shape) == ((200, 50, N_UNITS), (200, 5, N_UNITS))
    assert inputs[:, 45:].sum() == 0
    assert inputs[:, :45].sum() > 0
    # Five bins on, what was to be forecast is seen.
    assert np.array_equal(outputs[0], data.inputs(rows[5:6])[0, 40:45])
    assert data.timestamps == pytest.approx([0.91, 0.93, 0.95, 0.97, 0.99])
    assert data.target_ids.tolist() == data.input_ids.tolist()
    assert data.tuning is None


def test_units_are_selected_by_the_released_label_and_rate() -> None:
    label, rate = np.ones(N_UNITS), np.full(N_UNITS, 5.0)
    label[0], label[1], rate[2], rate[3] = 2 / 3, np.nan, 1.0, np.nextafter(1.0, 2.0)
    data = forecasting(session(units={"released.label": label, "released.firing_rate": rate}))
    assert data.input_ids.tolist() == [chr(ord("a") + unit) for unit in range(3, N_UNITS)]
    assert data.left_out == {"units that are not selected": 3}
    assert data.notes == ("qc_neural was not applied: no release states it; give the benchmark's bwm_qc.csv",)


def test_windows_of_test_in_invalid_time_still_count_as_asked_for() -> None:
    whole = forecasting(session())
    at = whole.starts[whole.rows("test")[100]]
    invalid = np.array([[at, at + 0.01]])
    data = forecasting(session(invalid_times=InvalidTimes(invalid, invalid, {})))
    assert len(data.rows("test")) < len(whole.rows("test"))
    assert data.n_to_test() == len(whole.rows("test"))


def test_units_of_a_probe_that_does_not_pass_are_left_out_where_labels_are_given() -> None:
    probes = np.where(np.arange(N_UNITS) < 4, "probe00", "probe01")
    data = forecasting(session(units={"probe": probes}), labels("PASS"))
    assert data.input_ids.tolist() == ["a", "b", "c", "d"]
    assert data.notes == ()


PROBES = np.where(np.arange(N_UNITS) < 4, "probe00", "probe01")


@pytest.mark.parametrize("make", [co_smoothing, forecasting])
@pytest.mark.parametrize(
    "of", [lambda one: InvalidTimes(one, one, {}), lambda one: InvalidTimes(one[:0], one[:0], {"probe01": one})]
)
def test_a_window_in_invalid_time_of_the_session_or_of_one_probe_is_in_no_split(make, of) -> None:
    invalid = np.array([[9.5, 9.6]])
    data = make(session(units={"probe": PROBES}, invalid_times=of(invalid)))
    assert data.split[[0, 29, 30]].tolist() == ["", "", "train"]
    assert data.left_out[INVALID] == 30


def test_invalid_time_of_a_probe_none_of_whose_units_is_selected_leaves_nothing_out() -> None:
    invalid = InvalidTimes(np.zeros((0, 2)), np.zeros((0, 2)), {"probe01": np.array([[9.5, 9.6]])})
    label = np.where(PROBES == "probe00", 1.0, 0.5)
    data = forecasting(session(units={"probe": PROBES, "released.label": label}, invalid_times=invalid))
    assert INVALID not in data.left_out
    assert data.split[0] == "train"


@pytest.mark.parametrize(
    ("made", "given", "found"),
    [
        (lambda: session(units={"released.label": np.nan}), None, "its units have no released.label, by which"),
        (lambda: session(units={"released.firing_rate": 0.5}), None, "none of its 24 units is selected"),
        (session, labels("WARNING"), "none of its 24 units is selected"),
        (session, labels("PASS", "another"), "the table of QC labels has no row of it"),
        (
            lambda: session_of(
                spikes_of([0.0, 200.0], [1.0]), trials_at([10.0]), {"released.label": 1.0, "released.firing_rate": 2.0}
            ),
            None,
            "no trial lies in a chunk of test: it is too short for chunks of 5 minutes",
        ),
        (
            lambda: session_of(
                spikes_of([0.0, 1600.0]), trials_at(ONSETS), {"released.label": 1.0, "released.firing_rate": 2.0}
            ),
            None,
            "one unit is selected: none is left to read",
        ),
    ],
)
def test_what_lacks_is_named(made, given, found) -> None:
    with pytest.raises(TargetMissing, match=f"ibl session by-hand: .*{found}"):
        co_smoothing(made(), given)
