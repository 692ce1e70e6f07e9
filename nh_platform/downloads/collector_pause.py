"""The garbage collector of Python, kept from running while HDF5 waits for bytes of a remote file.

Contains the pause that reads of `range_reads` take. h5py holds one lock for all its objects while it reads, and takes
it to free one. Where the collector frees such an object on a thread that brings the bytes, the thread waits for the
read, and the read for the thread: for good (h5py's manual, "Python file-like objects"). What is freed without the
collector, by its last reference, is not kept back.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_n_paused, _was_enabled = 0, True


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the collector of this process off within the block; blocks of several threads may overlap."""
    global _n_paused, _was_enabled
    with _lock:
        if not _n_paused:
            _was_enabled = gc.isenabled()
            gc.disable()
        _n_paused += 1
    try:
        yield
    finally:
        with _lock:
            _n_paused -= 1
            if not _n_paused and _was_enabled:
                gc.enable()
