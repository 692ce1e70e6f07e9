"""Checks that fail or warn are told to a webhook and a command, once, and again where nobody answered."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from nh_platform.defs.automation.alerts import evaluate_alerts
from nh_platform.defs.making_checks import NOT_COMPARED
from nh_platform.defs.run_tags import SOURCE_TAG
from nh_platform.home.alerts import load_alerts
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.session import ConfigError

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Platform:
    return Platform(load_settings(tmp_path))


def run(instance: dg.DagsterInstance, *, passed: bool, error: bool = False, compared: bool = True) -> None:
    """Materialize an asset whose check has this outcome."""

    @dg.asset(key=["ibl", "units"], check_specs=[dg.AssetCheckSpec("rule", asset=["ibl", "units"])])
    def units() -> dg.MaterializeResult:
        severity = dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN
        metadata = {"rulebook": "ibl-2022-10", NOT_COMPARED: not compared}
        outcome = dg.AssetCheckResult(
            passed=passed, check_name="rule", severity=severity, description="few", metadata=metadata
        )
        return dg.MaterializeResult(check_results=[outcome])

    # As of a run of the page with assets of two sources.
    tags = {SOURCE_TAG: "allen_vc, ibl"}
    assert dg.materialize([units], instance=instance, run_config=QUIET, tags=tags).success


@contextmanager
def webhook(status: list[int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve a webhook that answers with the first of ``status``, and give its address and what it was sent."""
    sent: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", sent
    finally:
        server.shutdown()
        server.server_close()


def configure(home: Platform, text: str) -> None:
    (home.settings.home / "alerts.yaml").write_text(text)


def test_a_warned_check_is_posted_once_and_one_that_passed_is_not(instance: dg.DagsterInstance, home: Platform) -> None:
    run(instance, passed=False)  # before the hook was set up
    with webhook([200]) as (address, sent):
        configure(home, f"hooks:\n  - webhook: {address}\n")
        first = evaluate_alerts(instance, home, None)
        run(instance, passed=True)
        run(instance, passed=False, compared=False)
        run(instance, passed=False)
        second = evaluate_alerts(instance, home, first.cursor)
        third = evaluate_alerts(instance, home, second.cursor)
    (message,) = sent
    assert message["text"] == "nh: warned ibl/units rule: few"
    (check,) = message["checks"]
    assert (check["outcome"], check["rulebook"], check["source"]) == ("warned", "ibl-2022-10", "ibl")
    assert f"1 check told to {address}" in str(second.skip_reason)
    assert "no check failed or warned" in str(third.skip_reason)


@pytest.mark.parametrize("of_what", ["of this machine was set back", "of a worker is ahead"])
def test_a_clock_that_is_moved_by_a_day_keeps_no_hook_from_being_told(
    instance: dg.DagsterInstance, home: Platform, monkeypatch: pytest.MonkeyPatch, of_what: str
) -> None:
    with webhook([200]) as (address, sent):
        configure(home, f"hooks:\n  - webhook: {address}\n")
        cursor = evaluate_alerts(instance, home, None).cursor
        if of_what == "of a worker is ahead":
            real = time.time
            with monkeypatch.context() as patch:
                patch.setattr(time, "time", lambda: real() + 86400.0)
                run(instance, passed=False)
            cursor = evaluate_alerts(instance, home, cursor).cursor
            assert len(sent) == 1
        else:
            memory = json.loads(str(cursor))
            for one in memory.values():
                one.update({name: one[name] + 86400.0 for name in ("at", "looked") if name in one})
            cursor = json.dumps(memory)
        run(instance, passed=False)
        told = len(sent)
        cursor = evaluate_alerts(instance, home, cursor).cursor
        assert len(sent) == told + 1
        assert len(sent[-1]["checks"]) == 1, "what was told is not told again"
        evaluate_alerts(instance, home, cursor)
        assert len(sent) == told + 1


def test_a_hook_that_does_not_answer_is_told_again_and_its_secret_address_is_not_said(
    instance: dg.DagsterInstance, home: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = [503]
    with webhook(status) as (address, sent):
        monkeypatch.setenv("NH_TEST_WEBHOOK", f"{address}?key=s3cret")
        configure(home, "hooks:\n  - webhook_from: NH_TEST_WEBHOOK\n    outcomes: [failed]\n")
        first = evaluate_alerts(instance, home, None)
        run(instance, passed=False)
        run(instance, passed=False, error=True)
        failed = evaluate_alerts(instance, home, first.cursor)
        assert "hook NH_TEST_WEBHOOK: it could not be told: HTTP 503" in str(failed.skip_reason)
        assert "s3cret" not in str(failed.skip_reason)
        status[0] = 200
        evaluate_alerts(instance, home, failed.cursor)
    assert [one["count"] for one in sent] == [1, 1], "what only warned is not for this hook"
    monkeypatch.delenv("NH_TEST_WEBHOOK")
    run(instance, passed=False, error=True)
    assert "environment variable is not set" in str(evaluate_alerts(instance, home, failed.cursor).skip_reason)


def test_a_command_gets_the_message_on_its_standard_input(instance: dg.DagsterInstance, home: Platform) -> None:
    out = home.settings.home / "told.json"
    script = f"import sys, pathlib; pathlib.Path({str(out)!r}).write_text(sys.stdin.read())"
    configure(home, f"hooks:\n  - command: [{sys.executable}, -c, {json.dumps(script)}]\n")
    first = evaluate_alerts(instance, home, None)
    run(instance, passed=False, error=True)
    evaluate_alerts(instance, home, first.cursor)
    assert json.loads(out.read_text())["checks"][0]["outcome"] == "failed"


def test_a_hook_that_fails_keeps_no_other_from_being_told_and_is_the_only_one_told_again(
    instance: dg.DagsterInstance, home: Platform
) -> None:
    with webhook([200]) as (address, sent):
        configure(home, f"hooks:\n  - command: ['false']\n  - webhook: {address}\n")
        first = evaluate_alerts(instance, home, None)
        run(instance, passed=False)
        second = evaluate_alerts(instance, home, first.cursor)
        third = evaluate_alerts(instance, home, second.cursor)
    assert len(sent) == 1
    assert "hook false: it could not be told: it ended with 1" in str(second.skip_reason)
    assert "hook false" in str(third.skip_reason)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hooks:\n  - {outcomes: [failed]}\n", "no receiver"),
        ("hooks:\n  - {webhook: 'http://a/', command: [b]}\n", "webhook and command"),
        ("hooks:\n  - {webhook: 'https://me:word@example.org/x'}\n", "may be a secret"),
        ("hooks:\n  - {webhook: 'https://example.org/x?token=1'}\n", "may be a secret"),
        ("hooks:\n  - {webhook_from: 'https://example.org'}\n", "no name of an environment variable"),
        ("hooks:\n  - {command: [a], outcomes: [passed]}\n", "outcomes"),
        ("upstream_down_after_h: 0\n", "upstream_down_after_h"),
    ],
)
def test_a_mistake_is_named_by_line_and_ends_no_tick(
    instance: dg.DagsterInstance, home: Platform, text: str, said: str
) -> None:
    configure(home, text)
    with pytest.raises(ConfigError, match=r"alerts\.yaml:") as refused:
        load_alerts(home.settings.home)
    assert said in str(refused.value)
    assert "word" not in str(refused.value)
    assert said in str(evaluate_alerts(instance, home, None).skip_reason)
