"""What a reviewer does on the session page in Chromium: the card, keys, decisions, and an interval in a figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform_tests.browser.conftest import N_UNITS
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.made_pages import made_page

pytestmark = pytest.mark.browser


def test_the_card_holds_each_value_against_its_threshold(page: Reviewer) -> None:
    row = made_page(N_UNITS).units.iloc[0]
    first, *_ = page.run("return [...document.querySelectorAll('.nh-card-part tbody tr')].map(one => one.innerText)")
    value = row["max_confidence"]
    assert ("✓ pass" if value > 90 else "✗ fail") in first
    assert f"{value:.4g} %" in first
    assert "why this rule" in first
    assert page.text("#card h3").startswith("probe00 · cluster 0")
    assert "Is this axonal?" in page.text("#card")
    assert "No: the trough comes first." in page.text("#card")
    assert "noise cutoff" in page.text("#card")  # released beside recomputed


def test_the_card_says_what_a_fallback_found(page: Reviewer) -> None:
    made = made_page(6)
    units = made.units.assign(**{"fallback.noise_cutoff": ["amp_median 40 µV, asked > 50 µV", *[None] * 5]})
    units.loc[0, "noise_cutoff"] = np.nan
    rules = [replace(one, fallback_column=f"fallback.{one.id}" * (one.id == "noise_cutoff")) for one in made.rules]
    page.open(render_session_page(replace(made, units=units, rules=rules)))
    words = "return document.querySelectorAll('.nh-card-part tbody tr')[1].innerText"
    assert "amp_median 40 µV, asked > 50 µV" in page.run(words)
    assert "by the fallback" in page.run(words)
    page.press("j")
    assert "fallback" not in page.run(words)


def test_keys_go_through_the_units_and_each_has_a_button(page: Reviewer) -> None:
    page.press("j")
    page.press("ArrowDown")
    page.press(" ")
    assert page.unit == "unit-0003"
    page.press("k")
    page.press("ArrowUp")
    assert page.unit == "unit-0001"
    page.press("/")
    assert page.run("return document.activeElement.id") == "filter"
    page.press("j")  # is written, not pressed
    assert page.unit == "unit-0001"
    page.press("Escape")
    assert page.run("return document.activeElement.className") == "nh-table"
    page.write("depth >= 1000")
    page.run("document.getElementById('filter-region').focus()")
    page.press("Escape")  # leaves the field, and keeps the filter
    assert len(page.rows) < N_UNITS
    page.press("Escape")
    assert len(page.rows) == N_UNITS
    page.press("?")
    assert "next unit" in page.text("#help")
    page.press("?")
    words = page.run("return [...document.querySelectorAll('button kbd, label kbd')].map(one => one.innerText)")
    assert {"j", "k", "x", "t", "?", "/", "Esc"} <= set(words)


def test_after_a_decision_the_order_stays_and_the_row_says_it(page: Reviewer) -> None:
    page.click("[data-ready=undecided]")
    before = page.rows
    page.run("nhPage.setDecision(nhPage.unitId, 'fail', 'not exported'); nhPage.goNext()")
    assert page.rows == before
    assert page.run("return nhPage.row") == before[1]
    assert "fail" in page.text(f"#row-{before[0]}")
    assert page.text("[data-ready=undecided] span") == str(len(before) - 1)
    page.run("nhPage.refresh()")
    assert page.rows == before[1:]


def test_other_scripts_take_part_through_one_object(page: Reviewer) -> None:
    page.run("""
      window.told = [];
      nhPage.onUnit((row, id) => told.push(id));
      nhPage.registerKey({keys: ['q'], label: 'quiet', run: () => told.push('quiet')});
    """)
    page.press("j")
    page.press("q")
    assert page.run("return told") == ["unit-0000", "unit-0001", "quiet"]
    assert "quiet q" in page.text("#card-place").replace("\n", " ")
    assert page.run("return nhPage.evidence(0)[1].threshold") == 5


def test_an_interval_is_drawn_in_a_figure_over_time(page: Reviewer) -> None:
    page.run("""
      window.told = []; nhPage.onInterval((interval) => told.push(interval));
      const canvas = document.querySelector('#figure-rate canvas');
      canvas.setPointerCapture = () => {};
      const at = canvas.getBoundingClientRect(), plan = canvas.nhFigure.plan;
      const fire = (name, second) => canvas.dispatchEvent(new PointerEvent(
        name, {clientX: at.left + plan.x.place(second), clientY: at.top + 50, pointerId: 1}));
      fire('pointerdown', 1000);
      fire('pointermove', 2000);
      fire('pointerup', 2000);
    """)
    (interval,) = page.run("return told")
    assert interval["chart"] == "rate"
    assert (interval["start"], interval["stop"]) == pytest.approx((1000, 2000), abs=30)


def test_a_session_that_is_set_aside_says_so_on_top_on_paper_too(page: Reviewer) -> None:
    words = "set aside by ada, <b>bea</b>: seizures"
    page.open(render_session_page(made_page(5, set_aside=words)))
    assert page.text("#set-aside") == f"✗ {words}"
    page.run("document.getElementById('set-aside').scrollIntoView()")
    assert page.run("return getComputedStyle(document.getElementById('set-aside')).display") != "none"
    page.open(render_session_page(made_page(5)))
    assert page.run("return document.getElementById('set-aside').hidden")


def test_a_unit_that_waits_for_a_second_reader_is_decided_by_one(page: Reviewer) -> None:
    units = made_page(4).units.assign(
        review=["none", "none", "fail", "none"],
        review_state=["pending", "conflict", "counted", "expired"],
        review_text=["fail by ada; 1 of 2 reviewers needed", "reviewers disagree", "fail by ada, bea", "of before"],
    )
    page.open(render_session_page(made_page(4, units=units)), "#ready=undecided")
    assert page.rows == [3]
    page.run("nhPage.goTo('unit-0000')")
    assert "review: pending (fail by ada; 1 of 2 reviewers needed)" in page.text("#card")
