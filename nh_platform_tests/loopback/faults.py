"""Misbehaviour on purpose: which requests a loopback server spoils, how, and how often.

Add a kind of fault here and in `serving`. Nothing here opens a socket.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

KINDS = ("corrupt", "truncated", "short", "empty", "oversized", "status", "reset", "hang", "stall", "endless")


@dataclass
class Fault:
    """One way to spoil matching requests.

    Parameters
    ----------
    pattern
        Regular expression, searched in the unquoted path with query.
    kind
        ``corrupt`` (one byte differs), ``truncated`` (half the bytes under the full Content-Length), ``short`` (half
        the bytes and a Content-Length to match), ``empty``, ``oversized`` (100 bytes more), ``status`` (answer
        ``status``), ``reset`` (connection reset), ``hang`` (no answer for ``seconds``), ``stall`` (half the bytes
        under the full Content-Length, then nothing for ``seconds``), ``endless`` (no Content-Length, and bytes
        for as long as anybody takes them).
    times
        How many requests to spoil; every one where None.
    status, retry_after
        For ``status``: the HTTP status, and the Retry-After header.
    seconds
        For ``hang`` and ``stall``.
    """

    pattern: str
    kind: str
    times: int | None = None
    status: int = 500
    retry_after: str | None = None
    seconds: float = 3600.0
    hits: int = 0


class Faults:
    """The faults of one server, changeable while it runs."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, pattern: str, kind: str, **details: object) -> Fault:
        """Spoil requests whose path matches ``pattern`` from now on."""
        if kind not in KINDS:
            raise ValueError(f"fault {kind!r} is none of {KINDS}")
        fault = Fault(pattern, kind, **details)  # type: ignore[arg-type]
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()

    def take(self, path: str) -> Fault | None:
        """Return the first fault that applies to a request, counting it."""
        with self._lock:
            for fault in self._faults:
                if (fault.times is None or fault.hits < fault.times) and re.search(fault.pattern, path):
                    fault.hits += 1
                    return fault
        return None
