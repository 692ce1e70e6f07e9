"""Times of Dagster's pages until their content stands, in a real Chromium, and of their questions to the server.

Contains the script that watches from within the page. Which pages there are, and by which words they show their
content, says `dagster_pages`.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.rehearsal.dagster_pages import NEUTRAL, DagsterPage

LONGEST_S = 60.0
_OTHER = DagsterPage("configuration", "/deployment/config", ("Configuration",))
_WATCH = """
(() => {
  if (window.nhTimes) return;
  const times = window.nhTimes = { answers: [], pending: 0, began: 0, stood: null, shows: WANTED };
  const ask = window.fetch;
  window.fetch = async (...given) => {
    let name = null;
    try { name = JSON.parse(given[1].body).operationName; } catch { /* no question */ }
    if (!name) return ask(...given);
    const began = performance.now();
    times.pending += 1;
    try {
      const answer = await ask(...given);
      const text = await answer.clone().text();
      times.answers.push([name, (performance.now() - began) / 1e3, text.length]);
      return answer;
    } finally {
      times.pending -= 1;
    }
  };
  setInterval(() => {
    if (times.stood !== null || !times.shows || times.pending) return;
    const text = document.getElementById("root")?.textContent ?? document.body?.textContent ?? "";
    if (times.shows.every((one) => new RegExp(one).test(text))) times.stood = performance.now();
  }, 20);
})();
"""
_GO = """
const times = window.nhTimes;
Object.assign(times, { answers: [], stood: null, shows: arguments[1], began: performance.now() });
history.pushState({}, "", arguments[0]);
window.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
"""
"""Dagster's router goes to an address that the browser's history says, as it does for a link."""
_FOUND = "const t = window.nhTimes; return t && t.stood !== null ? [(t.stood - t.began) / 1e3, t.answers] : null;"


@dataclass
class PageTimes:
    """What a page took.

    Parameters
    ----------
    name, path
        The page.
    opened_s, within_s
        Seconds of each try until its content stood: opened by its address, and from another page.
    answers
        Seconds of each question to the server, by its name: median of the tries of both kinds.
    answer_bytes
        Largest answer to it.
    missing
        What it showed instead, where its content never stood.
    """

    name: str
    path: str
    opened_s: list[float] = field(default_factory=list)
    within_s: list[float] = field(default_factory=list)
    answers: dict[str, float] = field(default_factory=dict)
    answer_bytes: dict[str, int] = field(default_factory=dict)
    missing: str = ""


def page_times(driver: Any, address: str, page: DagsterPage, repeats: int) -> PageTimes:
    """Open a page again and again, by its address and from another page.

    Parameters
    ----------
    driver
        A browser of selenium's that nothing else uses.
    address
        Of the server.
    page
        The page.
    repeats
        Tries of each kind; one more before them fills the caches of browser and server.
    """
    times = PageTimes(page.name, page.path)
    seconds: dict[str, list[float]] = {}
    for number in range(repeats + 1):
        for kind in ("opened", "within"):
            opened = _opened(driver, address, page) if kind == "opened" else _gone_to(driver, address, page)
            if opened is None:
                times.missing = driver.execute_script("return document.body.innerText")[:500]
                return times
            if number:
                getattr(times, f"{kind}_s").append(round(opened[0], 3))
            for name, took, length in opened[1]:
                if number:
                    seconds.setdefault(name, []).append(took)
                times.answer_bytes[name] = max(length, times.answer_bytes.get(name, 0))
    times.answers = {name: round(median(of), 3) for name, of in seconds.items()}
    return times


def _opened(driver: Any, address: str, page: DagsterPage) -> tuple[float, list[Any]] | None:
    driver.get("about:blank")
    source = _WATCH.replace("WANTED", json.dumps(page.shows))
    script = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        driver.get(address + page.path)
        return _stood(driver)
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": script["identifier"]})


def _gone_to(driver: Any, address: str, page: DagsterPage) -> tuple[float, list[Any]] | None:
    other = _OTHER if page == NEUTRAL else NEUTRAL
    if _opened(driver, address, other) is None:
        return None
    time.sleep(1.0)  # what that page asks for in the background has come
    driver.execute_script(_GO, page.path, list(page.shows))
    return _stood(driver)


def _stood(driver: Any) -> tuple[float, list[Any]] | None:
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        if found := driver.execute_script(_FOUND):
            return found[0], found[1]
        time.sleep(0.1)
    return None
