"""The rulebooks that reviewers bring from AIND's pipeline and bombcell label a table as those tools' thresholds say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.rule_columns import MissingColumn
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.qc.unit_columns import metric_ids
from nh_platform.sources.registry import sources

NAN = float("nan")


def table(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({f"spikeinterface.{name}@0.105": values for name, values in columns.items()})


def test_aind_of_2026_has_inclusive_bounds_and_nan_fails() -> None:
    """`qc_thresholds` of aind-ephys-curation 118e17d, by threshold_metrics_label_units with its default NaN policy."""
    units = table(
        rp_contamination=[0.5, 0.501, 0.0, 0.0, NAN, 0.0, 0.0],
        presence_ratio=[0.8, 1.0, 0.799, 1.0, 1.0, NAN, 1.0],
        amplitude_cutoff=[0.1, 0.0, 0.0, 0.101, 0.0, 0.0, NAN],
    )
    verdicts = apply_rulebook(units, load_rulebook("aind-2026-06"))
    assert verdicts.good.tolist() == [True, False, False, False, False, False, False]
    assert verdicts.failed.tolist() == [0, 1, 2, 4, 1, 2, 4]
    assert verdicts.label.tolist() == [1, 0, 0, 0, 0, 0, 0]


def test_aind_before_june_2026_is_the_query_with_strict_bounds() -> None:
    units = table(
        isi_violations_ratio=[0.5, 0.49, 0.49, 0.49, NAN],
        presence_ratio=[0.9, 0.8, 0.81, 0.81, 0.9],
        amplitude_cutoff=[0.0, 0.0, 0.1, 0.09, 0.0],
    )
    plain = units.set_axis(["isi_violations_ratio", "presence_ratio", "amplitude_cutoff"], axis=1)
    kept = plain.query("isi_violations_ratio < 0.5 and presence_ratio > 0.8 and amplitude_cutoff < 0.1").index
    verdicts = apply_rulebook(units, load_rulebook("aind-2024-02"))
    assert np.flatnonzero(verdicts.good).tolist() == kept.tolist() == [3]


def test_bombcell_leaves_out_what_is_not_known_but_for_the_refractory_test() -> None:
    good = {
        "amplitude_median": 30e-6, "amplitude_cutoff": 0.2, "num_spikes": 300.0, "sliding_rp_violation": 0.1,
        "presence_ratio": 0.7, "drift_ptp": 100.0,
    }  # fmt: skip
    wrong = {
        "amplitude_median": 29.9e-6, "amplitude_cutoff": 0.201, "num_spikes": 299.0, "sliding_rp_violation": 0.105,
        "presence_ratio": 0.699, "drift_ptp": 100.1,
    }  # fmt: skip
    rows = [good, *({**good, name: value} for name, value in wrong.items()), *({**good, name: NAN} for name in good)]
    units = table(**{name: [row[name] for row in rows] for name in good})
    verdicts = apply_rulebook(units, load_rulebook("bombcell-2026-10"), missing="nan")
    unknown = [True, True, True, False, True, True]
    assert verdicts.good.tolist() == [True, *[False] * 6, *unknown]
    with_snr = units.assign(**{"spikeinterface.snr@0.105": [4.9] + [5.0] * (len(units) - 1)})
    judged = apply_rulebook(with_snr, load_rulebook("bombcell-2026-10"))
    assert judged.good.tolist() == [False, *[False] * 6, *unknown]
    assert judged.reasons()[0] == "snr 4.9 < 5"


def test_tables_that_the_tools_write_are_labelled_as_they_are() -> None:
    """Columns of SpikeInterface's `quality_metrics.csv`: amplitudes in µV, negative where the peaks are."""
    metrics = pd.DataFrame(
        {
            "rp_contamination": [0.1, 0.1, 0.6],
            "isi_violations_ratio": [0.1, 0.5, 0.1],
            "presence_ratio": [0.8, 0.9, 0.9],
            "amplitude_cutoff": [0.1, 0.05, 0.05],
            "amplitude_median": [-31.0, -29.0, 80.0],
            "snr": [5.0, 9.0, 9.0],
            "num_spikes": [300, 4000, 4000],
            "sliding_rp_violation": [0.1, 0.05, NAN],
            "drift_ptp": [NAN, 3.0, 3.0],
        }
    )
    labels = {name: apply_rulebook(metrics, load_rulebook(name)).good.tolist() for name in
              ("aind-2026-06", "aind-2024-02", "bombcell-2026-10")}  # fmt: skip
    assert labels == {
        "aind-2026-06": [True, True, False],
        "aind-2024-02": [False, False, True],
        "bombcell-2026-10": [True, False, False],
    }


def test_names_of_a_release_are_not_read_as_those_of_the_tools() -> None:
    released = pd.DataFrame({"presence_ratio": [0.99], "amplitude_cutoff": [0.01], "isi_violations": [0.1]})
    with pytest.raises(MissingColumn, match="rp_contamination"):
        apply_rulebook(released, load_rulebook("aind-2026-06"))
    own = released.add_prefix("released.").assign(**{"released.rp_contamination": [0.1], "review": "none"})
    for value_source in (None, "released"):
        with pytest.raises(MissingColumn):
            apply_rulebook(own, load_rulebook("aind-2026-06"), value_source=value_source)


def test_they_are_offered_and_no_source_is_judged_by_them_unasked() -> None:
    names = {"aind-2026-06", "aind-2024-02", "bombcell-2026-10"}
    for entry in sources().values():
        configured = {entry.rulebook, *entry.also_rulebooks}
        assert not names & configured
        computed = metric_ids(load_rulebook(name) for name in configured)
        assert not [name for name in computed if name.startswith("spikeinterface.")]


@pytest.mark.parametrize("name", ["aind-2026-06", "bombcell-2026-10"])
def test_their_metrics_are_computed_where_they_are_configured(name: str) -> None:
    book = load_rulebook(name)
    computed = {rule.metric for rule in book.rules} - {"spikeinterface.snr@0.105"}
    assert computed <= set(metric_ids([book]))
