"""Windows around events: which trials get one, windows that follow each other, lengths by kind, and no bins at all."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.session import ConfigError
from nh_platform.sources.registry import source_entry
from nh_platform.windows import AlignedPreset, ContinuousPreset, Windows, load_preset, load_presets
from nh_platform.windows.presets.preset_files import parse_preset
from nh_platform.windows.window_rows import planned_counts
from nh_platform_tests.windows.trains import events_of, spikes_of, trials, units_of, windows_of

SPIKES = spikes_of(np.arange(0.0, 60.0, 0.01))
UNITS = units_of("probe00")


def preset(text: str) -> AlignedPreset | ContinuousPreset:
    found = parse_preset(f"{{version: 1, description: d, why: w, {text}}}", "own.yaml")
    assert isinstance(found, AlignedPreset | ContinuousPreset)
    return found


def presentations(names: list[str], starts: list[float], stops: list[float]) -> dict[str, object]:
    return {
        "presentation_id": np.arange(len(names)),
        "stimulus_name": names,
        "stimulus_block": 0.0,
        "start_time": starts,
        "stop_time": stops,
        "valid": True,
    }


def laid_out(text: str, source: str = "allen_vc", **tables: object) -> Windows:
    return windows_of(SPIKES, UNITS, events_of(source, **tables), [preset(text)])


def test_the_mask_of_trials_is_that_of_the_rulebook() -> None:
    table = trials([1.0, 5.0, 9.0, 13.0]) | {
        "firstMovement_times": [1.07, 5.08, 11.0, 15.01],  # 0.08 and 2.0 s are kept, both sides of them are not
        "feedback_times": [2.0, 6.0, 12.0, 16.0],
        "probabilityLeft": 0.5,
        "feedbackType": 1.0,
        "goCue_times": [1.0, 5.0, 9.0, 13.0],
    }
    text = "id: a, kind: aligned, bin_us: 20000, event: stimulus onset, start_us: 0, stop_us: 20000, trial_mask: "
    windows = laid_out(text + "ibl-bwm-inclusion", "ibl", trials=table)
    assert windows.index["event_id"].tolist() == [1, 2]
    assert [note.text for note in windows.notes] == ["2 of 4 trials are left out by its filters"]
    own = "{reaction_time_min_s: 0, reaction_time_max_s: 10, not_nan: [choice], trial_length_max_s: 2.5, why: w}"
    assert laid_out(text + own, "ibl", trials=table).index["event_id"].tolist() == [0, 1]


def test_a_mask_of_trials_that_cannot_be_applied_is_a_note_and_an_unknown_one_is_refused() -> None:
    text = "id: a, kind: aligned, bin_us: 20000, event: stimulus onset, start_us: 0, stop_us: 20000, trial_mask: "
    own = "{reaction_time_min_s: 0, reaction_time_max_s: 10, not_nan: [no_column], why: w}"
    (note,) = laid_out(text + own, "ibl", trials=trials([1.0])).notes
    assert note.text.startswith("no windows: its mask of trials cannot be applied")
    with pytest.raises(ConfigError, match="Did you mean ibl-bwm-inclusion"):
        laid_out(text + "ibl-bwm-inclusio", "ibl", trials=trials([1.0]))
    with pytest.raises(ConfigError, match="rulebook ibl-2022-10: it has no trial mask"):
        laid_out(text + "ibl-2022-10", "ibl", trials=trials([1.0]))


def test_windows_follow_each_other_from_the_event_to_its_end() -> None:
    shown = presentations(["natural_scenes"] * 3, [1.0, 10.0, 20.0], [4.25, 11.0, 20.9])
    windows = laid_out(
        "id: a, kind: aligned, bin_us: 20000, event: stimulus onset, start_us: 0, stop_us: 1000000, "
        "stop_column: stop_time, every_us: 1000000",
        presentations=shown,
    )
    assert windows.index["start"].tolist() == [
        1.0,
        2.0,
        3.0,
        10.0,
    ]  # what is left of an event, and a short one, get none
    assert windows.index["stop"].tolist() == [2.0, 3.0, 4.0, 11.0]
    assert windows.index["event_id"].tolist() == [0, 0, 0, 1]
    assert (windows.index["n_bins"] == 50).all()


def test_the_longest_event_of_its_kind_counts() -> None:
    shown = presentations(["flashes", "flashes", "gabors"], [1.0, 3.0, 5.0], [1.25, 3.2502, 7.0])
    text = "id: a, kind: aligned, bin_us: 20000, event: stimulus onset, start_us: 0, stop_column: stop_time, "
    windows = laid_out(text + "stop_by: stimulus_name", presentations=shown)
    assert windows.index["n_bins"].tolist() == [13, 13, 100]  # 0.2502 s rounded up, never 14
    assert windows.index["stop"].tolist() == [1.0 + 0.26, 3.0 + 0.26, 7.0]
    with pytest.raises(ConfigError, match="they have 13, 100 bins"):
        planned_counts(windows.index, 0, 20_000, SPIKES, windows.masks, {}, 0)


def test_a_kind_without_a_length_is_named_and_the_others_have_windows() -> None:
    shown = presentations(["flashes", "gabors"], [1.0, 5.0], [1.25, 5.0])
    text = "id: a, kind: aligned, bin_us: 20000, event: stimulus onset, start_us: 0, stop_column: stop_time, "
    windows = laid_out(text + "stop_by: stimulus_name", presentations=shown)
    assert windows.index["event_id"].tolist() == [0]
    assert [note.text for note in windows.notes] == [
        "no windows: stimulus_name gabors: no event has a stop_time after its start"
    ]


def test_windows_without_bins_have_a_start_and_a_stop() -> None:
    windows = windows_of(
        spikes_of([0.3, 2.5, 4.1]),
        UNITS,
        events_of("ibl"),
        [preset("id: a, kind: continuous, bin_us: null, length_us: 1000000")],
    )
    assert windows.index["start"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert windows.index["valid"].tolist() == [False, True, True, True]
    assert (windows.index["n_bins"] == 0).all()
    assert windows.grids == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kind: continuous, length_us: 1000000", "'bin_us' is missing"),
        ("kind: continuous, bin_us: null, length_us: 1000000, binarise: true", "binarise needs bins"),
        (
            "kind: continuous, bin_us: null, length_us: 1000000, signals: [{signal: wheel_position, how: linear}]",
            "signals needs bins",
        ),
        (
            "kind: continuous, bin_us: 20000, length_us: 1000000, parts: {late: {start_us: 500000, stop_us: 1020000}}",
            "part late is 500000 to 1020000 us, and the window 0 us to 1000000 us",
        ),
        (
            "kind: continuous, bin_us: 20000, length_us: 1000000, parts: {odd: {start_us: 0, stop_us: 30000}}",
            "part odd has an edge at 30000 us, which is no edge of a bin of 20000 us",
        ),
        (
            "kind: continuous, bin_us: 20000, length_us: 1000000, parts: {none: {start_us: 40000, stop_us: 40000}}",
            "stop_us, 40000, is not after start_us, 40000",
        ),
        (
            "kind: continuous, bin_us: 20000, length_us: 1000000, signals: [{signal: wheel_position, how: cubic}]",
            "it is 'cubic', and it should be 'linear', 'hold', 'count' or 'circular'",
        ),
        ("kind: aligned, event: e, bin_us: null, start_us: 0, stop_us: 20, dense: true", "dense needs bins"),
        ("kind: aligned, event: e, bin_us: null, start_us: 0, stop_column: stop_time", "stop_column needs bins"),
        ("kind: aligned, event: e, bin_us: 20, start_us: 0, stop_us: 20, every_us: 20", "every_us needs stop_us"),
        ("kind: aligned, event: e, bin_us: 20, start_us: 0, stop_us: 20, stop_by: x", "stop_by says whose longest"),
        (
            "kind: aligned, event: e, bin_us: 20, start_us: 0, stop_column: x, stop_by: x, dense: true",
            "dense needs windows of one length",
        ),
        ("kind: family, members: []", "it should have at least 1 item"),
    ],
)
def test_what_a_preset_cannot_mean_is_refused(text: str, found: str) -> None:
    with pytest.raises(ConfigError, match=r"^own\.yaml:1, preset a") as caught:
        parse_preset(f"{{id: a, version: 1, description: d, why: w, {text}}}", "own.yaml")
    assert found in caught.value.found


def test_an_earlier_id_is_read_and_a_line_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert load_preset("continuous-1s-20ms") is load_preset("continuous-1s")
    assert caplog.messages == ["window preset continuous-1s-20ms is called continuous-1s now; it is read all the same"]
    with pytest.raises(ConfigError, match="'stim-halves-500ms' is named twice"):
        load_presets(["stim-halves-500ms", "stim-aligned-500ms-20ms"])


def test_every_source_states_where_the_events_of_the_default_windows_lie() -> None:
    for source in ("ibl", "allen_vc", "allen_vbn"):
        entry = source_entry(source)
        halves = load_preset("stim-halves-500ms")
        assert isinstance(halves, AlignedPreset)
        assert halves.times(entry.events) is not None
        assert entry.presets == ("continuous-1s", "stim-halves-500ms")
