"""A read of HDF5 over the network cannot wait for itself: nothing collects garbage on the threads that bring bytes."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

from nh_platform.downloads.collector_pause import collector_paused

READ = """
import faulthandler, gc, io
from contextlib import contextmanager
import h5py, numpy as np
from nh_platform.downloads.range_reads import PART_BYTES, RangedFile
from nh_platform.downloads.remote_bytes import RemoteBytes

faulthandler.dump_traceback_later(30, exit=True)
memory, values = io.BytesIO(), np.arange(3 * PART_BYTES // 8)
with h5py.File(memory, "w") as handle:
    handle["small"], handle["large"] = np.zeros(3), values
whole = memory.getvalue()


class Opener:
    address, etag = "memory://file", None

    @contextmanager
    def open(self, offset, stop=None):
        waste = [[] for _ in range(20_000)]  # enough for the collector to look
        yield RemoteBytes(offset=offset, total=len(whole), blocks=iter([whole[offset:stop]]), etag=None)


class Circle:
    pass


with RangedFile("file", Opener(), len(whole)) as content, h5py.File(content, "r") as handle:
    gc.disable()
    one = Circle()
    one.self, one.data = one, handle["small"]
    del one
    gc.set_threshold(100, 1, 1)
    large = handle["large"]
    gc.enable()
    assert (large[:] == values).all()
print("read")
"""


def test_garbage_that_holds_hdf5_objects_does_not_stop_a_read_in_parts() -> None:
    done = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=False)
    assert done.stdout == "read\n", done.stderr[-3000:]


def test_overlapping_pauses_end_with_the_last_one() -> None:
    first, second = collector_paused(), collector_paused()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_many_threads_leave_it_on() -> None:
    def pause() -> None:
        for _ in range(500):
            with collector_paused():
                assert not gc.isenabled()

    threads = [threading.Thread(target=pause) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.isenabled()
