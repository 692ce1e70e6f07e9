"""Rules, presets and reviews that change while the daemon runs: no tick fails, and each says what it does.

The web page is a server of the test on loopback that answers as Dagster's does. That the real daemon goes on is in
`nh_platform_tests/services/test_changed_rules.py`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from nh_platform.defs.automation import evaluate_release
from nh_platform.defs.automation.loaded_rules import LoadedRules
from nh_platform.defs.automation.release_sensor import current_platform
from nh_platform.defs.build import build_defs
from nh_platform.history.wanted import want
from nh_platform.home.platform import Platform
from nh_platform.home.running_ui import write_running_ui
from nh_platform.home.settings import load_settings
from nh_platform.operations import sync
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.session_states import source_states
from nh_platform.qc.reviews.review_files import review_path
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import make_home
from nh_platform_tests.rulebook_texts import OWN_RULE

SOURCE = "allen_vc"
ENTRY = source_entry(SOURCE)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, instance: dg.DagsterInstance) -> Platform:
    platform = make_home(tmp_path, (SOURCE,), n_sessions=2)
    sync(OpenHome(platform, instance), SOURCE)
    want(platform.store, SOURCE, platform.manifest(SOURCE).session_ids, "the test")
    return platform


def change(home: Platform, *lines: str) -> Platform:
    """Add lines to the settings of the source and return the platform as a tick reads it."""
    with (home.settings.home / "sources.yaml").open("a", encoding="utf-8") as settings:
        settings.write("".join(f"  {line}\n" for line in lines))
    return current_platform(home)


def own_rulebook(home: Platform) -> str:
    """Write a rulebook with one rule more than the shipped one and return its name for the settings."""
    text = (RULEBOOK_DIR / "allen-vc-default.yaml").read_text().replace("id: allen-vc-default", "id: lab-own")
    (home.settings.home / "own.yaml").write_text(text.replace("rules:\n", OWN_RULE, 1))
    return "own.yaml"


@contextmanager
def web_page(home: Platform, answer: dict[str, Any], after_s: float = 0.0) -> Iterator[list[dict[str, Any]]]:
    """Serve a web page of a home that answers every question alike, and give what it was asked."""
    asked: list[dict[str, Any]] = []

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(after_s)
            body = json.dumps({"data": {"reloadRepositoryLocation": answer}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write_running_ui(home.settings.home, f"http://127.0.0.1:{server.server_address[1]}")
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()


LOADED = {"__typename": "WorkspaceLocationEntry", "loadStatus": "LOADED", "locationOrLoadError": {"__typename": "R"}}
BROKEN = {
    "__typename": "WorkspaceLocationEntry",
    "loadStatus": "LOADED",
    "locationOrLoadError": {"__typename": "PythonError"},
}


def tick(instance: dg.DagsterInstance, platform: Platform, cursor: str | None, loaded: LoadedRules) -> dg.SensorResult:
    result = evaluate_release(instance, ENTRY, platform, cursor, loaded=loaded)
    assert isinstance(result, dg.SensorResult), result
    return result


def names(result: dg.SensorResult) -> set[str]:
    return {key.name for request in result.run_requests or [] for key in request.asset_check_keys or []}


def test_a_changed_rulebook_is_loaded_then_one_tick_is_idle_then_the_new_checks_are_asked_for(
    instance: dg.DagsterInstance, home: Platform
) -> None:
    before = LoadedRules.of(ENTRY, home)
    changed = change(home, f"rulebook: {own_rulebook(home)}")
    with web_page(changed, LOADED) as asked:
        first = tick(instance, changed, None, before)
    assert [one["variables"] for one in asked] == [{"location": "nh_platform"}]
    assert first.run_requests == []
    assert "allen-vc-default" in str(first.skip_reason)
    assert "lab-own" in str(first.skip_reason)
    assert "the definitions are loaded again, sessions follow in two ticks" in str(first.skip_reason)
    now = LoadedRules.of(ENTRY, changed)
    second = tick(instance, changed, first.cursor, now)
    assert second.run_requests == []
    assert "sessions follow with the next tick" in str(second.skip_reason)
    third = tick(instance, changed, second.cursor, now)
    assert len(third.run_requests or []) == 2
    assert "fast_enough" in names(third)


def test_a_page_that_loads_for_long_is_waited_for_and_not_for_ever(
    instance: dg.DagsterInstance, home: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nh_platform.defs.automation.loaded_rules._RELOAD_TIMEOUT_S", 0.2)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    before = LoadedRules.of(ENTRY, home)
    changed = change(home, f"rulebook: {own_rulebook(home)}")
    with web_page(changed, LOADED, after_s=0.5):
        late = [tick(instance, changed, None, before)]
        for _ in range(2):
            late.append(tick(instance, changed, late[-1].cursor, before))
    assert [len(one.run_requests or []) for one in late] == [0, 0, 2]
    assert "did not answer in time while it loads the definitions again; the next tick looks" in str(
        late[0].skip_reason
    )
    now = LoadedRules.of(ENTRY, changed)
    loaded = tick(instance, changed, late[1].cursor, now)
    assert loaded.run_requests == []
    assert "fast_enough" in names(tick(instance, changed, loaded.cursor, now))


def test_without_a_web_page_it_asks_for_what_the_loaded_definitions_have_and_says_what_to_do(
    instance: dg.DagsterInstance, home: Platform
) -> None:
    before = LoadedRules.of(ENTRY, home)
    changed = change(home, f"rulebook: {own_rulebook(home)}")
    asked = tick(instance, changed, None, before)
    loaded_names = {key.name for keys in before.checks.values() for key in keys}
    assert len(asked.run_requests or []) == 2
    assert names(asked) <= loaded_names
    for request in asked.run_requests or []:
        instance.add_run(
            dg.DagsterRun(
                job_name=str(request.job_name),
                status=dg.DagsterRunStatus.STARTED,
                tags={**request.tags, "dagster/partition": str(request.partition_key)},
            )
        )
    words = str(tick(instance, changed, asked.cursor, before).skip_reason)
    assert "no `nh ui` serves this home: reload nh_platform under Deployment in the page" in words
    assert "until then the page lacks fast_enough" in words
    assert "2 in progress" in words


@pytest.mark.parametrize(
    ("answer", "said"),
    [(BROKEN, "could not load nh_platform again"), ({"__typename": "UnauthorizedError"}, "could not load")],
)
def test_a_page_that_cannot_load_them_is_named_and_the_sessions_go_on(
    instance: dg.DagsterInstance, home: Platform, answer: dict[str, Any], said: str
) -> None:
    before = LoadedRules.of(ENTRY, home)
    changed = change(home, "presets: [stim-halves-500ms]")
    with web_page(changed, answer):
        asked = tick(instance, changed, None, before)
    assert len(asked.run_requests or []) == 2


def test_a_page_that_loaded_the_old_ones_again_is_asked_once(instance: dg.DagsterInstance, home: Platform) -> None:
    before = LoadedRules.of(ENTRY, home)
    changed = change(home, "presets: [stim-halves-500ms]")
    with web_page(changed, LOADED) as asked:
        first = tick(instance, changed, None, before)
        second = tick(instance, changed, first.cursor, before)
    assert len(asked) == 1
    assert first.run_requests == []
    assert len(second.run_requests or []) == 2


def test_settings_that_cannot_be_used_end_no_tick_and_are_not_loaded(
    instance: dg.DagsterInstance, home: Platform
) -> None:
    (sensor,) = [one for one in build_defs(home).sensors or () if one.name == f"{SOURCE}_release_sensor"]
    change_text = (home.settings.home / "sources.yaml").read_text()
    for line, said in (("rulebook: none-such", "sources.yaml"), ("rulebok: x", "rulebok"), ("\trulebook: [", "yaml")):
        (home.settings.home / "sources.yaml").write_text(f"{change_text}  {line}\n")
        with dg.build_sensor_context(instance) as context:
            skipped = sensor(context)
        assert isinstance(skipped, dg.SkipReason)
        words = str(skipped.skip_message)
        assert "nothing is asked for until the settings are corrected" in words
        assert said in words
        assert "\n" not in words


def test_a_rulebook_with_a_mistake_is_named_with_its_line(instance: dg.DagsterInstance, home: Platform) -> None:
    before = LoadedRules.of(ENTRY, home)
    own_rulebook(home)
    changed = change(home, "rulebook: own.yaml")
    path = home.settings.home / "own.yaml"
    path.write_text(path.read_text().replace("nan: fail", "nan: maybe", 1))
    with web_page(changed, LOADED) as asked:
        skipped = evaluate_release(instance, ENTRY, changed, None, loaded=before)
    assert asked == []
    assert isinstance(skipped, dg.SkipReason)
    assert "own.yaml:" in str(skipped.skip_message)


def test_a_review_file_with_a_mistake_is_named_on_its_asset_and_the_others_go_on(
    instance: dg.DagsterInstance, home: Platform
) -> None:
    bad, good = home.manifest(SOURCE).session_ids
    path = review_path(home.settings.reviews, SOURCE, bad)
    path.parent.mkdir(parents=True)
    path.write_text(f"source: {SOURCE}\nsession: '{bad}'\nreviews:\n  - {{unit: a/1, decision: perhaps}}\n")
    result = tick(instance, home, None, LoadedRules.of(ENTRY, home))
    assert [request.partition_key for request in result.run_requests or []] == [good]
    named = [
        event
        for event in result.asset_events
        if event.asset_key == dg.AssetKey([SOURCE, "reviews"]) and event.partition == bad
    ]
    (event,) = named
    assert f"{SOURCE}/{bad}.yaml:4" in str(event.metadata["reviews"].value)
    assert source_states(home, SOURCE).gated == {}, "it is a mistake, and no gate"
    path.unlink()
    corrected = tick(instance, home, result.cursor, LoadedRules.of(ENTRY, home))
    assert bad in [request.partition_key for request in corrected.run_requests or []]


def test_a_cursor_stays_short_and_what_a_failed_tick_reported_is_reported_again(
    instance: dg.DagsterInstance, home: Platform
) -> None:
    rules = LoadedRules.of(ENTRY, home)
    first = tick(instance, home, None, rules)
    assert len(str(first.cursor)) < 300
    assert first.asset_events
    assert len(tick(instance, home, None, rules).asset_events) == len(first.asset_events), "the first tick was lost"
    assert tick(instance, home, first.cursor, rules).asset_events == []
    assert evaluate_release(instance, ENTRY, Platform(load_settings(home.settings.home)), "{broken").cursor  # type: ignore[union-attr]
