"""Pieces of work side by side: this process and others of the same home each take the next one that may begin.

Contains their order, and this end of the other processes. What such a process does is `lane_process`. Add here
what every kind of work needs that is parted so. What the pieces are stands with the operations.

Sessions share nothing but Dagster's history, which is made for several writers, so that processes need no lock beyond
those that runs of `nh ui` have. Processes and not threads: half of a session is Python's own work.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nh_platform.operations.opened_home import OnProgress, OpenHome, Progress, unwatched
from nh_platform.operations.side_by_side.at_hand import environment_of_others
from nh_platform.operations.side_by_side.pieces import Piece
from nh_platform.session import NhError

_LANE_PROCESS = "nh_platform.operations.side_by_side.lane_process"
"""By its name: a module that was imported already would be there twice in the process that runs it."""


class LaneLost(NhError):
    """The process that did a piece ended in the middle of it: it was killed, mostly for want of memory."""


class _LaneGone(Exception):
    """A process ended before it began a piece, which another one can do."""


class Lanes:
    """Processes that work on one home, the present one among them; a context that ends the others.

    Parameters
    ----------
    folder
        Home folder.
    processes
        How many do the work, this one included. The others begin at once, and import while this one does other things.
    embedded
        Whether Dagster's history is that of the home also where the environment names another one.
    """

    def __init__(self, folder: Path, processes: int, *, embedded: bool = False) -> None:
        self._others = [_Other(folder, embedded) for _ in range(processes - 1)]

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.let_go()
        for other in self._others:
            if kind is not None:  # it has nothing to do, or has been interrupted; it may import for seconds yet
                other.terminate()
            other.wait()

    def let_go(self) -> None:
        """Let the other processes end, which have nothing more to do; the end of the context waits for it."""
        for other in self._others:
            other.let_go()

    def run(
        self,
        pieces: Iterable[Piece],
        opened: Callable[[], OpenHome],
        on_progress: OnProgress = unwatched,
        on_done: OnDone = lambda *_: (),
    ) -> dict[Piece, Any]:
        """Do pieces, each once those are done that it comes after, and return what each returned.

        Parameters
        ----------
        pieces
            The pieces. Of those that may begin, one that comes after others is taken first, then the first one.
        opened
            Returns the home as this process has it open.
        on_progress
            Called with what any piece says, by one thread at a time.
        on_done
            Called likewise with a piece and what it returned, and returns further pieces. Of a piece whose process was
            killed that is a `LaneLost`.

        Raises
        ------
        Exception
            What a piece raised first; no other one is begun after it, unless the piece says otherwise.
        KeyboardInterrupt
            If this process is interrupted. The others are too, and have cleaned up behind them by then.
        """
        work = _Shared(pieces, on_progress, on_done)
        threads = [
            threading.Thread(target=work.take_all, args=(other.do,), daemon=True, name="feeds another process")
            for other in self._others
            if other.is_there
        ]
        for thread in threads:
            thread.start()
        try:
            work.take_all(lambda piece, on_progress: piece.work(opened, on_progress))
        except BaseException as error:  # noqa: BLE001  raised again when the others have ended
            work.stop(error)
        if isinstance(work.error, KeyboardInterrupt):
            for other in self._others:
                other.interrupt()
        for thread in threads:
            thread.join()
        if (first := work.error or work.late) is not None:
            raise first
        return work.results


_Do = Callable[[Piece, OnProgress], Any]
OnDone = Callable[[Piece, Any], Sequence[Piece]]


class _Shared:
    """Pieces that several threads take from."""

    def __init__(self, pieces: Iterable[Piece], on_progress: OnProgress, on_done: OnDone) -> None:
        self._on_progress, self._on_done = on_progress, on_done
        self._waiting = list(pieces)
        self._n_begun = 0
        self._changed = threading.Condition()
        self.results: dict[Piece, Any] = {}
        self.error: BaseException | None = None
        self.late: BaseException | None = None

    def take_all(self, do: _Do) -> None:
        """Do one piece after the other until none is left, nor in progress: what that returns may ask for others."""
        while (piece := self._next()) is not None:
            try:
                result = do(piece, self._say)
            except _LaneGone:
                self._give_back(piece)
                return
            except LaneLost as lost:
                self._finish(piece, None if piece.on_failure == "pass over" else lost)
                return  # its process is gone: others do what is left
            except BaseException as error:  # noqa: BLE001  raised again when all have ended
                # Rich leaves by SystemExit where nobody reads any more, and a thread drops that without a word.
                if piece.on_failure == "stop" or not isinstance(error, Exception):
                    self.stop(error)
                    return
                if piece.on_failure == "go on":
                    self.late = self.late or error
                result = None
            self._finish(piece, result)

    def _next(self) -> Piece | None:
        with self._changed:
            while self.error is None and (self._waiting or len(self.results) < self._n_begun):
                ready = [piece for piece in self._waiting if self.results.keys() >= set(piece.after)]
                if ready:
                    first = min(ready, key=lambda piece: not piece.after)
                    self._waiting.remove(first)
                    self._n_begun += 1
                    return first
                self._changed.wait()
            return None

    def _give_back(self, piece: Piece) -> None:
        with self._changed:
            self._waiting.insert(0, piece)
            self._n_begun -= 1
            self._changed.notify_all()

    def _finish(self, piece: Piece, result: Any) -> None:
        with self._changed:
            self.results[piece] = result
            try:
                self._waiting += self._on_done(piece, result)
            except BaseException as error:  # noqa: BLE001  likewise
                self.error = self.error or error
            self._changed.notify_all()

    def _say(self, step: Progress) -> None:
        with self._changed:
            self._on_progress(step)

    def stop(self, error: BaseException) -> None:
        """Begin nothing more, for this reason; an interruption counts before all others."""
        with self._changed:
            if self.error is None or isinstance(error, KeyboardInterrupt):
                self.error = error
            self._changed.notify_all()


class _Other:
    """Another process that does pieces, in a group of its own: a terminal's Ctrl-C comes to it through this one."""

    def __init__(self, folder: Path, embedded: bool) -> None:
        ours, theirs = socket.socketpair()
        # Without the folder that a person stands in, whose modules the command itself does not look at either.
        command = [sys.executable, "-P", "-m", _LANE_PROCESS, str(theirs.fileno()), str(folder), str(int(embedded))]
        environment = environment_of_others()
        with theirs:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], process_group=0, env=environment
            )
        self._connection = Connection(ours.detach())
        self.is_there = True

    def do(self, piece: Piece, on_progress: OnProgress) -> Any:
        """Have it do a piece, and return what that returned.

        Raises
        ------
        _LaneGone
            If the process ended before it began.
        LaneLost
            If the process ended before it was done.
        Exception
            What the piece raised, or ``on_progress``.
        """
        try:
            self._connection.send(piece.work)
            self._connection.recv()
        except (EOFError, OSError):
            self.is_there = False
            raise _LaneGone from None
        while isinstance(answer := self._answer(piece), Progress):
            on_progress(answer)
        result, error = answer
        if error is not None:
            raise error
        return result

    def _answer(self, piece: Piece) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            self.is_there = False
            raise LaneLost(piece.name, f"its process {_ending(self._process.wait())}", _ACTION) from None

    def interrupt(self) -> None:
        """Interrupt what it does; it cleans up behind it and ends."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def let_go(self) -> None:
        """Let it end, which it does when it has nothing to do."""
        self._connection.close()

    def terminate(self) -> None:
        """End it now."""
        self._process.terminate()

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed (signal {-code}, {signal.strsignal(-code)})"
    return f"ended with exit code {code}"


_ACTION = "Run it again, with --processes 1 where memory was short: what was published stays."
