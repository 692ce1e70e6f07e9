"""Table and filters of the session page in Chromium: order, expressions, lists, ready filters, and the address."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nh_platform_tests.browser.conftest import N_UNITS
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.made_pages import BOOK, made_page

pytestmark = pytest.mark.browser

READY = {
    "one-rule": "(max_confidence <= 90) * 1 + (noise_cutoff >= 5) * 1 + (amp_median <= 50) * 1 == 1",
    "near": "abs(max_confidence - 90) <= 9 or abs(noise_cutoff - 5) <= 0.5 or abs(amp_median - 50) <= 5",
    "released": "released_disagrees",
    "upstream": "upstream_disagrees",
    "reviewers": "reviewers_disagree",
    "undecided": "review == 'none'",
}


def test_headings_sort_and_turn_round_and_missing_stands_last(page: Reviewer) -> None:
    depths = made_page(N_UNITS).units["depth"]
    headings = page.run("return [...document.querySelectorAll('thead th')].map(one => one.textContent.trim())")
    place = 1 + next(place for place, text in enumerate(headings) if text.startswith("depth"))
    heading = f"thead th:nth-child({place}) button"
    page.click(heading)
    assert page.rows == [int(row) for row in depths.sort_values(kind="stable").index]
    assert page.run(f"return document.querySelector('thead th:nth-child({place})').ariaSort") == "ascending"
    page.click(heading)
    assert depths[page.rows].is_monotonic_decreasing
    page.click(heading)
    assert page.rows == list(range(N_UNITS))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("pass == false && depth >= 1000", "good == False and depth >= 1000"),
        ("!pass and depth>=1000", "good == False and depth >= 1000"),
        ("region == CA1 || region == 'visp'", "beryl == 'CA1' or beryl == 'VISp'"),
        ("region in (CA1, VISp)", "beryl == 'CA1' or beryl == 'VISp'"),
        ('reason contains "NOISE"', "`reason.ibl-2022-10`.str.contains('noise')"),
        ("!(probe == probe00) || n_spikes < 5e3", "probe != 'probe00' or n_spikes < 5000"),
        (f"rule.{BOOK}.noise_cutoff == false", "noise_cutoff >= 5"),
        ("`released.noise_cutoff` != noise_cutoff", "released_disagrees"),
        ("noise_cutoff < -1.5", "noise_cutoff < -1.5"),
        ("failed_rules == 0", "good == True"),
        ("nearest_threshold <= 10", READY["near"]),
        ("curated.ana == none", "`curated.ana`.isnull()"),
    ],
)
def test_an_expression_filters_as_pandas_does(
    page: Reviewer, fits: Callable[[str], list[int]], written: str, meant: str
) -> None:
    page.write(written)
    assert page.rows == fits(meant)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("depht > 1000", "There is no column “depht”; did you mean depth?"),
        ("depth > shallow", "depth is a number (µm), and is compared with “shallow”."),
        ("depth >", "Something is missing after “>”."),
        ("depth", "depth is a number; compare it, for example depth >= 1."),
        ("pass = true", "Equal is written == (two signs)."),
        ("pass == maybe", "pass is true or false, and is compared with “maybe”."),
        ("(pass", "A bracket ( is not closed."),
        ("pass)", "A bracket ) was never opened."),
        ("pass depth > 1", "“depth” stands where && or || was expected."),
        ('region == "CA1', 'The quotation mark " is not closed.'),
        ("pass; alert(1)", "“;” has no meaning in a filter."),
        ("depth < none", "Nothing is smaller or larger than none; use == or !=."),
    ],
)
def test_an_expression_that_is_wrong_is_told_in_words_and_the_rows_stay(
    page: Reviewer, written: str, said: str
) -> None:
    page.write("region == CA1")
    before = page.rows
    page.write(written)
    page.until("return document.getElementById('filter-error').textContent")
    assert page.text("#filter-error").startswith(said)
    assert page.rows == before
    page.write("")
    assert (page.text("#filter-error"), len(page.rows)) == ("", N_UNITS)


@pytest.mark.parametrize("text", ["(" * 10_000, "!" * 10_000 + "good", "(" * 4900 + "good" + ")" * 4900])
def test_a_filter_of_thousands_of_brackets_is_refused_in_words(page: Reviewer, text: str) -> None:
    page.go(f"#filter={text}")
    page.until("return document.getElementById('filter-error').textContent.startsWith('More than 200 brackets')")
    page.write("(" * 100 + "depth >= 1000" + ")" * 100)
    page.until("return document.getElementById('filter-error').textContent === ''")
    assert page.complaints() == []


@pytest.mark.parametrize("fragment", ["#columns=%25zz", "#columns=depth,%25E", "#ready=%25zz", "#pass=__proto__"])
def test_an_address_that_was_cut_short_opens_the_page(page: Reviewer, fragment: str) -> None:
    page.go(fragment)
    assert len(page.rows) == N_UNITS
    assert page.complaints() == []


def test_lists_filter_by_region_probe_verdict_and_rule(page: Reviewer, fits: Callable[[str], list[int]]) -> None:
    page.choose("filter-region", "CA1")
    assert page.rows == fits("beryl == 'CA1'")
    page.choose("filter-probe", "probe01")
    page.choose("filter-verdict", "bad")
    page.choose("filter-rule", "fail:noise_cutoff")
    assert page.rows == fits("beryl == 'CA1' and probe == 'probe01' and noise_cutoff >= 5")
    assert page.text("#count") == f"{len(page.rows)} of {N_UNITS} units"
    page.press("Escape")
    assert len(page.rows) == N_UNITS


def test_the_address_brings_back_filter_order_columns_and_unit(page: Reviewer) -> None:
    page.write("depth >= 1000")
    page.click("thead th:nth-child(5) button")
    page.click("[data-ready=one-rule]")
    page.run("document.querySelector('#columns-panel input[value=acronym]').click()")
    page.press("j")
    page.until("return location.hash.includes('acronym') && location.hash.includes(nhPage.unitId)")
    rows, unit, fragment = page.rows, page.unit, page.run("return location.hash")
    page.go(fragment)
    assert (page.rows, page.unit) == (rows, unit)
    assert page.run("return document.getElementById('filter').value") == "depth >= 1000"
    assert "acronym" in page.text("thead")
    page.go("#unit=unit-0123")
    assert page.unit == "unit-0123"
    assert page.run("return document.querySelector('tr[aria-selected=true]').id") == "row-123"


def test_a_unit_that_is_not_there_is_said(page: Reviewer) -> None:
    page.go("#unit=nobody&filter=depth > 1e9")
    page.until("return location.hash.includes('unit-0000')")  # once it has settled
    assert page.text("#filter-error") == "There is no unit nobody on this page."
    assert "not among the shown units" in page.text("#card")
    assert page.run("return nhPage.row") == 0
    page.write("depth >= 1000")
    assert page.text("#filter-error") == ""


def test_only_the_rows_in_the_window_are_in_the_page_and_all_are_counted(page: Reviewer) -> None:
    assert page.run("return document.querySelectorAll('#table tbody tr').length") < 80
    assert page.run("return document.querySelector('#table table').getAttribute('aria-rowcount')") == str(N_UNITS + 1)
    page.run("document.getElementById('table').scrollTop = 1e6")
    page.until(f"return document.getElementById('row-{N_UNITS - 1}')")
    assert page.run(f"return document.getElementById('row-{N_UNITS - 1}').ariaRowIndex") == str(N_UNITS + 1)


@pytest.mark.parametrize("ready", READY)
def test_ready_filters_show_what_they_say(page: Reviewer, fits: Callable[[str], list[int]], ready: str) -> None:
    page.click(f"[data-ready={ready}]")
    assert page.rows == fits(READY[ready])
    assert page.text(f"[data-ready={ready}] span") == str(len(page.rows))
