"""The review desk in Chromium: two readers decide on a session, it is made again, and the page and Dagster show it.

Screenshots lie in ``NH_SCREENSHOTS`` (default: the test's temporary folder).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nh_platform import operations
from nh_platform.home.page_addresses import REPORTS
from nh_platform.home.platform import Platform
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.qc.reviews.review_files import read_reviews
from nh_platform.store.codecs.parquet import read_table
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.reports.desk.served import Client, served_desk
from nh_platform_tests.services.servers import nh_ui, wait_for_text

pytestmark = [pytest.mark.browser, pytest.mark.service]

ASSETS = ("raw_spikes", "events", "signals", "units", "windows", "unit_embeddings", "session_report")
BOOK = "ibl-2022-10"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",), 2)
    make(platform)
    return platform


def make(platform: Platform, *session_ids: str) -> None:
    previous = os.environ.pop("DAGSTER_HOME", None)
    try:
        with open_instance(platform.settings) as instance:
            operations.sync(OpenHome(platform, instance), "ibl")
            ran = materialize(platform, instance, "ibl", session_ids, assets=ASSETS)
        assert all(outcome.success for outcome in ran)
    finally:
        os.environ.pop("DAGSTER_HOME", None)
        if previous:
            os.environ["DAGSTER_HOME"] = previous


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("NH_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def desk(home: Platform) -> Iterator[Client]:
    with served_desk(home, home.settings.reviews) as client:
        yield client


def reader(browser: Any, client: Client, folder: Path, session: str, name: str, query: str = "") -> Reviewer:
    """Open the page of a session at a desk as a reader."""
    at = Reviewer(browser, folder)
    at.address = f"http://{client.host}/sessions/ibl/{session}{query}"
    at.go()
    at.until("return 'decisions' in document.documentElement.dataset && nhDecisions.loaded")
    at.run("nhDecisions.name.value = arguments[0]; nhDecisions.name.dispatchEvent(new Event('change'))", name)
    at.until("return nhDecisions.reviewer !== ''")
    return at


def decide(page: Reviewer, key: str, reason: str) -> None:
    page.press(key)
    page.run("document.getElementById('decide-reason').value = arguments[0]", reason)
    page.press("Enter")
    page.until("return !nhDecisions.busy && document.getElementById('decide-reason').value === ''")
    assert "nh-bad" not in page.run("return document.getElementById('decide-status').className"), page.text(
        "#decide-status"
    )


def own_requests_only(page: Reviewer, client: Client) -> None:
    asked = page.requests()
    assert asked
    assert [url for url in asked if not url.startswith(f"http://{client.host}/")] == []


def test_two_readers_decide_and_page_and_dagster_show_it(
    home: Platform, desk: Client, browser: Any, tmp_path: Path, shots: Path
) -> None:
    session = home.store.sessions("ibl")[0]
    table = read_table(home.store.folder("ibl", session, "units") / "units.parquet")
    unit = str(table.loc[table[f"pass.{BOOK}"], "unit_id"].iloc[0])
    reason = "two neurons of one <b>shape</b>"

    page = reader(browser, desk, tmp_path, session, "ada")
    page.run("nhPage.goTo(arguments[0])", unit)
    assert "✓ good" in page.text("#card .nh-verdict")
    before = page.rows
    decide(page, "b", reason)
    assert page.unit != unit
    assert page.rows == before
    page.run("document.querySelector('.nh-decide details').open = true")
    assert "+    reviewer: ada" in page.text("#decide-diff")
    browser.save_screenshot(str(shots / "desk_after_decision.png"))
    assert page.complaints() == []
    own_requests_only(page, desk)

    page = reader(browser, desk, tmp_path, session, "bob")
    page.run("nhPage.goTo(arguments[0])", unit)
    page.until("return !nhDecisions.agreeing.disabled")
    assert "pending: fail by ada; 1 of 2 reviewers needed" in page.text(".nh-others")
    browser.save_screenshot(str(shots / "desk_second_reader.png"))
    page.press("a")
    page.until(f"return nhPage.unitId !== '{unit}'")
    page.run("nhPage.goTo(arguments[0])", unit)
    assert "counted: fail by ada, bob" in page.text(".nh-others")
    assert "✓ good" in page.text("#card .nh-verdict")  # what is stored is another matter

    first, second = read_reviews(home.reviews_file("ibl", session)).reviews
    assert (first.reviewer, second.reviewer, second.answers, second.blind) == ("ada", "bob", first.id, False)
    assert first.shown is not None
    assert set(first.shown.rules[unit]) == {"max_confidence", "noise_cutoff", "amp_median"}

    make(home, session)
    page = reader(browser, desk, tmp_path, session, "ada")
    page.run("nhPage.goTo(arguments[0])", unit)
    assert "✗ not good" in page.text("#card .nh-verdict")
    assert reason in page.text("#card")
    assert page.run("return document.querySelectorAll('main b').length") == 0
    browser.save_screenshot(str(shots / "desk_made_again.png"))
    assert page.complaints() == []

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NH_SENSOR_INTERVAL_S", "3600")
        with nh_ui(home.settings.home) as address:
            browser.get(f"{address}/assets/ibl/units?view=partitions&partition={session}")
            shown = wait_for_text(
                browser, ["good units", "reviews by state", "reviewed", f"fail by ada, bob: {reason}"]
            )
            good = int(read_table(home.store.folder("ibl", session, "units") / "units.parquet")[f"pass.{BOOK}"].sum())
            assert good == int(table[f"pass.{BOOK}"].sum()) - 1
            assert str(good) in shown
            browser.save_screenshot(str(shots / "dagster_units_reviewed.png"))
            browser.get(f"{address}{REPORTS}/ibl/{session}#unit={unit}")
            wait_for_text(browser, ["✗ not good", reason])


def test_the_queue_is_walked_by_keys_over_sessions(
    home: Platform, desk: Client, browser: Any, tmp_path: Path, shots: Path
) -> None:
    at = Reviewer(browser, tmp_path)
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(f"http://{desk.host}/")
    at.run("const f = document.getElementById('reviewer'); f.value = 'carl'; f.dispatchEvent(new Event('change'))")
    at.until("return document.querySelectorAll('#queue a').length > 3")
    browser.save_screenshot(str(shots / "desk_queue.png"))
    at.press("3")
    at.until("return document.querySelector('[data-reason=undecided]').ariaPressed === 'true'")
    at.until("return document.querySelectorAll('#queue a').length > 3")
    at.press("j")
    at.press("j")
    assert at.run("return [...document.querySelectorAll('#queue a')].indexOf(document.activeElement)") == 1
    at.run("document.activeElement.click()")
    at.until("return globalThis.nhDecisions?.loaded")
    first = at.unit
    decide(at, "g", "isolated")
    at.until(f"return nhPage.unitId !== '{first}'")
    # the last unit of the first session leads to the first of the next
    sessions = home.store.sessions("ibl")
    units = [
        str(one) for one in read_table(home.store.folder("ibl", sessions[0], "units") / "units.parquet")["unit_id"]
    ]
    at.run("nhPage.goTo(arguments[0])", units[-1])
    at.press("n")
    end = time.monotonic() + 20
    while sessions[1] not in browser.current_url:
        assert time.monotonic() < end, browser.current_url
        time.sleep(0.05)
    at.until("return globalThis.nhDecisions?.loaded")
    assert at.run("return nhDecisions.queue") == "undecided"
    assert at.complaints() == []
    own_requests_only(at, desk)


def test_a_decision_that_another_made_meanwhile_is_shown_first(
    home: Platform, desk: Client, browser: Any, tmp_path: Path
) -> None:
    session = home.store.sessions("ibl")[1]
    page = reader(browser, desk, tmp_path, session, "ada")
    unit = page.unit
    other = {"unit": unit, "decision": "pass", "reason": "clean"}
    assert desk.post("ibl", session, {"reviewer": "bob", "reviews": [other]})[0] == 200
    page.press("b")
    page.run("document.getElementById('decide-reason').value = 'drifts'")
    page.press("Enter")
    page.until("return document.getElementById('decide-status').className === 'nh-bad'")
    assert "since it was shown" in page.text("#decide-status")
    assert page.unit == unit
    assert page.run("return document.getElementById('decide-reason').value") == "drifts"
    assert "pass by bob" in page.text(".nh-others")
    page.click("#decide-fail")
    page.until(f"return nhPage.unitId !== '{unit}'")
    assert [one.reviewer for one in read_reviews(home.reviews_file("ibl", session)).reviews] == ["bob", "ada"]


def test_a_blind_reader_is_sent_nothing_of_the_others(home: Platform, browser: Any, tmp_path: Path) -> None:
    session, reviews = home.store.sessions("ibl")[0], tmp_path / "reviews"
    with served_desk(home, reviews, blind=True) as client:
        page = reader(browser, client, tmp_path, session, "ada")
        unit = page.unit
        decide(page, "b", "a secret reason")
        page = reader(browser, client, tmp_path, session, "bob")
        page.run("nhPage.goTo(arguments[0])", unit)
        assert "a secret reason" not in page.run("return document.documentElement.outerHTML")
        assert not page.run("return [...nhPage.units.columns.keys()].some((one) => one.startsWith('review'))")
        assert "blind reading" in page.text(".nh-reader")
        decide(page, "g", "clean")
        page.run("nhPage.goTo(arguments[0])", unit)
        assert "reviewers disagree: bob pass, ada fail" in page.text(".nh-others")
        assert [one.blind for one in read_reviews(reviews / "ibl" / f"{session}.yaml").reviews] == [True, True]
