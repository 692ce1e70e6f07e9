"""The page of insertions in Chromium, from disk: drawn, turned, coloured and saved, without a request or an error.

Screenshots lie in ``NH_SCREENSHOTS`` (default: the test's temporary folder).
"""

from __future__ import annotations

import base64
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from nh_platform.reports.probe_page.content import make_probe_page
from nh_platform.reports.probe_page.rendering import render_probe_page
from nh_platform.reports.probe_page.surface import read_surface
from nh_platform_tests.reports.probe_page.insertions import many_insertions
from nh_platform_tests.reports.probe_page.test_surface import write_ball
from nh_platform_tests.services.servers import chromium

pytestmark = pytest.mark.browser

CANVASES = ("#stage", "#plane-coronal", "#plane-sagittal", "#plane-horizontal")
N_COLOURS = 24
"""Colours that a picture of insertions has at least: an empty one has the page's few, and their edges."""


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("NH_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    probes, positions = many_insertions(20, units_per_probe=80, unlocated=2)
    probes = probes.assign(subject="<img src=x onerror=alert(1)>")
    path = tmp_path_factory.mktemp("page") / "probes.html"
    path.write_text(render_probe_page(make_probe_page("Twenty insertions", probes, positions)))
    return path


@pytest.fixture
def opened(driver: Any, page: Path) -> Any:
    return open_page(driver, page)


def open_page(driver: Any, path: Path, colour: str = "region") -> Any:
    driver.get("about:blank")
    for log in ("performance", "browser"):
        driver.get_log(log)
    driver.get(f"{path.as_uri()}#colour={colour}")
    until = time.monotonic() + 30
    while not driver.execute_script("return document.documentElement.dataset.ready"):
        assert time.monotonic() < until, driver.get_log("browser")
        time.sleep(0.05)
    return driver


def picture(driver: Any, selector: str) -> npt.NDArray[np.uint8]:
    """Return what a canvas shows, after what was asked for is drawn."""
    driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    element = driver.find_element("css selector", selector)
    if element.tag_name == "canvas":  # its own pixels: a screenshot of it depends on where the page is scrolled to
        text = driver.execute_script("return arguments[0].toDataURL('image/png')", element)
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))).convert("RGB"))
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    return np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"))


def n_colours(shown: npt.NDArray[np.uint8]) -> int:
    return len(np.unique(shown.reshape(-1, 3), axis=0))


def press(driver: Any, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    for key in keys:
        ActionChains(driver).send_keys(key).perform()


def no_error(driver: Any) -> None:
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_it_opens_from_disk_without_a_request_or_an_error_and_every_picture_is_drawn(opened, page: Path, shots) -> None:
    for selector in CANVASES:
        shown = picture(opened, selector)
        assert n_colours(shown) > N_COLOURS, selector
        assert shown[2:6, 60:200].min() > 230, selector  # on light paper
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
    assert {url.split("#")[0] for url in asked} <= {page.as_uri()}
    no_error(opened)
    opened.save_screenshot(str(shots / "probes.png"))


def test_what_it_says_has_the_insertions_the_missing_ones_and_no_markup(opened) -> None:
    text = opened.find_element("css selector", "body").text
    assert "18 insertions of 9 sessions, 1,440 units" in text
    assert "Not drawn: 2 insertions without a position" in text
    assert "No surface of the brain is drawn" in text
    assert "<img src=x onerror=alert(1)>" in text
    assert opened.execute_script("return document.querySelectorAll('img').length") == 0
    nameless = """return [...document.querySelectorAll('button, canvas:not([aria-hidden])')]
        .filter(one => !(one.getAttribute('aria-label') || one.textContent.trim())).length"""
    assert opened.execute_script(nameless) == 0


@pytest.mark.parametrize("keys", [("\ue012",), ("\ue013",), ("+",), ("2",), ("3",), ("4",), ("5",)])
def test_keys_turn_the_view_and_one_brings_it_back(opened, keys: tuple[str, ...]) -> None:
    before = picture(opened, "#stage")
    press(opened, *keys)
    assert (picture(opened, "#stage") != before).any()
    press(opened, "1")
    assert (picture(opened, "#stage") == before).all()
    no_error(opened)


def test_every_key_has_a_button_that_does_the_same(opened) -> None:
    def by_button(selector: str) -> Callable[[], None]:
        return lambda: opened.execute_script("document.querySelector(arguments[0]).click()", selector)

    pairs = [("2", "[data-view=above]"), ("\ue012", "[data-turn=left]"), ("+", "[data-zoom=in]"), ("j", "#next")]
    for key, selector in pairs:
        shown = []
        for act in (lambda key=key: press(opened, key), by_button(selector)):
            press(opened, "1", "\ue00c")
            act()
            shown.append(picture(opened, "#stage"))
        assert (shown[0] == shown[1]).all(), selector


def test_the_animals_left_is_left_from_above_and_from_behind(driver, tmp_path: Path) -> None:
    probes, (found,) = many_insertions(30, units_per_probe=40)
    side = found.channels.groupby("insertion_id")["ml_um"].max()
    left = set(side.index[side < 5000])
    kept = [table[table["insertion_id"].isin(left)] for table in (found.channels, found.units)]
    page = make_probe_page("left", probes[probes["insertion_id"].isin(left)], [type(found)(*kept, {})])
    assert set(page.insertions["side"]) == {"left"}
    (tmp_path / "left.html").write_text(render_probe_page(page))
    open_page(driver, tmp_path / "left.html", "lab")
    for selector, key in (("#stage", "2"), ("#stage", "3"), ("#plane-coronal", ""), ("#plane-horizontal", "")):
        press(driver, *key)
        shown = picture(driver, selector).astype(int)
        coloured = (shown.max(axis=2) - shown.min(axis=2)) > 90
        columns = np.flatnonzero(coloured.any(axis=0))
        assert len(columns) > 20, selector
        assert columns.max() < shown.shape[1] * 0.52, (selector, key)
    press(driver, "5")  # seen from the front the left is on the right
    shown = picture(driver, "#stage").astype(int)
    columns = np.flatnonzero(((shown.max(axis=2) - shown.min(axis=2)) > 90).any(axis=0))
    assert columns.min() > shown.shape[1] * 0.48


def test_other_colours_change_every_picture_and_the_legend(opened, shots: Path) -> None:
    before = {selector: picture(opened, selector) for selector in CANVASES}
    assert "VISp" in opened.find_element("id", "legend").text
    press(opened, "c")
    assert "lab3" in opened.find_element("id", "legend").text
    assert opened.current_url.endswith("#colour=lab")
    for selector, shown in before.items():
        assert (picture(opened, selector) != shown).any(), selector
    opened.save_screenshot(str(shots / "probes_lab.png"))
    opened.execute_script("document.querySelector('[data-colour=label]').click()")
    assert "not good" in opened.find_element("id", "legend").text


def test_what_is_hidden_is_not_drawn_and_a_chosen_insertion_is_named(opened) -> None:
    first = picture(opened, "#plane-coronal")
    opened.execute_script("document.querySelectorAll('#kinds button').forEach(one => one.click())")
    assert n_colours(picture(opened, "#plane-coronal")) < n_colours(first)
    opened.execute_script("document.querySelectorAll('#kinds button').forEach(one => one.click())")
    again = picture(opened, "#plane-coronal").astype(int)
    assert np.abs(again - first).max() < 8  # the edge of a dash differs by 2 of 255 from one drawing to the next
    press(opened, "j")
    assert "probe00 of eid0000" in opened.find_element("id", "picked").text
    assert (picture(opened, "#plane-coronal") != first).any()
    press(opened, "\ue00c")
    assert opened.find_element("id", "picked").text == ""


def test_a_click_names_the_insertion_below_it(opened) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    shown = picture(opened, "#stage").astype(int)
    coloured = np.argwhere((shown.max(axis=2) - shown.min(axis=2)) > 90)
    y, x = coloured[len(coloured) // 2]
    stage = opened.find_element("css selector", "#space")
    middle = shown.shape[0] / 2, shown.shape[1] / 2
    offset = round(float(x - middle[1])), round(float(y - middle[0]))
    ActionChains(opened).move_to_element_with_offset(stage, *offset).click().perform()
    said = opened.find_element("id", "picked").text
    assert "probe0" in said
    assert "; here " in said
    assert "µm" in said


def test_the_views_are_saved_as_png(opened, tmp_path: Path) -> None:
    opened.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    press(opened, "s")
    opened.execute_script("document.querySelector('[data-png=sagittal]').click()")
    wanted = [tmp_path / "probes-space.png", tmp_path / "probes-sagittal.png"]
    until = time.monotonic() + 20
    while not all(path.is_file() for path in wanted):
        assert time.monotonic() < until, list(tmp_path.iterdir())
        time.sleep(0.1)
    time.sleep(0.3)
    for path in wanted:
        assert n_colours(np.asarray(Image.open(path).convert("RGB"))) > N_COLOURS, path.name
    no_error(opened)


def test_a_surface_that_was_at_hand_is_drawn_and_named(driver, tmp_path: Path, shots: Path) -> None:
    probes, positions = many_insertions(5)
    surface = read_surface(write_ball(tmp_path, (6600, 4000, 5700)))
    (tmp_path / "plain.html").write_text(render_probe_page(make_probe_page("five", probes, positions)))
    with_surface = make_probe_page("five", probes, positions, surface=surface)
    (tmp_path / "surface.html").write_text(render_probe_page(with_surface))
    plain = picture(open_page(driver, tmp_path / "plain.html"), "#stage")
    shown = picture(open_page(driver, tmp_path / "surface.html"), "#stage")
    driver.save_screenshot(str(shots / "probes_surface.png"))
    assert (plain != shown).any(axis=2).mean() > 0.03
    assert "allen_mouse_25um_v1.2" in driver.find_element("id", "notes").text
    no_error(driver)


def test_it_is_dark_where_the_system_is(driver, page: Path, shots: Path) -> None:
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        open_page(driver, page)
        assert picture(driver, "#plane-coronal")[2, 100].max() < 60
        driver.save_screenshot(str(shots / "probes_dark.png"))
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_699_insertions_open_soon(driver, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    probes, positions = many_insertions(699)
    (tmp_path / "many.html").write_text(render_probe_page(make_probe_page("many", probes, positions)))
    open_page(driver, tmp_path / "many.html")
    ready = int(driver.execute_script("return document.documentElement.dataset.ready"))
    size = (tmp_path / "many.html").stat().st_size
    with capsys.disabled():
        print(f"\n699 insertions, 349,500 units: {size / 1e6:.1f} MB, drawn {ready / 1000:.2f} s after it was opened")
    assert n_colours(picture(driver, "#stage")) > N_COLOURS
    no_error(driver)
