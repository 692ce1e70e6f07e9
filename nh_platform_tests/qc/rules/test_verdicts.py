"""Verdicts: thresholds to the last bit, NaN policies, bits, labels, words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.rule_columns import without_released
from nh_platform.qc.rules.rule_summary import rule_summary
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR, load_rulebook, parse_rulebook
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.session import ConfigError
from nh_platform.session.tables.units import FAILED_BITS, LABEL, PASS, REASON, RULE


@pytest.fixture
def ibl_units() -> pd.DataFrame:
    nan = np.nan
    return pd.DataFrame(
        {
            "max_confidence": [90.0, 89.999999, nan, 100, 100, 100, 100, 0],
            "noise_cutoff": [4.0, 4, 4, 5, np.nextafter(5, 0), nan, 7.3, nan],
            "amp_median": [60e-6, 60e-6, 60e-6, 60e-6, 60e-6, 60e-6, 43e-6, 50e-6],
        },
        index=list("abcdefgh"),
    )


def variant(name: str, *changes: tuple[str, str]) -> Rulebook:
    text = (RULEBOOK_DIR / f"{name}.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_rulebook(text, f"{name}.yaml")


def test_ibl_labels_bits_and_reasons(ibl_units) -> None:
    verdicts = apply_rulebook(ibl_units, load_rulebook("ibl-2022-10"))
    assert verdicts.failed.tolist() == [0, 1, 1, 2, 0, 2, 6, 7]
    assert verdicts.label.tolist() == [1, 2 / 3, 2 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0]
    assert verdicts.good.tolist() == [True, False, False, False, True, False, False, False]
    assert verdicts.reasons().tolist() == [
        "",
        "max_confidence 89.999999 % < 90 %",
        "max_confidence not available (NaN) counts as fail",
        "noise_cutoff 5 ≥ 5",
        "",
        "noise_cutoff not available (NaN) counts as fail",
        "noise_cutoff 7.3 ≥ 5; amp_median 43 µV ≤ 50 µV",
        "max_confidence 0 % < 90 %; noise_cutoff not available (NaN) counts as fail; amp_median 50 µV ≤ 50 µV",
    ]


@pytest.mark.parametrize(
    ("value", "threshold", "reason"),
    [
        (123456.0, "5", "123456 ≥ 5"),
        (1234567.0, "5", "1234567 ≥ 5"),
        (99999.7, "5", "100000 ≥ 5"),
        (100000.5, "100000", "100000.5 ≥ 100000"),
        (123456.4, "123456.0", "123456.4 ≥ 123456"),
        (2e6, "1234567.5", "2000000 ≥ 1234567.5"),
        (3e20, "5", "3e+20 ≥ 5"),
        (np.inf, "5", "inf ≥ 5"),
    ],
)
def test_large_values_and_thresholds_keep_the_digits_before_the_point(
    value: float, threshold: str, reason: str
) -> None:
    units = pd.DataFrame({"max_confidence": [100.0], "noise_cutoff": [value], "amp_median": [60e-6]})
    rulebook = variant("ibl-2022-10", ("threshold: 5\n", f"threshold: {threshold}\n"))
    assert apply_rulebook(units, rulebook).reasons().tolist() == [f"noise_cutoff {reason}"]


def test_exactly_50_microvolts_fails_and_one_bit_more_passes() -> None:
    volts = [50e-6, np.nextafter(50e-6, 1)]
    units = pd.DataFrame({"max_confidence": 100.0, "noise_cutoff": 0.0, "amp_median": volts})
    verdicts = apply_rulebook(units, load_rulebook("ibl-2022-10"))
    assert verdicts.good.tolist() == [False, True]


def test_float32_values_are_compared_in_float32() -> None:
    units = pd.DataFrame(
        {
            "amplitude_cutoff": np.float32([0.1, np.nextafter(np.float32(0.1), np.float32(1))]),
            "presence_ratio": np.float32([0.95, 0.95]),
            "isi_violations": np.float32([0.5, 0.5]),
            "quality": ["good", "good"],
            "ecephys_structure_id": [385.0, 385.0],
        }
    )
    verdicts = apply_rulebook(units, load_rulebook("allen-vc-default"))
    # The tutorial's comparison on such a table, which pandas makes in float32.
    assert verdicts.good.tolist() == (units["amplitude_cutoff"] <= np.float32(0.1)).tolist() == [True, False]


def test_a_stored_outcome_stands_for_the_confidence_where_there_is_none(ibl_units) -> None:
    outcome = ibl_units.drop(columns="max_confidence").assign(slidingRP_viol=[1, 0, np.nan, 1, 1, 1, 1, 0])
    rulebook = load_rulebook("ibl-2022-10")
    verdicts = apply_rulebook(outcome, rulebook)
    assert verdicts.failed.tolist() == apply_rulebook(ibl_units, rulebook).failed.tolist()
    assert verdicts.reasons()[1] == "max_confidence rule not passed: released slidingRP_viol is 0"
    both = ibl_units.assign(slidingRP_viol=0)
    assert apply_rulebook(both, rulebook).values[0].column == "max_confidence"


@pytest.mark.parametrize(
    ("policy", "passes", "label", "good"),
    [("fail", False, 2 / 3, False), ("pass", True, 1.0, True), ("ignore", True, 1.0, True)],
)
def test_the_nan_policy_decides(policy, passes, label, good) -> None:
    rulebook = variant("ibl-2022-10", ("nan: fail", f"nan: {policy}"))
    units = pd.DataFrame({"max_confidence": [np.nan], "noise_cutoff": [1.0], "amp_median": [60e-6]})
    verdicts = apply_rulebook(units, rulebook)
    assert (verdicts.passed[0, 0], verdicts.label[0], verdicts.good[0]) == (passes, label, good)
    assert verdicts.counted[0].tolist() == [policy != "ignore", True, True]


def test_an_ignored_value_leaves_the_rule_out_of_the_share() -> None:
    rulebook = variant("ibl-2022-10", ("nan: fail", "nan: ignore"))
    units = pd.DataFrame({"max_confidence": [np.nan], "noise_cutoff": [9.0], "amp_median": [60e-6]})
    verdicts = apply_rulebook(units, rulebook)
    assert verdicts.label.tolist() == [0.5]
    assert verdicts.failed.tolist() == [2]


def test_a_unit_without_any_counted_rule_is_not_good() -> None:
    rulebook = variant("nh-common", *[("nan: fail", "nan: ignore")] * 4)
    units = pd.DataFrame({rule.metric: [np.nan] for rule in rulebook.rules})
    verdicts = apply_rulebook(units, rulebook)
    assert (verdicts.label[0], verdicts.good[0], verdicts.reasons()[0]) == (0, False, "no rule could be evaluated")


def allen_filter(units: pd.DataFrame) -> list[bool]:
    """AllenSDK's default written out again row by row, from its documented behaviour."""
    kept = []
    for row in units.itertuples():
        keep = row.amplitude_cutoff <= 0.1 and row.presence_ratio >= 0.95 and row.isi_violations <= 0.5
        keep = keep and row.quality == "good" and row.ecephys_structure_id == row.ecephys_structure_id
        kept.append(bool(keep))
    return kept


def planted(seed: int = 0, n: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    pick = rng.choice
    return pd.DataFrame(
        {
            "amplitude_cutoff": pick([0.0, 0.1, np.nextafter(0.1, 1), 0.3, np.nan], n),
            "presence_ratio": pick([0.95, 0.99, np.nextafter(0.95, 0), 0.5, np.nan], n),
            "isi_violations": pick([0.5, 0.0, np.nextafter(0.5, 1), 3.0, np.nan, np.inf], n),
            "quality": pick(np.array(["good", "good", "noise", None], dtype=object), n),
            "ecephys_structure_id": pick([385.0, 997.0, np.nan], n),
        }
    )


def test_allen_default_equals_the_sdk_rule_on_planted_rows() -> None:
    units = planted()
    good = apply_rulebook(units, load_rulebook("allen-vc-default")).good
    assert good.tolist() == allen_filter(units)
    assert 0 < good.sum() < len(units)


def test_allen_reasons_name_quality_and_place() -> None:
    units = (
        planted()
        .iloc[:1]
        .assign(
            amplitude_cutoff=0.05, presence_ratio=0.99, isi_violations=0.1, quality="noise", ecephys_structure_id=np.nan
        )
    )
    verdicts = apply_rulebook(units, load_rulebook("allen-vc-default"))
    assert verdicts.reasons().tolist() == ["quality noise ≠ good; not inside brain"]


def test_the_platforms_own_table_is_read_by_its_own_names(ibl_units) -> None:
    own = ibl_units.add_prefix("released.").assign(label=0.0, atlas_id=5)
    good = apply_rulebook(own, load_rulebook("ibl-2022-10")).good
    assert good.tolist() == apply_rulebook(ibl_units, load_rulebook("ibl-2022-10")).good.tolist()
    # `label` of the reading view is ours, not the release's: it must not be taken for it.
    strict = own.assign(**{"released.firing_rate": 5.0, "released.presence_ratio": 1.0})
    with pytest.raises(ConfigError, match="rule label: the units table has no column"):
        apply_rulebook(strict, load_rulebook("ibl-strict"))


def test_outside_the_brain_is_atlas_id_0_in_the_platforms_table() -> None:
    own = planted().iloc[:2].add_prefix("released.").drop(columns="released.ecephys_structure_id")
    own = own.assign(atlas_id=[0, 385], **{"released.amplitude_cutoff": 0.0, "released.presence_ratio": 0.99})
    own = own.assign(**{"released.isi_violations": 0.0, "released.quality": "good"})
    assert apply_rulebook(own, load_rulebook("allen-vc-default")).good.tolist() == [False, True]


def test_recomputed_values_are_read_by_definition_id(ibl_units) -> None:
    renamed = {name: f"ibl.{name}@2022-10" for name in ibl_units.columns}
    recomputed = ibl_units.rename(columns=renamed)
    rulebook = load_rulebook("ibl-2022-10")
    ours = apply_rulebook(recomputed, rulebook, value_source="recomputed")
    assert ours.failed.tolist() == apply_rulebook(ibl_units, rulebook).failed.tolist()
    with pytest.raises(ConfigError, match=r"no column for ibl\.max_confidence@2022-10"):
        apply_rulebook(ibl_units, rulebook, value_source="recomputed")


def test_a_table_without_the_column_is_refused_or_counts_as_not_available(ibl_units) -> None:
    rulebook = load_rulebook("ibl-2022-10")
    without = ibl_units.drop(columns="amp_median")
    with pytest.raises(ConfigError, match=r"rule amp_median.*looked for amp_median; it has max_confidence"):
        apply_rulebook(without, rulebook)
    verdicts = apply_rulebook(without, rulebook, missing="nan")
    assert verdicts.failed[0] == 4
    assert "amp_median not available (NaN) counts as fail" in verdicts.reasons()[0]


def test_text_where_numbers_are_needed_is_named(ibl_units) -> None:
    bad = ibl_units.astype({"noise_cutoff": object})
    bad.iloc[0, 1] = "low"
    with pytest.raises(ConfigError, match="column 'noise_cutoff', rule noise_cutoff: does not hold numbers"):
        apply_rulebook(bad, load_rulebook("ibl-2022-10"))


def test_a_rulebook_without_unit_rules_cannot_be_applied_to_units(ibl_units) -> None:
    with pytest.raises(ConfigError, match="no unit rules"):
        apply_rulebook(ibl_units, load_rulebook("ibl-bwm-inclusion"))


@pytest.mark.parametrize("dtype", ["Float64", "float64[pyarrow]", "Int64", "float16", "object"])
def test_other_dtypes_are_read(ibl_units, dtype) -> None:
    whole = ibl_units.assign(noise_cutoff=[1, 9, 1, 9, 1, 9, 1, 9])
    expected = apply_rulebook(whole, load_rulebook("ibl-2022-10")).failed
    cast = whole.astype({"noise_cutoff": dtype})
    assert apply_rulebook(cast, load_rulebook("ibl-2022-10")).failed.tolist() == expected.tolist()


def test_zero_units_make_an_empty_typed_table(ibl_units) -> None:
    table = apply_rulebook(ibl_units.iloc[:0], load_rulebook("ibl-2022-10")).columns()
    assert len(table) == 0
    assert table["failed.ibl-2022-10"].dtype == np.uint32
    assert table["pass.ibl-2022-10"].dtype == bool


def test_the_columns_are_those_of_the_units_schema(ibl_units) -> None:
    import re

    table = apply_rulebook(ibl_units, load_rulebook("ibl-2022-10")).columns()
    patterns = {"label": LABEL, "failed": FAILED_BITS, "reason": REASON, "rule": RULE, "pass": PASS}
    assert len(table.columns) == 7
    for name in table.columns:
        pattern = patterns[name.split(".")[0]]
        assert re.fullmatch(pattern.name, name)
        dtype = "string" if table[name].dtype == object else str(table[name].dtype)
        assert dtype in pattern.dtypes
    assert table.index.tolist() == list("abcdefgh")


def test_a_counted_review_replaces_the_verdict_and_is_named(ibl_units) -> None:
    verdicts = apply_rulebook(ibl_units, load_rulebook("ibl-2022-10"))
    reviews = pd.Series(["fail", "pass", "none"] + ["none"] * 5)
    table = verdicts.columns(reviews)
    assert table["pass.ibl-2022-10"].tolist()[:3] == [False, True, False]
    assert table["reason.ibl-2022-10"].tolist()[:2] == [
        "reviews say fail",
        "max_confidence 89.999999 % < 90 %; reviews say pass",
    ]
    assert table["label.ibl-2022-10"].tolist() == verdicts.label.tolist()
    assert table["rule.ibl-2022-10.max_confidence"].tolist() == verdicts.passed[:, 0].tolist()


def test_the_summary_counts_and_names_the_worst(ibl_units) -> None:
    by_rule = {s.rule: s for s in rule_summary(apply_rulebook(ibl_units, load_rulebook("ibl-2022-10")))}
    noise = by_rule["noise_cutoff"]
    assert (noise.n_units, noise.n_pass, noise.n_fail, noise.n_nan) == (8, 4, 4, 2)
    assert noise.share == 0.5
    assert noise.criterion == "noise_cutoff < 5"
    assert [(w.unit, w.value) for w in noise.worst] == [("g", 7.3), ("d", 5.0)]
    assert sum(noise.counts) == noise.n_units - noise.n_nan
    assert len(noise.edges) == len(noise.counts) + 1
    amplitude = by_rule["amp_median"]
    assert amplitude.criterion == "amp_median > 50 µV"
    assert amplitude.worst[0].value == pytest.approx(43)


def test_the_summary_of_text_and_of_nothing_has_no_histogram() -> None:
    summaries = rule_summary(apply_rulebook(planted(), load_rulebook("allen-vc-default")))
    assert [len(s.counts) for s in summaries] == [20, 20, 20, 0, 0]
    empty = rule_summary(apply_rulebook(planted().iloc[:0], load_rulebook("allen-vc-default")))
    assert all(np.isnan(s.share) and s.counts == () and s.worst == () for s in empty)


def test_a_large_table_takes_well_under_a_second() -> None:
    import time

    rng = np.random.default_rng(0)
    n = 137_354
    units = pd.DataFrame(
        {
            "slidingRP_viol": rng.integers(0, 2, n).astype(np.float32),
            "noise_cutoff": np.where(rng.random(n) < 0.4, np.nan, rng.gamma(1, 10, n)),
            "amp_median": rng.gamma(2, 3e-5, n),
        }
    )
    start = time.process_time()
    apply_rulebook(units, load_rulebook("ibl-2022-10"))
    assert time.process_time() - start < 0.5  # 12 ms where this was written


def own_table(ibl_units: pd.DataFrame, released: list[bool]) -> pd.DataFrame:
    """Return a units table of the platform with released values where stated, and recomputed ones that all pass."""
    rows = ibl_units.iloc[: len(released)].reset_index(drop=True)
    table = pd.DataFrame({f"released.{name}": rows[name] for name in ("max_confidence", "noise_cutoff", "amp_median")})
    table["released.amp_median"] = [1e-6] * len(rows)
    table = table.where(pd.Series(released), np.nan)
    good = {"ibl.max_confidence@2022-10": 95.0, "ibl.noise_cutoff@2022-10": 1.0, "ibl.amp_median@2022-10": 2e-4}
    return table.assign(**good, review="none")


def test_units_of_which_the_release_states_nothing_are_judged_by_recomputed_values(ibl_units) -> None:
    book = load_rulebook("ibl-2022-10")
    table = own_table(ibl_units, [True, False, True])
    ours = {rule.metric for rule in book.rules}
    assert ours <= set(table.columns)
    verdicts = apply_rulebook(table, book)
    assert verdicts.good.tolist() == [False, True, False]
    assert "amp_median 1 µV ≤ 50 µV" in verdicts.reasons()[0]
    assert without_released(table, book).tolist() == [False, True, False]
    # One metric that is NaN is a statement of the release.
    table.loc[0, "released.amp_median"] = np.nan
    assert "amp_median not available" in apply_rulebook(table, book).reasons()[0]


def test_a_unit_without_the_values_of_the_rules_is_judged_by_the_release_where_it_states_another_metric(
    ibl_units,
) -> None:
    table = own_table(ibl_units, [False, False]).assign(**{"ibl.firing_rate@2022-10": 3.0})
    table["released.firing_rate"] = [2.0, np.nan]
    assert apply_rulebook(table, load_rulebook("ibl-2022-10")).good.tolist() == [False, True]


def test_a_rule_about_a_text_without_any_column_fails_in_words() -> None:
    bare = pd.DataFrame({"allen.firing_rate@2019": [1.0], "review": "none"})
    reasons = apply_rulebook(bare, load_rulebook("allen-vc-default"), missing="nan").reasons()
    assert "quality not available (NaN) counts as fail" in reasons[0]


def test_what_a_release_alone_can_state_does_not_keep_recomputed_metrics_from_judging() -> None:
    metrics = {"amplitude_cutoff": 0.01, "presence_ratio": 0.99, "isi_violations": 0.1}
    table = pd.DataFrame({f"released.{name}": [value, np.nan, np.nan] for name, value in metrics.items()})
    table = table.assign(**{f"allen.{name}@2019": value for name, value in metrics.items()})
    table["released.valid_data"], table["released.snr"] = True, 2.5
    table["released.quality"], table["atlas_id"] = ["good", "good", "noise"], 385
    book = load_rulebook("allen-vc-default")
    verdicts = apply_rulebook(table, book)
    assert verdicts.good.tolist() == [True, True, False]
    assert verdicts.reasons().tolist() == ["", "", "quality noise ≠ good"]
    assert without_released(table, book).tolist() == [False, True, True]


def test_a_table_without_any_released_metric_is_judged_by_recomputed_values(ibl_units) -> None:
    table = own_table(ibl_units, [True, True])
    bare = table[[name for name in table if not name.startswith("released.")]]
    verdicts = apply_rulebook(bare, load_rulebook("ibl-2022-10"), missing="nan")
    assert verdicts.good.tolist() == [True, True]
    released = apply_rulebook(bare, load_rulebook("ibl-2022-10"), value_source="released", missing="nan")
    assert not released.good.any()
