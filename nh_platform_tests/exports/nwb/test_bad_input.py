"""Sessions that lack something, and what cannot stand in an NWB file: left out by name, or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pynwb import NWBHDF5IO

from nh_platform import operations
from nh_platform.exports.nwb.columns import interval_table
from nh_platform.exports.nwb.electrodes import NO_REGION, ccf_term
from nh_platform.exports.nwb.ibl_trials import as_ibl_trials
from nh_platform.exports.nwb.time_series import clock_of, in_order
from nh_platform.exports.nwb.unit_columns import unit_columns, unit_ids, written_name
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import Session, Spikes, StoreError
from nh_platform.session.tables.events import TRIALS
from nh_platform_tests.exports.nwb.conftest import View, Write

Change = Callable[[SessionView], None]


def intervals(start: list[float], stop: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"start_time": start, "stop_time": stop, "number": np.arange(len(start))})


def test_intervals_without_an_end_or_that_end_before_they_start_are_left_out_by_name() -> None:
    notes: list[str] = []
    table = interval_table("trials", "x", intervals([3, 1, 2, 5, 4], [4, 2, np.nan, 4.5, 4]), {}, notes)
    assert table is not None
    assert (table["start_time"].data.tolist(), table["number"].data.tolist()) == ([1.0, 3.0], [1, 0])
    assert notes == [
        "trials: 1 of 5 rows have no start or end, first row 2; left out",
        "trials: 2 of 5 rows do not end after they start, first row 3; left out",
    ]
    assert interval_table("trials", "x", intervals([1], [np.nan]), {}, notes) is None
    assert interval_table("trials", "x", intervals([], []), {}, notes) is None
    assert notes[-1] == "trials: it has no rows; left out"


def test_a_trial_without_feedback_or_block_keeps_its_row() -> None:
    rows = {"start_time": [0.0, 1, 2, 3], "stop_time": [1.0, 2, 3, 4], "probabilityLeft": [0.5, np.nan, 0.5, 0.2]}
    rows |= {
        "choice": [1.0, 0, np.nan, -1],
        "feedbackType": [1.0, np.nan, -1, -1],
        "contrastLeft": [0.25, np.nan, 1, 0],
    }
    notes: list[str] = []
    table = as_ibl_trials(
        TRIALS.conform(pd.DataFrame(rows | {"contrastRight": [np.nan, 0.0625, np.nan, np.nan]})), notes
    )
    assert table["block_index"].tolist() == [0, 0, 0, 1]
    assert table["mouse_wheel_choice"].iloc[:2].tolist() == ["clockwise", "none"]
    assert table["mouse_wheel_choice"].isna().tolist() == [False, False, True, False]
    assert table["gabor_stimulus_side"].tolist() == ["left", "right", "left", "left"]
    assert table["gabor_stimulus_contrast"].tolist() == [25, 6.25, 100, 0]
    assert table["is_mouse_rewarded"].tolist() == [True, False, False, False]
    assert notes == ["trials: 1 of 4 trials have no feedbackType; not rewarded there"]


@pytest.mark.parametrize("fault", ["descend", "are no numbers"])
def test_spikes_that_no_reader_could_use_are_refused_with_their_unit(
    view: View, write: Write, tmp_path: Path, fault: str
) -> None:
    session = view("ibl")
    spikes, unit = session.spikes, 3
    times, at = spikes.times.copy(), int(spikes.offsets[unit]) + 2
    times[at] = times[at + 1] + 1 if fault == "descend" else np.nan
    recording = session._recording
    broken = Spikes(times, spikes.offsets, spikes.amplitudes, spikes.depths)
    session.__dict__["_recording"] = replace(recording, spikes=broken)
    with pytest.raises(StoreError, match=f"unit {session.units['unit_id'][unit]} has spike times that {fault}"):
        write(session, spikes="all")
    assert not list(tmp_path.glob("*.nwb"))


def _no_subject(session: SessionView) -> None:
    session.__dict__["_listed"] = None
    session.__dict__["_recording"] = replace(
        session._recording, session=Session(session.source, session.session_id, "", date="soon")
    )


def _no_regions(session: SessionView) -> None:
    nothing = {
        "acronym": None,
        "beryl": None,
        "cosmos": None,
        "ccf_ap_um": np.nan,
        "ccf_dv_um": np.nan,
        "ccf_ml_um": np.nan,
    }
    session.__dict__["channels"] = session.channels.assign(**nothing)


def _no_channels(session: SessionView) -> None:
    session.__dict__["channels"] = session.channels[:0]


def _no_trials(session: SessionView) -> None:
    session.__dict__["_event_tables"] = {}


def _no_signals(session: SessionView) -> None:
    session.__dict__["_stored_signals"] = replace(session._stored_signals, signals={})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_no_subject, "the subject is not known; it is written as unknown"),
        (_no_regions, f"no channel has a region; their location is written as {NO_REGION}"),
        (_no_channels, "the session states no channels; units name none"),
        (_no_trials, "trials: the session has none"),
        (_no_signals, "signals: the session has none"),
    ],
)
def test_what_a_session_lacks_is_said_and_the_rest_is_written(
    view: View, write: Write, change: Change, said: str
) -> None:
    session = view("allen_vbn")
    change(session)
    path, notes = write(session)
    assert any(said in note for note in notes)
    with NWBHDF5IO(str(path), "r") as io:
        nwbfile = io.read()
        assert len(nwbfile.units) == len(session.units)
        if change is _no_subject:
            assert nwbfile.subject.subject_id == "unknown"
            assert any("The date of the session is not known" in note for note in notes) or nwbfile.session_start_time
        if change is _no_regions:
            assert set(nwbfile.electrodes["location"].data[:]) == {NO_REGION}
        if change is _no_trials:
            assert nwbfile.trials is None


def test_a_session_without_events_and_signals_is_units_alone(home: Platform, view: View, write: Write) -> None:
    session = view("allen_vc")
    stored = session.assets
    bare = type("Bare", (SessionView,), {"assets": [one for one in stored if one in ("raw_spikes", "units")]})(
        session._store, session.source, session.session_id
    )
    path, notes = write(bare)
    assert {"events: not stored; no trials, presentations or licks", "signals: not stored"} <= set(notes)
    with NWBHDF5IO(str(path), "r") as io:
        assert not io.read().processing


def test_a_session_without_a_good_unit_is_refused_and_others_go_on(
    home: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SessionView, "good_units", lambda self, rulebook=None: np.zeros(len(self.units), dtype=bool))
    done = operations.export_sessions(home.settings.home, "nwb", "allen_vbn", tmp_path, units="good")
    assert "none of its" in str(next(iter(done.failed.values())))
    assert not list(tmp_path.rglob("*.nwb"))


def test_clocks_are_even_where_no_sample_moves() -> None:
    even = 12.5 + np.arange(5000) / 59.94
    found = clock_of(even)
    assert found.timestamps is None
    np.testing.assert_allclose(found.starting_time + np.arange(5000) / found.rate, even, atol=1e-9)
    jittered = even + np.where(np.arange(5000) % 7 == 0, 2e-5, 0)
    assert clock_of(jittered).timestamps is jittered
    gap = np.concatenate([even[:100], even[100:] + 1])
    assert clock_of(gap).timestamps is gap
    for short in (np.zeros(0), np.array([1.0]), np.array([1.0, 2.0]), np.array([1.0, 1.0, 1.0])):
        assert clock_of(short).timestamps is short


def test_samples_without_a_time_are_left_out_and_others_sorted() -> None:
    notes: list[str] = []
    times, values = in_order("speed", np.array([2.0, np.nan, 1.0]), np.array([20.0, 5.0, 10.0]), notes)
    assert (times.tolist(), values.tolist()) == ([1.0, 2.0], [10.0, 20.0])
    assert notes == [
        "speed: 1 of 3 samples have no time; left out",
        "speed: samples were not in order of time; sorted",
    ]


def test_columns_of_units_have_names_that_every_reader_takes_and_never_one_twice() -> None:
    units = pd.DataFrame(
        {
            "released.spike_times": [1.0],
            "released.rate": [2.0],
            "ibl.rate@1": [3.0],
            "ibl.rate_1": [4.0],
            "released.empty": [np.nan],
        }
    )
    found = {name: values.tolist() for name, values, _ in unit_columns(units, {}, "lab")}
    assert found == {"released_spike_times": [1.0], "rate": [2.0], "ibl_rate_1": [3.0], "ibl_rate_1_2": [4.0]}
    assert written_name("rule.nh-common.firing_rate", "ibl") == "rule_nh_common_firing_rate"


def test_ids_that_are_no_numbers_are_rows_of_the_session() -> None:
    rows = np.array([4, 7])
    assert unit_ids(pd.Series(["950", "12"]), rows)[0].tolist() == [950, 12]
    for texts in (["a", "1"], ["01", "2"], ["-1", "2"], [str(2**63), "1"]):
        ids, upstream = unit_ids(pd.Series(texts), rows)
        assert (ids.tolist(), upstream) == ([4, 7], False)


def test_regions_are_terms_of_the_ccf() -> None:
    assert [ccf_term(one) for one in ("VISp5", None, "void", "CUL4 5gr", "Mmme")] == [
        "VISp5", NO_REGION, NO_REGION, "CUL4, 5gr", "MMme",
    ]  # fmt: skip
