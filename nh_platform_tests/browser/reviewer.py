"""A person at the page of a session, in Chromium: opens it from a file, presses, writes, and reads what is shown.

Add here what a person does on such a page. What must come of it stands in the tests.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class Reviewer:
    """A browser on one page after another, with what a person does on them."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver, self.folder, self.address = driver, folder, ""

    def open(self, html: str, fragment: str = "", *, dark: bool = False) -> None:
        self._write(html)
        self.go(fragment, dark=dark)

    def show(self, html: str) -> None:
        """Open a page that may not become ready."""
        self._write(html)
        self.driver.get(self.address)

    def _write(self, html: str) -> None:
        file = self.folder / "report.html"
        file.write_text(html, encoding="utf-8")
        self.address = file.as_uri()

    def go(self, fragment: str = "", *, dark: bool = False) -> None:
        theme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": theme})
        self.driver.get("about:blank")
        self.driver.get_log("browser"), self.driver.get_log("performance")  # of the page before
        self.driver.get(self.address + fragment)
        self.until("return 'ready' in document.documentElement.dataset")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"never true: {script}; {self.driver.get_log('browser')}"
            time.sleep(0.02)

    def press(self, key: str, **also: bool) -> None:
        event = {"key": key, "bubbles": True, "cancelable": True, **also}
        target = "(document.activeElement || document.body)"
        self.run(f"{target}.dispatchEvent(new KeyboardEvent('keydown', arguments[0]))", event)

    def click(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).click()", selector)

    def write(self, text: str) -> None:
        script = (
            "const f = document.getElementById('filter'); f.value = arguments[0]; f.dispatchEvent(new Event('input'))"
        )
        self.run(script, text)

    def choose(self, what: str, value: str) -> None:
        self.run("document.getElementById(arguments[0]).value = arguments[1]", what, value)
        self.run("document.getElementById(arguments[0]).dispatchEvent(new Event('change'))", what)

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    @property
    def rows(self) -> list[int]:
        return list(self.run("return nhPage.rows"))

    @property
    def unit(self) -> str:
        return str(self.run("return nhPage.unitId"))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return addresses that the page asked for beside itself, of the browser's own log of the network."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        own = ("data:", "blob:", "about:")
        return [url for url in asked if not url.startswith(own) and url.split("#")[0] != self.address]
