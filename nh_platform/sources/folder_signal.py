"""Signal of a source on disk that something was put there: names, sizes and modification times, never content.

Add here a cheap look that several sources share. It triggers a reading of the manifest; it identifies nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def folder_signal(root: Path, patterns: Iterable[str]) -> str:
    """Return a text that differs when a matching file was added, removed or written; of a broken link, the link.

    Parameters
    ----------
    root
        Folder to look into; one that does not exist has a signal of its own.
    patterns
        Glob patterns below it.
    """
    lines = []
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        try:
            state = path.stat()
        except OSError:
            if not path.is_symlink():
                continue  # removed meanwhile
            state = path.lstat()
        lines.append(f"{path.relative_to(root)} {state.st_size} {state.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
