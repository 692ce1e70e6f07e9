"""What processes take: CPU seconds, memory at its peak and the load of the machine, and the bytes of folders.

Contains one command with its time, and the processes of a server that runs on. Add here what is measured of a process.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks.rehearsal.record import Stage

LOOK_S = 3.0


class Load:
    """Mean load of the machine while it is entered."""

    def __init__(self) -> None:
        self._seen: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._ended.is_set():
            self.look()
            self._ended.wait(LOOK_S)

    def look(self) -> None:
        """Look once."""
        self._seen.append(os.getloadavg()[0])

    @property
    def mean(self) -> float:
        """Mean so far."""
        return sum(self._seen) / max(len(self._seen), 1)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


class Tree(Load):
    """A process with all that it started: memory together at its peak, beside the load."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.pid, self.peak_bytes = pid, 0

    def look(self) -> None:
        """Look once."""
        super().look()
        self.peak_bytes = max(self.peak_bytes, sum(map(_pss, _family(self.pid))))

    def cpu_s(self) -> float:
        """Return CPU seconds so far: of those that run, and of those that they collected."""
        total = 0.0
        for process in _family(self.pid):
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.Error:
                continue  # ended, and is in the times of its parent
        return total


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _pss(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def timed(
    name: str,
    n_sessions: int,
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Stage:
    """Run a command to its end and return what it took; what it says goes into a log, or is shown.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    output = log.open("ab") if log else None
    began = time.monotonic()
    try:
        with Load() as load:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if output:
            output.close()
    if process.returncode:
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log else ""
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said}")
    wall_s, cpu_s = time.monotonic() - began, used.ru_utime + used.ru_stime
    return Stage(name, n_sessions, wall_s, cpu_s, used.ru_maxrss * 1024.0, load.mean)


def folder_bytes(folder: Path) -> tuple[int, int]:
    """Return the bytes that the files of a folder take on the disk, and how many files they are; a link counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(os.path.join(parent, name))
            except OSError:
                continue
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * 512
    return total, len(seen)
