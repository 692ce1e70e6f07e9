"""The register of definitions: complete, unique, computed, found again by a mistyped id, light to import."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from nh_platform.qc.metrics import (
    DEFAULT_IDS,
    METRICS,
    MetricDefinition,
    MetricGroup,
    definition,
)
from nh_platform.qc.metrics.compute import GROUPS
from nh_platform.qc.metrics.definitions.ibl_labels import DERIVED
from nh_platform.qc.metrics.definitions.metric_definition import ID_PATTERN
from nh_platform.session import ConfigError
from nh_platform.session.tables.units import RECOMPUTED


def test_every_definition_is_computed_once_and_every_computed_id_is_defined() -> None:
    computed = [metric_id for group in GROUPS for metric_id in group.ids]
    assert sorted([*computed, *DERIVED, "ibl.spike_count@2022-10"]) == sorted(METRICS)


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ((), "not the same needs"),
        (("ibl.drift@2022-10", "ibl.amp_min@2022-10"), "not the same needs"),
        (("ibl.spike_count@2022-10",), "not float64"),
    ],
)
def test_a_group_of_metrics_that_cannot_be_computed_together_is_refused(ids, found) -> None:
    with pytest.raises(ValueError, match=found):
        MetricGroup(tuple(METRICS[metric_id] for metric_id in ids), lambda *_: None)


def test_ids_are_columns_of_the_units_table() -> None:
    assert RECOMPUTED.name == ID_PATTERN
    for metric_id, known in METRICS.items():
        assert re.fullmatch(RECOMPUTED.name, metric_id)
        assert known.dtype in RECOMPUTED.dtypes
        assert f"{known.defined_by}.{known.name}@{known.version}" == metric_id


def test_all_twenty_ibl_columns_are_there_by_upstream_name() -> None:
    names = {known.name for known in METRICS.values() if known.defined_by == "ibl" and known.version == "2022-10"}
    assert names == {
        "spike_count", "firing_rate", "presence_ratio", "presence_ratio_std", "amp_min", "amp_max", "amp_median",
        "amp_std_dB", "contamination", "contamination_alt", "slidingRP_viol", "slidingRP_viol_forced",
        "max_confidence", "min_contamination", "rp_min_val", "n_spikes_below2", "noise_cutoff", "missed_spikes_est",
        "drift", "label", "bitwise_fail",
    }  # fmt: skip


def test_every_definition_has_meaning_formula_source_and_edge_cases() -> None:
    assert all(known.edge_cases and known.source and known.formula and known.meaning for known in METRICS.values())


def test_superseded_definitions_are_computed_on_request_only() -> None:
    assert "ibl.noise_cutoff@2022-03" in METRICS
    assert not any(metric_id.endswith("@2022-03") for metric_id in DEFAULT_IDS)


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("ibl.noise_cutoff@4.1", ["ibl.noise_cutoff@2022-10", "ibl.noise_cutoff@2022-03"]),
        ("noise_cutoff", ["ibl.noise_cutoff@2022-10"]),
        ("allen.presence_ration@2019", ["allen.presence_ratio@2019"]),
        ("xyz", ["known_metrics"]),
    ],
)
def test_an_unknown_id_names_the_closest_ones(asked, offered) -> None:
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
def test_a_malformed_definition_is_refused(wrong) -> None:
    fields = {
        "id": "nh.x@1", "meaning": "m", "formula": "f", "unit": "1", "needs": ("times",), "edge_cases": "e",
        "source": "s",
    }  # fmt: skip
    with pytest.raises(ValueError, match="metric"):
        MetricDefinition(**{**fields, **wrong})


def test_definitions_load_without_numba_and_scipy() -> None:
    code = "import sys, nh_platform.qc.metrics; print([m for m in ('numba', 'scipy', 'llvmlite') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
