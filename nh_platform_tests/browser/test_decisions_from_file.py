"""Decisions on a page from disk in Chromium: collected with reason, name and evidence, downloaded, and never lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nh_platform.qc.reviews.review_files import SessionReviews, parse_reviews
from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.made_pages import BOOK, made_page

pytestmark = pytest.mark.browser

SESSION = "7a887357-850a-4378-bd2a-b5bc8bdd3aac"


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Reviewer]]:
    reviewer = Reviewer(browser, tmp_path)

    def open_page(**changes: Any) -> Reviewer:
        reviewer.open(render_session_page(made_page(12, session_id=SESSION, reviews=[], **changes)))
        reviewer.until("return 'decisions' in document.documentElement.dataset")
        return reviewer

    open_page()
    reviewer.run("localStorage.clear()")
    yield open_page
    reviewer.run("nhDecisions.saving.exported(); localStorage.clear()")


def name(page: Reviewer, who: str) -> None:
    page.run("nhDecisions.name.value = arguments[0]; nhDecisions.name.dispatchEvent(new Event('change'))", who)


def decide(page: Reviewer, key: str, reason: str) -> None:
    unit = page.unit
    page.press(key)
    assert page.run("return document.activeElement.id") == "decide-reason"
    page.run("document.activeElement.value = arguments[0]", reason)
    page.press("Enter")
    page.until(f"return nhPage.unitId !== {json.dumps(unit)} || document.getElementById('decide-status').innerText")


def downloaded(page: Reviewer) -> SessionReviews:
    text = page.run("return nhDecisions.saving.yaml()")
    return parse_reviews(text, "decisions.yaml", "ibl", SESSION)


def test_a_decision_has_reason_name_and_what_the_rules_showed_and_the_next_unit_opens(
    opened: Callable[..., Reviewer],
) -> None:
    page = opened()
    name(page, "ada")
    decide(page, "b", 'two "neurons"\u2028\u00e9 #1: \U0001f42d')
    assert page.unit == "unit-0001"
    assert "1 decision not exported" in page.text(".nh-reader")
    (review,) = downloaded(page).reviews
    assert (review.unit, review.decision, review.reviewer) == ("unit-0000", "fail", "ada")
    assert review.reason == 'two "neurons"\u2028\u00e9 #1: \U0001f42d'
    assert review.shown is not None
    assert review.shown.rulebook == BOOK
    assert review.shown.units == dict(made_page(1).lineage)["units"]
    row = made_page(12).units.iloc[0]
    value, verdict = review.shown.rules["unit-0000"]["noise_cutoff"]
    assert value == pytest.approx(row["noise_cutoff"], rel=1e-12)
    assert verdict == ("pass" if row["noise_cutoff"] < 5 else "fail")
    assert "pending" in page.text("#row-0")
    assert page.complaints() == []
    assert page.requests() == []


def test_reason_and_name_are_needed_and_the_last_reason_is_offered(opened: Callable[..., Reviewer]) -> None:
    page = opened()
    page.press("b")
    page.press("Enter")
    assert "reason is needed" in page.text("#decide-status")
    page.run("document.activeElement.value = 'drifts'")
    page.press("Enter")
    assert page.run("return document.activeElement.id") == "reviewer"
    assert "name" in page.text("#decide-status")
    name(page, "ada")
    page.press("Enter")
    assert page.run("return document.activeElement.id") == "decide-reason"
    page.press("Enter")
    page.until("return nhPage.unitId === 'unit-0001'")
    page.press("b")
    assert page.run("return document.activeElement.value") == "drifts"
    page.press("Enter")
    page.until("return nhPage.unitId === 'unit-0002'")
    assert page.text(".nh-recent") == "drifts"
    page.press("g")
    page.press("Escape")
    assert page.run("return document.activeElement.id") != "decide-reason"
    assert [one.decision for one in downloaded(page).reviews] == ["fail", "fail"]


def test_undo_takes_back_and_opens_the_unit_again(opened: Callable[..., Reviewer]) -> None:
    page = opened()
    name(page, "ada")
    decide(page, "b", "drifts")
    decide(page, "g", "isolated")
    page.press("z", ctrlKey=True)
    page.until("return nhPage.unitId === 'unit-0001'")
    assert [one.unit for one in downloaded(page).reviews] == ["unit-0000"]
    page.run("nhPage.goTo('unit-0000')")
    page.press("u")
    page.until("return nhPage.unitId === 'unit-0001'")
    assert [one.decision for one in downloaded(page).reviews] == ["fail", "withdrawn"]


def test_decisions_outlive_a_reload_and_leaving_warns_until_they_are_downloaded(
    opened: Callable[..., Reviewer],
) -> None:
    page = opened()
    name(page, "ada")
    warns = "const e = new Event('beforeunload', {cancelable: true}); dispatchEvent(e); return e.defaultPrevented"
    assert page.run(warns) is False
    decide(page, "b", "drifts")
    assert page.run(warns) is True
    page.run("window.asked = []; HTMLAnchorElement.prototype.click = function () { asked.push(this.download); }")
    page.click("#download")
    assert page.run("return asked") == [f"ibl-{SESSION}-decisions.yaml"]
    assert page.run(warns) is False
    assert page.text("#unexported") == ""
    decide(page, "b", "drifts")
    page = opened()
    assert "1 decision not exported" in page.text(".nh-reader")
    assert len(downloaded(page).reviews) == 2


def test_other_things_than_units_and_questions(opened: Callable[..., Reviewer]) -> None:
    page = opened()
    name(page, "ada")
    page.choose("decide-about", "unit interval")
    decide(page, "b", "lost")
    assert "starts and stops" in page.text("#decide-status")
    page.run("nhDecisions.picked(12.345678, 20)")
    page.click("#decide-fail")
    page.until("return nhDecisions.saving.made.length === 1")
    page.choose("decide-about", "interval")
    page.choose("decide-scope", "probe00")
    decide(page, "b", "drift")
    page.choose("decide-about", "session")
    decide(page, "b", "seizures")
    page.choose("decide-about", "unit")
    page.press("c")
    page.run("document.activeElement.value = 'An axon?'")
    page.press("Enter")
    page.until("return nhDecisions.saving.made.length === 4")
    of_unit, interval, session, question = downloaded(page).reviews
    assert (of_unit.unit, of_unit.interval) == ("unit-0000", (12.35, 20))
    assert (interval.unit, interval.scope, interval.interval) == (None, "probe00", (12.35, 20))
    assert session.whole_session
    assert (question.comment, question.decision, question.unit) == ("An axon?", None, "unit-0000")
    assert page.unit == "unit-0000"


def test_words_of_people_are_text(opened: Callable[..., Reviewer]) -> None:
    page = opened()
    bad = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
    name(page, bad)
    decide(page, "b", bad)
    page.run("nhPage.goTo('unit-0000')")
    assert page.run("return window.pwned") is None
    assert page.run("return document.querySelectorAll('main img, header img').length") == 0
    assert bad in page.text("#card")
    assert bad in page.text("#session-reviews")
    assert page.complaints() == []
