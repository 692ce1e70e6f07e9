"""Identity of a process that writes, told from any other: of another machine, or with the same id at another time.

Add here what is asked of the system about a process. What is done with the answer is the asker's matter.
"""

from __future__ import annotations

import math
import os
import re
import socket

_NAME = re.compile(r"(?P<host>.+)-(?P<pid>\d{1,9})-(?P<start>\d+)")
_SAME_MS = 2000
"""Linux rounds the time of boot to seconds, so that two looks may differ by one; no id is given again that soon."""


def process_name(pid: int | None = None) -> str:
    """Return a name that no other process has: its machine, its id, and its start [ms after the machine's].

    Of this process where no id is given.

    Raises
    ------
    ProcessLookupError
        If there is no process with the id.
    """
    import psutil  # here and below: 0.1 CPU s, which most commands can do without

    try:
        process = psutil.Process(pid)
        return f"{_host()}-{process.pid}-{_ms_after_boot(process.create_time())}"
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(str(error)) from error


def is_running(name: str) -> bool | None:
    """Return whether the process with this `process_name` runs, None where this machine cannot tell."""
    parts = _NAME.fullmatch(name)
    if parts is None or parts["host"] != _host():
        return None
    start = process_start(int(parts["pid"]))
    # After the boot, not since 1970: a clock that is set must not make a process look like another one.
    return start is not None and (math.isnan(start) or abs(_ms_after_boot(start) - int(parts["start"])) <= _SAME_MS)


def process_id(name: str) -> int:
    """Return the id in a `process_name`, 0 where it is none."""
    parts = _NAME.fullmatch(name)
    return int(parts["pid"]) if parts else 0


def process_start(pid: int) -> float | None:
    """Return when the process with this id began [s since 1970], as this machine's clock says now.

    None where there is none, or one that ended and was not collected; NaN where another user's is hidden.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.ZombieProcess:
        return None
    except psutil.Error:
        try:
            os.kill(pid, 0)  # psutil reads /proc, which may be mounted so that it shows a user's own processes alone
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        return math.nan


def _ms_after_boot(start: float) -> int:
    import psutil

    return round((start - psutil.boot_time()) * 1000)


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", socket.gethostname())
