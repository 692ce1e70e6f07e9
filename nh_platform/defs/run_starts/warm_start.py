"""Starting runs from a warm process, which is started itself when the first one is asked for.

Contains the launcher's end. What the warm process does is `warm_process`.
"""

from __future__ import annotations

import json
import math
import os
import select
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from nh_platform.defs.run_starts import warm_process
from nh_platform.session import NhError

START_VARIABLE = "NH_RUN_START"
"""Environment variable: ``new`` starts a new interpreter for each run, ``warm`` (the default) forks it."""

_READY_S = 45.0
"""How long a run waits for the warm process to be ready [s]. It imports for 4 CPU s, at a load of 12 for 40 s; run
monitoring gives a run up that has not begun after 180 s (``start_timeout_seconds`` of ``dagster.yaml``)."""
_OF_SHELLS_AND_TESTS = ("_", "OLDPWD", "PWD", "SHLVL", "PYTEST_CURRENT_TEST")
"""Environment variables that no run reads, and that change without a person's doing."""
_GIVEN_UP_S = 600.0
"""How long no other one is tried after one that could not import the platform [s]."""


class NoWarmProcess(NhError):
    """No run can be started from a warm process here."""


class WarmStart:
    """Starts runs, each as a fork of one warm process; safe to be used from several threads.

    Parameters
    ----------
    ready_s
        How long a run waits for it to be ready [s]; one that is not goes on importing, for a run after that.
    """

    def __init__(self, ready_s: float = _READY_S) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._is_ready, self._ready_s = False, ready_s
        self._environment: dict[str, str] = {}
        self._given_up_until = -math.inf

    def start(self, arguments: str) -> int:
        """Start a run and return the id of its process.

        Parameters
        ----------
        arguments
            Dagster's ``ExecuteRunArgs``, serialized.

        Raises
        ------
        NoWarmProcess
            If the warm process is not ready in time, cannot import the platform, or could not shortly before; nothing
            was started then.
        """
        with self._lock:
            if self._environment != (environment := _environment()):
                self._let_go()  # a run has the environment of its launcher: home, store and keys may be others now
                self._environment, self._given_up_until = environment, -math.inf
            for _ in range(2):
                self._require_ready()
                answer = self._ask(arguments)
                if "pid" in answer:
                    return int(answer["pid"])
                self._let_go()  # it was idle and ended, or what it has loaded is not that of the files any more
        raise NoWarmProcess("process of a run", "the warm process ended as soon as it was asked", _ACTION)

    def _require_ready(self) -> None:
        """Wait until there is a warm process that takes runs."""
        if time.monotonic() < self._given_up_until:
            raise NoWarmProcess("process of a run", "the warm process could not import the platform", _ACTION)
        if self._socket is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-m", warm_process.__name__, str(theirs.fileno())]
            with theirs:
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
            self._socket = ours
        if self._is_ready:
            return
        if not select.select([self._socket], [], [], self._ready_s)[0]:
            found = f"the warm process was not ready in {self._ready_s:.0f} s and imports still"
            raise NoWarmProcess("process of a run", found, "This run begins in a new interpreter, which takes longer.")
        if not self._socket.recv(warm_process.MESSAGE_BYTES):
            self._let_go()
            self._given_up_until = time.monotonic() + _GIVEN_UP_S
            raise NoWarmProcess("process of a run", "the warm process could not import the platform", _ACTION)
        self._is_ready = True

    def _ask(self, arguments: str) -> dict[str, Any]:
        """Send a run; return the answer, nothing where the process is gone."""
        assert self._socket is not None
        try:
            self._socket.send(arguments.encode())
            # Without a deadline: a run that was begun and not answered for in time would be started twice.
            answer = self._socket.recv(warm_process.MESSAGE_BYTES)
        except OSError:
            return {}
        return dict(json.loads(answer)) if answer else {}

    def leave(self) -> None:
        """Let go of the warm process; it ends when its last run has."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._is_ready = None, False
        if self._process is not None:
            threading.Thread(target=self._process.wait, daemon=True, name="collects a warm process").start()
        self._process = None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_SHELLS_AND_TESTS}


_ACTION = f"Runs go on in new interpreters, which takes longer; {START_VARIABLE}=new does that from the beginning."

_of_this_process: WarmStart | None = None
_lock = threading.Lock()


def warm_start() -> WarmStart:
    """Return that of this process: one warm process serves every instance in it."""
    global _of_this_process  # a launcher is made for each instance, of which a daemon opens several
    with _lock:
        if _of_this_process is None:
            _of_this_process = WarmStart()
        return _of_this_process


def is_wanted() -> bool:
    """Whether runs begin warm in this environment: on Linux, where `START_VARIABLE` does not say otherwise."""
    return sys.platform == "linux" and os.environ.get(START_VARIABLE) != "new"
