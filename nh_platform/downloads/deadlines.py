"""An answer within a stated time, or none: a caller that is not held for ever by a silent server.

Contains the one function and how long a sensor may wait. AllenSDK 2.16.2 sets no timeout on its requests to the
warehouse (`http_engine.py`, `rma_engine.py`), and the timeouts of any client are per connection and per byte, so the
whole wait is bounded from outside. Add nothing that knows what is asked.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SIGNAL_WAIT_S = 15.0
"""Longest wait of a source's `signal`, all in all: Dagster ends a sensor's tick after 60 s."""


class Stalled(Exception):
    """Nothing came for as long as the caller was willing to wait."""


@dataclass(frozen=True)
class _Outcome(Generic[T]):
    """What the thread found: a value, or why there is none."""

    value: T | None = None
    error: BaseException | None = None


def answer_within(wait_s: float, ask: Callable[[], T]) -> T:
    """Return what ``ask`` returns, asked in a thread of its own.

    A thread that hangs in a read cannot be ended; it is left behind as a daemon and ends with its connection or the
    process.

    Parameters
    ----------
    wait_s
        Longest wait in seconds.
    ask
        What to call; what it raises is raised here.

    Raises
    ------
    Stalled
        If nothing came for ``wait_s``.
    """
    found: queue.Queue[_Outcome[T]] = queue.Queue()

    def run() -> None:
        try:
            found.put(_Outcome(value=ask()))
        except BaseException as error:  # noqa: BLE001  raised again where the answer is wanted
            found.put(_Outcome(error=error))

    threading.Thread(target=run, daemon=True).start()
    try:
        outcome = found.get(timeout=wait_s)
    except queue.Empty:
        raise Stalled(f"no answer in {wait_s:g} s") from None
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]  # T may be None itself
