"""Ctrl-C and SIGTERM end a command: cleaned up behind it, with one line on how to go on, and with their exit codes.

Both signals raise `KeyboardInterrupt` where the command is, so that everything on the way cleans up. Which one came is
read from Python's wakeup descriptor: while a Dagster run is in progress the handlers are Dagster's, and after it
SIGTERM has the handler of SIGINT (`dagster._utils.interrupts`).
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nh_platform.cli.terminal import invocation
from nh_platform.home.own_process import no_trace_of_interruptions, sent_again_where_lost

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
_CODES = {signal.SIGINT: 128 + signal.SIGINT, signal.SIGTERM: 128 + signal.SIGTERM}
"""Exit codes: 130 and 143, as shells give them to a process that a signal ended."""


class Stopped(Exception):
    """A signal ended the command.

    Parameters
    ----------
    text
        One line: what ended it, how far it came, how to go on.
    code
        Exit code.
    """

    def __init__(self, text: str, code: int) -> None:
        self.text, self.code = text, code
        super().__init__(text)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGINT and SIGTERM end what runs in the context.

    SIGINT is taken also where it was ignored before, as it is in what a script starts in the background: who sends it
    there means it.

    Raises
    ------
    Stopped
        If one of them came.
    """
    if threading.current_thread() is not threading.main_thread():  # a test or notebook; signals are another's there
        yield
        return
    came, heard = socket.socketpair()
    came.setblocking(False)
    heard.setblocking(False)
    before = {each: signal.signal(each, signal.default_int_handler) for each in _CODES}
    wakeup = signal.set_wakeup_fd(heard.fileno(), warn_on_full_buffer=False)
    try:
        with sent_again_where_lost(), no_trace_of_interruptions():
            yield
    except KeyboardInterrupt as interruption:
        by = _first(came)
        raise Stopped(_line(by, interruption), _CODES[by]) from interruption
    finally:
        signal.set_wakeup_fd(wakeup)
        for each, handler in before.items():
            signal.signal(each, handler)
        came.close()
        heard.close()


@contextmanager
def going_on_with(*command: str, but: str = "") -> Iterator[None]:
    """Name the command that goes on with an interrupted one, where that is not the same again, and what it does not."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        interruption.add_note(f"`{invocation.command_line(*command)}`{but}")
        raise


def _first(came: socket.socket) -> signal.Signals:
    """Return the signal that came first; an interruption that no signal brought counts as Ctrl-C."""
    try:
        numbers = came.recv(64)
    except BlockingIOError:
        return signal.SIGINT
    return next((signal.Signals(number) for number in numbers if number in _CODES), signal.SIGINT)


def _line(by: signal.Signals, interruption: KeyboardInterrupt) -> str:
    done = getattr(interruption, "done", "")
    how = next(iter(getattr(interruption, "__notes__", ())), f"`{invocation.typed()}`")
    return f"stopped by {_NAMES[by]}{': ' if done else ''}{done}; go on with {how}"
