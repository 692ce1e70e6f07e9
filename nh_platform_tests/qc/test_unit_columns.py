"""What the columns of `units` are: which metrics are computed, and unit and meaning of each."""

from __future__ import annotations

import pytest

from nh_platform.qc.metrics import DEFAULT_IDS, METRICS
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.unit_columns import column_meanings, metric_ids
from nh_platform.session import ConfigError
from nh_platform.sources.counterparts import Counterpart
from nh_platform.sources.registry import source_entry, source_names, sources
from nh_platform_tests.lab_packages import lab_entry


def test_what_a_rulebook_names_is_computed_besides_the_defaults() -> None:
    assert metric_ids([load_rulebook("ibl-2022-10")]) == DEFAULT_IDS
    both = metric_ids([load_rulebook("ibl-2022-10"), load_rulebook("ibl-2022-03")])
    assert set(both) - set(DEFAULT_IDS) == {"ibl.noise_cutoff@2022-03", "ibl.slidingRP_viol@2022-03"}
    assert list(both) == [metric_id for metric_id in METRICS if metric_id in both]
    # What only a release states has no formula.
    assert metric_ids([load_rulebook("allen-vc-default")]) == DEFAULT_IDS


@pytest.mark.parametrize("source", source_names())
@pytest.mark.parametrize("metric_id", METRICS)
def test_a_recomputed_metric_has_the_words_of_its_definition(source, metric_id) -> None:
    assert column_meanings(source_entry(source))(metric_id) == (METRICS[metric_id].unit, METRICS[metric_id].meaning)


@pytest.mark.parametrize(
    ("source", "name", "unit", "part"),
    [
        ("allen_vc", "released.amplitude", "V", "volts"),
        ("allen_vc", "released.waveform_duration", "ms", "trough"),
        ("allen_vc", "released.presence_ratio", "1", METRICS["allen.presence_ratio@2019"].meaning),
        ("ibl", "released.presence_ratio", "1", METRICS["ibl.presence_ratio@2022-10"].meaning),
        ("ibl", "released.amp_median", "V", METRICS["ibl.amp_median@2022-10"].meaning),
        ("ibl", "released.rp_min_val", METRICS["ibl.rp_min_val@2022-10"].unit, "as the release states it"),
        ("ibl", "released.ks2_label", "-", "Kilosort"),
        ("allen_vbn", "released.quality", "-", "good or noise"),
    ],
)
def test_a_released_metric_has_its_unit_and_says_that_it_is_the_releases(source, name, unit, part) -> None:
    found = column_meanings(source_entry(source))(name)
    assert found is not None
    assert found[0] == unit
    assert part in found[1]


def test_a_column_of_which_nothing_is_known_gets_no_words() -> None:
    assert column_meanings(source_entry("ibl"))("released.something_new") is None
    assert column_meanings(source_entry("ibl"))("label.ibl-2022-10") is None
    assert column_meanings(lab_entry("toy"))("released.firing_rate") is None
    assert column_meanings(lab_entry("toy"))("nh.cv@1") is not None


def test_a_lab_states_its_own_columns_and_whose_definitions_have_their_names() -> None:
    words = column_meanings(
        lab_entry(
            "toy",
            released_words={"snr": ("1", "Signal to noise ratio")},
            counterparts=(Counterpart("rate", "nh.cv@1"),),
            definer="ibl",
        )
    )
    assert words("released.snr") == ("1", "Signal to noise ratio (as the release states it)")
    assert words("released.rate") == (
        METRICS["nh.cv@1"].unit,
        f"{METRICS['nh.cv@1'].meaning} (as the release states it)",
    )
    assert words("released.amp_median") == column_meanings(source_entry("ibl"))("released.amp_median")


def test_a_column_that_stands_for_no_definition_is_refused_with_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"'nh\.cv@7'.*Closest: nh\.cv@1"):
        column_meanings(lab_entry("toy", counterparts=(Counterpart("rate", "nh.cv@7"),)))


def test_the_table_of_released_columns_repeats_no_definition() -> None:
    for entry in sources().values():
        assert entry.released_words
        assert not {one.column for one in entry.counterparts} & set(entry.released_words)
        assert all(unit and meaning for unit, meaning in entry.released_words.values())
