"""The QC site in Chromium, from disk: sorted, filtered, drawn, printed, without a complaint or a request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nh_platform.reports.site.release_snapshot import release_snapshot, with_release_snapshot
from nh_platform.reports.site.writing import write_report
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.reports.site.tables import site_of, units_table

pytestmark = pytest.mark.browser

EVIL = "<script>document.title = 'broken into'</script>"

INK = """
return [...document.querySelectorAll('canvas')].map((canvas) => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set();
  for (let at = 0; at < pixels.length; at += 4) {
    if (pixels[at + 3]) colours.add(`${pixels[at]},${pixels[at + 1]},${pixels[at + 2]}`);
  }
  return colours.size;
});
"""
SHOWN = """
return [...document.querySelectorAll('#session-table tbody tr')].filter(r => !r.hidden).map(r => r.cells[0].innerText)
"""
ENTER = """
const field = document.getElementById(arguments[0]);
field.value = arguments[1];
field.dispatchEvent(new Event('input', { bubbles: true }));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a site of 14 insertions, one of which is odd and one of a lab with markup in its name."""
    table = units_table(14)
    table.loc["pid-05", "noise_cutoff"] = 90.0
    table.loc["pid-03", "lab"] = EVIL
    table.loc["pid-02", "label"] = 1 - table.loc["pid-02", "label"].to_numpy()
    out = tmp_path_factory.mktemp("site")
    write_report(site_of(table), out)
    return out


@pytest.fixture
def index(browser: Any, folder: Path, tmp_path: Path) -> Reviewer:
    """Open the index."""
    reviewer = Reviewer(browser, tmp_path)
    reviewer.address = (folder / "index.html").as_uri()
    reviewer.go()
    return reviewer


def test_every_figure_is_drawn_and_nothing_complains_or_is_asked_for(index: Reviewer) -> None:
    assert index.complaints() == []
    assert index.requests() == []
    colours = index.run(INK)  # which the browser itself remarks upon
    assert len(colours) == 5
    assert min(colours) > 5, "axes, words and data have colours"


def test_a_name_with_markup_is_shown_as_text(index: Reviewer) -> None:
    assert EVIL in index.text("#session-table")
    assert index.run("return document.title") == "Unit quality of ibl: units.pqt"


def test_sessions_are_sorted_by_numbers_both_ways(index: Reviewer) -> None:
    heads = "[...document.querySelectorAll('#session-table th button')].find(b => b.innerText.startsWith('good units'))"
    index.run(f"{heads}.click()")
    read = "return [...document.querySelectorAll('#session-table tbody tr')].map(r => Number(r.cells[7].dataset.value))"
    found = index.run(read)
    assert found == sorted(found, reverse=True)
    assert len(set(found)) > 3
    index.run(f"{heads}.click()")
    assert index.run(read) == sorted(found)
    assert index.run(f"return {heads}.closest('th').getAttribute('aria-sort')") == "ascending"


def test_sessions_are_filtered_and_the_address_keeps_it(index: Reviewer) -> None:
    index.run(ENTER, "find", "south pid-1")
    assert sorted(index.run(SHOWN)) == ["pid-10", "pid-11", "pid-12", "pid-13"]
    assert index.text("#shown") == "4 of 14 sessions"
    address = index.run("return location.hash")
    index.go(address)
    assert sorted(index.run(SHOWN)) == ["pid-10", "pid-11", "pid-12", "pid-13"]
    index.click(".filter button[type=reset]")
    index.until("return document.getElementById('shown').value === '14 of 14 sessions'")


@pytest.mark.parametrize(("ready", "found"), [("outliers", "pid-05"), ("differs", "pid-02")])
def test_ready_filters_show_what_needs_a_look(index: Reviewer, ready: str, found: str) -> None:
    index.run(ENTER, "ready", ready)
    assert found in index.run(SHOWN)
    assert len(index.run(SHOWN)) < 8


def test_slash_begins_a_search(index: Reviewer) -> None:
    index.press("/")
    assert index.run("return document.activeElement.id") == "find"


def test_a_rule_has_a_page_that_leads_back(index: Reviewer, folder: Path) -> None:
    assert index.run("return document.querySelector('a[href^=\"rules/amp_median\"]').href").endswith(
        "rules/amp_median.html"
    )
    index.address = (folder / "rules" / "amp_median.html").as_uri()
    index.go()
    assert index.complaints() == []
    assert index.requests() == []
    assert min(index.run(INK)) > 5
    assert "amp_median > 50 µV" in index.text("main, header")
    assert index.run("return document.querySelector('header a').href") == (folder / "index.html").as_uri()


def test_dark_pages_are_drawn_in_other_colours(index: Reviewer) -> None:
    read = "const c = document.querySelector('canvas'); return c.toDataURL()"
    light = index.run(read)
    index.go(dark=True)
    assert index.run(read) != light
    index.go()


def test_print_has_every_session_that_is_shown(index: Reviewer) -> None:
    index.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    heights = index.run("const b = document.querySelector('.scroll.tall'); return [b.clientHeight, b.scrollHeight]")
    index.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert heights[0] == heights[1]


def test_the_summary_has_no_script_and_is_shown(index: Reviewer, folder: Path) -> None:
    index.driver.get((folder / "summary.html").as_uri())
    assert "Rules in force: ibl-2022-10" in index.text("body")
    assert index.complaints() == []


def test_the_page_of_a_session_draws_the_release_that_was_put_in(page: Reviewer, usual_page: str) -> None:
    strips = "return [...document.querySelectorAll('.nh-rule-strip canvas')].map((one) => one.toDataURL())"
    alone = page.run(strips)
    page.open(with_release_snapshot(usual_page, release_snapshot(site_of(units_table(14)))))
    assert "line: units.pqt, data version" in page.text("#card")
    assert page.run(strips) != alone
    assert page.complaints() == []
    assert page.requests() == []
