"""The table of units of a page: units of measure, verdicts as they are stored, pairs, the release's own judgement."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Review
from nh_platform.qc.rules.rulebook import load_rulebook, parse_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.qc.signal_to_noise import SNR
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.session_words import facts
from nh_platform.reports.session_page.told_reviews import told_reviews
from nh_platform.reports.session_page.unit_figures.charts import rates
from nh_platform.reports.session_page.unit_rows import UnitRows, unit_rows
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform.session.tables.cell_types import OPTOTAGGED, WAVEFORM_TYPE
from nh_platform_tests.made_material import grouped, made_material, steady


def rows(material: PageMaterial) -> UnitRows:
    return unit_rows(material, rates(material))


def released(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "firing_rate": np.full(n, 99.0),
            "amp_median": np.full(n, 40e-6),
            "noise_cutoff": np.full(n, 1.0),
            "max_confidence": np.full(n, 95.0),
            "label": [1.0, 2 / 3, *[np.nan] * (n - 2)],
        }
    )


def test_rules_have_their_value_in_their_unit_and_the_stored_verdict() -> None:
    found = rows(made_material(grouped(steady(3)), released=released(3)))
    assert [rule.id for rule in found.rules] == ["max_confidence", "noise_cutoff", "amp_median"]
    amplitude = found.rules[2]
    assert (amplitude.threshold, amplitude.unit, amplitude.comparison) == (50.0, "µV", ">")
    assert found.table["value.amp_median"].tolist() == pytest.approx([40.0] * 3), "µV, not volts"
    assert found.table["rule.ibl-2022-10.amp_median"].tolist() == [False] * 3
    assert found.table["n_failed.ibl-2022-10"].tolist() == [1, 1, 1]
    assert found.table["reason.ibl-2022-10"][0] == "amp_median 40 µV ≤ 50 µV"
    assert found.words["released.amp_median"][0] == "µV"
    assert found.table["released.amp_median"].tolist() == pytest.approx([40.0] * 3)


def test_cell_types_are_shown_where_a_unit_has_one() -> None:
    material = made_material(grouped(steady(3)), released=released(3))
    assert not {"waveform_type", "optotagged"} & set(rows(material).shown)
    types = {WAVEFORM_TYPE.name: ["narrow", None, "broad"], OPTOTAGGED.name: [1.0, 0.0, np.nan]}
    found = rows(replace(material, units=material.units.assign(**types)))
    assert {"waveform_type", "optotagged"} <= set(found.shown)
    assert found.table["optotagged"].tolist() == [True, False, pd.NA]
    assert found.words["waveform_type"][1].startswith("nh.waveform_type@1")


def test_a_released_value_that_differs_is_flagged_beside_the_recomputed_one() -> None:
    found = rows(made_material(grouped(steady(3)), released=released(3)))
    pair = next(one for one in found.pairs if one.metric == "firing_rate")
    assert (pair.released_column, pair.unit) == ("released.firing_rate", "Hz")
    assert found.table[pair.agrees_column].tolist() == [False] * 3
    assert found.table["released_disagrees"].all()
    assert found.table[pair.recomputed_column][0] == pytest.approx(5.0, rel=0.3)


def test_the_releases_judgement_stands_beside_the_verdict_and_may_be_missing() -> None:
    found = rows(made_material(grouped(steady(3)), released=released(3)))
    assert found.table["upstream_label"].tolist() == ["1", "0.666667", None]
    assert found.table["upstream_disagrees"].tolist() == [True, False, pd.NA], "all units fail our amplitude rule"
    assert "upstream_label" not in rows(made_material(grouped(steady(2)))).table


def test_where_the_release_has_the_outcome_of_a_rule_alone_its_value_says_so() -> None:
    outcomes = released(3).drop(columns="max_confidence").assign(slidingRP_viol=[1.0, 0.0, np.nan])
    found = rows(made_material(grouped(steady(3)), released=outcomes))
    stated = found.table["value.max_confidence"].tolist()
    assert stated == ["released.slidingRP_viol is 1", "released.slidingRP_viol is 0", None]


def test_a_unit_that_a_fallback_judges_shows_what_it_was_held_against() -> None:
    book = parse_rulebook(
        """\
id: mine
title: A rulebook
version: "1"
sources: [ibl]
why: Because.
use: recomputed
rules:
  - {id: strong, metric: ibl.noise_cutoff@2022-10, comparison: "<", threshold: 5, unit: "1", nan: fail, severity: warn,
     why: Against losses., since: "1",
     fallback: {metric: ibl.amp_median@2022-10, comparison: ">", threshold: 50, unit: uV, metric_unit: V}}
""",
        "mine.yaml",
    )
    values = {"ibl.noise_cutoff@2022-10": [1.0, np.nan, np.nan], "ibl.amp_median@2022-10": [9e-5, 4e-5, np.nan]}
    material = made_material(grouped(steady(3)))
    judged = material.units.assign(**values)
    judged = pd.concat([judged, apply_rulebook(judged, book).columns()], axis=1)
    found = rows(made_material(grouped(steady(3)), units=judged, rulebooks=[book]))
    (rule,) = found.rules
    assert found.table[rule.value_column].tolist() == pytest.approx([1.0, np.nan, np.nan], nan_ok=True)
    assert rule.fallback_column == "fallback.strong"
    assert found.table[rule.fallback_column].tolist() == [None, "amp_median 40 µV, asked > 50 µV", None]


def test_rates_are_of_the_probes_time_and_unknown_without_spikes_on_it() -> None:
    material = made_material(grouped([[0.0, 5.0, 10.0], [2.0], []]))
    assert rates(material).tolist() == [0.3, 0.1, 0.0]
    assert np.isnan(rates(made_material(grouped([[], []])))).all()


def review(unit: str, decision: str, reviewer: str, day: str = "2026-03-01", **more: object) -> Review:
    return Review.model_validate(
        {
            "unit": unit,
            "decision": decision,
            "reason": "seen",
            "reviewer": reviewer,
            "date": dt.date.fromisoformat(day),
            **more,
        }
    )


def test_reviews_are_listed_and_a_conflict_is_a_flag_of_its_unit() -> None:
    reviews = (
        review("unit-0", "pass", "ada"),
        review("unit-0", "fail", "bo"),
        review("unit-1", "fail", "bo", expiry="2026-04-01"),
        Review.model_validate(
            {"interval": [5, 9], "decision": "fail", "reason": "loud", "reviewer": "ada", "date": "2026-03-02"}
        ),
    )
    material = made_material(grouped(steady(3)), reviews=SessionReviews("ibl", "eid", reviews))
    table = rows(material).table
    assert table["reviewers_disagree"].tolist() == [True, False, False]
    assert table["review_state"].tolist() == ["conflict", "expired", None]
    assert "2026-06-01" not in "".join(table["review_text"].dropna()), "today is no part of the version"
    listed = told_reviews(material.reviews, material.today)
    assert [one["about"] for one in listed] == [
        "unit unit-0",
        "unit unit-0",
        "unit unit-1",
        "interval 5-9 s of all probes",
    ]
    assert listed[2]["note"] == "it counts from 2026-03-01 to 2026-04-01"
    assert listed[3]["interval"] == [5.0, 9.0]


def test_labels_of_other_curators_are_columns() -> None:
    material = made_material(grouped(steady(2)))
    units = material.units.assign(**{"curated.ada": ["good", None]})
    found = rows(made_material(grouped(steady(2)), units=units))
    assert found.table["curated.ada"].tolist() == ["good", None]
    assert found.words["curated.ada"][1] == "Label of another curator: ada"


def test_facts_name_insertion_revision_and_sorter_and_leave_out_what_is_not_known() -> None:
    stated = dict(facts(made_material(grouped(steady(2)), release="2022_Q4")))
    assert stated["insertions"] == "probe00 (revision 2024-05-06, sorted by pykilosort)"
    assert stated["first release"] == "2022_Q4"
    assert "task" not in stated


def test_what_is_made_on_request_is_shown_where_a_rulebook_names_it_and_judges_nothing() -> None:
    plain = made_material(grouped(steady(2)))
    values = np.tile(np.array([0, -60e-6, 20e-6, 0], np.float32), (2, 1, 1))
    waveforms = MeanWaveforms(("unit-0", "unit-1"), values, np.array([[0], [1]]), np.array([0, 1]), np.full(2, 30000.0))
    noise = pd.DataFrame({"probe": "probe00", "channel": [0, 1], "ap_rms": [10e-6, 20e-6]})
    made = replace(plain, waveforms=waveforms, noise=noise)
    assert SNR not in rows(made).table, "no configured rulebook names it"
    book = load_rulebook("bombcell-2026-10")
    judged = apply_rulebook(plain.units, book, missing="nan").columns()
    named = {"rulebooks": [book], "units": pd.concat([plain.units, judged], axis=1)}
    found = rows(replace(made, **named))
    assert found.table[SNR].tolist() == pytest.approx([6.0, 3.0])
    assert "Shown, not judged" in found.words[SNR][1]
    assert np.isnan(found.table["value.snr"]).all(), "below the threshold, and the verdict does not know it"
    assert next(rule for rule in found.rules if rule.id == "snr").left_out_without_value
    assert SNR not in rows(replace(plain, **named)).table
