"""One process of `nh ui`: the code server, the daemon or the page, which ends when `nh ui` does.

Run as ``python -m nh_platform.operations.web.child``; `child_command` says with which arguments. Contains what each
of them does before Dagster's own command begins.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path

CODE_SERVER, DAEMON, PAGE = "code server", "daemon", "page"
_GIVEN_UP_S = 6.0
"""Seconds that a process has to end after `nh ui` was killed."""
_LOOK_S = 0.1


def child_command(name: str, socket: Path, arguments: Sequence[str], pipe: int) -> list[str]:
    """Return the command of a process.

    Parameters
    ----------
    name
        `CODE_SERVER`, `DAEMON` or `PAGE`.
    socket
        Where the code server listens; the others wait for it, so that none begins without definitions.
    arguments
        Arguments of the command itself.
    pipe
        File descriptor of a pipe whose other end `nh ui` alone holds.
    """
    return [sys.executable, "-m", __name__, name, str(pipe), str(socket), *arguments]


def _main(name: str, pipe: int, socket: Path, arguments: Sequence[str]) -> None:
    threading.Thread(target=_end_with_the_other_end, args=(pipe,), daemon=True).start()
    if name == CODE_SERVER:
        socket.unlink(missing_ok=True)  # of one that was killed
    command = _COMMANDS[name]()
    while name != CODE_SERVER and not socket.exists():
        time.sleep(_LOOK_S)
    command(arguments)


def _end_with_the_other_end(pipe: int) -> None:
    """End this process and its children when `nh ui` is gone, however it went."""
    os.read(pipe, 1)
    os.killpg(0, signal.SIGTERM)
    time.sleep(_GIVEN_UP_S)
    os.killpg(0, signal.SIGKILL)


def _dagster(script: str, *words: str) -> Callable[[Sequence[str]], None]:
    """Return a command of Dagster's, loaded: what it imports takes seconds, in which the code server starts too."""
    (found,) = entry_points(group="console_scripts", name=script)
    command = found.load()

    def run(arguments: Sequence[str]) -> None:
        sys.argv = [script, *words, *arguments]
        command()

    return run


def _daemon() -> Callable[[Sequence[str]], None]:
    # Said as a warning by every daemon that starts on a new home.
    logging.getLogger("dagster.daemon.EventLogConsumerDaemon").addFilter(
        lambda record: not record.getMessage().startswith("No cursor for event type")
    )
    return _dagster("dagster-daemon", "run")


def _page() -> Callable[[Sequence[str]], None]:
    import dagster_webserver.app  # noqa: F401  loaded while the code server starts

    from nh_platform.operations.web.page_server import serve_page

    return serve_page


_COMMANDS: dict[str, Callable[[], Callable[[Sequence[str]], None]]] = {
    CODE_SERVER: lambda: _dagster("dagster", "code-server", "start"),
    DAEMON: _daemon,
    PAGE: _page,
}

if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
