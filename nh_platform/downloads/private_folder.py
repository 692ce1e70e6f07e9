"""A folder of one process alone, for what must not outlive it."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path


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
        self.path = Path(tempfile.mkdtemp(prefix=f"nh-{os.getpid()}-", dir=parent))
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
