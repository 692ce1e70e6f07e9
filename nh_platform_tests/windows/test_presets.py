"""Presets say exactly which windows they mean; what they cannot mean is refused with the line."""

import pytest

from nh_platform.session import ConfigError
from nh_platform.windows.presets.preset_files import get_preset, load_presets, parse_presets, presets_for

CONTINUOUS = """
- id: c
  version: 1
  kind: continuous
  bin_us: 20_000
  length_us: 1_000_000
  sources: all
  description: d
  why: w
"""
ALIGNED = """
- id: a
  version: 1
  kind: aligned
  bin_us: 20_000
  start_us: -500_000
  stop_us: 1_500_000
  alignments: [{sources: [ibl], table: trials, column: stimOn_times}]
  description: d
  why: w
"""


def test_every_source_has_a_continuous_and_an_aligned_preset():
    for source in ("ibl", "allen_vc", "allen_vbn"):
        ids = [preset.id for preset in presets_for(source)]
        assert {"continuous-1s-20ms", "stim-aligned-500ms-20ms"} <= set(ids)


def test_the_shipped_presets_are_50_bins_of_20_ms():
    continuous, aligned = get_preset("continuous-1s-20ms"), get_preset("stim-aligned-500ms-20ms")
    assert (continuous.n_bins, continuous.bin_us) == (50, 20_000)
    assert (aligned.stop_us - aligned.start_us) / aligned.bin_us == 50
    assert aligned.alignment("ibl").label == "trials.stimOn_times"
    assert aligned.alignment("allen_vc").filters[0].exclude == ("spontaneous",)


def test_a_source_without_alignment_does_not_suit():
    preset = parse_presets(ALIGNED, "p.yaml")["a"]
    assert not preset.suits("allen_vc")
    with pytest.raises(ConfigError, match="no alignment for source 'allen_vc'"):
        preset.alignment("allen_vc")


@pytest.mark.parametrize(
    ("text", "old", "new", "where", "found"),
    [
        (CONTINUOUS, "length_us", "lenght_us", "6, preset c, lenght_us", "unknown key 'lenght_us'"),
        (CONTINUOUS, "1_000_000", "1_010_000", "2, preset c", "not a whole number of bins"),
        (CONTINUOUS, "20_000", "0.02", "5, preset c, bin_us", "it is 0.02, and a whole number is expected"),
        (CONTINUOUS, "continuous", "sliding", "4, preset c, kind", "it should be one of 'continuous', 'aligned'"),
        (CONTINUOUS, "  kind: continuous\n", "", "2, preset c, kind", "'kind' is missing"),
        (CONTINUOUS, "id: c", "id: Not OK", "2, preset Not OK, id", "it should match pattern"),
        (ALIGNED, "stop_us: 1_500_000", "stop_us: -600_000", "2, preset a", "is not after"),
        (ALIGNED, "stop_us: 1_500_000", "stop_us: 1_510_000", "2, preset a", "whole number of bins"),
        (ALIGNED, "  stop_us: 1_500_000\n", "", "2, preset a", "either stop_us or stop_column"),
        (
            ALIGNED,
            "column: stimOn_times",
            "column: stimOn_times, filters: [{column: choice}]",
            "8, preset a, alignments",
            "",
        ),
    ],
)
def test_a_wrong_preset_is_refused_with_file_line_preset_and_key(text, old, new, where, found):
    assert old in text
    with pytest.raises(ConfigError) as caught:
        parse_presets(text.replace(old, new), "p.yaml")
    assert caught.value.thing.startswith(f"p.yaml:{where}")
    assert found in caught.value.found


def test_the_same_id_twice_is_refused():
    with pytest.raises(ConfigError, match="preset c: it is stated twice"):
        parse_presets(CONTINUOUS + CONTINUOUS, "p.yaml")


@pytest.mark.parametrize("text", ["", "a: 1", "- [", "- 3"])
def test_a_file_that_is_no_list_of_presets_is_refused(text):
    with pytest.raises(ConfigError, match=r"p\.yaml"):
        parse_presets(text, "p.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        load_presets(tmp_path / "none.yaml")


def test_an_unknown_id_gets_close_ones():
    with pytest.raises(ConfigError, match="Did you mean continuous-1s-20ms"):
        get_preset("continous-1s")


def test_better_words_do_not_move_the_content_version_and_other_windows_do():
    version = parse_presets(CONTINUOUS, "p")["c"].content_version
    assert parse_presets(CONTINUOUS.replace("why: w", "why: better"), "p")["c"].content_version == version
    assert parse_presets(CONTINUOUS.replace("1_000_000", "2_000_000"), "p")["c"].content_version != version


PUBLISHED = """
- {id: mtm, version: 1, kind: aligned, bin_us: 20_000, start_us: -500_000, stop_us: 1_500_000, description: d, why: w,
   alignments: [{sources: [ibl], table: trials, column: stimOn_times, filters: [
     {column: firstMovement_times, minus: stimOn_times, minimum: 0, maximum: 10},
     {column: stop_time, minus: start_time, maximum: 10}, {column: choice, exclude: [0]}]}]}
- {id: mtm-unaligned, version: 1, kind: continuous, bin_us: 20_000, length_us: 2_000_000, sources: [ibl],
   description: d, why: w}
- {id: poyo-ibl, version: 1, kind: aligned, bin_us: 20_000, start_us: -500_000, stop_us: 1_500_000,
   alignments: [{sources: [ibl], table: trials, column: stimOn_times}],
   description: d, why: w}
- {id: bwm-block, version: 1, kind: aligned, bin_us: 300_000, start_us: -400_000, stop_us: -100_000,
   alignments: [{sources: [ibl], table: trials, column: stimOn_times,
                 filters: [{column: probabilityLeft, exclude: [0.5]}]}],
   description: d, why: w}
- {id: ibl-bwm-2025, version: 1, kind: aligned, bin_us: 20_000, start_us: 0, stop_us: 1_000_000,
   alignments: [{sources: [ibl], table: trials, column: feedback_times}], description: d, why: w}
- {id: mlynarski-vcn, version: 1, kind: aligned, bin_us: 20_000, start_us: 0, stop_column: stop_time, binarise: true,
   alignments: [{sources: [allen_vc], table: presentations, column: start_time,
                 filters: [{column: stimulus_name, include: [gabors]}]}], description: d, why: w}
- {id: nlb-mc-maze, version: 1, kind: aligned, bin_us: 5_000, start_us: -250_000, stop_us: 450_000,
   alignments: [{sources: [ibl], table: trials, column: firstMovement_times}], description: d, why: w}
"""


def test_the_published_presets_of_the_field_can_be_written():
    presets = parse_presets(PUBLISHED, "published.yaml")
    assert len(presets) == 7
    assert presets["bwm-block"].bin_us == presets["bwm-block"].stop_us - presets["bwm-block"].start_us
    assert presets["mtm"].alignment("ibl").filters[0].minus == "stimOn_times"
    assert presets["mlynarski-vcn"].stop_us is None
