"""A real `nh ui` (webserver and daemon) on a loopback port, and a headless Chromium to look at it.

Add here what a browser test starts and stops. What is asserted stands in the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform_tests.homes import make_home

START_S = 300.0
"""`nh ui` took 17 to 41 s to answer on two loaded cores, `dagster dev` 21 to 39 s; more than 120 s at a load of 12."""


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def passable_folder() -> Iterator[Path]:
    """Give a temporary folder through which servers of other users reach theirs.

    Not one of pytest's: its next session closes the folder of all sessions to others while servers of this one run.
    """
    with tempfile.TemporaryDirectory(prefix="nh-servers-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)
        yield Path(folder)


@contextmanager
def nh_ui(home: Path, *options: str, variables: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run `nh ui` on ``home`` and give its address; stopped with all its children at the end."""
    port = free_port()
    log = home / "ui.log"
    environment = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "NH_HOME")}
    environment |= variables or {}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "nh_platform.cli", "--home", str(home), "ui", "--port", str(port), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(address, process, log)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def graphql(address: str, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the webserver and return ``data``."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    assert "errors" not in found, found["errors"]
    return found["data"]


@contextmanager
def chromium() -> Iterator[Any]:
    """Give a headless Chromium; the test is skipped with a reason where it is not installed."""
    driver_path = shutil.which("chromedriver")
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not driver_path or not browser_path:
        pytest.skip("Chromium and chromedriver are not installed (Debian: chromium chromium-driver)")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = browser_path
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--window-size=1600,1100",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    try:
        yield driver
    finally:
        driver.quit()


def wait_for_text(driver: Any, texts: list[str], seconds: float = 60.0) -> str:
    """Wait until the page shows every text, and return all that it shows.

    Raises
    ------
    AssertionError
        Naming the texts that did not appear.
    """
    until = time.monotonic() + seconds
    shown = ""
    while time.monotonic() < until:
        shown = driver.execute_script("return document.body ? document.body.innerText : ''")
        if all(text in shown for text in texts):
            return shown
        time.sleep(0.5)
    missing = [text for text in texts if text not in shown]
    raise AssertionError(f"{driver.current_url} does not show {missing}; it shows:\n{shown[:3000]}")


def _wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"nh ui ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"nh ui did not answer within {START_S:.0f} s:\n{log.read_text()[-3000:]}")


def synced_home(folder: Path) -> Path:
    """Make a home with a simulated IBL session that is registered and not made, and return its folder."""
    make_home(folder, ("ibl",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NH_HOME", str(folder))
        patch.setenv("DAGSTER_HOME", "")
        done = CliRunner().invoke(app, ["--home", str(folder), "sync", "ibl"])
        assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    return folder
