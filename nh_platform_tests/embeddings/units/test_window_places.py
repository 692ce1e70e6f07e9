"""Reference windows lie where their names say, and a session that lacks one says so."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.embeddings.units.reference_windows import UsedWindow, checked_window
from nh_platform.embeddings.units.unit_encoding import unit_embeddings
from nh_platform.embeddings.units.window_places import used_window
from nh_platform.session import ConfigError
from nh_platform_tests.windows.trains import events_of, spikes_of, units_of

REGULAR = np.arange(0, 401) * 0.25 + 100.0
"""4 Hz from 100 to 200 s."""


def shown(*rows: tuple[float, float, str, float]) -> dict[str, list[object]]:
    names = ("start_time", "stop_time", "stimulus_name", "orientation")
    table: dict[str, list[object]] = {name: [row[k] for row in rows] for k, name in enumerate(names)}
    n = len(rows)
    return table | {"presentation_id": list(range(n)), "stimulus_block": [0.0] * n, "valid": [True] * n}


def ibl_trials(*rows: tuple[float, float, float]) -> dict[str, list[float]]:
    return {name: [row[k] for row in rows] for k, name in enumerate(("start_time", "stop_time", "probabilityLeft"))}


@pytest.mark.parametrize(
    ("window", "start", "stop"),
    [
        ("start-10s", 100, 110),
        ("start-17s", 100, 117),
        ("start-30s", 100, 130),
        ("pre-task", 100, 120),
        ("first-block", 120, 131),
        ("task-15s", 120, 135),
        ("task-60s", 120, 180),
    ],
)
def test_windows_of_the_task_lie_where_their_names_say(window: str, start: float, stop: float) -> None:
    events = events_of(trials=ibl_trials((120, 124, 0.5), (125, 131, 0.5), (132, 139, 0.8), (140, 150, 0.5)))
    used = used_window(spikes_of(REGULAR), window, events)
    assert used == UsedWindow(window, start, stop)
    assert used.notes == ()
    table = unit_embeddings(spikes_of(REGULAR), units_of("probe00"), window, events=events)
    assert table["n_spikes"].tolist() == [4 * (stop - start)]
    assert table["rate_hz"].tolist() == pytest.approx([4.0])


def test_spontaneous_periods_are_joined_in_time_and_what_was_there_is_kept(tmp_path) -> None:
    rows = [(110, 130, "spontaneous", np.nan), (130, 132, "flashes", np.nan), (150, 175, "spontaneous", np.nan)]
    events = events_of("allen_vc", presentations=shown(*rows))
    spikes = spikes_of(REGULAR)
    used = used_window(spikes, "spontaneous-30s", events)
    assert used.stretches.tolist() == [[110, 130], [150, 160]]
    assert (used.available_s, used.notes) == (30, ())
    used.write(tmp_path)
    assert UsedWindow.read(tmp_path) == used
    short = used_window(spikes, "spontaneous-300s", events)
    assert short.available_s == 45
    assert short.notes == (
        "reference window spontaneous-300s: 45.0 of its 300 s were there; units are described by these",
    )


def test_no_interval_bridges_two_parts_of_a_window() -> None:
    # Regular within each part; from part to part 20 s.
    rows = [(110, 130, "spontaneous", np.nan), (150, 170, "spontaneous", np.nan)]
    events = events_of("allen_vc", presentations=shown(*rows))
    row = unit_embeddings(spikes_of(REGULAR), units_of("probe00"), "spontaneous-40s", events=events).iloc[0]
    assert row["n_spikes"] == 160
    assert row[["rate_hz", "isi_mean_s", "isi_cv", "isi_cv2", "isi_hist_19"]].tolist() == [4, 0.25, 0, 0, 0]
    assert (
        row["acg_29"] < 0.02
    )  # 0 pairs, and one is added; lags of 794 to 1000 ms, ends excluded: no multiple of 250 ms
    assert not row["is_silent"]


def test_the_passive_protocol_of_ibl_is_spontaneous_as_well() -> None:
    passive = {"start_time": [150.0, 170.0], "stop_time": [170.0, 180.0], "name": ["spontaneousActivity", "RFM"]}
    used = used_window(spikes_of(REGULAR), "spontaneous-10s", events_of(passive_periods=passive))
    assert used == UsedWindow("spontaneous-10s", 150, 160)


@pytest.mark.parametrize("stimulus", ["drifting_gratings", "drifting_gratings_75_repeats"])
def test_gratings_are_the_window_and_their_directions_have_mean_rates(stimulus: str) -> None:
    # 4 Hz throughout, 20 Hz more while gratings drift towards 90 degrees
    extra = np.concatenate([np.arange(110.01, 112, 0.05), np.arange(140.01, 142, 0.05)])
    train = np.sort(np.concatenate([REGULAR, extra]))
    rows = [(110, 112, stimulus, 90.0), (120, 122, stimulus, 0.0), (140, 142, stimulus, 90.0)]
    blank, other = (130, 132, stimulus, np.nan), (150, 152, "drifting_gratings_contrast", 45.0)
    events = events_of("allen_vc", presentations=shown(*rows, blank, other))
    row = unit_embeddings(spikes_of(train), units_of("probe00"), "drifting-gratings", events=events).iloc[0]
    assert row[["grating_000_hz", "grating_090_hz"]].tolist() == pytest.approx([4, 24])
    assert np.isnan(row["grating_045_hz"])
    assert row["n_spikes"] == 3 * 8 + 80
    whole = unit_embeddings(spikes_of(train), units_of("probe00"), events=events).iloc[0]
    assert np.isnan(whole["grating_090_hz"])


@pytest.mark.parametrize(
    ("window", "tables", "why"),
    [
        ("spontaneous-300s", {}, "the session has no period of spontaneous activity"),
        ("pre-task", {}, "the session has no trials"),
        ("task-60s", {}, "the session has no trials"),
        ("first-block", {}, "the session has no trials"),
        ("pre-task", {"trials": ibl_trials((90, 95, 0.5))}, "the first trial starts at 90.000 s, the recording at 100"),
        ("first-block", {"trials": ibl_trials((120, 125, np.nan))}, "the session's trials state no block"),
        ("first-block", {"trials": ibl_trials((300, 305, 0.5))}, "none of it lies in the recorded time, 100.000 to"),
        ("drifting-gratings", {"presentations": shown((110, 111, "flashes", np.nan))}, "no drifting grating was shown"),
    ],
)
def test_a_session_without_the_window_is_noted_and_its_units_are_marked(window, tables, why) -> None:
    events = events_of(**tables)
    used = used_window(spikes_of(REGULAR), window, events)
    assert used.is_empty
    assert len(used.notes) == 1
    assert f"reference window {window}: {why}" in used.notes[0]
    table = unit_embeddings(spikes_of(REGULAR), units_of("probe00"), window, events=events)
    assert table["is_silent"].tolist() == [True]
    assert table["n_spikes"].tolist() == [0]
    assert np.isnan(table.loc[0, "rate_hz"])


def test_a_window_beyond_the_recording_takes_what_there_is_and_says_so() -> None:
    spikes = spikes_of(np.arange(0, 61) * 0.25)
    used = used_window(spikes, "start-30s")
    assert used.available_s == pytest.approx(15)
    assert used.notes == ("reference window start-30s: 15.0 of its 30 s were there; units are described by these",)
    table = unit_embeddings(spikes, units_of("probe00"), used)
    assert table["n_spikes"].tolist() == [61]  # the last spike is of the recording
    assert table["rate_hz"].tolist() == pytest.approx([61 / 15])


def test_zero_units_and_no_spikes_are_no_error() -> None:
    for trains in ([], [[]]):
        used = used_window(spikes_of(*trains), "start-30s", events_of())
        assert used.notes == (
            "reference window start-30s: the session has no recorded time; the features of its units are undefined",
        )
        assert len(unit_embeddings(spikes_of(*trains), units_of(*["probe00"] * len(trains)), used)) == len(trains)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("start-9s", "lasts 9 s. State start-10s to start-30s"),
        ("start-31s", "lasts 31 s"),
        ("spontaneous-5s", "lasts 5 s"),
        ("spontaneous", "is not known. Use one of whole-session"),
        ("start-030s", "is not known"),
        ("pretask", "Did you mean pre-task"),
    ],
)
def test_a_name_that_is_none_says_what_there_is(name: str, found: str) -> None:
    with pytest.raises(ConfigError, match="reference window") as error:
        checked_window(name)
    assert found in str(error.value)
