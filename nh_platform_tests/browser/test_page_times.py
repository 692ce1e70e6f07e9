"""Times of pages are those until the content stands: neither a spinner nor an open question to the server ends them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.rehearsal import page_times as measured
from benchmarks.rehearsal.dagster_pages import NEUTRAL, DagsterPage
from benchmarks.rehearsal.page_times import page_times
from nh_platform_tests.services.servers import chromium

pytestmark = pytest.mark.browser

ANSWER_S = 0.4
PAGE = """<!doctype html><div id=root>Loading</div><script>
const shown = { "/deployment/daemons": "Sensors", "/deployment/config": "Configuration", "/units": "units of mine" };
async function show() {
  root.textContent = "Loading";
  const ask = { method: "POST", body: JSON.stringify({ operationName: "UnitsQuery" }) };
  if (location.pathname === "/units") { root.textContent = "units of"; await (await fetch("/graphql", ask)).json(); }
  root.textContent = shown[location.pathname] ?? "nothing here";
}
addEventListener("popstate", show);
show();
</script>"""


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer("text/html", PAGE)

    def do_POST(self) -> None:
        time.sleep(ANSWER_S)
        self._answer("application/json", json.dumps({"data": "x" * 1000}))

    def _answer(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_times_end_when_the_content_stands(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "LONGEST_S", 10.0)
    with chromium() as driver:
        found = page_times(driver, address, DagsterPage("units", "/units", ("units of",)), 2)
        quick = page_times(driver, address, NEUTRAL, 1)
        monkeypatch.setattr(measured, "LONGEST_S", 1.0)
        never = page_times(driver, address, DagsterPage("none", "/other", ("units of",)), 1)
    assert len(found.opened_s) == len(found.within_s) == 2
    # The words stand at once; the page is not done before its question is answered.
    assert min(found.opened_s + found.within_s) >= ANSWER_S
    assert ANSWER_S <= found.answers["UnitsQuery"] < 10
    assert found.answer_bytes["UnitsQuery"] > 1000
    assert not quick.missing
    assert len(quick.within_s) == 1
    assert (never.opened_s, never.missing) == ([], "nothing here")
