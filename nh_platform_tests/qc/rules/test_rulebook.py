"""A rulebook is refused, with file and line, whenever it does not say exactly what it means."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from nh_platform.qc.metrics.definitions.lookup import METRICS
from nh_platform.qc.rules.quantities import RELEASED_ONLY, quantity, unit_factor
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR, load_rulebook, parse_rulebook, rulebook_ids
from nh_platform.qc.rules.rulebook_model import RESERVED_RULE_IDS
from nh_platform.session import ConfigError

GOOD = """\
id: mine
title: A rulebook
version: "1"
sources: [ibl]
why: Because.
references: [ibllib]
rules:
  - id: noise_cutoff
    metric: ibl.noise_cutoff@2022-10
    comparison: "<"
    threshold: 5
    unit: "1"
    nan: fail
    severity: warn
    why: Cut-off.
    references: [ibllib]
    since: "1"
  - id: amp_median
    metric: ibl.amp_median@2022-10
    comparison: ">"
    threshold: 50
    unit: uV
    metric_unit: V
    nan: fail
    severity: warn
    why: Large.
    since: "1"
columns:
  ibl.noise_cutoff@2022-10:
    - {column: noise_cutoff, unit: "1"}
  ibl.amp_median@2022-10:
    - {column: amp_median, unit: V}
"""


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_example_is_accepted() -> None:
    rulebook = parse_rulebook(GOOD, "mine.yaml")
    assert [rule.id for rule in rulebook.rules] == ["noise_cutoff", "amp_median"]
    assert rulebook.review_quorum == 2


MISTAKES = {
    "unknown metric": (
        ("    metric: ibl.noise_cutoff@2022-10\n", "    metric: noise_cutof\n"),
        "metric: noise_cutof",
        ["rule noise_cutoff", "unknown metric 'noise_cutof'", "ibl.noise_cutoff@2022-10"],
    ),
    "unit of measure": (('    unit: "1"\n', "    unit: uV\n"), "unit: uV", ["'uV'", "is defined in '1'"]),
    "conversion not stated": (
        ("    metric_unit: V\n", ""),
        "unit: uV",
        ["rule amp_median", "'uV'", "'V'", "metric_unit: V"],
    ),
    "conversion to another unit": (("metric_unit: V", "metric_unit: mV"), "metric_unit: mV", ["'mV'", "'V'"]),
    "conversion impossible": (("    unit: uV\n", "    unit: Hz\n"), "unit: Hz", ["does not convert"]),
    "no NaN policy": (("    nan: fail\n", ""), "- id: noise_cutoff", ["'nan' is missing", "nan: ignore"]),
    "wrong NaN policy": (("    nan: fail\n", "    nan: drop\n"), "nan: drop", ["'drop'", "'fail', 'pass' or 'ignore'"]),
    "a rule that is an error": (
        ("    severity: warn\n", "    severity: error\n"),
        "severity: error",
        ["rule noise_cutoff", "severity: it is 'error'", "`severity: warn`", "units_usable"],
    ),
    "unknown key": (("    nan: fail\n", "    nann: fail\n"), "nann: fail", ["unknown key 'nann'", "Did you mean nan"]),
    "key of another section": (
        ("why: Because.", "why: Because.\ntrial_mask: {unit: s}"),
        "trial_mask",
        ["trial_mask.unit: unknown key 'unit'", "Allowed here: exclude_nochoice"],
    ),
    "unknown key at the top": (("title:", "ttle:"), "ttle:", ["unknown key 'ttle'", "title"]),
    "duplicate rule id": (("id: amp_median", "id: noise_cutoff"), "metric: ibl.amp_median", ["already on line 8"]),
    "bad comparison": (('comparison: "<"', 'comparison: "=<"'), 'comparison: "=<"', ["'=<'", "comparison"]),
    "text as threshold": (("threshold: 5\n", "threshold: 5e-5\n"), "threshold: 5e-5", ["needs a number", "5.0e-5"]),
    "list as threshold": (("threshold: 5\n", "threshold: [5]\n"), "threshold: [5]", ["one value"]),
    "NaN as threshold": (("threshold: 5\n", "threshold: .nan\n"), "threshold: .nan", ["threshold is NaN"]),
    "unknown reference": (
        ("    references: [ibllib]\n", "    references: [ibllip]\n"),
        "ibllip",
        ["Did you mean ibllib"],
    ),
    "no column": (
        ('  ibl.noise_cutoff@2022-10:\n    - {column: noise_cutoff, unit: "1"}\n', ""),
        "metric: ibl.noise",
        ["no released column"],
    ),
    "column in another unit": (
        ('{column: noise_cutoff, unit: "1"}', "{column: noise_cutoff, unit: Hz}"),
        "{column: noise",
        ["'Hz'"],
    ),
    "column that no rule reads": (
        ("  ibl.amp_median@2022-10:\n", "  ibl.amp_min@2022-10: []\n  ibl.amp_median@2022-10:\n"),
        "ibl.amp_min@2022-10",
        ["no rule reads"],
    ),
    "verdict without passing value": (
        ('{column: noise_cutoff, unit: "1"}', "{column: noise_cutoff, kind: verdict}"),
        "{column: noise",
        ["without its passing value"],
    ),
    "key twice": (("    threshold: 5\n", "    threshold: 5\n    threshold: 50\n"), "threshold: 50", ["stands twice"]),
    "not YAML": (("    threshold: 5\n", "    threshold: [5\n"), 'unit: "1"', ["not valid YAML"]),
    "quorum of nobody": (
        ("why: Because.", "why: Because.\nreview_quorum: 0"),
        "review_quorum",
        ["review_quorum: it is 0"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line(mistake) -> None:
    (old, new), place, words = MISTAKES[mistake]
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    with pytest.raises(ConfigError) as raised:
        parse_rulebook(text, "mine.yaml")
    start = line_of(text, place)
    # A duplicate id is reported on its own line, the one before the metric that finds it here.
    expected = start - 1 if mistake == "duplicate rule id" else start
    assert f"mine.yaml:{expected}" in str(raised.value), raised.value
    for word in words:
        assert word in str(raised.value), raised.value
    assert raised.value.action


def test_the_first_mistake_from_the_top_is_named() -> None:
    text = GOOD.replace("threshold: 5\n", "threshold: none\n").replace("ibl.noise_cutoff@2022-10\n", "x.y@1\n", 1)
    with pytest.raises(ConfigError, match="unknown metric"):
        parse_rulebook(text, "mine.yaml")


def test_a_released_quantity_cannot_be_recomputed() -> None:
    text = (RULEBOOK_DIR / "allen-vc-default.yaml").read_text()
    with pytest.raises(ConfigError, match=r"rule quality: allen.quality@2019 is stated by releases only"):
        parse_rulebook(text.replace("use: released", "use: recomputed"), "x.yaml")


@pytest.mark.parametrize("text", ["", "- a\n", "just text\n"])
def test_a_file_without_a_rulebook_is_refused(text) -> None:
    with pytest.raises(ConfigError, match=r"x.yaml:1"):
        parse_rulebook(text, "x.yaml")


def test_an_unknown_rulebook_offers_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean ibl-2022-10"):
        load_rulebook("ibl-2022-11")


def test_a_rulebook_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    assert load_rulebook(tmp_path / "mine.yaml").id == "mine"
    with pytest.raises(ConfigError, match="cannot be read"):
        load_rulebook(tmp_path / "absent.yaml")


def test_every_shipped_rulebook_is_accepted_and_named_after_its_file() -> None:
    assert rulebook_ids() == [
        "aind-2024-02",
        "aind-2026-06",
        "allen-vbn-recommended",
        "allen-vc-default",
        "bombcell-2026-10",
        "ibl-2022-03",
        "ibl-2022-10",
        "ibl-bwm-inclusion",
        "ibl-rigor",
        "ibl-strict",
        "nh-common",
    ]
    for rulebook_id in rulebook_ids():
        rulebook = load_rulebook(rulebook_id)
        assert rulebook.id == rulebook_id
        for rule in rulebook.rules:
            assert re.fullmatch(r"[A-Za-z0-9_]+", rule.id)


@pytest.mark.parametrize("rulebook_id", rulebook_ids())
def test_every_shipped_rule_says_what_it_guards_against(rulebook_id: str) -> None:
    book = load_rulebook(rulebook_id)
    for rule in (*book.rules, *book.session):
        why = rule.why.strip()
        # Beside a unit that fails, a sentence that states what a passing unit is like would be false, and beside one
        # that passes, one that states what a failing unit is like: "Against …" states neither of the unit.
        assert re.fullmatch(r"Against [a-z].*\.", why), (rule.id, why)
        assert not re.search(r"\b(the|this) unit('s)?\b", why), (rule.id, why)


@pytest.mark.parametrize("name", RESERVED_RULE_IDS)
def test_a_rule_named_like_a_check_of_the_platform_is_refused(name: str) -> None:
    text = GOOD.replace("id: amp_median", f"id: {name}")
    with pytest.raises(ConfigError, match=f"mine.yaml:{line_of(text, f'id: {name}')}.*rule {name}") as refused:
        parse_rulebook(text, "mine.yaml")
    assert "the name of a check that the platform makes itself" in refused.value.found


def test_the_published_thresholds() -> None:
    def rules(name) -> dict[str, tuple[Any, ...]]:
        return {r.metric: (r.comparison, r.threshold, r.unit, r.nan) for r in load_rulebook(name).rules}

    assert rules("ibl-2022-10") == {
        "ibl.max_confidence@2022-10": (">=", 90, "%", "fail"),
        "ibl.noise_cutoff@2022-10": ("<", 5, "1", "fail"),
        "ibl.amp_median@2022-10": (">", 50, "uV", "fail"),
    }
    assert rules("ibl-2022-03")["ibl.noise_cutoff@2022-03"] == ("<", 20, "1", "fail")
    assert rules("ibl-strict") == {
        "ibl.label@2022-10": ("==", 1, "1", "fail"),
        "ibl.firing_rate@2022-10": (">", 0.1, "Hz", "fail"),
        "ibl.amp_median@2022-10": (">", 50, "uV", "fail"),
        "ibl.presence_ratio@2022-10": (">", 0.9, "1", "fail"),
    }
    assert rules("allen-vc-default") == {
        "allen.amplitude_cutoff@2019": ("<=", 0.1, "1", "fail"),
        "allen.presence_ratio@2019": (">=", 0.95, "1", "fail"),
        "allen.isi_violations@2019": ("<=", 0.5, "1", "fail"),
        "allen.quality@2019": ("==", "good", "-", "fail"),
        "nh.inside_brain@1": ("==", True, "-", "fail"),
    }
    assert rules("allen-vbn-recommended") == {
        "allen.isi_violations@2019": ("<", 0.5, "1", "fail"),
        "allen.amplitude_cutoff@2019": ("<", 0.1, "1", "fail"),
        "allen.presence_ratio@2019": (">", 0.9, "1", "fail"),
    }
    common = load_rulebook("nh-common")
    assert common.use == "recomputed"
    assert all(rule.metric in METRICS for rule in common.rules)


def test_released_only_quantities_do_not_hide_a_metric() -> None:
    assert not set(RELEASED_ONLY) & set(METRICS)
    assert all(quantity(name) is found for name, found in RELEASED_ONLY.items())
    assert quantity("ibl.amp_median@2022-10").unit == "V"


def test_factors_are_exact_in_decimal() -> None:
    factor = unit_factor("uV", "V")
    assert factor is not None
    assert float(50 * factor) == 50e-6
    assert unit_factor("uV", "Hz") is None
    assert unit_factor("anything", "anything") == 1


def test_the_content_version_follows_verdicts_not_words() -> None:
    rulebook = parse_rulebook(GOOD, "mine.yaml")
    reworded = parse_rulebook(GOOD.replace("Cut-off.", "Another reason."), "mine.yaml")
    changed = parse_rulebook(GOOD.replace("threshold: 5\n", "threshold: 6\n"), "mine.yaml")
    assert rulebook.content_version() == reworded.content_version()
    assert rulebook.content_version() != changed.content_version()


def test_metric_definitions_carry_what_rulebooks_read() -> None:
    names = {field.name for field in dataclasses.fields(next(iter(METRICS.values())))}
    assert {"id", "unit", "meaning", "source", "formula", "edge_cases"} <= names
