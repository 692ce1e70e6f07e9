"""Pace of downloads: a rate that all of a process share, and hours of the day without any.

Set by environment variables, which daemon, commands and notebooks of one machine share: `NH_DOWNLOAD_RATE_MB_S` and
`NH_DOWNLOAD_QUIET_HOURS`. In quiet hours a download is refused and a running one stops; it does not wait, because a run
that waits would hold a place of the queue that sessions without downloads need.
"""

from __future__ import annotations

import os
import re
import threading
import time
from datetime import datetime
from datetime import time as time_of_day
from functools import lru_cache
from threading import Event

from nh_platform.session import ConfigError

RATE_VARIABLE = "NH_DOWNLOAD_RATE_MB_S"
"""Megabytes (10^6 bytes) a second of all downloads of a process together; no limit where it is not set."""
HOURS_VARIABLE = "NH_DOWNLOAD_QUIET_HOURS"
"""Hours of the day, in local time, without downloads: ``08:00-18:00``, or over midnight ``22:30-06:00``."""

_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")


class QuietHours(Exception):
    """Nothing is downloaded at this hour; the text says until when."""


class Pace:
    """Rate of downloads, shared by threads.

    Parameters
    ----------
    bytes_per_s
        Bytes a second of all threads together; no limit where None.
    quiet
        Beginning and end of the hours without downloads; none where None.
    """

    def __init__(self, bytes_per_s: float | None, quiet: tuple[time_of_day, time_of_day] | None = None) -> None:
        self.bytes_per_s, self.quiet = bytes_per_s, quiet
        self._lock, self._free_at = threading.Lock(), 0.0

    def wait(self, n_bytes: int, stop: Event) -> None:
        """Wait until bytes that just came are within the rate; ``stop`` ends the wait."""
        if self.bytes_per_s is None:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + n_bytes / self.bytes_per_s
            wait_s = self._free_at - now
        stop.wait(wait_s)

    def require_open(self, at: time_of_day | None = None) -> None:
        """Check that downloads are allowed at an hour, now where None.

        Raises
        ------
        QuietHours
            If they are not.
        """
        if self.quiet is None:
            return
        begin, end = self.quiet
        now = at or datetime.now().time()
        inside = begin <= now < end if begin <= end else now >= begin or now < end
        if inside:
            raise QuietHours(f"nothing is downloaded between {begin:%H:%M} and {end:%H:%M} ({HOURS_VARIABLE})")


def current_pace() -> Pace:
    """Return the pace that the environment asks for; the same one for all threads while it stays as it is.

    Raises
    ------
    ConfigError
        If a variable cannot be read.
    """
    return _pace(os.environ.get(RATE_VARIABLE, ""), os.environ.get(HOURS_VARIABLE, ""))


@lru_cache(maxsize=4)
def _pace(rate: str, hours: str) -> Pace:
    return Pace(_bytes_per_s(rate) if rate.strip() else None, _quiet(hours) if hours.strip() else None)


def _bytes_per_s(text: str) -> float:
    try:
        megabytes = float(text)
    except ValueError:
        megabytes = 0.0
    if not 0 < megabytes < float("inf"):
        raise ConfigError(RATE_VARIABLE, f"{text!r} is no rate in MB a second", "Set a number above 0, or unset it.")
    return megabytes * 1e6


def _quiet(text: str) -> tuple[time_of_day, time_of_day]:
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ConfigError(HOURS_VARIABLE, f"{text!r} names no hours", "Set them as 08:00-18:00, or unset it.")
    first, second, third, fourth = map(int, found.groups())
    return time_of_day(first, second), time_of_day(third, fourth)
