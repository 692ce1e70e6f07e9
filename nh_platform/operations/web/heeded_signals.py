"""Signals that a server heeds: noted, so that it ends in order, instead of ending it where it stands.

Contains which signals those are and when they are left alone.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heeded_signals(note: Callable[[int], object]) -> Iterator[None]:
    """Call ``note`` with the number of each signal that asks to end, while the context is open.

    A script's background job ignores SIGINT, and so would all its children: what has a handler here is heeded again by
    every program that is started. `nohup` asks that SIGHUP is ignored, which stays so.
    """

    def heed(number: int, _: FrameType | None) -> None:
        note(number)

    heeded = [one for one in _SIGNALS if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, heed) for one in heeded}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
