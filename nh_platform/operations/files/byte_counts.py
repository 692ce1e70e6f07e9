"""The bytes of a download added up over the threads that bring them, and told as progress."""

from __future__ import annotations

from threading import Lock

from nh_platform.operations.opened_home import OnProgress, Progress


class CountedBytes:
    """Adds up bytes; called by whichever thread has some.

    Parameters
    ----------
    what
        Name of the piece of work.
    total
        Bytes that are to come, as upstream states them.
    on_progress
        Told how far it is.
    now
        What is worked on; may be changed.
    """

    def __init__(self, what: str, total: int, on_progress: OnProgress, now: str = "") -> None:
        self.now = now
        self._what, self._total, self._on_progress = what, total, on_progress
        self._lock, self._came = Lock(), 0

    def __call__(self, n_bytes: int) -> None:
        """Add bytes that came; 0 tells again how far it is."""
        with self._lock:
            self._came += n_bytes
            self._on_progress(Progress(self._what, self._came, self._total, self.now))
