"""Dagster's own `dg` knows the project: definitions load, every source's assets are listed, no telemetry is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import prepare_instance
from nh_platform.sources.registry import sources

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment of `dg`: a new home folder, a person's home to look into, and no way to the network."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("NH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    prepare_instance(load_settings(tmp_path / "home"))
    return dict(os.environ)


def run_dg(environment: dict[str, str], *arguments: str) -> str:
    """Run one command of `dg` in the project's folder and return what it printed."""
    command = [str(Path(sys.executable).with_name("dg")), *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dg_loads_the_definitions_and_lists_the_assets_of_every_source(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert "All definitions loaded successfully." in run_dg(environment, "check", "defs")
    listed = json.loads(run_dg(environment, "list", "defs", "--json"))
    keys = {asset["asset_key"] for asset in listed["assets"]}
    expected = {f"{source}/{asset}" for source in sources() for asset in ("release_manifest", "raw_spikes", "units")}
    assert expected <= keys, f"not listed: {expected - keys}"
    checked = {check["asset_key"] for check in listed["asset_checks"]}
    assert {f"{source}/units" for source in sources()} <= checked
    assert not (tmp_path / "person" / ".dagster").exists(), "telemetry was written"
