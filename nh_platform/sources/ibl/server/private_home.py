"""A private home folder for ONE's parameters.

ONE keeps its parameters under ``~/.one`` and rewrites them in place: of 150 logins of six processes that shared one
home, 128 failed. Add here what keeps ONE's side effects away from the rest of the process. Nothing here knows a
dataset or a server.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nh_platform.session import UpstreamTrouble

_HOME_VARIABLES = ("HOME", "APPDATA", "USERPROFILE")
"""Where iblutil 1.x ``io.params.getfile`` looks, on Unix and on Windows."""

_HOME_LOCK = threading.RLock()


class PrivateFolder:
    """A folder of this process alone (mode 0700), removed with the object and at the end of the process.

    Parameters
    ----------
    parent
        Folder to make it in; the system's temporary folder where None.
    """

    def __init__(self, parent: Path | None = None) -> None:
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"nh-one-{os.getpid()}-", dir=parent))
        self.owner = os.getpid()
        self.remove = weakref.finalize(self, _remove_own, self.path, self.owner)

    def __truediv__(self, name: str) -> Path:
        """Return a subfolder, made if need be."""
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder


def _remove_own(folder: Path, owner: int) -> None:
    # A forked child runs the finalizers of its parent too, and must leave the parent's folder alone.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


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
