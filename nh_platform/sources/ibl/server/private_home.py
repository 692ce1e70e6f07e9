"""A private home folder for ONE's parameters.

ONE keeps its parameters under ``~/.one`` and rewrites them in place: of 150 logins of six processes that shared one
home, 128 failed. Add here what keeps ONE's side effects away from the rest of the process. Nothing here knows a
dataset or a server.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nh_platform.session import UpstreamTrouble

_HOME_VARIABLES = ("HOME", "APPDATA", "USERPROFILE")
"""Where iblutil 1.x ``io.params.getfile`` looks, on Unix and on Windows."""

_HOME_LOCK = threading.RLock()


@contextmanager
def private_home(folder: Path, wait_s: float | None = None, what: str = "ONE") -> Iterator[None]:
    """Let ``~`` be ``folder`` while ONE works, one thread at a time.

    ONE has no argument for the place of its parameters; the environment is the only public way.

    Raises
    ------
    UpstreamTrouble
        If another thread's request goes on for longer than ``wait_s`` seconds.
    """
    if not _HOME_LOCK.acquire(timeout=-1 if wait_s is None else wait_s):
        raise UpstreamTrouble(
            what, f"another request of this process was not done within {wait_s:g} s", "Wait for it and run it again."
        )
    try:
        before = {name: os.environ.get(name) for name in _HOME_VARIABLES}
        os.environ.update(dict.fromkeys(_HOME_VARIABLES if sys.platform == "win32" else ("HOME",), str(folder)))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
    finally:
        _HOME_LOCK.release()
