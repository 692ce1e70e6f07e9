"""Tensors of one session: exact bins, counts beside 0 and 1, masks of bad probes, signals at true times."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from nh_platform.exports.stimulus import plan_tensors
from nh_platform.exports.stimulus.tensor_files import TensorPlan
from nh_platform.exports.stimulus.tensors import TensorInput, make_tensor, tensor_units, unit_numbers
from nh_platform.exports.stimulus.unit_choice import tensor_good_units
from nh_platform.session import ConfigError, Session, Signal
from nh_platform.session.recorded_time import RecordedTime
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.session.tables.stimulus import STIMULUS_UNITS
from nh_platform.windows.presentations.cleaning import clean_presentations
from nh_platform.windows.presentations.conventions import MODES, Mode
from nh_platform_tests.behavior import Behavior
from nh_platform_tests.exports.stimulus.conftest import Made
from nh_platform_tests.windows.test_presentation_cleaning import movie, shown
from nh_platform_tests.windows.trains import spikes_of

SESSION = Session("allen_vc", "7", "mouse")


def units_in(*probes) -> pd.DataFrame:
    ids = [str(100 + row) for row in range(len(probes))]
    table = pd.DataFrame({"unit_id": ids, "probe": probes, "structure": "VISp", "row": range(len(probes))})
    return STIMULUS_UNITS.conform(table)


def given(trains, probes, signals=(), invalid=(), recorded=(0.0, 1e6)) -> TensorInput:
    events = {"invalid_times": INVALID_TIMES.conform(pd.DataFrame(list(invalid), columns=INVALID_TIMES.names))}
    if not invalid:
        events = {}
    behavior = Behavior(SESSION, events, {signal.name: signal for signal in signals})
    return TensorInput(spikes_of(*trains), units_in(*probes), *behavior.parts, RecordedTime(*recorded))


def test_exact_has_counts_and_binary_and_a_spike_on_an_edge_once() -> None:
    table = clean_presentations(shown(("flashes", 0.25, {"color": 1.0})), "exact")
    spikes = [10.02, 10.021, 10.26, 10.2599999]  # on an inner edge, beside it, on the last edge, before it
    groups = make_tensor(given([sorted(spikes)], ["probeA"]), table, "exact")["spike_data"]
    counts = groups["spike_counts"].values[0, :, 0]
    assert counts.shape == (13,)
    assert np.flatnonzero(counts).tolist() == [1, 12]
    assert counts[[1, 12]].tolist() == [2, 1]
    assert groups["spike_data"].values[0, :, 0].tolist() == (counts > 0).astype(int).tolist()
    compat = make_tensor(given([sorted(spikes)], ["probeA"]), table, "mlynarski-compat")["spike_data"]["spike_data"]
    assert compat.values.shape == (1, 14, 1)
    # Closed bins: 10.02 is in bins 0 and 1, and 10.26 in 12 and 13, unless 10 + 0.02 rounds away from it.
    edges = 10.0 + np.arange(0, 14 * 0.02, 0.02)
    expected = [int(((np.array(spikes) >= a) & (np.array(spikes) <= b)).any()) for a, b in pairwise(edges)]
    assert compat.values[0, :, 0].tolist() == expected


def test_movies_end_with_their_presentation_and_other_stimuli_do_not() -> None:
    frames = clean_presentations(shown(*movie(32), *movie(48)), "exact")  # 1 s and 1.5 s
    train = [10.99, 11.01, 12.49, 12.51]
    counts = make_tensor(given([train], ["probeA"]), frames, "exact")["spike_data"]["spike_counts"].values[:, :, 0]
    assert counts.shape == (2, 75)
    assert counts.sum(axis=1).tolist() == [1, 2]
    flash = clean_presentations(shown(("flashes", 0.25, {"color": 1.0})), "exact")
    after = make_tensor(given([[10.255]], ["probeA"]), flash, "exact")["spike_data"]["spike_counts"].values
    assert after[0, 12, 0] == 1


def test_bins_in_an_invalid_interval_of_the_probe_are_zero_and_named() -> None:
    table = clean_presentations(shown(*[("flashes", 0.25, {"color": 1.0})] * 3), "exact")
    every = np.arange(10.0, 11.0, 0.01)
    bad = [(10.30, 10.37, "probeB", "noise"), (10.60, 10.61, "all_probes", "noise"), (0.0, 99.0, "optotagging", "x")]
    groups = make_tensor(given([every, every], ["probeA", "probeB"], invalid=bad), table, "exact")["spike_data"]
    assert groups["valid"].values.tolist() == [[1, 1], [1, 0], [0, 0]]
    counts = groups["spike_counts"].values
    assert (counts[:2, :, 0] > 0).all()
    zero = np.flatnonzero(counts[1, :, 1] == 0)
    assert zero.tolist() == [2, 3, 4, 5]  # 10.25 + k * 0.02 overlaps [10.30, 10.37) in bins 2 to 5
    assert np.flatnonzero(counts[2, :, 0] == 0).tolist() == [5]
    compat = make_tensor(given([every, every], ["probeA", "probeB"], invalid=bad), table, "mlynarski-compat")
    assert (compat["spike_data"]["spike_data"].values[:, :13] == 1).all()


def test_bins_outside_of_the_recorded_time_are_not_valid() -> None:
    table = clean_presentations(shown(*[("flashes", 0.25, {"color": 1.0})] * 3), "exact")
    every = np.arange(10.0, 11.0, 0.01)
    groups = make_tensor(given([every], ["probeA"], recorded=(10.0, 10.5)), table, "exact")["spike_data"]
    # the bins of the second presentation end at 10.51 s
    assert groups["valid"].values[:, 0].tolist() == [1, 0, 0]
    assert (groups["spike_counts"].values[0] > 0).all()
    assert np.flatnonzero(groups["spike_counts"].values[1, :, 0] == 0).tolist() == [12]
    assert (groups["spike_counts"].values[2] == 0).all()


def test_running_is_taken_at_the_middle_of_its_samples_and_is_nan_outside_the_recording() -> None:
    starts = np.arange(9.0, 10.2, 0.1)
    speed = Signal(
        "running_speed", starts, np.column_stack([starts, starts + 0.1]), "cm/s, s", ("velocity", "end_time")
    )
    table = clean_presentations(shown(("flashes", 0.25, {"color": 1.0})), "exact")
    values = make_tensor(given([[]], ["probeA"], [speed]), table, "exact")["speed"]["speed"]
    assert values.dims == ("presentation_id", "time")
    centers = 10.0 + 0.02 * np.arange(13) + 0.01
    inside = centers <= starts[-1] + 0.05
    np.testing.assert_allclose(values.values[0, inside], centers[inside] - 0.05, rtol=1e-6)
    assert np.isnan(values.values[0, ~inside]).all()
    compat = make_tensor(given([[]], ["probeA"], [speed]), table, "mlynarski-compat")["speed"]["speed"]
    assert compat.dims == ("time", "presentation_id")
    assert compat.values[-1, 0] == np.float32(starts[-1])


def signal(name, times, *columns) -> Signal:
    values = np.column_stack([np.linspace(0.0, 10.0, len(times))] * len(columns))
    return Signal(name, np.asarray(times), values, "-", columns)


@pytest.mark.parametrize(("name", "column", "group"), [
    ("running_speed", "velocity", "speed"), ("pupil", "pupil_width", "pupil_data"),
])  # fmt: skip
def test_a_gap_in_a_signal_is_nan_and_a_few_lost_samples_are_bridged(name, column, group) -> None:
    table = clean_presentations(shown(*[("flashes", 0.25, {"color": 1.0})] * 4), "exact")  # 10 to 11 s
    times = np.arange(9.003, 12.0, 0.02)
    lost = ((times > 10.101) & (times < 10.179)) | ((times > 10.401) & (times < 10.699))  # four samples, and fifteen
    columns = (column, "end_time") if name == "running_speed" else (column,)
    kept = signal(name, times[~lost], *columns)
    if name == "running_speed":
        kept.values[:, 1] = kept.timestamps + 1e-9
    made = make_tensor(given([[]], ["probeA"], [kept]), table, "exact")[group]
    (values,) = (variable.values for key, variable in made.items() if key in ("speed", column))
    centers = table["start_time"].to_numpy()[:, None] + made["time"].values
    np.testing.assert_array_equal(np.isnan(values), (centers > 10.383) & (centers < 10.703))
    expected = np.interp(centers, kept.timestamps, kept.values[:, 0])
    np.testing.assert_allclose(values[~np.isnan(values)], expected[~np.isnan(values)], atol=1e-5)


def test_compat_goes_straight_through_a_gap_as_that_data_set_does() -> None:
    table = clean_presentations(shown(*[("flashes", 0.25, {"color": 1.0})] * 4), "mlynarski-compat")
    times = np.arange(9.0, 12.0, 0.02)
    kept = signal("running_speed", times[(times < 10.4) | (times > 10.7)], "velocity", "end_time")
    made = make_tensor(given([[]], ["probeA"], [kept]), table, "mlynarski-compat")
    assert not np.isnan(made["speed"]["speed"].values).any()


def test_gaps_are_counted_in_a_note(made: list[Made]) -> None:
    session = made[0]
    good = tensor_good_units(session.units, "exact", "allen-vc-default")
    running = session.behavior.signals["running_speed"]
    start = running.timestamps[0] + 100
    lost = ((running.timestamps > start) & (running.timestamps < start + 120)) | (running.timestamps == 0)
    signals = {**session.behavior.signals, "running_speed": without(running, lost)}
    for mode, expected in (("exact", ["1 gap"]), ("mlynarski-compat", [])):
        whole = plan_tensors(*session.behavior.parts, session.units, good, mode).notes
        assert not [note for note in whole if "gap" in note.text]
        notes = plan_tensors(
            *Behavior(SESSION, session.behavior.events, signals).parts, session.units, good, mode
        ).notes
        found = [note.text for note in notes if note.subject == f"{mode}, running_speed"]
        assert [text[: len("1 gap")] for text in found] == expected
        assert all("of 120.0 s in all: NaN in the bins" in text for text in found)


def without(signal: Signal, lost: np.ndarray) -> Signal:
    return Signal(signal.name, signal.timestamps[~lost], signal.values[~lost], signal.unit, signal.columns)


def test_eyes_are_gaze_data_in_compat_and_pupil_data_otherwise() -> None:
    times = np.array([9.0, 10.1, 12.0])
    gaze = Signal(
        "gaze", times, np.array([[1.0, 2.0], [np.nan, 2.0], [1.0, 2.0]]), "px^2", ("raw_eye_area", "filtered_eye_area")
    )
    pupil = Signal("pupil", times, np.ones((3, 2)), "px", ("pupil_width", "eye_width"))
    table = clean_presentations(shown(("flashes", 0.25, {"color": 1.0})), "exact")
    compat = make_tensor(given([[]], ["probeA"], [gaze, pupil]), table, "mlynarski-compat")
    assert set(compat["gaze_data"]) == {"presentation_id", "time", "raw_eye_area"}
    assert np.isnan(compat["gaze_data"]["raw_eye_area"].values).all()  # a blink spreads to both neighbours
    exact = make_tensor(given([[]], ["probeA"], [gaze, pupil]), table, "exact")
    assert set(exact["pupil_data"]) == {"presentation_id", "time", "raw_eye_area", "filtered_eye_area", "pupil_width"}
    without = make_tensor(given([[]], ["probeA"]), table, "exact")
    assert set(without) == {"spike_data", "presentations"}


def test_times_are_float64_in_exact_and_float32_in_compat() -> None:
    table = clean_presentations(shown(("flashes", 0.25, {"color": -1.0})), "exact")
    exact = make_tensor(given([[]], ["probeA"]), table, "exact")["presentations"]
    assert exact["start_time"].values.dtype == np.float64
    assert exact["stimulus_name"].values.tolist() == ["flashes"]
    compat = make_tensor(given([[]], ["probeA"]), table, "mlynarski-compat")["presentations"]
    assert list(compat) == ["presentation_id", "color", "stimulus_block", "start_time", "stop_time", "duration"]
    assert {v.values.dtype for name, v in compat.items() if name != "presentation_id"} == {np.dtype(np.float32)}


def test_units_are_filed_by_structure_and_those_without_one_are_counted() -> None:
    units = pd.DataFrame(
        {"unit_id": ["30", "4", "100", "5"], "probe": "probeA", "acronym": ["VISp", "CA1", "CA1", None]}
    )
    table, nowhere = tensor_units(units, np.ones(4, dtype=bool))
    assert table["unit_id"].tolist() == ["4", "100", "30"]
    assert table["row"].tolist() == [1, 2, 0]
    assert nowhere == 1
    assert tensor_units(units, np.array([True, False, False, False]))[1] == 0


def test_a_unit_id_that_is_no_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="unit probe00_1"):
        unit_numbers(pd.Series(["1", "probe00_1"]))


def test_compat_units_are_those_of_allensdk_whatever_reviews_say(made: list[Made]) -> None:
    session = made[0]
    units = session.units.copy()
    compat = tensor_good_units(units, "mlynarski-compat", "allen-vc-default")
    assert 0 < compat.sum() < len(units)
    units["pass.allen-vc-default"] = False  # reviews failed every unit
    np.testing.assert_array_equal(tensor_good_units(units, "mlynarski-compat", "allen-vc-default"), compat)
    assert not tensor_good_units(units, "exact", "allen-vc-default").any()


def test_what_is_left_out_is_said(made: list[Made]) -> None:
    session = next(m for m in made if "natural_scenes" in set(m.behavior.events["presentations"]["stimulus_name"]))
    good = tensor_good_units(session.units, "exact", "allen-vc-default")
    plan = plan_tensors(*session.behavior.parts, session.units, good, "exact")
    notes = {f"{note.subject}: {note.text}" for note in plan.notes}
    assert any(text.startswith("exact, natural_scenes: 2 presentations left out: no stimulus") for text in notes)
    assert any(
        text.startswith("exact, natural_scenes: 3 presentations of unusual duration (0.28")
        and text.endswith("are kept; the medians of the sessions that are joined decide on them")
        for text in notes
    )
    assert any("good units without a structure left out" in text for text in notes)
    assert not any("running" in text for text in notes)
    blind = Behavior(session.behavior.session, session.behavior.events, {})
    texts = {note.subject for note in plan_tensors(*blind.parts, session.units, good, "exact").notes}
    assert {"exact, running_speed", "exact, gaze"} <= texts


def planned(session: Made, presentations: pd.DataFrame, mode: Mode = "exact") -> TensorPlan:
    """Return the plan of a session that has these presentations in place of its own."""
    events = {**session.behavior.events, "presentations": presentations}
    good = np.ones(len(session.units), dtype=bool)
    return plan_tensors(*Behavior(SESSION, events, session.behavior.signals).parts, session.units, good, mode)


def ids_of(plan: TensorPlan) -> set[int]:
    return set(plan.presentations["presentation_id"])


def test_overlapping_and_endless_presentations_are_left_out_and_counted(made: list[Made]) -> None:
    session = made[0]
    whole = session.behavior.events["presentations"]
    faulty = whole.copy()
    twice = faulty.index[faulty["stimulus_name"] == "gabors"][10:12]
    faulty.loc[twice[1], ["start_time", "stop_time"]] = faulty.loc[twice[0], ["start_time", "stop_time"]].tolist()
    endless, backwards = faulty.index[faulty["stimulus_name"] == "flashes"][[3, 7]]
    faulty.loc[endless, "stop_time"] = np.nan
    faulty.loc[backwards, "stop_time"] = faulty.loc[backwards, "start_time"]
    for mode in MODES:
        plan = planned(session, faulty, mode)
        assert ids_of(planned(session, whole, mode)) - ids_of(plan) == {
            int(faulty.loc[row, "presentation_id"]) for row in (*twice, endless, backwards)
        }
        notes = {note.subject: note.text for note in plan.notes if "left out: " in note.text}
        first = faulty.loc[twice[0], "presentation_id"]
        assert notes[f"{mode}, gabors"].startswith(f"2 presentations left out: they overlap others; first {first}, ")
        assert notes[f"{mode}, flashes"].startswith(
            "2 presentations left out: they do not end after they start; first "
        )


def test_ends_that_are_slightly_late_are_counted_and_the_presentations_kept(made: list[Made]) -> None:
    late = made[0].behavior.events["presentations"].copy()
    rows = late.index[late["stimulus_name"] == "gabors"][10:12]
    late.loc[rows[0], "stop_time"] = late.loc[rows[1], "start_time"] + 0.004
    plan = planned(made[0], late)
    assert ids_of(plan) == ids_of(planned(made[0], made[0].behavior.events["presentations"]))
    texts = {note.subject: note.text for note in plan.notes if "reach" in note.text}
    assert texts == {"exact, gabors": "1 presentations reach slightly into the next one, by at most 0.0040 s: kept"}


def test_presentations_that_upstream_or_the_reader_marked_are_counted(made: list[Made]) -> None:
    whole = made[0].behavior.events["presentations"]
    marked = whole.copy()
    rows = marked.index[(marked["stimulus_name"] == "gabors") & marked["valid"]][4:7]
    marked.loc[rows, "valid"] = False
    plan = planned(made[0], marked)
    assert ids_of(planned(made[0], whole)) - ids_of(plan) == set(marked.loc[rows, "presentation_id"])
    (text,) = (note.text for note in plan.notes if note.subject == "exact, gabors" and "not valid" in note.text)
    n_invalid = int((~marked.loc[marked["stimulus_name"] == "gabors", "valid"]).sum())
    assert text == f"{n_invalid} presentations left out: not valid in `events` (invalid or faulty times)"


def test_a_session_without_presentations_has_no_tensors(made: list[Made]) -> None:
    session = made[0]
    plan = plan_tensors(
        *Behavior(SESSION, {}, {}).parts, session.units, np.ones(len(session.units), dtype=bool), "exact"
    )
    assert plan.types == []
    assert len(plan.presentations) == 0
