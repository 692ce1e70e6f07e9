"""A desk served behind its guard on a loopback port, and a client that asks it as its own page would.

Add here what several tests of the desk do. What is asserted stands in the tests.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from nh_platform.home.platform import Platform
from nh_platform.operations.web.desk_serving import desk_server
from nh_platform.reports.desk.settings import Desk
from nh_platform_tests.services.servers import free_port

TOKEN = "token-of-this-start"


@dataclass(frozen=True)
class Client:
    """Asks a desk."""

    port: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers (small letters) and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {"Host": self.host, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str, **query: str) -> tuple[int, Any]:
        """Return status and data of an answer."""
        status, _, body = self.ask("GET", f"{path}?{urlencode(query)}")
        return status, json.loads(body)

    def post(self, source: str, session: str, content: Any) -> tuple[int, Any]:
        """Post reviews as the page does; return status and data."""
        headers = {"Origin": f"http://{self.host}", "Content-Type": "application/json", "X-NH-Token": TOKEN}
        path = f"/api/sessions/{quote(source)}/{quote(session)}/reviews"
        status, _, body = self.ask("POST", path, headers, json.dumps(content).encode())
        return status, json.loads(body)

    def reviews(self, source: str, session: str, reviewer: str = "") -> Any:
        """Return what a reader is told of the reviews of a session."""
        status, found = self.get(f"/api/sessions/{source}/{session}/reviews", reviewer=reviewer)
        assert status == 200, found
        return found


@contextmanager
def served_desk(platform: Platform, reviews: Path, *, blind: bool = False) -> Iterator[Client]:
    """Serve the desk of a home whose reviews lie in a folder of the test."""
    settings = platform.settings.model_copy(update={"reviews": reviews})
    port = free_port()
    server = desk_server(Desk(Platform(settings), TOKEN, blind=blind), "127.0.0.1", port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield Client(port)
    finally:
        server.should_exit = True
        thread.join(10)
