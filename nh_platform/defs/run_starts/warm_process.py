"""The warm process: it has imported the platform, and becomes a run for each message by a fork.

Run as ``python -m nh_platform.defs.run_starts.warm_process FD`` by `warm_start`, which holds the other end. It has the
code and no definitions: each run makes those from the settings as they are then, which takes 0.2 CPU s, where to
import the code takes 4 and more.
Nothing here may open an instance, start a thread or read a home: a fork would share it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Iterator

from nh_platform.session import NhError
from nh_platform.session.installed import extending_packages

MESSAGE_BYTES = 2**17
"""Longest message; the arguments of a run take 2 kB."""
STALE = {"stale": True}
"""Answer of a warm process that has loaded what is no longer in the files."""

_ROOMS = (
    "assets",
    "defs",
    "embeddings",
    "planning",
    "qc",
    "reports.page",
    "reports.session_page",
    "sources",
    "windows",
)
"""What a run of a session imports in the end, with all that these import."""
_ALSO = (
    *("dagster._cli.api", "h5py", "hdf5plugin", "iblatlas.regions", "jinja2", "psutil", "pyarrow.dataset"),
    *("nh_platform.reports.rule_histogram", "pyarrow.parquet", "scipy.stats"),
    *("dagster._core.instance.factory", "dagster._core.storage.schedules", "dagster._core.storage.legacy_storage"),
    *("dagster._core.storage.defs_state.blob_storage_state_storage", "upath.implementations.local"),
    *("dagster._core.definitions.repository_definition.repository_data_builder",),
)
_NEVER_HERE = "nh_platform.defs.deployed"
"""Of another launcher: a Celery worker wants the address of Redis when it is imported."""
_IDLE_S = 1800.0
"""Without a run for this long it ends, and frees 300 MB; the next run starts another."""
_LOOK_S = 5.0


def main(descriptor: int) -> None:
    """Import the platform, say so, and fork a run for each message until the other end is closed."""
    _import_the_platform()
    files = files_of_code()
    if threading.active_count() > 1:
        raise RuntimeError(f"threads began at import: {[thread.name for thread in threading.enumerate()]}")
    gc.collect()
    gc.freeze()  # what is imported is not looked at by the collector of a run, so that its pages stay shared
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # runs heed them; this one ends when its launcher does
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(fileno=descriptor) as launcher:
        launcher.send(b"{}")
        running, used = set[int](), time.monotonic()
        is_open = True
        while is_open or running:
            watched: list[socket.socket | int] = [launcher, wake] if is_open else [wake]
            readable, _, _ = select.select(watched, [], [], _LOOK_S)
            if wake in readable:
                os.read(wake, 4096)
            running -= set(_ended())
            if launcher in readable:
                message = launcher.recv(MESSAGE_BYTES)
                if not message:
                    is_open = False
                    continue
                used = time.monotonic()
                if files_of_code() != files:
                    launcher.send(json.dumps(STALE).encode())
                    is_open = False
                    continue
                pid = os.fork()
                if pid == 0:
                    os.close(wake)
                    os.close(woken)
                    _become_the_run(launcher, message)
                running.add(pid)
                launcher.send(json.dumps({"pid": pid}).encode())
            if not running and time.monotonic() - used > _IDLE_S:
                is_open = False


def _import_the_platform() -> None:
    import numba

    # The first kernel of a process, read from the cache or not, has numba register all its types: 0.3 CPU s.
    numba.njit(_nothing)()
    for name in _ALSO:
        importlib.import_module(name)
    for room in _ROOMS:
        package = importlib.import_module(f"nh_platform.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.startswith(_NEVER_HERE):
                continue
            try:
                importlib.import_module(module.name)
            except (ImportError, NhError):
                continue  # of an extra that is not installed, or not set up; a run that needs it says what it lacks


def _nothing() -> int:
    return 0


def files_of_code() -> dict[str, int]:
    """Return when each file was changed that a run would read otherwise [ns since 1970], -1 where it is gone.

    Of all modules, compiled ones too; of the platform and of packages that extend it all files beside the code
    (rulebooks, sizes, templates), those that are not there yet as well; and when something was installed or removed.
    """
    names = set(_files_of_modules())
    for folder in _folders_of_packages():
        for parent, folders, files in os.walk(folder):
            folders[:] = [one for one in folders if one != "__pycache__"]
            names.update(os.path.join(parent, one) for one in files)
    names.update(sysconfig.get_paths()[one] for one in ("purelib", "platlib"))
    found = {}
    for name in names:
        try:
            found[name] = os.stat(name).st_mtime_ns
        except OSError:
            found[name] = -1
    return found


def _files_of_modules() -> Iterator[str]:
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if isinstance(name, str):
            yield name


def _folders_of_packages() -> Iterator[str]:
    """Give the folders of the platform and of installed packages that extend it."""
    for name in {__name__.partition(".")[0], *extending_packages()}:
        yield from getattr(sys.modules.get(name), "__path__", ())


def _ended() -> Iterator[int]:
    """Collect runs that ended: their CPU time then counts as this process's."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid


def _become_the_run(launcher: socket.socket, message: bytes) -> None:
    """Execute a run as ``dagster api execute_run`` does, and end; nothing of the warm process comes back."""
    status = 1
    try:
        launcher.close()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        status = _execute(message.decode())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        if sys.exception() is not None:
            traceback.print_exc()
        os._exit(status)


def _execute(arguments: str) -> int:
    from dagster._cli.api import _execute_run_command_body
    from dagster._cli.utils import get_instance_for_cli
    from dagster._grpc.types import ExecuteRunArgs
    from dagster._serdes import deserialize_value
    from dagster._utils.interrupts import capture_interrupts

    with capture_interrupts():
        asked = deserialize_value(arguments, ExecuteRunArgs)
        with get_instance_for_cli(instance_ref=asked.instance_ref) as instance:
            return _execute_run_command_body(asked.run_id, instance, lambda _: None, set_exit_code_on_failure=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
