"""A remote file that is read where it lies: a seekable file object of which only the bytes that are read come.

Contains the blocks that are kept, reading ahead, and the retries of a range. Add here what reading by ranges must
survive. Opening a range on a server is `s3_objects`; which file is wanted, and what it is told by, is the sources'
matter.

h5py takes such an object in the place of a file. It asks for a few hundred bytes of metadata, which come in blocks and
are kept, and for a whole array in one call, which comes in parts beside each other, straight into the array. Nothing is
written to the disk.

No hash tells what came: the object is pinned by its ETag (If-Match) and its size, so that bytes of two contents are
never put together. Whoever opens one says so to the reader.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Event, Lock
from typing import TYPE_CHECKING, Protocol, Self

from nh_platform.downloads.collector_pause import collector_paused
from nh_platform.downloads.pace import QuietHours, current_pace
from nh_platform.downloads.remote_bytes import PermanentError, RangeRefused, RemoteBytes, TransientError
from nh_platform.downloads.transfers import MAX_RETRY_AFTER_S, PROGRESS_BYTES, Cancelled, RetryPolicy
from nh_platform.session import UpstreamTrouble

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 256 << 10
"""Bytes of a block. The metadata of an NWB file lie in dozens of places of it: 64 kB would be more requests, 1 MB three
times the bytes."""
MOST_AHEAD = 16
"""Blocks that are read ahead where one follows on the one before: 4 MiB."""
KEPT_BLOCKS = 256
"""Blocks that are kept: 64 MiB."""
PART_BYTES = 8 << 20
"""Bytes from which a read passes the blocks by, and of the parts that it comes in."""
PARTS_AT_ONCE = 4

_SYNC = "Sync the source to see what upstream holds now."


class RangeOpener(Protocol):
    """One address of which ranges can be had."""

    @property
    def address(self) -> str:
        """Address of the file, as a person may use it."""

    @property
    def etag(self) -> str | None:
        """ETag that the file must have; any where None."""

    def open(self, offset: int, stop: int | None = None) -> AbstractContextManager[RemoteBytes]:
        """Open the file from ``offset`` up to ``stop``, that not included; raises as of `remote_bytes.Opener.open`."""

    def pinned(self, etag: str) -> RangeOpener:
        """Return an opener for the file as long as it has this ETag."""


class RangedFile(io.RawIOBase):
    """One remote file, read by ranges; for one thread, as h5py reads.

    A context manager: the first block comes on entering, and tells size and ETag where they are not known.

    Parameters
    ----------
    label
        What a person calls the file.
    opener
        Where it can be had. An ETag that it does not name is taken from the first answer and holds from then on.
    size
        Bytes that it must have; as the server says where None.
    retries
        Tries of a range, and the waits between them.

    Attributes
    ----------
    n_bytes, n_requests
        What came so far, and in how many requests.
    trouble
        What went wrong: raised again by each later read, so that it is not taken for a part that the file lacks.

    Raises
    ------
    UpstreamTrouble
        On entering and from each read: if the file is not there, was replaced, has another size, or does not come in
        all tries.
    """

    def __init__(self, label: str, opener: RangeOpener, size: int | None, retries: RetryPolicy | None = None) -> None:
        super().__init__()
        self.label, self.opener, self.retries = label, opener, retries or RetryPolicy()
        self.n_bytes = self.n_requests = 0
        self.trouble: UpstreamTrouble | None = None
        self._stated, self._size, self._at = size, size or 0, 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next, self._ahead = -1, 1
        self._stop, self._counting = Event(), Lock()

    def __enter__(self) -> Self:
        if self._stated == 0:
            raise self._failed(f"{self.opener.address} is empty", _SYNC)
        first = memoryview(bytearray(BLOCK_BYTES if self._stated is None else min(BLOCK_BYTES, self._stated)))
        came = self._received(0, first)
        self._keep(0, bytes(first[:came]))
        return self

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place of the file and return it; nothing is read."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Return the place of the next byte that is read."""
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer from the place where the file is, and return how many bytes that were."""
        view = memoryview(buffer).cast("B")
        start, stop = self._at, min(self._at + len(view), self._size)
        if stop <= start:
            return 0
        with collector_paused():
            self._fill(start, view[: stop - start])
        self._at = stop
        return stop - start

    def _fill(self, start: int, view: memoryview) -> None:
        stop = start + len(view)
        if len(view) >= PART_BYTES:
            self._read_parts(start, view)
            return
        for number in range(start // BLOCK_BYTES, (stop - 1) // BLOCK_BYTES + 1):
            block, begin = self._block(number, (stop - 1) // BLOCK_BYTES), number * BLOCK_BYTES
            low, high = max(start, begin), min(stop, begin + BLOCK_BYTES)
            view[low - start : high - start] = block[low - begin : high - begin]

    def _block(self, number: int, last: int) -> bytes:
        """Return a block; where it is not kept it comes with those up to ``last``, and further ones if it follows."""
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        self._ahead = min(2 * self._ahead, MOST_AHEAD) if number == self._next else 1
        end = max(last + 1, number + self._ahead)
        end = next((one for one in range(number + 1, end) if one in self._blocks), end)
        start, stop = number * BLOCK_BYTES, min(end * BLOCK_BYTES, self._size)
        came = memoryview(bytearray(stop - start))
        self._received(start, came)
        for one in range(number, end):
            begin = one * BLOCK_BYTES - start
            self._keep(one, bytes(came[begin : begin + BLOCK_BYTES]))
        self._next = end
        return self._blocks[number]

    def _keep(self, number: int, block: bytes) -> None:
        self._blocks[number] = block
        while len(self._blocks) > KEPT_BLOCKS:
            self._blocks.popitem(last=False)

    def _read_parts(self, start: int, view: memoryview) -> None:
        """Fill a large buffer by several requests at a time; nothing of it is kept."""
        parts = [(start + at, view[at : at + PART_BYTES]) for at in range(0, len(view), PART_BYTES)]
        pool = ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="range")
        try:
            for done in [pool.submit(self._received, at, part) for at, part in parts]:
                done.result()
        except BaseException:
            self._stop.set()
            # waited for: a thread must not write into an array that its owner has given up
            pool.shutdown(cancel_futures=True)
            raise
        pool.shutdown()

    def _received(self, start: int, view: memoryview) -> int:
        """Fill a buffer from the server, tried again where that helps; returns how many bytes came.

        Raises
        ------
        UpstreamTrouble
            If they do not come in all tries.
        """
        if self.trouble is not None:
            raise self.trouble
        done = before = idle = 0
        while True:
            try:
                for block in self._answer(start + done, start + len(view)):
                    rest = block[: len(view) - done]
                    view[done : done + len(rest)] = rest
                    done += len(rest)
                wanted = min(len(view), self._size - start)
                if done < wanted:
                    raise TransientError(f"{self.opener.address} ended after {done} of {wanted} bytes of a range")
                return done
            except TransientError as error:
                idle = 0 if done - before >= PROGRESS_BYTES else idle + 1
                before = done
                if idle >= self.retries.attempts or error.retry_after_s > MAX_RETRY_AFTER_S:
                    tried = f"; tried {self.retries.attempts} times" if idle >= self.retries.attempts else ""
                    network = "Check the network and the address (`nh doctor`), and run it again."
                    action = network if error.unreachable else "Wait for the server and run it again."
                    raise self._failed(f"a part of it did not come: {error.text}{tried}", action) from error
                if self._stop.wait(max(error.retry_after_s, self.retries.wait_s * 2 ** max(idle - 1, 0))):
                    raise Cancelled from None
            except PermanentError as error:
                action = _SYNC if error.missing else "Check the settings of the source and the address (`nh doctor`)."
                raise self._failed(error.text, action) from error
            except RangeRefused as error:
                raise self._failed(f"{self.opener.address} has not {start + done} bytes", _SYNC) from error
            except QuietHours as resting:
                raise self._failed(str(resting), "Run it again after these hours.") from resting

    def _answer(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the blocks of one answer, once it is known to be of the file that is meant."""
        pace = current_pace()
        pace.require_open()
        with self.opener.open(start, stop) as answer:
            with self._counting:
                self.n_requests += 1
            if answer.offset != start:
                raise PermanentError(f"{self.opener.address} is served whole: its server knows no ranges")
            if answer.total is not None and self._stated not in (None, answer.total):
                text = f"{self.opener.address} has {answer.total} bytes and the manifest says {self._stated}"
                raise PermanentError(text, missing=True)
            if self._stated is None:
                if answer.total is None:
                    raise PermanentError(f"{self.opener.address} states no size")
                self._stated = self._size = answer.total
            if self.opener.etag is None and answer.etag is not None:
                self.opener = self.opener.pinned(answer.etag)
            for block in answer.blocks:
                if self._stop.is_set():
                    raise Cancelled
                with self._counting:
                    self.n_bytes += len(block)
                yield block
                pace.wait(len(block), self._stop)
                pace.require_open()

    def _failed(self, found: str, action: str) -> UpstreamTrouble:
        self.trouble = UpstreamTrouble(self.label, found, action)
        return self.trouble
