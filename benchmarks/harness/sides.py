"""A side of a comparison: a process that runs one job at each word, the platform's own or a peer's.

Contains what a side is and the process that stands for it while turns are taken. Add here how another kind of side is
started. What is compared with what stands in `benchmarks.rows`; what a run costs is measured by `benchmarks.turns`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.peers import ROOT, WITH_PLATFORM, peer_python

THREADS = tuple(f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"))
LEFT_OUT = (*THREADS, "PYTHONDONTWRITEBYTECODE")
"""Variables that a side is not given; with the last one every process would compile all that it imports."""


class SideFailed(RuntimeError):
    """A side could not be started, or ended before its turn; the text has the end of what it said."""


@dataclass(frozen=True)
class Side:
    """Who runs, and what.

    Parameters
    ----------
    label
        Words for tables, with no version: ``brainbox bincount2D``.
    script
        File below ``benchmarks/`` that is run as ``SCRIPT JOB INPUT OUTPUT``.
    job
        Which of its jobs.
    environment
        Name of the peer's environment (`benchmarks.peers.PEERS`); None is the platform's own.
    """

    label: str
    script: str
    job: str
    environment: str | None = None


@dataclass(frozen=True)
class Run:
    """What one run took.

    Attributes
    ----------
    cpu_s, wall_s
        Of the process and those that it started [s].
    peak_bytes
        Memory that the run added at its peak [bytes].
    """

    cpu_s: float
    wall_s: float
    peak_bytes: float


class Worker:
    """The process of a side. A context manager: it ends with the block.

    Parameters
    ----------
    side
        Whose process.
    given, found
        Its input, and where it leaves what the gate compares.
    one_thread
        Whether libraries may use one thread alone.

    Raises
    ------
    SideFailed
        If its environment cannot be made, or the process ends before it is ready.
    """

    def __init__(self, side: Side, given: Path, found: Path, *, one_thread: bool = True) -> None:
        self.side = side
        self._said = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115
        try:
            python = sys.executable if side.environment is None else str(peer_python(side.environment))
        except RuntimeError as error:
            raise SideFailed(str(error)) from error
        script = Path("benchmarks", side.script)
        start = ["-m", ".".join(script.with_suffix("").parts)] if side.environment is None else [str(ROOT / script)]
        environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        if side.environment is not None:
            environment = {k: v for k, v in environment.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
            if side.environment in WITH_PLATFORM:
                environment["PYTHONPATH"] = str(ROOT)
        if one_thread:
            environment |= dict.fromkeys(THREADS, "1")
        self._process = subprocess.Popen(
            [python, *start, side.job, str(given), str(found)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        try:
            self.versions: dict[str, str] = self._answer()["versions"]
        except SideFailed:
            self.close()
            raise

    def __enter__(self) -> Worker:
        """Return itself."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """End the process."""
        self.close()

    def run(self) -> Run:
        """Let it run once and return what that took.

        Raises
        ------
        SideFailed
            If the process ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("run\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise SideFailed(self._last_words()) from error
        return Run(**self._answer())

    def close(self) -> None:
        """End the process, if it has not ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # what imports printed before stands in lines of its own
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise SideFailed(self._last_words())

    def _last_words(self) -> str:
        status = self._process.wait()
        self._said.seek(0)
        said = self._said.read().strip()[-1500:]
        return f"{self.side.label} ended with status {status}: {said or 'nothing was said'}"
