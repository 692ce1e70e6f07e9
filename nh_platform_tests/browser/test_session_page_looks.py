"""What the session page shows in Chromium: figures, theme, paper, and those who do not see it.

Screenshots lie in ``NH_SCREENSHOTS`` (default: the test's temporary folder).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from nh_platform_tests.browser.conftest import N_UNITS
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.made_pages import made_page

pytestmark = pytest.mark.browser


def test_every_figure_is_drawn_and_what_lacks_says_why(page: Reviewer) -> None:
    page.run("document.getElementById('figures').scrollIntoView()")
    page.until("return [...nhFigures].every(one => one.plan || !one.canvas.isConnected)")
    colours = page.run("""
      return [...document.querySelectorAll('canvas')].map((canvas) => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const found = new Set();
        for (let at = 0; at < data.length; at += 4) if (data[at + 3]) found.add(data.slice(at, at + 3).join());
        return [canvas.getAttribute('aria-label'), found.size];
      });
    """)
    assert len(colours) == 8 + 3 + 4  # of the unit, of its rules, of the session
    assert {label: n for label, n in colours if n < 5} == {}
    lacking = page.run(
        "const all = [...document.querySelectorAll('.nh-lacking:not([hidden])')]; return all.map(one => one.innerText)"
    )
    assert lacking == [
        "Single spikes are not stored; mean waveforms are made on request.",
        "This session has no pupil diameter.",
    ]


def test_a_figure_says_its_numbers_to_those_who_do_not_see_it(page: Reviewer) -> None:
    label = page.run("return document.querySelector('#figure-autocorrelogram canvas').getAttribute('aria-label')")
    spikes = made_page(N_UNITS).units["n_spikes"][0]
    assert label == f"Autocorrelogram of probe00 · cluster 0: pairs against lag (ms). spikes {spikes:,}"


def test_a_figure_of_a_unit_without_its_numbers_says_so_and_of_the_next_is_drawn(page: Reviewer) -> None:
    shown = "return document.querySelector('#figure-depth canvas').checkVisibility()"
    page.run("nhPage.goTo('unit-0003')")
    assert "This unit has no depths." in page.text("#figure-depth")
    assert not page.run(shown)
    page.press("j")
    page.until(shown)
    assert "This unit has no depths." not in page.text("#figure-depth")


def test_each_unit_has_the_range_of_its_own(page: Reviewer) -> None:
    chart = made_page(N_UNITS).unit_charts[6]
    page.press("j")
    page.until("return document.querySelector('#figure-depth canvas').nhFigure.plan.layers.length")
    y = page.run("const {y} = document.querySelector('#figure-depth canvas').nhFigure.plan; return [y.low, y.high]")
    assert chart.y.unit_lows is not None
    assert y == pytest.approx([np.asarray(chart.y.unit_lows)[1], np.asarray(chart.y.unit_highs)[1]], rel=1e-6)


def printed(page: Reviewer, what: str) -> str:
    page.choose("print-what", what)
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    text = str(page.run("return document.getElementById('paper').textContent"))
    page.until("return document.querySelectorAll('#paper canvas').length === 0")
    return text


def test_paper_has_all_shown_units_and_not_the_window(page: Reviewer) -> None:
    page.write("depth >= 1000")
    rows = page.rows
    text = printed(page, "table")
    assert f"{len(rows)} of {N_UNITS} units" in text
    assert "filter: depth >= 1000" in text
    assert page.run("return document.querySelectorAll('#paper tbody tr').length") == len(rows)
    page.run("window.dispatchEvent(new Event('afterprint'))")
    assert page.run("return document.getElementById('paper').childElementCount") == 0
    pdf = page.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert len(pdf) > 20_000


def test_sheets_are_printed_of_chosen_units_with_sharp_figures(page: Reviewer) -> None:
    assert "No units are chosen" in printed(page, "chosen")
    page.press("x")
    page.press("j")
    page.press("x")
    text = printed(page, "chosen")
    assert "cluster 0" in text
    assert "cluster 1" in text
    assert page.run("return document.querySelectorAll('#paper .nh-sheet').length") == 2
    assert page.run("return document.querySelectorAll('#paper .nh-sheet svg path').length") > 40
    assert "not printed: at most 200" in printed(page, "shown")


DRAWN_IN_INK_OF_THE_THEME = """
const {data} = document.querySelector('#figure-rate canvas').getContext('2d').getImageData(0, 0, 300, 180);
const ink = nhColour('main').match(/\\d+/g).map(Number);
let found = 0;
for (let at = 0; at < data.length; at += 4) if (ink.every((part, k) => Math.abs(data[at + k] - part) < 3)) found++;
return found > 50;
"""


def test_the_theme_turns_with_the_system_and_by_a_button(page: Reviewer) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert page.run(paper) == "rgb(255, 255, 255)"
    assert page.run(DRAWN_IN_INK_OF_THE_THEME)
    page.press("t")
    dark = page.run(paper)
    assert dark == "rgb(15, 20, 25)"
    assert page.run(DRAWN_IN_INK_OF_THE_THEME)  # a canvas keeps its colours, so it was drawn again
    page.go("", dark=True)
    assert page.run(paper) == dark
    page.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
    )
    assert page.run(DRAWN_IN_INK_OF_THE_THEME)


def test_the_page_can_be_used_without_seeing_it(page: Reviewer) -> None:
    names = page.run("""
      const named = (one) => one.textContent.trim() || one.ariaLabel || one.labels?.[0]?.innerText || one.title;
      const all = [...document.querySelectorAll('button, select, input, canvas, a')];
      return all.filter((one) => !named(one)).map((one) => one.outerHTML);
    """)
    assert names == []
    assert page.run("return ['header', 'main', 'nav'].map((one) => document.querySelectorAll(one).length)") == [1, 1, 1]
    ids = page.run("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
    assert page.run("return document.documentElement.lang") == "en"
    page.press("j")
    page.until("return document.getElementById('status').textContent.includes('2 of')")


CONTRAST = """
const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const light = (role) => {
  const [red, green, blue] = nhColour(role).match(/[\\d.]+/g).map((part) => linear(part / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
const inks = ['ink', 'quiet', 'good-text', 'bad-text', 'link'];
return ['paper', 'raised', 'chosen'].flatMap((ground) => inks.map((ink) => [ink, ground, ratio(ink, ground)]));
"""


RAMPS = """
const light = ([r, g, b]) => 0.2126 * (r / 255) ** 2.2 + 0.7152 * (g / 255) ** 2.2 + 0.0722 * (b / 255) ** 2.2;
const steps = (role, dark) => Array.from({length: 256}, (_, k) => light(nhRamp(role, dark).slice(k * 3, k * 3 + 3)));
return [steps('heat', false), steps('heat', true), steps('diverging', false), steps('diverging', true)];
"""


def test_colour_maps_are_told_apart_by_lightness_alone(page: Reviewer) -> None:
    light, dark, both_light, both_dark = (np.array(one) for one in page.run(RAMPS))
    assert (np.diff(light) < 1e-3).all()
    assert (np.diff(dark) > -1e-3).all()
    assert (light[0] > 0.95, light[-1] < 0.1) == (True, True)
    assert np.argmax(both_light) in range(120, 136)
    assert np.argmin(both_dark) in range(120, 136)


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_ground(page: Reviewer, dark: bool) -> None:
    page.go("", dark=dark)
    faint = [one for one in page.run(CONTRAST) if one[2] < 4.5]
    assert faint == []
    page.driver.save_screenshot(str(Path(os.environ.get("NH_SCREENSHOTS") or page.folder) / f"session_page_{dark}.png"))


@pytest.mark.parametrize("width", [1300, 1400])
def test_the_verdict_and_the_tools_have_room_on_a_small_window(page: Reviewer, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        right, room, *tops = page.run("""
          const box = (one) => one.getBoundingClientRect(), at = (id) => document.getElementById(id);
          const verdict = [...document.querySelectorAll('#table th')].find((one) => one.textContent === 'verdict');
          const tools = [...document.querySelectorAll('.nh-tools > *')].map((one) => box(one).bottom);
          return [box(verdict).right, box(at('table')).right, Math.max(...tools) - Math.min(...tools) < 20,
            Math.abs(box(at('print-what')).top - box(at('count')).top) < 20];
        """)
        assert right < room
        assert tops == [True, True]
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
