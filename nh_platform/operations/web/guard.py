"""The guard before a web page: it answers its own pages, and no other page that a person has open beside it.

Contains who may ask for what, as an ASGI application around the page's. Dagster's own page has no login and checks
nothing: any web site could wipe assets by a GET (`docs/decisions/0022`). Add here what a request must fulfil; which
paths and secrets a page has is `entrance`, what is read of a body `body_reading`.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from nh_platform.operations.web.entrance import DAGSTER, Entrance, Header

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ASK_FOR_TOKEN: Header = (b"www-authenticate", b'Basic realm="NeuroHorizon", charset="UTF-8"')


class Guard:
    """Answers requests of the page itself and of programs, and refuses what another web site makes a browser send.

    Parameters
    ----------
    app
        The application behind.
    hosts
        Names with ports by which the page is reached, for example ``localhost:3000``; see
        `nh_platform.operations.web.page_names.page_hosts`.
    entrance
        What it lets in.
    """

    def __init__(self, app: App, hosts: Iterable[str], entrance: Entrance = DAGSTER) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._lets_in = entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        refused = None if scope["type"] == "lifespan" else self.refusal(scope)
        if refused is not None:
            await self._refuse(scope, receive, send, *refused)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._lets_in.body_bytes and scope["method"] == "POST":
            from nh_platform.operations.web.body_reading import BodyRefused, read_body

            try:
                receive = await read_body(scope, receive, self._lets_in)
            except BodyRefused as error:
                await self._refuse(scope, receive, send, error.status, error.words)
                return
        await self._app(scope, receive, _with_headers(send, self._lets_in.headers))

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the words with which a request is refused, None where it is answered."""
        asked, path, lets_in = _headers(scope), scope["path"], self._lets_in
        host = asked.get("host", "").lower()
        if host not in self._hosts:
            return 421, f"This page is not {host or 'without a name'}. `{lets_in.add_name}` adds a name to it."
        origin = asked.get("origin")
        if origin is not None and _host_of(origin) not in self._hosts:
            return 403, f"Another web page ({origin}) may not ask this one."
        if lets_in.access_token and not _states(asked.get("authorization", ""), lets_in.access_token):
            return 401, "This page asks for the token that was printed when it was started, as the password."
        if not path.isprintable():
            return 400, "The path has a character that no path of this page has."  # routes end before a last newline
        if scope["type"] == "websocket":
            return None if origin and path in lets_in.web_sockets else (403, "A WebSocket comes from the page itself.")
        if lets_in.holds_data(path) and asked.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "Another web page may not ask this one."
        if scope["method"] == "POST" and lets_in.takes_posts(path):
            return self._refused_post(asked)
        if path in lets_in.posts_only:
            return 405, "This is asked by POST."
        if scope["method"] not in ("GET", "HEAD"):
            return 405, "This page takes reports of no other program."
        return None

    def _refused_post(self, asked: Mapping[str, str]) -> tuple[int, str] | None:
        if asked.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return 415, "This is asked in application/json."  # what no form of another site can send
        expected = self._lets_in.form_token
        if not expected:
            return None
        if asked.get("sec-fetch-site", "same-origin") != "same-origin" or "origin" not in asked:
            return 403, "What changes something comes from the page itself."
        if not secrets.compare_digest(asked.get("x-nh-token", "").encode(), expected.encode()):
            return 403, "It does not state this start's token. Reload the page; what you wrote in it is kept."
        return None

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, words: str) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client reads 403
            return
        headers: list[Header] = [(b"content-type", b"text/plain; charset=utf-8"), *self._lets_in.headers]
        if status == 401:
            headers.append(_ASK_FOR_TOKEN)
        if status in (408, 413):
            headers.append((b"connection", b"close"))  # what is left of the body is not read
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": f"{words}\n".encode()})


def _host_of(origin: str) -> str:
    """Return name and port of an origin; empty where it is none, as ``http://[``."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _states(authorization: str, token: str) -> bool:
    """Return whether a header states a token: as a bearer's, or as the password of any name."""
    scheme, _, stated = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            stated = base64.b64decode(stated.strip(), validate=True).decode("utf-8").partition(":")[2]
        except ValueError:  # no base64, or no UTF-8 in it
            return False
    elif scheme.lower() != "bearer":
        return False
    return secrets.compare_digest(stated.strip().encode(), token.encode())


def _headers(scope: Scope) -> Mapping[str, str]:
    """Return the headers of a request; one that is there twice counts as none of its values."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        key = name.decode("latin-1").lower()
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _with_headers(send: Send, headers: Iterable[Header]) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            stated = {name.lower() for name, _ in own}
            message = {**message, "headers": [*own, *(one for one in headers if one[0] not in stated)]}
        await send(message)

    return with_headers
