"""The served page gives its counters to who may ask, and its processes print JSON lines where they are asked for."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform_tests.services.servers import nh_ui, synced_home

pytestmark = pytest.mark.service

WAIT_S = 300.0


def metrics(address: str, **headers: str) -> str:
    request = urllib.request.Request(f"{address}/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return answer.read().decode()


def test_counters_and_lines_of_a_backfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_SENSOR_INTERVAL_S", "5")
    home = synced_home(tmp_path / "home")
    assert CliRunner().invoke(app, ["--home", str(home), "backfill", "ibl"]).exit_code == 0
    monkeypatch.setenv("NH_LOG_FORMAT", "json")
    with nh_ui(home, "--verbose") as address:
        until = time.monotonic() + WAIT_S
        while 'nh_sessions_made_last_hour{source="ibl"} 1.0' not in (text := metrics(address)):
            assert time.monotonic() < until, text
            time.sleep(5)
        assert 'nh_sessions{source="ibl",state="ingested"} 1.0' in text
        for headers in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            with pytest.raises(urllib.error.HTTPError) as refused:
                metrics(address, **headers)
            assert refused.value.code in (403, 421)
    (session_id,) = Platform(load_settings(home)).manifest("ibl").session_ids
    said = (home / "ui.log").read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [json.loads(line) for line in said if line.startswith("{")]
    made = {(line["source"], line["asset"]) for line in lines if line.get("session") == session_id and "asset" in line}
    assert {("ibl", "raw_spikes"), ("ibl", "units")} <= made
