"""The body of a POST, read whole before the page behind sees it: neither too long nor too slow.

Contains the reading and its refusals. Limits are stated in `entrance`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from nh_platform.operations.web.entrance import Entrance

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_DIGITS = 12
"""Of a stated length: Python refuses to read a number of 5,000 digits."""


class BodyRefused(Exception):
    """A body is not taken.

    Parameters
    ----------
    status, words
        Answer to it.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


async def read_body(scope: MutableMapping[str, Any], receive: Receive, limits: Entrance) -> Receive:
    """Read the whole body of a request, and return what gives it to the application behind.

    Raises
    ------
    BodyRefused
        If it is longer than the limit, as stated or as it came, takes longer, or ends before it is whole.
    """
    too_long = BodyRefused(413, f"More than {limits.body_bytes:,} bytes are not taken at once.")
    stated = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    if any(not value.isdigit() or len(value) > _DIGITS or int(value) > limits.body_bytes for value in stated):
        raise too_long
    content = bytearray()
    try:
        async with asyncio.timeout(limits.body_s):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyRefused(400, "The request ended before it was whole.")
                content += message.get("body", b"")
                if len(content) > limits.body_bytes:
                    raise too_long
                more = message.get("more_body", False)
    except TimeoutError:
        raise BodyRefused(408, f"The request did not arrive within {limits.body_s:g} s.") from None
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": bytes(content), "more_body": False}

    return give
