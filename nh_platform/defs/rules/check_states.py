"""States of checks in all partitions, remembered in a process until something is stored.

Dagster counts the state of a check from its rows in all partitions, for every page of an asset: with 40 checks of
1,000 sessions a fifth of what such a page costs. Contains when a count still holds. What is counted, and what a state
is counted from, is `event_log`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping

from dagster import AssetCheckKey
from dagster._core.storage.asset_check_state import AssetCheckState

SETTLED_S = 5.0
"""How long nothing was stored before a count is remembered: the rows of one event are stored one after another."""


class CheckStates:
    """States that were counted, each with the stamp of what it was counted from.

    Parameters
    ----------
    clock
        Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._states: dict[AssetCheckKey, tuple[Hashable, AssetCheckState]] = {}
        self._newest: tuple[Hashable, float] = (None, clock())
        self._lock = threading.Lock()

    def is_settled(self, stored: Hashable) -> bool:
        """Whether what is stored was the same some seconds ago, when this was asked before."""
        with self._lock:
            if self._newest[0] != stored:
                self._newest = (stored, self._clock())
            return self._clock() - self._newest[1] >= SETTLED_S

    def known(self, stamps: Mapping[AssetCheckKey, Hashable]) -> dict[AssetCheckKey, AssetCheckState]:
        """Return the states that were counted from the same rows."""
        found = {}
        for key, stamp in stamps.items():
            counted = self._states.get(key)
            if counted is not None and counted[0] == stamp:
                found[key] = counted[1]
        return found

    def remember(self, counted: Mapping[AssetCheckKey, tuple[Hashable, AssetCheckState]]) -> None:
        """Keep states; not those of runs that go on, which change when a run ends without another row."""
        for key, (stamp, state) in counted.items():
            if not state.in_progress_runs:
                self._states[key] = (stamp, state)
