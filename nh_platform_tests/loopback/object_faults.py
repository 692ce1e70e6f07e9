"""A bucket that misbehaves on request: a proxy of faults in front of moto's server.

Add here how an S3 server fails. What objects are, moto knows.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from nh_platform_tests.loopback.serving import LoopbackServer, Reply

_OWN = ("connection", "content-length", "transfer-encoding", "date", "server", "content-type")


class ObjectFaults(LoopbackServer):
    """Hand requests on to a server of objects, and spoil some.

    Parameters
    ----------
    behind
        Address of that server.

    Attributes
    ----------
    lost
        Patterns of ``METHOD path``: such a request is done, and its answer lost, once each.
    methods
        ``METHOD path`` of what was handed on.
    ignores_conditions
        Whether writes are done whatever their conditions are.
    """

    def __init__(self, behind: str) -> None:
        super().__init__()
        self._behind = urlsplit(behind)
        self.lost: list[str] = []
        self.methods: list[str] = []
        self.ignores_conditions = False
        self._asked: list[tuple[str, Callable[[re.Match[str]], bool]]] = []
        self._asked_lock = threading.Lock()

    def when_asked(self, pattern: str, happens: Callable[[re.Match[str]], bool]) -> None:
        """Let something happen before a request whose ``METHOD path`` matches is handed on, until it says it did."""
        with self._asked_lock:
            self._asked.append((pattern, happens))

    def forget_asked(self) -> None:
        """Let nothing happen any more."""
        with self._asked_lock:
            self._asked.clear()

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer as the server behind does."""
        asked = f"{method} {target}"
        with self._asked_lock:
            for event in list(self._asked):
                if (found := re.search(event[0], asked)) and event[1](found):
                    self._asked.remove(event)
        sent = {name: value for name, value in headers.items() if name.lower() not in ("connection", "expect")}
        if self.ignores_conditions:
            sent = {name: value for name, value in sent.items() if name.lower() not in ("if-match", "if-none-match")}
        connection = http.client.HTTPConnection(str(self._behind.hostname), self._behind.port)
        try:
            connection.request(method, target, body=body, headers=sent)
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
        self.methods.append(asked)
        if gone := [pattern for pattern in self.lost if re.search(pattern, asked)]:
            self.lost.remove(gone[0])
            raise Reply(500, b"", "application/xml")
        kept = {name: value for name, value in reply.getheaders() if name.lower() not in _OWN}
        return Reply(reply.status, content, reply.getheader("Content-Type") or "application/xml", **kept)
