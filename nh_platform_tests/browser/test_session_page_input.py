"""Odd pages in Chromium: markup and long names, hardly a unit, nothing to draw; and nothing leaves a page."""

from __future__ import annotations

import time
from typing import Any

import pytest

from nh_platform.reports.page.packing import json_for_script
from nh_platform.reports.session_page.content import Link
from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.made_pages import BOOK, made_page

pytestmark = pytest.mark.browser

MARKUP = '<img src=x onerror="document.title=1">'
RIGHT_TO_LEFT = "יחידה ארוכה"


def test_nothing_leaves_the_page_and_nothing_is_complained_of(page: Reviewer) -> None:
    page.press("j")
    page.write("region == CA1")
    page.run("document.getElementById('figures').scrollIntoView()")
    time.sleep(0.3)
    assert page.complaints() == []
    assert page.requests() == []
    assert page.run("return performance.getEntriesByType('resource').map(one => one.name)") == []


def test_a_script_that_is_not_the_pages_own_does_not_run(page: Reviewer, usual_page: str) -> None:
    page.open(usual_page.replace("</body>", "<script>document.title = 'taken'</script></body>"))
    assert page.driver.title != "taken"
    assert any("Content Security Policy" in one for one in page.complaints())


def test_markup_in_names_is_text_and_names_from_right_to_left_are_shown(page: Reviewer) -> None:
    usual = made_page(3)
    units = usual.units.copy()
    for column in ("unit_id", "probe", "acronym", "beryl", f"reason.{BOOK}", "curated.ana"):
        units[column] = [f"{MARKUP}{column}", RIGHT_TO_LEFT, "x" * 300]
    review = {
        "id": MARKUP,
        "units": [units["unit_id"][0]],
        "about": MARKUP,
        "decision": MARKUP,
        "words": MARKUP,
        "reviewer": MARKUP,
    }
    page.open(
        render_session_page(
            made_page(
                3,
                units=units,
                title=MARKUP,
                facts=[(MARKUP, MARKUP)],
                notes=[MARKUP],
                reviews=[review],
                verdicts=[{"about": MARKUP, "rule": MARKUP, "passed": False, "text": MARKUP}],
                links=[
                    Link("press", "javascript:alert(1)"),
                    Link("data", "data:text/html,x"),
                    Link("a", "https://a.b/?c=1"),
                ],
                region_colours={MARKUP: "red;} body{display:none"},
                source=MARKUP,
            )
        )
    )
    page.click("#columns-button")
    assert page.run("return [...document.querySelectorAll('#links a')].map(one => one.href)") == ["https://a.b/?c=1"]
    assert "press: javascript:alert(1)" in page.run("return document.getElementById('links').textContent")
    assert page.run("return document.querySelectorAll('img').length") == 0
    assert page.driver.title == MARKUP
    assert page.text("h1") == MARKUP
    assert MARKUP in page.text("#card")
    page.press("j")
    assert RIGHT_TO_LEFT in page.text("#card h3")
    assert page.complaints() == []
    width = page.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0  # a name of 300 letters does not widen the page


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_page_with_hardly_a_unit_opens(page: Reviewer, n: int) -> None:
    page.open(render_session_page(made_page(n)))
    assert page.text("#count") == ["0 units", "1 unit", "2 units"][n]
    assert ("This session has no units" in page.text("#card")) == (n == 0)
    page.press("j")
    page.write("depth > 1e9")
    assert page.rows == []
    assert page.complaints() == []


def test_a_page_without_rules_regions_figures_or_reviews_opens(page: Reviewer) -> None:
    bare = made_page(5).units[["unit_id", "n_spikes"]]
    nothing: dict[str, Any] = {
        "rules": [], "verdicts": [], "unit_charts": [], "session_charts": [], "reviews": [], "notes": [],
    }  # fmt: skip
    page.open(render_session_page(made_page(5, units=bare, rulebook="", pairs=[], region_colours={}, **nothing)))
    assert "The page states no rules" in page.text("#card")
    assert page.run("return document.querySelector('[data-ready=near]').disabled")
    assert page.run("return document.getElementById('filter-region').disabled")
    assert page.complaints() == []


def test_the_distribution_of_the_release_stands_behind_that_of_the_session(page: Reviewer, usual_page: str) -> None:
    rules = [{"rule": "noise_cutoff", "edges": [-10, 0, 5, 10, 20], "counts": [10, 40, 20, 5]}]
    for rulebook, said in ((BOOK, "line: release of 2026-11-29"), ("other", "known by another rulebook, other")):
        snapshot = json_for_script({"text": "release of 2026-11-29", "rulebook": rulebook, "rules": rules})
        place = '<script type="application/json" id="nh-data">'
        element = f'<script type="application/json" id="nh-release">{snapshot}</script>'
        page.open(usual_page.replace(place, element + place))
        assert said in page.text("#card")
        assert page.complaints() == []


def test_a_file_that_is_cut_short_says_what_to_do(page: Reviewer, usual_page: str) -> None:
    begin = usual_page.index('id="nh-arrays">') + 4000
    end = usual_page.index("</script>", begin)
    page.show(usual_page[:begin] + usual_page[end:])
    page.until("return !document.getElementById('broken').hidden")
    assert "make session_report again" in page.text("#broken")
