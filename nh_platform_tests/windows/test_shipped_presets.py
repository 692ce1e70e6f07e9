"""Every shipped preset on a session made by hand: which events get a window, from when to when, and what is in it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.session import Spikes
from nh_platform.sources.registry import source_entry
from nh_platform.windows import AlignedPreset, Windows, load_preset, load_presets, preset_ids
from nh_platform.windows.presets.preset_files import named_preset
from nh_platform.windows.presets.preset_model import PresetFamily
from nh_platform.windows.window_rows import planned_counts
from nh_platform_tests.windows.trains import events_of, spikes_of, units_of, windows_of

UNITS = units_of("probe00")
SPIKES = spikes_of(np.arange(0.0, 400.0, 0.05))
NAN = np.nan


def ibl_trials(**changed: list[float]) -> dict[str, object]:
    """Return five trials, 20 s apart: all is as it should be in each but for what ``changed`` says."""
    on = 20.0 * np.arange(1, 6)
    table = {
        "start_time": on - 1,
        "stop_time": on + 15,
        "stimOn_times": on,
        "goCue_times": on + 0.001,
        "firstMovement_times": on + 0.5,
        "feedback_times": on + 1.0,
        "choice": np.ones(5),
        "feedbackType": np.ones(5),
        "probabilityLeft": np.full(5, 0.8),
        "contrastLeft": np.ones(5),
    }
    return {**table, **{name: np.array(values) for name, values in changed.items()}}


def shown(name: str, *spans: tuple[float, float], **columns: object) -> dict[str, object]:
    n = len(spans)
    starts, stops = zip(*spans)
    stated = {"presentation_id": np.arange(n), "stimulus_name": name, "stimulus_block": 0.0, "valid": True, "frame": 0}
    return {**stated, "start_time": list(starts), "stop_time": list(stops), **columns}


def of_ibl(preset_id: str, spikes: Spikes = SPIKES, **changed: list[float]) -> Windows:
    return windows_of(spikes, UNITS, events_of("ibl", trials=ibl_trials(**changed)), [load_preset(preset_id)])


def counted(windows: Windows, preset_id: str, spikes: Spikes) -> np.ndarray:
    preset = load_preset(preset_id)
    assert isinstance(preset, AlignedPreset)
    assert preset.bin_us is not None
    units_of_probe = {"probe00": np.array([0])}
    plan = planned_counts(windows.index, preset.start_us, preset.bin_us, spikes, windows.masks, units_of_probe, 0)
    return plan.count()


EVENTS_OF_IBL = {
    "stim-halves-500ms": ("trials.stimOn_times", -0.5, 0.5, 50),
    "mtm-neds-5hz": ("trials.stimOn_times", -0.5, 1.5, 100),
    "mtm-neds-2hz": ("trials.stimOn_times", -0.5, 1.5, 100),
    "bwm-block": ("trials.stimOn_times", -0.4, -0.1, 1),
    "bwm-stim": ("trials.stimOn_times", 0.0, 0.1, 1),
    "bwm-choice": ("trials.firstMovement_times", -0.1, 0.0, 1),
    "bwm-feedback": ("trials.feedback_times", 0.0, 0.2, 1),
    "bwm-wheel": ("trials.firstMovement_times", -0.4, 1.0, 70),
    "bwb-2026-choice": ("trials.firstMovement_times", -1.0, 0.0, 50),
    "bwb-2026-feedback": ("trials.feedback_times", 0.0, 1.0, 50),
    "bwb-2026-stimulus": ("trials.stimOn_times", -0.9, 0.1, 50),
    "bwb-2026-movement": ("trials.firstMovement_times", 0.0, 1.0, 50),
    "bwb-2026-block": ("trials.stimOn_times", -1.0, 0.0, 50),
}


@pytest.mark.parametrize("preset_id", EVENTS_OF_IBL)
def test_windows_of_the_task_lie_around_their_event(preset_id: str) -> None:
    label, start, stop, n_bins = EVENTS_OF_IBL[preset_id]
    index = of_ibl(preset_id).index
    at = ibl_trials()[label.removeprefix("trials.")]
    assert index["alignment"].tolist() == [label] * 5
    assert index["start"].tolist() == (at + start).tolist()
    assert index["stop"].tolist() == (at + stop).tolist()
    assert (index["n_bins"] == n_bins).all()
    assert index["valid"].all()


def test_the_strict_mask_keeps_reaction_times_of_80_ms_to_2_s_and_the_block_leaves_out_the_unbiased() -> None:
    late = {"firstMovement_times": [20.079, 40.08, 62.0, 82.001, NAN]}
    reaction = np.array(late["firstMovement_times"]) - ibl_trials()["stimOn_times"]
    kept = np.flatnonzero((reaction >= 0.08) & (reaction <= 2.0)).tolist()  # as float64 has these differences
    for preset_id in ("bwm-block", "bwm-stim", "bwm-choice", "bwm-feedback", "bwm-wheel"):
        assert of_ibl(preset_id, **late).index["event_id"].tolist() == kept
    assert of_ibl("bwm-block", probabilityLeft=[0.5, 0.8, 0.2, 0.5, 0.8]).index["event_id"].tolist() == [1, 2, 4]
    assert of_ibl("bwm-stim", probabilityLeft=[0.5, 0.8, 0.2, 0.5, 0.8]).index["event_id"].tolist() == [0, 1, 2, 3, 4]
    preset = load_preset("bwm-stim")
    assert isinstance(preset, AlignedPreset)
    assert preset.mask == load_rulebook("ibl-bwm-inclusion").trial_mask


@pytest.mark.parametrize(
    "column", ["stimOn_times", "choice", "feedback_times", "probabilityLeft", "firstMovement_times"]
)
def test_a_trial_that_lacks_something_has_no_window_of_the_published_sets(column: str) -> None:
    values = np.array(ibl_trials()[column], dtype=float)
    values[2] = NAN
    for preset_id in ("mtm-neds-5hz", "bwm-stim", "bwb-2026-choice", "bwb-2026-feedback"):
        assert of_ibl(preset_id, **{column: values.tolist()}).index["event_id"].tolist() == [0, 1, 3, 4]


def test_a_trial_without_a_choice_is_kept_by_the_brain_wide_map_alone() -> None:
    for preset_id, kept in (
        ("mtm-neds-2hz", [0, 2, 3, 4]),
        ("bwb-2026-choice", [0, 2, 3, 4]),
        ("bwm-stim", [0, 1, 2, 3, 4]),
    ):
        assert of_ibl(preset_id, choice=[1.0, 0.0, -1.0, 1.0, 1.0]).index["event_id"].tolist() == kept


def test_neds_counts_the_length_of_a_trial_from_the_go_cue_and_the_benchmark_not_at_all() -> None:
    long = {"feedback_times": [30.001, 50.002, 61.0, 81.0, 101.0], "goCue_times": [20.001, 40.001, 60.0, 80.0, 100.0]}
    assert of_ibl("mtm-neds-5hz", **long).index["event_id"].tolist() == [0, 2, 3, 4]  # 10.000 s and 10.001 s
    assert of_ibl("bwb-2026-feedback", **long).index["event_id"].tolist() == [0, 1, 2, 3, 4]
    slow = {"firstMovement_times": [19.99, 50.0, 70.1, 81.0, 101.0]}  # -0.01, 10.0 and 10.1 s of reaction time
    for preset_id in ("mtm-neds-5hz", "bwb-2026-stimulus"):
        assert of_ibl(preset_id, **slow).index["event_id"].tolist() == [1, 3, 4]


def test_the_lags_of_the_wheel_are_the_ten_bins_before_its_window() -> None:
    preset = load_preset("bwm-wheel")
    assert preset.bin_us == 20_000
    lags, target = preset.parts["lags"], preset.parts["target"]
    assert (lags.stop_us - lags.start_us) // 20_000 == 10
    assert (target.start_us, target.stop_us, lags.stop_us) == (-200_000, 1_000_000, -200_000)


@pytest.mark.parametrize(
    ("preset_id", "starts", "length", "n_bins"),
    [
        ("continuous-1s", [0.0, 1.0, 2.0, 3.0], 1.0, 50),
        ("forecast-1s", [0.0, 1.0, 2.0], 2.0, 100),
        ("mtm-unaligned", [0.0, 2.0], 2.0, 100),
        ("poyo-1s", [0.0, 1.0, 2.0, 3.0], 1.0, 0),
    ],
)
def test_windows_of_the_whole_session_follow_each_other(preset_id, starts, length, n_bins) -> None:
    index = windows_of(spikes_of([0.0, 1.5, 4.01]), UNITS, events_of("ibl"), [load_preset(preset_id)]).index
    assert index["start"].tolist() == starts
    assert (index["stop"] - index["start"]).tolist() == [length] * len(starts)
    assert (index["n_bins"] == n_bins).all()


def test_a_movie_is_cut_into_its_whole_seconds_and_a_forecast_needs_two() -> None:
    frames = [(10.0 + number / 30, 10.0 + (number + 1) / 30) for number in range(105)]  # 3.5 s
    table = shown("natural_movie_one", *frames, frame=np.arange(105.0))
    for preset_id, starts in (("natural-movie-1s", [10.0, 11.0, 12.0]), ("forecast-1s-movies", [10.0, 11.0])):
        events = events_of("allen_vc", presentations=table)
        index = windows_of(SPIKES, UNITS, events, [load_preset(preset_id)]).index
        assert index["start"].tolist() == starts
        assert index["event_id"].tolist() == [0] * len(starts)
    shuffled = table | {"stimulus_name": "natural_movie_one_shuffled"}
    none = windows_of(SPIKES, UNITS, events_of("allen_vc", presentations=shuffled), [load_preset("natural-movie-1s")])
    assert none.index.empty


def test_natural_scenes_have_their_250_ms_and_buffers_and_grey_frames_are_kept() -> None:
    scenes = shown("natural_scenes", (5.0, 5.25), (5.25, 5.5), (5.5, 5.75), frame=np.array([3.0, -1.0, 7.0]))
    events = events_of("allen_vc", presentations=scenes)
    preset, guide = load_presets(["natural-scenes-250ms", "natural-scenes-guide"])
    index = windows_of(SPIKES, UNITS, events, [preset, guide]).index
    scenes_index = index[index["preset"] == preset.id]
    assert scenes_index["start"].tolist() == [4.95, 5.2, 5.45]
    assert scenes_index["stop"].tolist() == [5.3, 5.55, 5.8]
    assert (scenes_index["n_bins"] == 35).all()
    guide_index = index[index["preset"] == guide.id]
    assert guide_index["stop"].tolist() == [5.5, 5.75, 6.0]
    assert (guide_index["n_bins"] == 55).all()
    assert (preset.parts["response"].start_us, preset.parts["response"].stop_us) == (0, 250_000)
    assert preset.marks == {"image-onset": 0}


def test_a_change_has_a_cycle_on_either_side() -> None:
    table = shown("Natural_Images", (5.0, 5.25), (5.75, 6.0), (6.5, 6.75), is_change=np.array([0.0, 1.0, 0.0]))
    index = windows_of(SPIKES, UNITS, events_of("allen_vbn", presentations=table), [load_preset("vbn-change")]).index
    assert (index["start"].tolist(), index["stop"].tolist(), index["n_bins"].tolist()) == ([5.0], [6.5], [150])


def test_the_published_data_set_has_13_bins_of_a_quarter_of_a_second_and_says_0_or_1() -> None:
    table = shown("flashes", (1.0, 1.2502), (3.25, 3.5))
    spikes = spikes_of([1.0, 1.005, 1.2599, 1.26, 3.25, 3.4999])
    windows = windows_of(spikes, UNITS, events_of("allen_vc", presentations=table), [load_preset("mlynarski-vcn")])
    assert windows.index["n_bins"].tolist() == [13, 13]
    counts = counted(windows, "mlynarski-vcn", spikes)
    assert counts[:, 0, 0].tolist() == [2, 1]  # readers get 0 and 1
    assert counts[:, 0, 12].tolist() == [1, 1]  # 0.24 to 0.26 s, without the spike at 0.26 s
    assert counts.sum() == 5


def test_the_longest_presentation_of_0_25_s_and_no_more_gives_13_bins_and_never_14() -> None:
    table = shown("gabors", *((0.25 * number, 0.25 * (number + 1)) for number in range(4, 40)))
    windows = windows_of(SPIKES, UNITS, events_of("allen_vc", presentations=table), [load_preset("mlynarski-vcn")])
    assert (windows.index["n_bins"] == 13).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_spike_on_an_edge_is_in_the_bin_that_it_begins(dtype: type) -> None:
    edges = 20.0 + np.arange(-25, 26) * 0.02
    # As upstream has them: exact edges of the bins, in either precision, and each of them in one bin or none.
    times = np.array([(20_000_000 + k * 20_000) / 1e6 for k in range(-25, 26)], dtype=dtype).astype(np.float64)
    spikes = spikes_of(np.concatenate([[0.0], times, [390.0]]))
    windows = of_ibl("stim-halves-500ms", spikes)
    counts = counted(windows, "stim-halves-500ms", spikes)[0, 0]
    exact = np.array([20.0 + (-500_000 + k * 20_000) / 1e6 for k in range(51)])
    naive = [int(((times >= low) & (times < high)).sum()) for low, high in pairwise(exact)]
    assert counts.tolist() == naive
    assert len(edges) == 51
    if dtype is np.float64:
        assert counts.tolist() == [1] * 50  # the spike at the last edge is in no bin of this window


def test_a_spike_at_minus_zero_is_in_the_first_bin() -> None:
    spikes = spikes_of([-0.0, 0.5, 1.999])
    grid = windows_of(spikes, UNITS, events_of("ibl"), [load_preset("continuous-1s")]).grids[20_000].count()
    assert grid[0, 0] == 1
    assert grid.sum() == 3


def test_the_benchmark_is_its_five_windows() -> None:
    presets = load_presets(["bwb-2026"])
    assert [preset.id for preset in presets] == [
        f"bwb-2026-{name}" for name in ("choice", "feedback", "stimulus", "movement", "block")
    ]
    assert all(preset.bin_us == 20_000 and "scored" in preset.parts for preset in presets)


def test_the_events_of_every_preset_are_stated_by_a_source() -> None:
    entries = [source_entry(name) for name in ("ibl", "allen_vc", "allen_vbn")]
    for preset_id in preset_ids():
        stated = named_preset(preset_id)
        for preset in load_presets([preset_id]) if isinstance(stated, PresetFamily) else [stated]:
            if isinstance(preset, AlignedPreset):
                assert any(preset.times(entry.events) for entry in entries), preset_id


def test_a_preset_of_the_task_has_no_windows_where_there_are_no_trials_of_it() -> None:
    events = events_of("allen_vc", presentations=shown("flashes", (1.0, 1.25)))
    windows = windows_of(SPIKES, UNITS, events, [load_preset("bwm-stim")])
    assert windows.index.empty
    assert [note.text for note in windows.notes] == [
        "no windows: its mask is of IBL's trials, and the event is one of presentations"
    ]
