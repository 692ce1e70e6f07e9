"""A threaded HTTP server on loopback that logs its requests and applies faults.

Shared by the Alyx stand-in and the file server. What is answered is theirs.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from nh_platform_tests.loopback.faults import Fault, Faults


class Reply(Exception):  # an answer that ends the handling, not an error
    """An answer: status, body, and headers beside Content-Length."""

    def __init__(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        super().__init__(status)
        self.status, self.body = status, body
        self.headers = {"Content-Type": content_type, **{key.replace("_", "-"): v for key, v in headers.items()}}


class LoopbackServer(ABC):
    """Serve on a free port of 127.0.0.1 while in the ``with`` block.

    Attributes
    ----------
    faults
        What to spoil.
    requests
        ``(method, path with query)`` of every request so far, unquoted.
    ranges
        ``(path with query, Range header)`` of every request that asked for a part.
    endless_bytes
        Bytes that were sent of endless answers.
    serves_ranges
        Whether parts are served; otherwise the whole is, as a server that does not know the header does.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self.requests: list[tuple[str, str]] = []
        self.ranges: list[tuple[str, str]] = []
        self.endless_bytes = 0
        self.serves_ranges = True
        self._events: list[tuple[str, Callable[[], object]]] = []
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Address of the running server."""
        assert self._server is not None, "the server is not running"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @abstractmethod
    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """Return the answer to one request; ``target`` is the path with query as it was sent."""

    def asked(self, part: str) -> list[str]:
        """Return the paths asked so far that contain ``part``."""
        return [path for _, path in self.requests if part in path]

    def when(self, pattern: str, happens: Callable[[], object]) -> None:
        """Let something happen upstream, once: before the next request whose path matches is answered."""
        self._events.append((pattern, happens))

    def _let_happen(self, path: str) -> None:
        due = [event for event in self._events if re.search(event[0], path)]
        self._events = [event for event in self._events if event not in due]
        for _, happens in due:
            happens()

    def __enter__(self) -> LoopbackServer:
        outer = self

        class Handler(_Handler):
            server_of = outer

        self._stopping.clear()
        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is part of what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body that follows its header waited 40 ms for the client to confirm that
    server_of: LoopbackServer

    def _handle(self) -> None:
        server = self.server_of
        path = unquote(self.path)
        server.requests.append((self.command, path))
        if self.headers.get("Range"):
            server.ranges.append((path, self.headers["Range"]))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server._let_happen(path)
        fault = server.faults.take(path)
        if fault is not None and fault.kind == "hang":
            server._stopping.wait(fault.seconds)
        if fault is not None and fault.kind == "reset":
            # A zero linger time makes close() send RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self._send(self._reply(fault, body), fault)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # names of http.server

    def _reply(self, fault: Fault | None, body: bytes) -> Reply:
        if fault is not None and fault.kind == "status":
            retry = {"Retry_After": fault.retry_after} if fault.retry_after is not None else {}
            return Reply(fault.status, b'{"detail": "fault"}', "application/json", **retry)
        try:
            reply = self.server_of.answer(self.command, self.path, self.headers, body)
        except Reply as error:
            return error
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        return _part(reply, int(wanted[1])) if wanted and self.server_of.serves_ranges else reply

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        content, stated = _spoiled(reply.body, fault.kind if fault else "")
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if fault is not None and fault.kind == "endless":
            self._send_without_end()
            return
        self.send_header("Content-Length", str(stated))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        if fault is not None and fault.kind == "stall":
            self.wfile.flush()
            self.server_of._stopping.wait(fault.seconds)
        if stated != len(content):
            self.close_connection = True

    def _send_without_end(self) -> None:
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client hung up
            while not self.server_of._stopping.is_set():
                self.wfile.write(bytes(1 << 16))
                self.server_of.endless_bytes += 1 << 16

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test output clean; `LoopbackServer.requests` has it."""


def _part(reply: Reply, start: int) -> Reply:
    """Return the answer to a request for everything from ``start`` on."""
    size = len(reply.body)
    if reply.status != 200:
        return reply
    if start >= size:
        return Reply(416, b"", "text/plain", Content_Range=f"bytes */{size}")
    headers = {"Content_Range": f"bytes {start}-{size - 1}/{size}"}
    return Reply(206, reply.body[start:], reply.headers["Content-Type"], **headers)


def _spoiled(body: bytes, kind: str) -> tuple[bytes, int]:
    """Return the bytes to send and the Content-Length to state."""
    if kind == "corrupt" and body:
        middle = len(body) // 2
        body = body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
    elif kind in ("truncated", "stall"):
        return body[: len(body) // 2], len(body)
    elif kind == "short":
        body = body[: len(body) // 2]
    elif kind == "empty":
        body = b""
    elif kind == "oversized":
        body = body + b"\0" * 100
    return body, len(body)
