"""The counters of `nh metrics` within the page of `nh ui`, at ``/metrics``, behind the same guard.

Contains what answers the address, and for how long an answer is kept. What is counted is
`nh_platform.operations.watching.counters`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.operations.web.guard import App, Receive, Scope, Send

PATH = "/metrics"
_KEPT_S = 15.0
"""How long an answer is given again at least: a scrape comes every 15 to 60 s."""
_KEPT_TIMES, _KEPT_AT_MOST_S = 10, 300.0
"""How many times as long as it took to count: with 1,000 sessions 10 s, and scrapes would take all of a core. That the
database is away, or another failure, is not kept longer than `_KEPT_S`."""
_KIND = b"text/plain; version=0.0.4; charset=utf-8"


def with_metrics(app: App, instance: dg.DagsterInstance) -> App:
    """Return an application that answers `PATH`, and leaves all others to ``app``."""
    counted = _Counted(instance)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await app(scope, receive, send)
            return
        status, body = await asyncio.to_thread(counted.read)
        headers = [(b"content-type", _KIND), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return answer


class _Counted:
    """The last answer; one is counted at a time, and who asks meanwhile waits for it."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance, self._lock = instance, threading.Lock()
        self._until, self._answer = 0.0, (503, b"")

    def read(self) -> tuple[int, bytes]:
        from nh_platform.home.platform import Platform
        from nh_platform.home.settings import load_settings
        from nh_platform.operations.opened_home import OpenHome
        from nh_platform.operations.watching.counters import DATABASE_AWAY, metrics
        from nh_platform.session import NhError

        with self._lock:
            if (began := time.monotonic()) >= self._until:
                kept_s = _KEPT_S
                try:
                    text = metrics(OpenHome(Platform(load_settings()), self._instance))
                    self._answer = 200, text.encode()
                    if DATABASE_AWAY not in text.splitlines():
                        took_s = time.monotonic() - began
                        kept_s = min(max(_KEPT_S, _KEPT_TIMES * took_s), _KEPT_AT_MOST_S)
                except NhError as error:
                    self._answer = 503, f"{error}\n".encode()
                self._until = time.monotonic() + kept_s
            return self._answer
