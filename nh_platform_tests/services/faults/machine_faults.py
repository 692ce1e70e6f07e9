"""Faults of one machine as a whole: its disk is full, its clock is wrong, a second daemon runs.

Add here what is wrong with a machine while its processes go on. What is killed stands in `injections`.
"""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nh_platform_tests.services.faults.injections import AIM_S, AtWork, NotPossible, Site

SMALL_MB = 256
_DAY = "+1d"
_FULL = """
select t.value from run_tags t join event_logs e on e.run_id = t.run_id
where t.key = 'dagster/partition' and e.event like '%disk is full%' limit 1
"""


@contextmanager
def disk_of_its_own(folder: Path) -> Iterator[None]:
    """Give a folder a small disk, where this process may mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={SMALL_MB}m", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_disk(site: Site, seen: AtWork) -> AtWork:
    """Fill the disk of a worker's cache until a run fails by it, and free it then."""
    worker = next((one for one in site.workers() if os.path.ismount(site.machines.cache(one))), None)
    if worker is None:
        raise NotPossible("mounting a small disk needs root")
    filler = site.machines.cache(worker) / "filler"
    until = time.monotonic() + AIM_S
    try:
        while time.monotonic() < until:
            _fill(filler)
            if session := site.at.postgres.query(_FULL):
                return AtWork(worker, "", session, "")
            site.keep_running()
            time.sleep(0.5)
    finally:
        filler.unlink(missing_ok=True)
    raise NotPossible(f"no run named the full disk of {worker} within {AIM_S:.0f} s")


def move_clock(site: Site, seen: AtWork) -> None:
    """Set the clock of a worker's machine a day ahead, for good."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        raise NotPossible("libfaketime is not installed")
    server = site.at.servers[site.workers()[-1]]
    server.environment = {
        **server.environment,
        "LD_PRELOAD": str(library),
        "FAKETIME": _DAY,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(site.at.folder),  # where `time.sleep` is one that works under the library
    }
    server.kill()


def start_second_daemon(site: Site, seen: AtWork) -> None:
    """Start another daemon beside the first, for good."""
    site.at.start_daemon("second daemon")


def _fill(filler: Path) -> None:
    with filler.open("ab", buffering=0) as handle:
        for size in (1 << 20, 1 << 12):
            try:
                while handle.write(bytes(size)) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
