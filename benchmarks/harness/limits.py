"""What this machine can do at best: memory, page faults, disk.

Contains the measurement, once for a run of the harness, and the floors that rows are held against. Add here another
limit that a row needs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

REPEATS = 5
SIZE = 400_000_000
"""Bytes of the arrays that are read and written: far more than caches hold."""
N_SPIKES, N_UNITS = 11_500_000, 700


@dataclass(frozen=True)
class Limits:
    """Best of some runs on one thread.

    Attributes
    ----------
    read_gb_s
        Sum of an array in memory [10⁹ bytes a CPU second].
    copy_gb_s
        Copy into memory that was touched before [10⁹ bytes read a CPU second].
    first_touch_gb_s
        Writing into fresh memory, page faults and all [10⁹ bytes a CPU second].
    scatter_spikes_s
        Spikes whose times are put into order by unit, places known [1 / CPU s].
    disk_write_gb_s
        Writing a file and waiting until it is on the disk [10⁹ bytes a second of wall time].
    cached_read_gb_s
        Reading a file that the page cache holds [10⁹ bytes a CPU second].
    start_python_s
        Starting an interpreter that does nothing [CPU s].
    """

    read_gb_s: float
    copy_gb_s: float
    first_touch_gb_s: float
    scatter_spikes_s: float
    disk_write_gb_s: float
    cached_read_gb_s: float
    start_python_s: float

    def of_counts(self, n_counts: float, n_spikes: float) -> tuple[float, str]:
        """Return the seconds of touching counts of a byte each and of reading the spikes once, with words."""
        seconds = n_counts / 1e9 / self.first_touch_gb_s + 8 * n_spikes / 1e9 / self.read_gb_s
        return seconds, f"first touch of {n_counts / 1e6:.0f} MB of counts and one pass over the spikes"

    def of_reading(self, files: Iterable[Path]) -> tuple[float, str]:
        """Return the seconds of reading files in the page cache once, with words."""
        n_bytes = float(sum(path.stat().st_size for path in files))
        return n_bytes / 1e9 / self.cached_read_gb_s, f"reading {n_bytes / 1e6:,.0f} MB of files in the page cache"


def measure_limits(folder: Path) -> Limits:
    """Measure in a process of its own, on one thread, with a file below ``folder``."""
    environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    command = [sys.executable, "-m", __name__, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return Limits(**json.loads(done.stdout))


def _best(job: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    taken = []
    for _ in range(REPEATS):
        began = clock()
        job()
        taken.append(clock() - began)
    return max(min(taken), 1e-9)


def _measured(folder: Path) -> Limits:
    array, target = np.ones(SIZE // 8), np.zeros(SIZE // 8)
    target[:] = 1.0
    unit = np.random.default_rng(0).integers(0, N_UNITS, N_SPIKES)
    place = np.empty(N_SPIKES, dtype=np.int64)
    place[np.argsort(unit, kind="stable")] = np.arange(N_SPIKES)
    times, grouped = np.arange(N_SPIKES, dtype=np.float64), np.zeros(N_SPIKES)

    def scatter() -> None:
        grouped[place] = times

    with tempfile.TemporaryDirectory(dir=folder) as made:
        path, content = Path(made) / "limit.bin", array[: SIZE // 16].tobytes()

        def write() -> None:
            with path.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

        buffer = bytearray(len(content))

        def read() -> None:
            with path.open("rb", buffering=0) as file:
                file.readinto(buffer)

        wrote = len(content) / _best(write, time.perf_counter)
        was_read = len(content) / _best(read)

    def start() -> None:
        subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)

    def children() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)  # `os.times` counts in hundredths of a second
        return used.ru_utime + used.ru_stime

    return Limits(
        read_gb_s=SIZE / _best(array.sum) / 1e9,
        copy_gb_s=SIZE / _best(lambda: np.copyto(target, array)) / 1e9,
        first_touch_gb_s=SIZE / _best(lambda: np.ones(SIZE, dtype=np.uint8)) / 1e9,
        scatter_spikes_s=N_SPIKES / _best(scatter),
        disk_write_gb_s=wrote / 1e9,
        cached_read_gb_s=was_read / 1e9,
        start_python_s=_best(start, children),
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(Path(sys.argv[1])))))
