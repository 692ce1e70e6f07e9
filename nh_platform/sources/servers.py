"""The servers that a source asks, and how to find out whether one answers as it should: for `nh doctor`.

Contains the record of a server, its answer, and the question that any web server can be asked. Add here what every
source could ask; what is particular to an upstream server is a function of its source.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException

from nh_platform.downloads.deadlines import within
from nh_platform.session import NhError


@dataclass(frozen=True)
class Answer:
    """What came of asking a server.

    Parameters
    ----------
    ok
        Whether it can be used as it is configured; False where something is set wrongly, None where it may pass, or
        is only information.
    text
        What was found; no secret is in it.
    """

    ok: bool | None
    text: str


@dataclass(frozen=True)
class Server:
    """A server that a source asks.

    Parameters
    ----------
    url
        Its address, by which it is listed.
    ask
        Asks it a question of the kind that the source asks, within some seconds.
    """

    url: str
    ask: Callable[[float], Answer]


_NO_NAME = ("NameResolutionError", "Name or service not known", "nodename nor servname", "getaddrinfo failed")
_NO_CONNECTION = {
    "its name is not known here: no network, or only behind a proxy": _NO_NAME,
    "the connection is refused": ("Connection refused",),
    "no connection": ("EndpointConnectionError",),
}
"""Words, and what HTTP libraries say for it within five lines of their own classes and the address three times."""


def unreachable(text: str) -> Answer:
    """Return that a server cannot be reached, with what a library says of it in words where these are known."""
    known = (words for words, said in _NO_CONNECTION.items() if any(one in text for one in said))
    return Answer(None, f"not reachable ({next(known, text)})")


def in_trouble(status: int) -> Answer | None:
    """Return that a server is in trouble where its HTTP status says so; None for any other."""
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return Answer(None, f"answers HTTP {status}: the server is in trouble")


def web_server(url: str) -> Server:
    """Return a server of which no more is known than that it speaks HTTP."""
    return Server(url, lambda wait_s: ask_http(url, wait_s))


def ask_http(url: str, wait_s: float) -> Answer:
    """Ask for a page; any answer but trouble of the server itself will do.

    Parameters
    ----------
    url
        The address.
    wait_s
        Longest wait in seconds.
    """

    def ask() -> int:
        try:
            with urllib.request.urlopen(url, timeout=wait_s) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code

    try:
        status = within(wait_s, ask, url)
    except NhError as error:
        return unreachable(error.found)
    except (OSError, ValueError, HTTPException) as error:  # ValueError: a port that is no number
        return unreachable(str(getattr(error, "reason", None) or error))
    return in_trouble(status) or Answer(True, "answers")
