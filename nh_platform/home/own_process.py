"""What a process of the platform's own sets for itself: threads of linear algebra, garbage, interruptions.

Contains what `nh`, its other processes and the code location do at their beginning. A notebook's process is its
owner's: nothing of this is called there.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

THREADS = "OPENBLAS_NUM_THREADS"
"""Environment variable of OpenBLAS, which numpy and scipy bring: threads of a product or decomposition."""

COLLECTED_AFTER = 50_000, 20, 50
"""Objects after which the garbage collector looks at new ones, and rounds after which at older ones."""

AGAIN_S = 0.1
"""Wait before an interruption that was lost is sent again [s]."""


def use_one_thread() -> None:
    """Let one thread work on a matrix, here and in processes that this one starts, unless `THREADS` is set.

    OpenBLAS takes a thread for each core otherwise, and each waits for the slowest in a loop: where another run had one
    of two cores, the eigenvalues of 784 columns took 6.6 s in place of 0.05, and the demo 13 s more. Says nothing to a
    library that is loaded already.
    """
    os.environ.setdefault(THREADS, "1")


def collect_seldom() -> None:
    """Let the garbage collector look less often: most objects of a run are modules and definitions, which stay.

    A look at all of them takes 0.12 s; the demo had eight, and 1,700 at newer ones.
    """
    gc.set_threshold(*COLLECTED_AFTER)


@contextmanager
def sent_again_where_lost() -> Iterator[None]:
    """Interrupt again where the interruption was lost: Python ignores what is raised while an object is freed.

    A command that was stopped while a module was imported went on to its end. What is raised in the hook itself is lost
    as well, without another call of it: a busy machine leaves a thread waiting in there for longer than `AGAIN_S`.
    """
    ignored = sys.unraisablehook
    over = threading.Event()

    def lost(what: sys.UnraisableHookArgs) -> None:
        # While a run goes on, Dagster's handlers raise its own error, which is no `Exception` either.
        if issubclass(what.exc_type, (Exception, GeneratorExit, SystemExit)):
            ignored(what)
            return
        left = [False]
        try:
            threading.Thread(target=_interrupt, args=(left, over), daemon=True).start()
        finally:
            left[0] = True  # no signal is handled between this and the return: neither is a call or a loop

    sys.unraisablehook = lost
    try:
        yield
    finally:
        over.set()
        sys.unraisablehook = ignored


@contextmanager
def no_trace_of_interruptions() -> Iterator[None]:
    """Let SQLAlchemy print no trace of an interruption that comes while it closes a connection: it raises it again.

    A trace of thirty lines stood above the one that says how to go on.
    """
    import logging

    loggers = [logging.getLogger(f"sqlalchemy.pool.impl.{kind}") for kind in ("NullPool", "QueuePool")]
    for logger in loggers:
        logger.addFilter(_is_no_interruption)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_no_interruption)


def _is_no_interruption(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or issubclass(kind, Exception)  # Dagster's own interruption is no `Exception` either


def _interrupt(left: list[bool], over: threading.Event) -> None:
    """Send SIGINT once the hook that asked for it has been left, unless the command is over by then."""
    while not over.wait(AGAIN_S):
        if left[0]:
            os.kill(os.getpid(), signal.SIGINT)
            return
