"""A bucket that misbehaves on request: a proxy of faults in front of moto's server.

Add here how an S3 server fails. What objects are, moto knows.
"""

from __future__ import annotations

import http.client
import re
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

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Answer as the server behind does."""
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
        asked = f"{method} {target}"
        self.methods.append(asked)
        if gone := [pattern for pattern in self.lost if re.search(pattern, asked)]:
            self.lost.remove(gone[0])
            raise Reply(500, b"", "application/xml")
        kept = {name: value for name, value in reply.getheaders() if name.lower() not in _OWN}
        return Reply(reply.status, content, reply.getheader("Content-Type") or "application/xml", **kept)
