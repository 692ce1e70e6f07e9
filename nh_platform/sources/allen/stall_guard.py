"""Items of an iterator as long as they keep coming: a reader that is not held for ever by a silent server.

Contains the one function. AllenSDK 2.16.2 sets no timeout on its requests to the warehouse (`http_engine.py`,
`rma_engine.py`), and what is read is a generator of its own, so the wait is bounded from outside. Add nothing that
knows what is read.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_ITEMS_AHEAD = 64


class Stalled(Exception):
    """Nothing came for as long as the reader was willing to wait."""


@dataclass(frozen=True)
class _End(Generic[T]):
    """What the thread says last: that there is no more, or why."""

    error: BaseException | None = None


def while_coming(items: Iterable[T], wait_s: float) -> Iterator[T]:
    """Yield ``items``, read in a thread of their own.

    A thread that hangs in a read cannot be ended; it is left behind as a daemon and ends with its connection or the
    process.

    Parameters
    ----------
    items
        What to read.
    wait_s
        Longest wait for the next item, in seconds.

    Raises
    ------
    Stalled
        If nothing came for ``wait_s``.
    """
    ready: queue.Queue[T | _End[T]] = queue.Queue(_ITEMS_AHEAD)
    given_up = threading.Event()

    def read() -> None:
        end: _End[T] = _End()
        try:
            for item in items:
                ready.put(item)
                if given_up.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  raised again where the items are wanted
            end = _End(error)
        ready.put(end)

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            try:
                item = ready.get(timeout=wait_s)
            except queue.Empty:
                raise Stalled(f"nothing came for {wait_s:g} s") from None
            if not isinstance(item, _End):
                yield item
            elif item.error is None:
                return
            else:
                raise item.error
    finally:
        given_up.set()
        while not ready.empty():  # a thread that waits for room goes on, and sees that it is not wanted
            ready.get_nowait()
