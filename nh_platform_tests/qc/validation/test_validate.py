"""Sensitivity and specificity: what is counted, what is stated as truth, and that the committed table is current."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nh_platform
from nh_platform.operations.rule_validation import N_SESSIONS, SEED, SIZE, rulebooks_of, simulated_units, validate_rules
from nh_platform.operations.simulated.simulated_sources import simulated_sources
from nh_platform.qc.metrics import METRICS
from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids
from nh_platform.qc.validation.truth import CONDITIONS, truth_of
from nh_platform.qc.validation.validate import ALL_RULES, recomputed_ids, unvalidated, validate_rulebook
from nh_platform.qc.validation.validation_table import (
    FILE,
    figure_name,
    read_validation,
    rules_version,
    validation_rows,
    validation_section,
    write_validation,
)
from nh_platform.reports.validation_figure import draw_validation
from nh_platform.session import ConfigError, SchemaError
from nh_platform.simulation import GRADED
from nh_platform.simulation.graded_designs import SHARES, draw_probe_units
from nh_platform.simulation.ground_truth import presence
from nh_platform.simulation.seeding import generator

DOCS = Path(nh_platform.__file__).parents[1] / "docs" / "rulebooks"


def truth(**columns: list[float]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    plain: dict[str, object] = {
        "unit_id": [str(row) for row in range(n)],
        "acronym": ["CA1"] * n,
        "contamination": [0.0] * n,
        "missing": [0.0] * n,
        "amplitude_v": [100e-6] * n,
        "presence": [1.0] * n,
        "rate_hz": [5.0] * n,
        "refractory_s": [0.003] * n,
    }
    return pd.DataFrame({**plain, **columns})


@pytest.fixture(scope="module")
def ibl() -> tuple[pd.DataFrame, pd.DataFrame]:
    return simulated_units("ibl", recomputed_ids([load_rulebook("ibl-2022-10")]), seed=7, size="tiny", sessions=1)


def test_right_and_wrong_verdicts_are_counted_by_truth() -> None:
    units = pd.DataFrame(
        {
            "unit_id": [str(row) for row in range(6)],
            "n_spikes": [9000, 9000, 9000, 9000, 20, 9000],
            "ibl.max_confidence@2022-10": [99.0, 10.0, 95.0, 80.0, 5.0, 99.0],
            "ibl.noise_cutoff@2022-10": [0.0, 0.0, 9.0, 0.0, np.nan, 0.0],
            "ibl.amp_median@2022-10": [90e-6, 90e-6, 90e-6, 90e-6, 90e-6, 40e-6],
        }
    )
    known = truth(
        contamination=[0.0, 0.3, 0.3, 0.0, 0.0, 0.0],
        missing=[0.0, 0.0, 0.2, 0.0, 0.0, 0.0],
        amplitude_v=[9e-5, 9e-5, 9e-5, 9e-5, 9e-5, 4e-5],
    )
    confidence, cutoff, amplitude, together = validate_rulebook(units, known, load_rulebook("ibl-2022-10"))
    assert [confidence.rejected_bad, confidence.kept_bad, confidence.kept_good, confidence.rejected_good] == [
        1,
        1,
        2,
        2,
    ]
    assert confidence.rejected_few == 1
    assert (confidence.sensitivity, confidence.specificity) == (0.5, 0.5)
    assert [cutoff.rejected_bad, cutoff.kept_bad, cutoff.kept_good, cutoff.rejected_good] == [1, 0, 4, 1]
    assert [amplitude.rejected_bad, amplitude.kept_bad, amplitude.kept_good, amplitude.rejected_good] == [1, 0, 5, 0]
    assert together.rule == ALL_RULES
    assert [together.rejected_bad, together.kept_bad, together.kept_good, together.rejected_good] == [3, 0, 1, 2]
    assert sum(confidence.counts_good) == 4
    assert sum(cutoff.counts_good) == 4  # the one without a value is not drawn
    assert confidence.edges[0] <= confidence.threshold <= confidence.edges[-1]


def test_verdicts_are_counted_along_the_truth_with_the_critical_value_as_an_edge() -> None:
    units = pd.DataFrame(
        {
            "unit_id": [str(row) for row in range(6)],
            "n_spikes": [9000] * 6,
            "ibl.max_confidence@2022-10": [99.0] * 6,
            "ibl.noise_cutoff@2022-10": [0.0, 9.0, 0.0, 9.0, 9.0, 9.0],
            "ibl.amp_median@2022-10": [20e-6, 49e-6, 52e-6, 90e-6, 90e-6, 900e-6],
        }
    )
    known = truth(missing=[0.0, 0.09, 0.11, 0.12, 0.4, 0.9], amplitude_v=[2e-5, 4.8e-5, 4.9e-5, 9e-5, 9e-5, 9e-4])
    rules = load_rulebook("ibl-2022-10")
    confidence, cutoff, amplitude, together = validate_rulebook(units, known, rules)
    assert (cutoff.quantity, cutoff.unit, cutoff.critical) == ("share of missing spikes", "1", 0.1)
    counted = {
        (part.low, part.high): (part.rejected_bad, part.kept_bad, part.kept_good, part.rejected_good)
        for part in cutoff.bins
    }
    assert counted == {
        (0.0, 0.01): (0, 0, 1, 0),
        (0.05, 0.1): (0, 0, 0, 1),
        (0.1, 0.15): (1, 1, 0, 0),
        (0.3, 0.45): (2, 0, 0, 0),
    }
    assert [(part.low, part.high, part.n_units, part.rejected) for part in amplitude.bins] == [
        (20.0, 30.0, 1, 1.0),
        (45.0, 50.0, 2, 0.5),
        (80.0, 120.0, 3, 0.0),
    ]
    assert sum(part.n_units for part in confidence.bins) == 6
    assert together.bins == ()


@pytest.mark.parametrize(
    ("rulebook_id", "rule_id", "critical", "unit"),
    [
        ("ibl-strict", "amp_median", 50.0, "uV"),
        ("ibl-strict", "presence_ratio", 0.9, "1"),
        ("ibl-strict", "firing_rate", 0.1, "Hz"),
        ("allen-vc-default", "isi_violations", 1 / 3, "1"),
        ("allen-vc-default", "amplitude_cutoff", 0.1, "1"),
    ],
)
def test_the_critical_value_is_that_of_the_rule(rulebook_id, rule_id, critical, unit) -> None:
    rule = load_rulebook(rulebook_id).rule(rule_id)
    scale = CONDITIONS[rule.metric].scale
    assert scale is not None
    assert scale.critical(rule) == pytest.approx(critical)
    assert scale.unit == unit


def test_graded_units_lie_on_both_sides_of_every_threshold_and_close_to_it() -> None:
    """Of units with clear faults alone, a sensitivity of 1 says nothing of the rule."""
    size = replace(GRADED, name="few", ibl_task_s=225.0, ibl_passive_s=75.0, ibl_trials=40)
    rng = generator(7, "graded")
    truths = draw_probe_units(rng, 400, number=0, duration_s=300.0, size=size)
    own = {
        "contamination": [one.contamination for one in truths if one.contamination],
        "missing": [one.missing for one in truths if one.missing],
        "amplitude_uv": [1e6 * one.amplitude_v for one in truths if one.design == "graded_amplitude"],
        "presence": [presence(one, 300.0) for one in truths if one.silent],
        "rate_hz": [one.rate_hz for one in truths if one.design == "graded_rate"],
    }
    edges = {
        "contamination": [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4],
        "missing": [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4],
        "amplitude_uv": [20, 40, 50, 60, 120],
        "presence": [0.55, 0.7, 0.9, 0.95, 1],
        "rate_hz": [0.02, 0.1, 0.2, 2],
    }
    for name, values in own.items():
        assert (np.histogram(values, edges[name])[0] >= 2).all(), name
    # One fault at a time, so that a rule meets its own.
    for one in truths:
        if one.design == "graded_missing":
            assert (one.contamination, one.silent) == (0.0, None)
            assert one.threshold_v > 0
    assert {one.design for one in truths} == set(SHARES)


@pytest.mark.parametrize(
    ("rulebook_id", "rule_id", "column", "values", "bad"),
    [
        ("ibl-2022-10", "max_confidence", "contamination", [0.1, 0.11], [False, True]),
        ("ibl-2022-10", "noise_cutoff", "missing", [0.1, 0.11], [False, True]),
        ("ibl-2022-10", "amp_median", "amplitude_v", [50e-6, 51e-6], [True, False]),
        ("ibl-strict", "label", "amplitude_v", [50e-6, 51e-6], [True, False]),
        ("ibl-strict", "firing_rate", "rate_hz", [0.1, 0.2], [True, False]),
        ("ibl-strict", "presence_ratio", "presence", [0.9, 0.91], [True, False]),
        ("allen-vc-default", "presence_ratio", "presence", [0.94, 0.95], [True, False]),
        ("allen-vc-default", "amplitude_cutoff", "missing", [0.1, 0.11], [False, True]),
        ("allen-vc-default", "isi_violations", "contamination", [0.33, 0.34], [False, True]),
        ("allen-vc-default", "isi_violations", "refractory_s", [0.001, 0.0015], [True, False]),
    ],
)
def test_the_truth_of_a_rule_changes_at_its_threshold(rulebook_id, rule_id, column, values, bad) -> None:
    rule = load_rulebook(rulebook_id).rule(rule_id)
    assert CONDITIONS[rule.metric].bad(truth(**{column: values}), rule).tolist() == bad


def test_outside_the_brain_is_void_or_nameless() -> None:
    rule = load_rulebook("allen-vc-default").rule("inside_brain")
    known = truth(rate_hz=[1.0, 1.0, 1.0]).assign(acronym=["VISp", "void", ""])
    assert CONDITIONS[rule.metric].bad(known, rule).tolist() == [False, True, True]


def test_every_unit_rule_has_a_truth_but_those_of_which_the_truth_states_no_cause() -> None:
    without = {rule for rulebook_id in rulebook_ids() for rule in unvalidated(load_rulebook(rulebook_id))}
    assert without == {"quality", "snr", "num_spikes", "drift_ptp"}
    assert set(CONDITIONS) - set(METRICS) == {"nh.inside_brain@1"}


def test_a_unit_without_truth_is_refused() -> None:
    units = pd.DataFrame({"unit_id": ["0", "7"]})
    with pytest.raises(SchemaError, match="1 units have no truth"):
        truth_of(units, truth(rate_hz=[1.0, 1.0]))
    with pytest.raises(SchemaError, match="columns missing: refractory_s"):
        truth_of(units, truth(rate_hz=[1.0]).drop(columns="refractory_s"))
    with pytest.raises(SchemaError, match="stands twice"):
        truth_of(units.head(1), truth(rate_hz=[1.0, 1.0]).assign(unit_id="0"))


def test_truth_follows_the_order_of_the_units() -> None:
    found = truth_of(pd.DataFrame({"unit_id": ["1", "0"]}), truth(rate_hz=[1.0, 2.0]))
    assert found["rate_hz"].tolist() == [2.0, 1.0]


def test_every_bad_unit_of_a_simulated_session_is_rejected(ibl) -> None:
    units, known = ibl
    for found in validate_rulebook(units, known, load_rulebook("ibl-2022-10")):
        assert found.n_units == 24
        assert found.rejected_bad > 0
        assert found.sensitivity == 1.0
        assert found.rejected_good == found.rejected_few


def test_equal_numbers_are_equal_bytes_without_a_date(ibl, tmp_path: Path) -> None:
    found = validate_rulebook(*ibl, load_rulebook("ibl-2022-10"))
    for name in ("a.svg", "b.svg"):
        draw_validation(tmp_path / name, found)
    drawn = (tmp_path / "a.svg").read_bytes()
    assert drawn == (tmp_path / "b.svg").read_bytes()
    assert b"dc:date" not in drawn
    for one in found[:-1]:
        assert f"{one.rule}</text>".encode() in drawn
    draw_validation(tmp_path / "none.svg", found[-1:])
    assert b"no rule compares numbers" in (tmp_path / "none.svg").read_bytes()


def test_the_table_comes_back_as_written_and_makes_a_section(ibl, tmp_path: Path) -> None:
    book = load_rulebook("ibl-2022-10")
    found = validate_rulebook(*ibl, book)
    write_validation(tmp_path / FILE, validation_rows("ibl", book, found, seed=7, size="tiny", sessions=1))
    table = read_validation(tmp_path / FILE)
    whole = table[table["quantity"] == ""]
    assert whole["rejected_bad"].tolist() == [one.rejected_bad for one in found]
    assert len(table) == len(found) + sum(len(one.bins) for one in found)
    section = "\n".join(validation_section(book, table))
    assert f"| `amp_median` | 24 | {found[2].rejected_bad} |" in section
    assert figure_name("ibl", book.id) in section
    bad = sum(part.rejected_bad + part.kept_bad for part in found[2].bins if part.low == 40)
    assert f"| `amp_median` | amplitude | 40 µV | 45 µV | {bad} | 1.000 | 0 | – |" in section
    assert "seed 7, 1 sessions of size tiny" in section
    assert validation_section(load_rulebook("ibl-strict"), table) == []


def test_a_table_that_is_none_is_empty_and_a_foreign_one_is_refused(tmp_path: Path) -> None:
    assert len(read_validation(tmp_path / FILE)) == 0
    (tmp_path / FILE).write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="nh qc validate --write"):
        read_validation(tmp_path / FILE)


def test_the_committed_table_is_of_the_rules_as_they_are() -> None:
    table = read_validation(DOCS / FILE)
    expected = {
        (source, book.id, rules_version(book)) for source in simulated_sources() for book in rulebooks_of(source)
    }
    assert {rulebook_id for _, rulebook_id, _ in expected} >= {"ibl-2022-10", "allen-vc-default", "nh-common"}
    stated = set(table[["source", "rulebook", "rules_version"]].itertuples(index=False, name=None))
    assert stated == expected, "run `nh qc validate --write` and `nh qc docs`"
    for source, rulebook_id, _ in expected:
        assert (DOCS / figure_name(source, rulebook_id)).is_file()
    assert (table["seed"] == SEED).all()
    assert (table["sessions"] == N_SESSIONS).all()
    assert (table["size"] == SIZE).all()


@pytest.mark.slow
def test_the_committed_table_and_figures_are_what_the_simulation_gives(tmp_path: Path) -> None:
    validate_rules(folder=tmp_path)
    for path in sorted(tmp_path.iterdir()):
        assert path.read_bytes() == (DOCS / path.name).read_bytes(), f"{path.name}: run `nh qc validate --write`"
    assert len(list(tmp_path.glob("*.svg"))) == len(list(DOCS.glob("validation-*.svg")))
