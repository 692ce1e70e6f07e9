"""Windows lie where the preset says, invalid times mask what they overlap, and masked bins are 0."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import Events
from nh_platform.session.tables.windows import WINDOW_INDEX, WINDOW_MASKS
from nh_platform.windows.presets.preset_files import parse_preset
from nh_platform.windows.presets.preset_model import Preset
from nh_platform_tests.windows.trains import PRESETS, events_of, spikes_of, trials, units_of, windows_of

CONTINUOUS, ALIGNED = "continuous-1s", "stim-halves-500ms"
SPIKES = spikes_of(np.arange(200, 1000) / 100, np.arange(200, 1000) / 100)  # 2.00 s to 9.99 s, every 10 ms
UNITS = units_of("probe00", "probe01")


def of_preset(windows, preset) -> pd.DataFrame:
    return windows.index[windows.index["preset"] == preset].reset_index(drop=True)


def invalid(*rows) -> dict[str, list[Any]]:
    return {
        "start_time": [row[0] for row in rows],
        "stop_time": [row[1] for row in rows],
        "scope": [row[2] for row in rows],
        "label": [None] * len(rows),
    }


def test_continuous_windows_start_at_the_second_of_the_first_spike_and_stay_within_the_data() -> None:
    table = of_preset(windows_of(SPIKES, UNITS, events_of()), CONTINUOUS)
    assert table["start"].tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert table["stop"].iloc[-1] == 10
    assert table["start_bin"].tolist() == [0, 50, 100, 150, 200, 250, 300, 350]
    assert (table["event_id"] == -1).all()
    assert table["event_time"].isna().all()


@pytest.mark.parametrize(("first_spike", "valid"), [(2.10, False), (2.02, False), (2.019, True), (2.0, True)])
def test_a_first_window_that_begins_before_the_recording_is_not_valid(first_spike: float, valid: bool) -> None:
    windows = windows_of(spikes_of(np.arange(first_spike, 10.0, 0.01)), UNITS[:1], events_of())
    assert of_preset(windows, CONTINUOUS)["valid"].tolist() == [valid, *[True] * 7]
    told = [note.text for note in windows.notes if note.subject == CONTINUOUS]
    assert told == ([] if valid else ["the window at 2 s begins before the recording; not valid"])


def test_a_second_that_the_data_do_not_fill_makes_no_window() -> None:
    spikes = spikes_of([2.1, 9.97])
    table = of_preset(windows_of(spikes, units_of("p"), events_of()), CONTINUOUS)
    assert table["stop"].max() == 9


def test_the_grid_holds_every_spike_and_its_windows_are_its_columns() -> None:
    windows = windows_of(SPIKES, UNITS, events_of())
    grid = windows.grids[20_000]
    assert grid.start_us == 2_000_000
    assert grid.count().sum(axis=1, dtype=int).tolist() == [800, 800]
    first = of_preset(windows, CONTINUOUS).iloc[0]
    columns = grid.count()[:, first["start_bin"] : first["start_bin"] + first["n_bins"]]
    assert columns.sum(axis=1, dtype=int).tolist() == [100, 100]
    assert grid.edges[first["start_bin"]] == first["start"]


def test_aligned_windows_skip_nan_events_and_say_so() -> None:
    windows = windows_of(SPIKES, UNITS, events_of(trials=trials([3.0, np.nan, 5.0])))
    table = of_preset(windows, ALIGNED)
    assert table["event_id"].tolist() == [0, 2]
    assert table["event_time"].tolist() == [3.0, 5.0]
    assert table["start"].tolist() == [2.5, 4.5]
    assert table["alignment"].unique().tolist() == ["trials.stimOn_times"]
    assert windows.dense[ALIGNED].count().sum(axis=2, dtype=int).tolist() == [[100, 100], [100, 100]]
    assert [note.text for note in windows.notes] == ["1 of 3 trials have no stimOn_times: no window"]


def test_allen_windows_leave_out_spontaneous_and_carry_invalid_presentations() -> None:
    presentations = {
        "presentation_id": [0, 1, 2],
        "start_time": [3.0, 4.0, 5.0],
        "stop_time": [4.0, 5.0, 6.0],
        "stimulus_name": ["spontaneous", "gabors", "invalid_presentation"],
        "stimulus_block": [np.nan, 1.0, np.nan],
        "valid": [True, True, False],
    }
    windows = windows_of(SPIKES, UNITS, events_of("allen_vc", presentations=presentations))
    table = of_preset(windows, ALIGNED)
    assert table["event_id"].tolist() == [1, 2]
    assert table["valid"].tolist() == [True, False]


def test_invalid_intervals_of_the_session_make_overlapping_windows_invalid_and_leave_counts() -> None:
    events = events_of(
        trials=trials([3.0, 5.0, 7.0]),
        invalid_times=invalid((3.5, 4.5, "all_probes"), (6.0, 6.2, "stimulus"), (8.0, 9.0, "optotagging")),
    )
    windows = windows_of(SPIKES, UNITS, events)
    # [2.5, 3.5) and [4.5, 5.5) touch the interval without overlap.
    assert of_preset(windows, ALIGNED)["valid"].tolist() == [True, True, True]
    assert of_preset(windows, CONTINUOUS)["valid"].tolist() == [True, False, False, True, False, True, True, True]
    assert windows.grids[20_000].count().sum(dtype=int) == 2 * 800
    assert len(windows.masks) == 0


def test_invalid_intervals_of_a_probe_mask_its_units_alone() -> None:
    events = events_of(
        trials=trials([3.0, 5.0]),
        invalid_times=invalid((3.211, 3.25, "probe01"), (3.24, 3.3, "probe01"), (3.31, 3.312, "probe01")),
    )
    windows = windows_of(SPIKES, UNITS, events)
    continuous, aligned = of_preset(windows, CONTINUOUS), of_preset(windows, ALIGNED)
    assert continuous["invalid_probes"].tolist() == ["", "probe01", "", "", "", "", "", ""]
    assert aligned["invalid_probes"].tolist() == ["probe01", ""]
    assert continuous["valid"].all()
    # bins of 20 ms that overlap: [3.20, 3.32) = bins 60 to 65 of the grid, which starts at 2.0 s
    masks = windows.masks.set_index("grid")
    assert masks.loc["grid_20000us", ["window_id", "start_bin", "stop_bin"]].tolist() == [-1, 60, 66]
    assert masks.loc[ALIGNED, ["window_id", "start_bin", "stop_bin"]].tolist() == [0, 35, 41]
    grid = windows.grids[20_000].count()
    assert grid[1, 60:66].tolist() == [0] * 6
    assert (grid[0, 60:66] == 2).all()
    assert grid[1].sum(dtype=int) == 800 - 12
    tensor = windows.dense[ALIGNED].count()
    assert tensor[0, 1, 35:41].sum() == 0
    assert tensor.sum(dtype=int) == 400 - 12


def test_blocks_of_any_size_equal_the_whole() -> None:
    events = events_of(trials=trials([3.0, 5.0, 4.0, 8.0]), invalid_times=invalid((4.1, 5.2, "probe00")))
    windows = windows_of(SPIKES, UNITS, events)
    grid, aligned = windows.grids[20_000], windows.dense[ALIGNED]
    for size in (1, 3, 70):
        assert np.array_equal(np.hstack([block for _, block, _ in grid.blocks(size)]), grid.count())
        assert np.array_equal(np.vstack([block for _, block, _ in aligned.blocks(size)]), aligned.count())


@pytest.mark.parametrize("source", ["ibl", "allen_vc"])
@pytest.mark.parametrize("spikes", [spikes_of(), spikes_of([], [])])
def test_no_units_no_spikes_no_events_give_empty_typed_results(source, spikes) -> None:
    units = UNITS.iloc[: spikes.n_units]
    windows = windows_of(spikes, units, events_of(source))
    assert len(windows.index) == len(windows.masks) == 0
    WINDOW_INDEX.validate(windows.index)
    WINDOW_MASKS.validate(windows.masks)
    assert windows.grids[20_000].count().shape == (spikes.n_units, 0)
    assert windows.dense[ALIGNED].count().shape == (0, spikes.n_units, 50)
    assert windows.dense[ALIGNED].count().dtype == np.uint8


def test_units_without_spikes_still_have_event_windows() -> None:
    windows = windows_of(spikes_of([]), units_of("p"), events_of(trials=trials([1.0])))
    assert windows.dense[ALIGNED].count().tolist() == [[[0] * 50]]


def test_windows_beyond_the_recording_are_noted() -> None:
    windows = windows_of(SPIKES, UNITS, events_of(trials=trials([2.2, 5.0, 20.0])))
    aligned = windows.index[windows.index["preset"] == ALIGNED]
    assert aligned["valid"].tolist() == [False, True, False]
    assert [note.text for note in windows.notes] == [
        "2 of 3 windows reach beyond the recorded time, 2.000 to 9.990 s; not valid"
    ]


def test_filters_choose_trials_as_published() -> None:
    preset = parse_preset(
        """
id: rt
version: 1
kind: aligned
dense: true
bin_us: 100_000
event: first movement
start_us: -100_000
stop_us: 0
filters:
  - {column: firstMovement_times, minus: stimOn_times, minimum: 0.08, maximum: 2.0}
  - {column: choice, exclude: [0]}
description: d
why: w
""",
        "p",
    )
    table = trials([3.0, 4.0, 5.0, 6.0, np.nan])
    table |= {"firstMovement_times": [3.01, 4.5, 5.5, np.nan, 7.0], "choice": [1.0, 1.0, 0.0, -1.0, 1.0]}
    windows = windows_of(SPIKES, UNITS, events_of(trials=table), [preset])
    assert windows.index["event_id"].tolist() == [1]
    assert windows.dense["rt"].count().tolist() == [[[10], [10]]]


def whole(stop: str = "stop_column: stop_time", bin_us: int = 20_000) -> Preset:
    return parse_preset(
        f"{{id: whole, version: 1, kind: aligned, dense: true, bin_us: {bin_us}, event: stimulus onset, start_us: 0,"
        f" {stop}, description: d, why: w}}",
        "p",
    )


def shown_until(*stops: float) -> Events:
    """Return two presentations, at 3.1 s and at 5000.1 s, that end at these times."""
    presentations = {
        "presentation_id": [0, 1],
        "start_time": [3.1, 5000.1],
        "stop_time": list(stops),
        "stimulus_name": ["gabors", "gabors"],
        "stimulus_block": [1.0, 1.0],
        "valid": [True, True],
    }
    return events_of("allen_vc", presentations=presentations)


@pytest.mark.parametrize("last", [5000.1 + 0.26, np.inf, 4000.0])
def test_windows_to_the_end_of_the_longest_event(last: float) -> None:
    windows = windows_of(SPIKES, UNITS, shown_until(3.3502, last), [whole()])
    assert windows.index["n_bins"].tolist() == [13, 13]


def test_the_length_of_an_event_that_is_not_valid_does_not_count() -> None:
    shown = shown_until(3.3502, 5003.0)
    table = shown.tables["presentations"].assign(valid=[True, False])
    windows = windows_of(SPIKES, UNITS, events_of("allen_vc", presentations=table), [whole()])
    assert windows.index["n_bins"].tolist() == [13, 13]
    assert windows.index["valid"].tolist() == [True, False]


def test_the_length_of_an_event_that_is_not_within_the_recorded_time_does_not_count() -> None:
    """SPIKES are from 2.1 to 9.99 s; one trial begins a day before, one ends an hour behind."""
    table = trials([3.0, 4.0, 5.0, -86_000.0]) | {"stop_time": [3.5, 4.3, 3405.0, 6.0]}
    windows = windows_of(SPIKES, UNITS, events_of(trials=table), [whole()])
    assert windows.index["n_bins"].tolist() == [25] * 4
    assert windows.index["valid"].tolist() == [True, True, True, False]
    texts = [note.text for note in windows.notes]
    assert "2 of 4 events are not within the recorded time, 2.000 to 9.990 s: their lengths do not count" in texts


def test_events_of_which_none_is_within_the_recorded_time_have_no_length() -> None:
    table = trials([3.0, 4.0]) | {"stop_time": [3403.0, 3404.0]}
    windows = windows_of(SPIKES, UNITS, events_of(trials=table), [whole()])
    assert windows.index.empty
    assert [note.text for note in windows.notes] == [
        "no windows: no event is within the recorded time, 2.000 to 9.990 s"
    ]


def test_an_interval_that_ends_before_it_starts_marks_nothing_and_the_others_count() -> None:
    known = (4.0, 5.0, "all_probes")
    damaged = events_of(invalid_times=invalid((4.0, 3.0, "all_probes"), known))
    alone = windows_of(SPIKES, UNITS, events_of(invalid_times=invalid(known)))
    assert windows_of(SPIKES, UNITS, damaged).index["valid"].tolist() == alone.index["valid"].tolist()
    assert not alone.index["valid"].all()


@pytest.mark.parametrize(
    ("preset", "stops", "why"),
    [
        (whole("stop_column: stimulus_name"), (3.3, 5000.3), "no event has a stimulus_name after its start"),
        (whole(), (3.0, 5000.0), "no event has a stop_time after its start"),
        (whole(bin_us=1), (9.1, 1e9), "a window would have 6000000 bins, and at most 4320000 (a day of 20 ms)"),
        (whole("stop_us: 86_400_000_000", bin_us=1), (3.3, 5000.3), "a window would have 86400000000 bins"),
    ],
)
def test_a_preset_without_a_length_that_can_be_counted_has_a_note_and_the_others_their_windows(
    preset: Preset, stops: tuple[float, float], why: str
) -> None:
    windows = windows_of(SPIKES, UNITS, shown_until(*stops), [preset, *PRESETS])
    assert set(windows.index["preset"]) == {preset.id for preset in PRESETS}
    (note,) = (note for note in windows.notes if note.subject == "whole")
    assert note.text.startswith(f"no windows: {why}")


def test_two_presets_of_one_bin_width_share_a_grid() -> None:
    stated = "version: 1, kind: continuous, bin_us: 20_000, description: d, why: w"
    presets = [
        parse_preset(f"{{id: two-s, length_us: 2_000_000, {stated}}}", "p"),
        parse_preset(f"{{id: half-overlap, length_us: 1_000_000, step_us: 500_000, {stated}}}", "p"),
    ]
    spikes = spikes_of([3.2, 3.7, 7.99])
    windows = windows_of(spikes, units_of("p"), events_of(), presets)
    assert of_preset(windows, "two-s")["start"].tolist() == [2, 4, 6]
    assert of_preset(windows, "half-overlap")["start"].tolist() == list(np.arange(3, 7.5, 0.5))
    assert list(windows.grids) == [20_000]
    counts = windows.grids[20_000].count()
    for row in windows.index.itertuples():
        expected = ((spikes.times >= row.start) & (spikes.times < row.stop)).sum()
        assert counts[:, row.start_bin : row.start_bin + row.n_bins].sum() == expected


def test_the_index_keeps_its_schema_with_all_presets_together() -> None:
    windows = windows_of(SPIKES, UNITS, events_of(trials=trials([3.0])))
    WINDOW_INDEX.validate(windows.index)
    assert isinstance(windows.index, pd.DataFrame)
    assert windows.index.groupby("preset").size().to_dict() == {CONTINUOUS: 8, ALIGNED: 1}


def test_no_window_lies_before_zero_or_reaches_to_stray_spikes() -> None:
    """Four spikes of a sorter just before 0 s, and one a day later."""
    regular = np.arange(0.5, 100.0, 0.01)
    spikes = spikes_of(np.concatenate([[-0.9, -0.5, -0.2, -0.01], regular]), np.append(regular, 86_000.0))
    windows = windows_of(spikes, units_of("p", "p"), events_of(trials=trials([0.1, 50.0, 86_000.0])))
    assert windows.index.loc[windows.index["valid"], "start"].min() >= 0
    assert windows.index["stop"][windows.index["alignment"] == "none"].max() <= 100
    aligned = windows.index[windows.index["preset"] == ALIGNED]
    assert aligned["valid"].tolist() == [False, True, False]
    assert windows.grids[20_000].count().shape[1] == 5000
