"""Reading what counts while it may be replaced: looked for and read anew where it went between the two.

Contains the one loop of readers that look at a pointer and then open what it names. Publishing removes the version
before, so that a slow reader finds nothing where it was led to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nh_platform.session import StoreError

_MOST = 20
"""Versions that may come while one is read: more at a time are no runs of assets."""
Found = TypeVar("Found")
Read = TypeVar("Read")


def read_current(look: Callable[[], Found], read: Callable[[Found], Read]) -> Read:
    """Return what ``read`` makes of what ``look`` finds; both again where another look finds something else.

    Raises
    ------
    StoreError, FileNotFoundError
        As of ``read``, if what was found still counts: it is damaged or lost, and nothing replaced it.
    """
    for left in reversed(range(_MOST)):
        found = look()
        try:
            return read(found)
        except (StoreError, FileNotFoundError):
            if not left or look() == found:
                raise
    raise AssertionError("the last round returns or raises")
