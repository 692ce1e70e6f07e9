"""Plain `dagster dev` in a project folder, without DAGSTER_HOME, uses the store and history of `nh` (decision 0001)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform_tests.homes import make_home
from nh_platform_tests.services.servers import START_S, free_port, graphql

pytestmark = pytest.mark.service

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def plain_dagster_dev(folder: Path) -> Iterator[str]:
    """Run `dagster dev` in ``folder`` and give its address; stopped with all its children at the end."""
    port, log = free_port(), folder.parent / "dagster-dev.log"
    environment = {name: value for name, value in os.environ.items() if name not in ("DAGSTER_HOME", "NH_HOME")}
    environment["PYTHONPATH"] = str(ROOT)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "dev", "--port", str(port)],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + START_S
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                    break
            except OSError:
                ended = process.poll() is not None or time.monotonic() > until
                assert not ended, f"dagster dev does not answer:\n{log.read_text(errors='replace')[-3000:]}"
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


PARTITIONS = """
  query Partitions($asset: AssetKeyInput!) {
    assetNodeOrError(assetKey: $asset) { ... on AssetNode { partitionKeys } }
    locationStatusesOrError { ... on WorkspaceLocationStatusEntries { entries { name loadStatus } } }
  }
"""


def test_it_answers_shows_what_nh_registered_and_keeps_its_history_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copyfile(ROOT / name, project / name)
    home = project / "data"
    make_home(home, ("allen_vc",))
    monkeypatch.setenv("NH_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", "")
    for command in (["sync", "allen_vc"], ["materialize", "allen_vc", "--all", "--asset", "events"]):
        result = CliRunner().invoke(app, ["--home", str(home), *command])
        assert result.exit_code == 0, (result.output, result.stderr, result.exception)
    sessions = Platform(load_settings(home)).manifest("allen_vc").session_ids
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        made = {run.run_id for run in instance.get_runs()}
    assert made
    with plain_dagster_dev(project) as address:
        found = graphql(address, PARTITIONS, {"asset": {"path": ["allen_vc", "events"]}})
        assert found["locationStatusesOrError"]["entries"] == [{"name": "nh_platform", "loadStatus": "LOADED"}]
        assert found["assetNodeOrError"]["partitionKeys"] == sessions
        runs = graphql(address, "query { runsOrError { ... on Runs { results { runId } } } }")
        assert made <= {run["runId"] for run in runs["runsOrError"]["results"]}  # the sensors may have begun others
    # Dagster makes a folder of its own beside the configuration; nothing of the history may lie in it.
    assert not list(project.glob(".tmp_dagster_home*/**/*.db"))
    assert {path.name for path in project.iterdir() if not path.name.startswith(".")} == {
        "dagster.yaml",
        "data",
        "workspace.yaml",
    }
    assert {path.name for path in (home / "dagster" / "history").iterdir()} >= {"runs.db", "runs"}
