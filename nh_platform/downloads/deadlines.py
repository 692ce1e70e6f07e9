"""An answer within a stated time, or an error: a caller that is not held for ever by a silent server.

Neither ONE-api 3.6.1 nor AllenSDK 2.16.2 (`http_engine.py`, `rma_engine.py`) sets a timeout on its requests, and the
timeouts of any client are per connection and per byte, so the whole wait is bounded from outside. Add nothing that
knows what is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from nh_platform.session import UpstreamTrouble

T = TypeVar("T")

SIGNAL_WAIT_S = 15.0
"""Longest wait of a source's `signal`, all in all: Dagster ends a sensor's tick after 60 s."""


def within(wait_s: float, ask: Callable[[], T], what: str, action: str = "Try again later.") -> T:
    """Return what ``ask`` returns, asked in a thread of its own.

    A thread that hangs in a read cannot be ended; it is left behind as a daemon and ends with its connection or the
    process.

    Parameters
    ----------
    wait_s
        Longest wait in seconds.
    ask
        What to call; what it raises is raised here.
    what, action
        Thing and next step of the error.

    Raises
    ------
    UpstreamTrouble
        If nothing came for ``wait_s``.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001  raised again where the answer is wanted
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True, name="within").start()
    if not wait([answer], wait_s).done:
        raise UpstreamTrouble(what, f"no answer within {wait_s:g} s", action)
    return answer.result()
