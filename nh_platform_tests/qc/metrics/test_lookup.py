"""The register of definitions: complete, unique, computed, found again by a mistyped id, light to import."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from nh_platform.qc.metrics import DEFAULT_IDS, METRICS, MetricDefinition, amplitude_metrics, definition, time_metrics
from nh_platform.qc.metrics.definitions.ibl_labels import DERIVED
from nh_platform.qc.metrics.definitions.metric_definition import ID_PATTERN
from nh_platform.session import ConfigError
from nh_platform.session.tables.units import RECOMPUTED


def test_every_definition_is_computed_once_and_every_computed_id_is_defined():
    families = [*time_metrics.FAMILIES, *amplitude_metrics.FAMILIES]
    computed = [metric_id for family in families for metric_id in family.ids]
    assert sorted([*computed, *DERIVED, "ibl.spike_count@2022-10"]) == sorted(METRICS)


def test_a_family_needs_what_its_definitions_say():
    for family in (*time_metrics.FAMILIES, *amplitude_metrics.FAMILIES):
        assert {METRICS[metric_id].needs for metric_id in family.ids} == {family.needs}


def test_ids_are_columns_of_the_units_table():
    assert RECOMPUTED.pattern == ID_PATTERN
    for metric_id, known in METRICS.items():
        assert re.fullmatch(RECOMPUTED.pattern, metric_id)
        assert known.dtype in RECOMPUTED.dtypes
        assert f"{known.family}.{known.name}@{known.version}" == metric_id


def test_all_twenty_ibl_columns_are_there_by_upstream_name():
    names = {known.name for known in METRICS.values() if known.family == "ibl" and known.version == "2022-10"}
    assert names == {
        "spike_count", "firing_rate", "presence_ratio", "presence_ratio_std", "amp_min", "amp_max", "amp_median",
        "amp_std_dB", "contamination", "contamination_alt", "slidingRP_viol", "slidingRP_viol_forced",
        "max_confidence", "min_contamination", "rp_min_val", "n_spikes_below2", "noise_cutoff", "missed_spikes_est",
        "drift", "label", "bitwise_fail",
    }  # fmt: skip


def test_every_definition_has_meaning_formula_source_and_edge_cases():
    assert all(known.edge_cases and known.source and known.formula and known.meaning for known in METRICS.values())


def test_superseded_definitions_are_computed_on_request_only():
    assert "ibl.noise_cutoff@2022-03" in METRICS
    assert not any(metric_id.endswith("@2022-03") for metric_id in DEFAULT_IDS)


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("ibl.noise_cutoff@4.1", ["ibl.noise_cutoff@2022-10", "ibl.noise_cutoff@2022-03"]),
        ("noise_cutoff", ["ibl.noise_cutoff@2022-10"]),
        ("allen.presence_ration@2019", ["allen.presence_ratio@2019"]),
        ("xyz", ["METRICS"]),
    ],
)
def test_an_unknown_id_names_the_closest_ones(asked, offered):
    with pytest.raises(ConfigError) as raised:
        definition(asked)
    assert asked in str(raised.value)
    for name in offered:
        assert name in str(raised.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "noise_cutoff"},
        {"id": "IBL.noise_cutoff@1"},
        {"dtype": "float16"},
        {"needs": ("waveforms",)},
        {"needs": ()},
    ],
)
def test_a_malformed_definition_is_refused(wrong):
    fields = {
        "id": "nh.x@1", "meaning": "m", "formula": "f", "unit": "1", "needs": ("times",), "edge_cases": "e",
        "source": "s",
    }  # fmt: skip
    with pytest.raises(ValueError, match="metric"):
        MetricDefinition(**{**fields, **wrong})


def test_definitions_load_without_numba_and_scipy():
    code = "import sys, nh_platform.qc.metrics; print([m for m in ('numba', 'scipy', 'llvmlite') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
