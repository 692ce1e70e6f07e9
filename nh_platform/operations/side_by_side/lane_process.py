"""A process beside another one, for pieces of work of a home folder (`lanes`).

Run as ``python -m nh_platform.operations.side_by_side.lane_process FD FOLDER EMBEDDED`` by `lanes`, which holds the
other end. It ends when that is closed or it is interrupted, so that it outlives a killed caller by one piece at most.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

from nh_platform.home.own_process import (
    collect_seldom,
    no_trace_of_interruptions,
    sent_again_where_lost,
    use_one_thread,
)
from nh_platform.operations.opened_home import OpenHome, Progress

_SOON = ("nh_platform.defs.build", "nh_platform.operations.in_process", "nh_platform.operations.source_inventory")
"""What work on a home imports in the end."""


def main(descriptor: int, folder: Path, *, embedded: bool) -> None:
    """Do every piece that comes over a connection, and answer with what came of it."""
    use_one_thread()
    collect_seldom()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a script begins in the background
    home = _Home(folder, embedded=embedded)
    with ExitStack() as closing, suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        closing.enter_context(sent_again_where_lost())
        closing.enter_context(no_trace_of_interruptions())
        caller = closing.enter_context(Connection(descriptor))
        closing.callback(home.close)
        is_ready = False
        while True:
            if not is_ready and not caller.poll(0):
                get_ready()
                gc.freeze()  # a full collection looks at all that is imported, 0.1 s each
                is_ready = True
            work = caller.recv()
            caller.send(None)  # from here on the piece is lost with this process
            caller.send(_answer(work, home, caller))


def get_ready() -> None:
    """Import what work on a home needs; the first piece does it otherwise."""
    for name in _SOON:
        importlib.import_module(name)


def _answer(work: Any, home: _Home, caller: Connection) -> tuple[Any, Exception | None]:
    """Return what came of a piece: what it returned, and what it raised."""

    def on_progress(step: Progress) -> None:
        caller.send(step)

    try:
        with home.told():
            return work(home.opened, on_progress), None
    except Exception as error:  # noqa: BLE001  raised again by the caller
        return None, _that_travels(error)


def _that_travels(error: Exception) -> Exception:
    """Return an error as another process can have it, with what was on the way to it."""
    text = "".join(traceback.format_exception(error))
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:  # noqa: BLE001  whatever either way says of it
        return RuntimeError(text)
    error.add_note(f"In process {os.getpid()}:\n{text}")
    return error


class _Home:
    """The home folder, opened when a piece needs it: the first ones write what it is made of."""

    def __init__(self, folder: Path, *, embedded: bool) -> None:
        self._folder, self._embedded = folder, embedded
        self._opened: OpenHome | None = None

    def opened(self) -> OpenHome:
        """Return the open home."""
        from nh_platform.home.platform import Platform
        from nh_platform.home.settings import load_settings

        if self._opened is None:
            self._opened = OpenHome(Platform(load_settings(self._folder)), embedded=self._embedded)
        return self._opened

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say in words what is wrong with Dagster's history, as `nh_platform.operations.opened_home.open_home` does."""
        from nh_platform.home.full_disk import named_full_disk
        from nh_platform.operations.instance import database_in_words

        with named_full_disk(self._folder), database_in_words():
            yield

    def close(self) -> None:
        """Close what was opened."""
        if self._opened is not None:
            self._opened.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), embedded=sys.argv[3] == "1")
    os._exit(0)  # all is closed: to take the interpreter down takes half a second more
