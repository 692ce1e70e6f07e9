"""Answers of Alyx to ONE's requests, of a bounded size and at the pace of all downloads.

ONE (3.6.1) reads an answer whole whatever its size: one without end fills the memory, in a thread that goes on after
its deadline. Questions are asked in quiet hours too: they are small, and a look at what is new is no download. Add here
what every answer must keep to. How a request is repeated is `connection`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Event
from typing import Any

from nh_platform.downloads.pace import current_pace
from nh_platform.session import UpstreamTrouble

MOST_BYTES = 64 << 20
"""Longest answer: a page of 1,000 datasets is 2.5 MB."""

_BLOCK_BYTES = 256 << 10


def bound_answers(client: Any) -> None:
    """Have an `AlyxClient` cut off answers above `MOST_BYTES`, and read them at the pace of downloads.

    Its one method for requests is shadowed, since it has no public place for this; a test fails if ONE goes round it.
    """
    ask = client._generic_request

    @wraps(ask)
    def bounded(request: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return ask(lambda *a, **k: _read(request(*a, **k)), *args, **kwargs)

    client._generic_request = bounded


def _read(response: Any) -> Any:
    """Return a streamed response with its content read.

    Raises
    ------
    UpstreamTrouble
        If it is longer than `MOST_BYTES`.
    """
    pace, content = current_pace(), bytearray()
    for block in response.iter_content(_BLOCK_BYTES):
        content += block
        if len(content) > MOST_BYTES:
            response.close()
            found = f"its answer has more than {MOST_BYTES >> 20} MiB; it was cut off there"
            raise UpstreamTrouble(response.url, found, "Tell the server's administrator, and run it again later.")
        pace.wait(len(block), Event())
    response._content = bytes(content)
    return response
