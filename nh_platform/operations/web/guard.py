"""The guard before Dagster's web page: it answers its own pages, and no other page that a person has open beside it.

Contains who may ask for what, as an ASGI application around Dagster's, and which names the page goes by. Dagster's
own page has no login and checks nothing: any web site could wipe assets by a GET (`docs/decisions/0022`). Add here
what a request must fulfil.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_GRAPHQL = "/graphql"
_DATA = (_GRAPHQL, "/logs", "/download_debug", "/notebook", "/dagit/notebook")
"""Paths whose answers are data: a link on another site does not lead there."""
_PAGE_HEADERS = [(b"x-frame-options", b"SAMEORIGIN")]
"""Without it another site shows the page in a frame, and lets a person press what lies below."""
_WILDCARDS = ("0.0.0.0", "::", "")


class Guard:
    """Answers requests of the page itself and of programs, and refuses what another web site makes a browser send.

    Parameters
    ----------
    app
        The application behind.
    hosts
        Names with ports by which the page is reached, for example ``localhost:3000``; see `page_hosts`.
    """

    def __init__(self, app: App, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        refused = None if scope["type"] == "lifespan" else self.refusal(scope)
        if refused is None:
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client reads 403
        else:
            status, words = refused
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": f"{words}\n".encode()})

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the words with which a request is refused, None where it is answered."""
        asked = _headers(scope)
        host, path = asked.get("host", "").lower(), scope["path"]
        if host not in self._hosts:
            return 421, f"This page is not {host or 'without a name'}. `nh ui --allowed-host NAME` adds a name to it."
        origin = asked.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() not in self._hosts:
            return 403, f"Another web page ({origin}) may not ask this one."
        if not path.isprintable():
            return 400, "The path has a character that no path of this page has."  # routes end before a last newline
        if scope["type"] == "websocket":
            return None if origin and path == _GRAPHQL else (403, "A WebSocket comes from the page itself.")
        is_data = any(path == data or path.startswith(f"{data}/") for data in _DATA)
        if is_data and asked.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "Another web page may not ask this one."
        if path == _GRAPHQL:
            if scope["method"] != "POST":
                return 405, "GraphQL is asked by POST."
            if asked.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return 415, "GraphQL is asked in application/json."  # what no form of another site can send
        elif scope["method"] not in ("GET", "HEAD"):
            return 405, "This page takes reports of no other program."
        return None


def page_hosts(host: str, port: int, allowed: Iterable[str] = ()) -> set[str]:
    """Return the names with ports by which a page is reached.

    An address of this machine can be no other site's, so that all of them count where the page listens on all.

    Parameters
    ----------
    host
        Address that it listens on; ``0.0.0.0`` and ``::`` are all of this machine.
    port
        Its port; a browser leaves 80 out.
    allowed
        More names, as the browser sends them: with the port where it is not that of the scheme.

    Examples
    --------
    >>> sorted(page_hosts("127.0.0.1", 3000, ["nh.lab.example"]))
    ['127.0.0.1:3000', '[::1]:3000', 'localhost:3000', 'nh.lab.example']
    """
    names = {"127.0.0.1", "localhost", "::1"}
    names |= _names_of_this_machine() if host in _WILDCARDS else {host}
    with_port = {address_name(name, port) for name in names}
    return with_port | ({name.rpartition(":")[0] for name in with_port} if port == 80 else set()) | set(allowed)


def address_name(host: str, port: int) -> str:
    """Return a host and port as they stand in an address; IPv6 in brackets.

    Examples
    --------
    >>> address_name("::1", 80), address_name("localhost", 3000)
    ('[::1]:80', 'localhost:3000')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _names_of_this_machine() -> set[str]:
    import psutil

    addresses = {one.address.partition("%")[0] for found in psutil.net_if_addrs().values() for one in found}
    return {socket.gethostname(), *addresses}


def _headers(scope: Scope) -> Mapping[str, str]:
    """Return the headers of a request; one that is there twice counts as none of its values."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        key = name.decode("latin-1").lower()
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_PAGE_HEADERS]}
        await send(message)

    return with_headers
