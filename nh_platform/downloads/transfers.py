"""The transfer of one file: from several servers, resumed where it broke, hashed on the way, tried again if that helps.

Contains the partial file and the loop of attempts. Add here what a single transfer must survive. Opening a file on a
server is `remote_bytes`; where whole files go, and what happens to wrong ones, is `download_folder`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from nh_platform.downloads.pace import current_pace
from nh_platform.downloads.remote_bytes import Opener, PermanentError, RangeRefused, TransientError

BLOCK_BYTES = 1 << 20
"""Bytes of a partial file that are hashed at a time."""

PROGRESS_BYTES = 1 << 20
"""Attempts that brought at least this much do not count: a large file may survive any number of broken connections."""

SPARE_BYTES = 64 << 20
"""Space that downloads leave free: Dagster's history and the assets may be on the same disk."""

MAX_RETRY_AFTER_S = 300.0
"""A server that asks for a longer wait is given up at once, as ONE-api does."""

OnBytes = Callable[[int], None]
"""Told how many bytes came; negative where bytes that came before turned out to be of no use."""


@dataclass(frozen=True)
class RetryPolicy:
    """Number of tries of a download, and the waits between them.

    Parameters
    ----------
    attempts
        Rounds over all servers without progress, and wrong contents, before giving up.
    wait_s
        Seconds before the second attempt, doubled each time.
    """

    attempts: int = 3
    wait_s: float = 1.0


@dataclass(frozen=True)
class Transferred:
    """Content that came: md5 in hexadecimal digits, and size in bytes."""

    md5: str
    size: int


class Cancelled(Exception):
    """The person, or a failure beside it, asked the transfer to stop; the partial file is kept."""


class WrongContent(Exception):
    """Whole answers came, and every one was wrong. The last is in the partial file."""

    def __init__(self, got: Transferred, problem: str, addresses: Sequence[str]) -> None:
        self.got, self.problem, self.addresses = got, problem, tuple(addresses)
        super().__init__(problem)


class TransferFailed(Exception):
    """No server gave the whole file."""

    def __init__(self, text: str, missing: bool, unreachable: bool) -> None:
        self.text, self.missing, self.unreachable = text, missing, unreachable
        super().__init__(text)


class PartialFile:
    """The bytes of a download so far, and their running md5.

    What a process that was killed left behind is taken over: its bytes are hashed again, never trusted.

    Parameters
    ----------
    path
        The file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # unbuffered: what was hashed is what the next process finds
        self._handle = open(path, "a+b", buffering=0)  # noqa: SIM115  closed by `close`, used as a context manager
        self.size = 0
        self._digest = hashlib.md5(usedforsecurity=False)
        self._handle.seek(0)
        while block := self._handle.read(BLOCK_BYTES):
            self._digest.update(block)
            self.size += len(block)

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()

    @property
    def content(self) -> Transferred:
        """What is there now."""
        return Transferred(self._digest.hexdigest(), self.size)

    def append(self, block: bytes) -> None:
        """Write more bytes."""
        view = memoryview(block)
        while view:  # an unbuffered write may be short
            view = view[self._handle.write(view) :]
        self._digest.update(block)
        self.size += len(block)

    def restart(self) -> None:
        """Throw everything away."""
        self._handle.truncate(0)
        self._digest = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def sync(self) -> None:
        """Write to the disk."""
        os.fsync(self._handle.fileno())


def transfer(
    servers: Sequence[Opener],
    part: PartialFile,
    problem: Callable[[Transferred], str | None],
    retries: RetryPolicy,
    on_bytes: OnBytes | None,
    stop: Event | None,
    unreachable: set[str],
    most: int | None = None,
    rests: bool = True,
) -> Transferred:
    """Fill ``part`` from the first server that gives the right content.

    Parameters
    ----------
    servers
        Where the file can be had, in the order of preference. One that does not have it is not asked again.
    part
        What came so far; resumed where the server can.
    problem
        What is wrong with a whole answer, in words; None where nothing is.
    retries
        Attempts and waits. Longer waits that a server asks for (Retry-After) are honoured up to `MAX_RETRY_AFTER_S`.
    on_bytes
        Told of progress.
    stop
        Set by another thread to end the transfer.
    unreachable
        Servers that did not answer at all before, shared by many transfers: they are asked last, so that a blocked
        bucket costs one wait for a connection and not one per file.
    most
        Bytes above which an answer is cut off: a body without end, which a broken server sent for a file of 5 bytes,
        takes the disk to 0 bytes free otherwise.
    rests
        Whether it keeps to the quiet hours.

    Raises
    ------
    WrongContent
        If ``retries.attempts`` whole answers were wrong; the last one is in ``part``.
    TransferFailed
        If no server gave the whole file; what came is in ``part``.
    Cancelled
        If ``stop`` was set.
    OSError
        If ``part`` cannot be written, or the disk has less than `SPARE_BYTES` left.
    QuietHours
        If nothing is downloaded at this hour; what came is in ``part``.
    """
    tell, halt = on_bytes or (lambda _: None), stop or Event()
    alive, gone = list(servers), []
    last = TransientError("no server to get it from")
    n_wrong = idle_rounds = best = 0
    if part.size:
        tell(part.size)
        if problem(part.content) is None:
            return part.content
    while True:
        wait_s, all_silent = 0.0, True
        for opener in sorted(alive, key=lambda one: one.server in unreachable):
            try:
                _receive(opener, part, tell, halt, most, rests)
            except PermanentError as error:
                alive.remove(opener)
                gone.append(error)
                continue
            except TransientError as error:
                last, wait_s = error, max(wait_s, error.retry_after_s)
                all_silent = all_silent and error.unreachable
                if error.unreachable:
                    unreachable.add(opener.server)
                continue
            wrong = problem(part.content)
            if wrong is None:
                return part.content
            n_wrong += 1
            if n_wrong >= retries.attempts:
                raise WrongContent(part.content, wrong, [one.address for one in servers])
            tell(-part.size)
            part.restart()
            last, all_silent = TransientError(f"{opener.address}: {wrong}"), False
        if not alive:
            raise TransferFailed("; ".join(one.text for one in gone), all(one.missing for one in gone), False)
        idle_rounds = 0 if part.size - best >= PROGRESS_BYTES else idle_rounds + 1
        best = max(best, part.size)
        if idle_rounds >= retries.attempts or wait_s > MAX_RETRY_AFTER_S:
            asked = f", and asks to wait {wait_s:.0f} s" if wait_s > MAX_RETRY_AFTER_S else ""
            tried = f"; tried {retries.attempts} times" if idle_rounds >= retries.attempts else ""
            others = "".join(f"; {one.text}" for one in gone)
            raise TransferFailed(last.text + asked + tried + others, False, all_silent)
        if halt.wait(max(wait_s, retries.wait_s * 2 ** max(idle_rounds - 1, 0))):
            raise Cancelled


def _receive(opener: Opener, part: PartialFile, tell: OnBytes, halt: Event, most: int | None, rests: bool) -> None:
    """Append what one server gives; returns when the answer is whole."""
    if halt.is_set():
        raise Cancelled
    pace = current_pace()
    if rests:
        pace.require_open()
    try:
        with opener.open(part.size) as answer:
            if answer.offset != part.size:
                tell(-part.size)
                part.restart()
            limits = [limit for limit in (most, answer.total) if limit is not None]
            if most is not None and answer.total is not None and answer.total > most:
                raise TransientError(f"{opener.address} states {answer.total} bytes, where at most {most} are expected")
            for block in answer.blocks:
                if limits and part.size + len(block) > min(limits):
                    tell(-part.size)
                    part.restart()
                    raise TransientError(f"{opener.address} sends more than {min(limits)} bytes; it was cut off there")
                _require_spare(part.path, len(block))
                part.append(block)
                tell(len(block))
                pace.wait(len(block), halt)
                if halt.is_set():
                    raise Cancelled
                if rests:
                    pace.require_open()
            if answer.total is not None and part.size < answer.total:
                raise TransientError(f"{opener.address} ended after {part.size} of {answer.total} bytes")
    except RangeRefused as refused:
        tell(-part.size)
        part.restart()
        raise TransientError(f"{opener.address} has fewer bytes than came before") from refused


def _require_spare(part: Path, n_bytes: int) -> None:
    """Check that a disk keeps its spare room; asked for every block, which takes 2 µs for 256 kB."""
    if shutil.disk_usage(part.parent).free < SPARE_BYTES + n_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(part))
