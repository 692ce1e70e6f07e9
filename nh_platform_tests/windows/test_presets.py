"""Presets say exactly which windows they mean; what they cannot mean is refused with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.session import ConfigError
from nh_platform.sources.registry import sources
from nh_platform.windows import AlignedPreset, ContinuousPreset, load_preset, load_presets
from nh_platform.windows.presets.preset_files import parse_preset

CONTINUOUS = """\
# a comment
id: c
version: 1
kind: continuous
bin_us: 20_000
length_us: 1_000_000
description: d
why: w
"""
ALIGNED = """\
id: a
version: 1
kind: aligned
bin_us: 20_000
event: stimulus onset
start_us: -500_000
stop_us: 1_500_000
description: d
why: w
"""


def test_every_source_states_the_events_of_its_presets() -> None:
    for entry in sources().values():
        presets = load_presets(entry.presets)
        assert {"continuous-1s", "stim-halves-500ms"} <= {preset.id for preset in presets}
        for preset in presets:
            assert not isinstance(preset, AlignedPreset) or preset.times(entry.events)


def test_the_shipped_presets_are_50_bins_of_20_ms() -> None:
    continuous, aligned = load_presets(["continuous-1s", "stim-halves-500ms"])
    assert isinstance(continuous, ContinuousPreset)
    assert (continuous.n_bins, continuous.bin_us) == (50, 20_000)
    assert isinstance(aligned, AlignedPreset)
    assert aligned.stop_us is not None
    assert (aligned.stop_us - aligned.start_us) / aligned.bin_us == 50
    ibl, allen = (aligned.times(sources()[source].events) for source in ("ibl", "allen_vc"))
    assert ibl is not None
    assert ibl.label == "trials.stimOn_times"
    assert allen is not None
    assert allen.filters[0].exclude == ("spontaneous",)


@pytest.mark.parametrize(
    ("text", "old", "new", "where", "found"),
    [
        (CONTINUOUS, "length_us", "lenght_us", "6, preset c, lenght_us", "unknown key 'lenght_us'"),
        (CONTINUOUS, "why: w\n", "", "2, preset c, why", "'why' is missing"),
        (
            CONTINUOUS,
            "1_000_000",
            "1_010_000",
            "6, preset c, length_us",
            "a length of 1010000 us is not a whole number of bins of 20000 us; 1000000 and 1020000 are",
        ),
        (CONTINUOUS, "why: w", "why: w\nstep_us: 30_000", "9, preset c, step_us", "30000 us is not a whole number of"),
        (CONTINUOUS, "why: w", "why: w\nsources: all", "9, preset c, sources", "unknown key 'sources'"),
        (CONTINUOUS, "why: w", "why: w\ncrop_us: 20_000", "9, preset c, crop_us", "unknown key 'crop_us'"),
        (CONTINUOUS, "20_000", "0.02", "5, preset c, bin_us", "it is 0.02, and a whole number is expected"),
        (CONTINUOUS, "continuous", "sliding", "4, preset c, kind", "it should be one of 'continuous', 'aligned'"),
        (CONTINUOUS, "kind: continuous\n", "", "2, preset c, kind", "'kind' is missing"),
        (CONTINUOUS, "continuous", "[continuous]", "4, preset c, kind", "it is a list"),
        (CONTINUOUS, "id: c", "id: Not OK", "2, preset Not OK, id", "it should match pattern"),
        (CONTINUOUS, "id: c\n", "", "2, preset without id, id", "'id' is missing"),
        (CONTINUOUS, "why: w", "why: w\nwhy: v", "9", "the key 'why' stands twice"),
        (
            ALIGNED,
            "1_500_000",
            "-600_000",
            "7, preset a, stop_us",
            "-600000 is not after start_us, -500000; the least is -480000",
        ),
        (ALIGNED, "1_500_000", "1_510_000", "7, preset a, stop_us", "a length of 2010000 us is not a whole number"),
        (ALIGNED, "stop_us: 1_500_000\n", "", "1, preset a", "it needs either stop_us or stop_column"),
        (
            ALIGNED,
            "why: w",
            "why: w\nfilters:\n  - column: choice",
            "11, preset a, filters.0",
            "needs include, exclude,",
        ),
        (ALIGNED, "-500_000", "-86_400_000_001", "6, preset a, start_us", "-86400000000"),
        (ALIGNED, "1_500_000", "9_000_000_000_000", "7, preset a, stop_us", "86400000000"),
        (CONTINUOUS, "1_000_000", "9_000_000_000_000", "6, preset c, length_us", "86400000000"),
        (ALIGNED, "why: w", "why: w\nfilters: [{column: x, minimum: .nan}]", "10, preset a, filters.0", "no number"),
        (
            ALIGNED,
            "why: w",
            "why: w\nfilters: [{column: x, minimum: 2, maximum: 1}]",
            "10, preset a, filters.0",
            "a minimum, 2.0, above its maximum, 1.0",
        ),
        (ALIGNED, "why: w", "why: w\nfilters: [{kolumn: x}]", "10, preset a, filters.0.kolumn", "unknown key 'kolumn'"),
        (ALIGNED, "kind: aligned", "kind: [", "", "not valid YAML"),
    ],
)
def test_a_wrong_preset_is_refused_with_file_line_preset_and_key(
    text: str, old: str, new: str, where: str, found: str
) -> None:
    assert old in text
    with pytest.raises(ConfigError) as caught:
        parse_preset(text.replace(old, new), "p.yaml")
    assert caught.value.thing.startswith(f"p.yaml:{where}")
    assert found in caught.value.found


@pytest.mark.parametrize("text", ["", "- id: a", "3", "# nothing"])
def test_a_file_that_is_no_preset_is_refused(text: str) -> None:
    with pytest.raises(
        ConfigError, match=r"p\.yaml:1, preset without id: .* keys and values are expected\. Start from"
    ):
        parse_preset(text, "p.yaml")


def test_an_unknown_id_gets_close_ones() -> None:
    with pytest.raises(ConfigError, match="Did you mean continuous-1s"):
        load_preset("continous-1s")


def test_a_preset_of_your_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(CONTINUOUS)
    assert load_preset(str(path)) == parse_preset(CONTINUOUS, "c")
    path.write_text(CONTINUOUS.replace("1_000_000", "2_000_000"))
    assert load_preset(str(path)).stated["length_us"] == 2_000_000
    with pytest.raises(ConfigError, match=r"none\.yaml: it cannot be read"):
        load_preset(str(tmp_path / "none.yaml"))


def test_a_preset_of_your_own_cannot_take_the_id_of_a_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(CONTINUOUS.replace("id: c", "id: continuous-1s"))
    assert load_preset(str(path)).id == "continuous-1s"  # only its words differ
    path.write_text(path.read_text().replace("20_000", "10_000"))
    with pytest.raises(ConfigError, match="its id is that of the shipped 'continuous-1s', and its windows are"):
        load_preset(str(path))


def test_two_presets_of_one_id_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(CONTINUOUS)
    with pytest.raises(ConfigError, match=r"mine\.yaml: its id 'c' is named twice"):
        load_presets([str(path), "continuous-1s", str(path)])


def test_better_words_do_not_move_the_content_version_and_other_windows_do() -> None:
    version = parse_preset(CONTINUOUS, "p").content_version({})
    for words in ("why: better", "why: w\nreferences: [r]", "why: w\nstep_us: 1_000_000", "why: w\nbinarise: false"):
        assert parse_preset(CONTINUOUS.replace("why: w", words), "p").content_version({}) == version
    for other in ("why: w\nstep_us: 500_000", "why: w\nbinarise: true"):
        assert parse_preset(CONTINUOUS.replace("why: w", other), "p").content_version({}) != version
    for old, new in (("1_000_000", "2_000_000"), ("version: 1", "version: 2"), ("id: c", "id: d")):
        assert parse_preset(CONTINUOUS.replace(old, new), "p").content_version({}) != version


STATED = "version: 1, description: d, why: w"
PUBLISHED = {
    "mtm": """kind: aligned, bin_us: 20_000, event: stimulus onset, start_us: -500_000, stop_us: 1_500_000, filters: [
        {column: firstMovement_times, minus: stimOn_times, minimum: 0, maximum: 10},
        {column: stop_time, minus: start_time, maximum: 10}, {column: choice, exclude: [0]}]""",
    "mtm-unaligned": "kind: continuous, bin_us: 20_000, length_us: 2_000_000",
    "poyo-ibl": "kind: aligned, bin_us: 20_000, event: stimulus onset, start_us: -500_000, stop_us: 1_500_000",
    "bwm-block": """kind: aligned, bin_us: 300_000, event: stimulus onset, start_us: -400_000, stop_us: -100_000,
        filters: [{column: probabilityLeft, exclude: [0.5]}]""",
    "ibl-bwm-2025": "kind: aligned, bin_us: 20_000, event: feedback, start_us: 0, stop_us: 1_000_000",
    "mlynarski-vcn": """kind: aligned, bin_us: 20_000, event: stimulus onset, start_us: 0, stop_column: stop_time,
        binarise: true, filters: [{column: stimulus_name, include: [gabors]}]""",
    "nlb-mc-maze": "kind: aligned, bin_us: 5_000, event: first movement, start_us: -250_000, stop_us: 450_000",
}


def test_the_published_presets_of_the_field_can_be_written() -> None:
    presets = {name: parse_preset(f"{{id: {name}, {STATED}, {text}}}", name) for name, text in PUBLISHED.items()}
    block, mtm, whole = presets["bwm-block"], presets["mtm"], presets["mlynarski-vcn"]
    assert isinstance(block, AlignedPreset)
    assert block.stop_us is not None
    assert block.bin_us == block.stop_us - block.start_us
    assert isinstance(mtm, AlignedPreset)
    assert mtm.filters[0].minus == "stimOn_times"
    assert isinstance(whole, AlignedPreset)
    assert whole.stop_us is None
    events = sources()["ibl"].events
    assert all(preset.event in events for preset in presets.values() if isinstance(preset, AlignedPreset))
