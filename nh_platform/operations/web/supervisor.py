"""The supervisor of `nh ui`: starts the code server, the daemon and the page, watches them, and ends them all.

Contains when a process is started again, and how all of them come to an end. What each process does stands in
`child`; which there are, in `serving`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from nh_platform.operations.web.heeded_signals import heeded_signals
from nh_platform.session import NhError

_NO_NEW_RUNS_S, _ENDING_S, _KILLING_S = 2.5, 4.5, 2.0
"""Seconds in which page and daemon end, then code server and runs, then what heeds no signal: 9 s at most.

The daemon first: a run that it launches while the code server ends fails for good, one that is cut off is tried again.
"""
_LOOK_S = 0.2
_RESTARTS, _WITHIN_S = 3, 600.0
"""A process that ends this often in ten minutes is not started again: something else than chance is wrong."""


class ServiceEnded(NhError):
    """A process of the web page ended by itself, again and again or before the page answered."""


@dataclass
class _Service:
    name: str
    command: Callable[[int], Sequence[str]]
    process: subprocess.Popen[bytes] | None = None
    ended_at: list[float] = field(default_factory=list)


class Supervisor:
    """Keeps the processes of a page running until a signal, and leaves none of them behind.

    Each process is the first of a process group of its own, so that what it starts, runs included, ends with it. The
    processes end too where this one is killed: each holds one end of a pipe.

    Parameters
    ----------
    services
        Command of each process by its name, made from the file descriptor of its end of the pipe. The first is the
        one that the others use: it is ended last.
    tell
        Called with a sentence for a person when a process ended and was started again.
    """

    def __init__(self, services: Mapping[str, Callable[[int], Sequence[str]]], tell: Callable[[str], None]) -> None:
        self._services = [_Service(name, command) for name, command in services.items()]
        self._tell = tell
        self._pipe, self._our_end = os.pipe()
        self._groups: set[int] = set()
        self._signals: list[int] = []

    def run(
        self, is_ready: Callable[[], bool], on_ready: Callable[[], None], look: Callable[[], None] | None = None
    ) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP; a second signal kills what has not ended yet.

        Parameters
        ----------
        is_ready
            Whether the page answers; asked until it does.
        on_ready
            Called once then.
        look
            Called again and again while all run.

        Raises
        ------
        ServiceEnded
            If a process ended before the page answered, or too often.
        """
        ready = False
        with heeded_signals(self._signals.append):
            try:
                for service in self._services:
                    self._start(service)
                while not self._signals:
                    for service in self._services:
                        self._look_after(service, restart=ready)
                    if not ready and is_ready():
                        ready = True
                        on_ready()
                    if look:
                        look()
                    time.sleep(_LOOK_S)
            finally:
                self._end_all()

    def _start(self, service: _Service) -> None:
        service.process = subprocess.Popen(
            service.command(self._pipe),
            stdin=subprocess.DEVNULL,
            pass_fds=[self._pipe],
            start_new_session=True,
        )
        self._groups.add(service.process.pid)

    def _look_after(self, service: _Service, *, restart: bool) -> None:
        status = service.process.poll() if service.process else None
        if status is None:
            return
        how = f"it was killed by {signal.Signals(-status).name}" if status < 0 else f"it ended with status {status}"
        now = time.monotonic()
        service.ended_at = [at for at in service.ended_at if now - at < _WITHIN_S] + [now]
        if not restart or len(service.ended_at) > _RESTARTS:
            times = f" for the {len(service.ended_at)}th time in {_WITHIN_S / 60:.0f} minutes" if restart else ""
            action = "What it said stands above; all that belongs to the page was ended with it."
            raise ServiceEnded(f"{service.name} of the page", f"{how}{times}", action)
        self._tell(f"the {service.name} is started again: {how}")
        self._start(service)

    def _end_all(self) -> None:
        """End every process group: asked first, and killed after a while or at a second signal."""
        users = {service.process.pid for service in self._services[1:] if service.process}
        self._end(users, signal.SIGTERM, _NO_NEW_RUNS_S)
        self._end(self._groups, signal.SIGTERM, _ENDING_S)
        self._end(self._groups, signal.SIGKILL, _KILLING_S)
        os.close(self._our_end)
        os.close(self._pipe)

    def _end(self, groups: Set[int], number: int, seconds: float) -> None:
        """Send a signal to process groups and wait until they are gone, not longer than ``seconds``."""
        n_signals, until = len(self._signals), time.monotonic() + seconds
        for group in self._living() & groups:
            try:
                os.killpg(group, number)
            except ProcessLookupError:
                continue  # its last process ended in between
        while self._living() & groups and time.monotonic() < until and len(self._signals) == n_signals:
            time.sleep(_LOOK_S)

    def _living(self) -> set[int]:
        """Return the process groups in which something still runs; forget the others, whose ids may be given anew."""
        import psutil

        for service in self._services:
            if service.process:
                service.process.poll()
        living = set()
        for process in psutil.process_iter(["status"]):
            try:
                group = os.getpgid(process.pid)
            except (ProcessLookupError, PermissionError):
                continue
            if group in self._groups and process.info["status"] != psutil.STATUS_ZOMBIE:
                living.add(group)
        self._groups &= living
        return living
