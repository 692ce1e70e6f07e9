"""Spike trains of reviewed units, kept beside the reviews while the desk serves: a review then survives a new sorting.

Contains the thread that does it behind the answers: the spikes of a session are 90 MB, and a reviewer decides every few
seconds. What is kept is `nh_platform.qc.reviews.resorted`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from nh_platform.session import NhError

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform

_PAUSE_S = 5.0
"""Reviews of this long are kept together."""


class TrainKeeper:
    """Keeps the spike trains of what is reviewed; use it as a context, which ends once all are kept.

    Parameters
    ----------
    platform
        The home.
    tell
        Called with a sentence where a session's trains could not be kept.
    """

    def __init__(self, platform: Platform, tell: Callable[[str], None]) -> None:
        self._platform, self._tell = platform, tell
        self._waiting: set[tuple[str, str]] = set()
        self._guard, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="trains", daemon=True)

    def __enter__(self) -> TrainKeeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def note(self, source: str, session_id: str) -> None:
        """Note that reviews of a session were saved."""
        with self._guard:
            self._waiting.add((source, session_id))

    def _run(self) -> None:
        while not self._end.wait(_PAUSE_S):
            self._keep()
        self._keep()

    def _keep(self) -> None:
        from nh_platform.operations.reviewing.review_carrying import remember_reviewed

        with self._guard:
            places, self._waiting = sorted(self._waiting), set()
        for source, session_id in places:
            try:
                remember_reviewed(self._platform, source, session_id)
            except NhError as error:
                self._tell(f"{source} {session_id}: the reviewed spikes are not kept: {error}")
