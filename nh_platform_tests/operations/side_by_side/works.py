"""Pieces of work for the tests of lanes: functions of a module, since they travel to another process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from nh_platform.operations.opened_home import OnProgress, OpenHome, Progress
from nh_platform.session import DamagedFile

Opened = Callable[[], OpenHome]
MEETING_S = 60.0


def tell(text: str, opened: Opened, on_progress: OnProgress) -> str:
    """Say one step and return a text."""
    on_progress(Progress(text, 1, 1, "done"))
    return text


def meet(folder: Path, name: str, of: int, opened: Opened, on_progress: OnProgress) -> int:
    """Wait until as many pieces are here at the same time, and return the process of this one."""
    (folder / name).touch()
    until = time.monotonic() + MEETING_S
    while len(list(folder.iterdir())) < of and time.monotonic() < until:
        time.sleep(0.02)
    assert len(list(folder.iterdir())) >= of
    return os.getpid()


def meet_and_tell(folder: Path, name: str, of: int, opened: Opened, on_progress: OnProgress) -> None:
    """Meet, so that every process does one, and say a step."""
    meet(folder, name, of, opened, on_progress)
    on_progress(Progress(name, 1, 1, "done"))


def find_damage(opened: Opened, on_progress: OnProgress) -> None:
    """Raise an error of the platform."""
    raise DamagedFile("units of s1", "units.parquet is damaged: 3 bytes are missing", "Materialize it again.")


def raise_what_cannot_travel(opened: Opened, on_progress: OnProgress) -> None:
    """Raise an error that holds what is of this process alone."""
    error = ValueError("odd")
    error.held = lambda: None  # type: ignore[attr-defined]
    raise error


def die_elsewhere(folder: Path, caller: int, opened: Opened, on_progress: OnProgress) -> str:
    """Be killed as the system kills where memory is short; in the caller's process wait for that."""
    if os.getpid() == caller:
        wait_for(folder)
        return "here"
    (folder / "began").touch()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def stop_all(folder: Path, caller: int, opened: Opened, on_progress: OnProgress) -> None:
    """Go on until interrupted, and leave a file then; in the caller's process interrupt once another one goes on."""
    if os.getpid() == caller:
        wait_for(folder)
        raise KeyboardInterrupt
    (folder / "began").touch()
    try:
        time.sleep(MEETING_S)
    except KeyboardInterrupt:
        (folder / "cleaned up").touch()
        raise


class LosesAnInterruption:
    """Is interrupted while it is freed, where Python ignores what is raised."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __del__(self) -> None:
        (self.folder / "began").touch()
        time.sleep(MEETING_S)


def lose_an_interruption(folder: Path, caller: int, opened: Opened, on_progress: OnProgress) -> None:
    """As `stop_all`, but the first interruption of the other process is lost."""
    if os.getpid() != caller:
        LosesAnInterruption(folder)
    stop_all(folder, caller, opened, on_progress)


class OwnWords(Exception):
    """Can be pickled, and not made of what was pickled."""

    def __init__(self, thing: str, found: str) -> None:
        super().__init__(f"{thing}: {found}")


def raise_what_does_not_come_back(opened: Opened, on_progress: OnProgress) -> None:
    """Raise such an error."""
    raise OwnWords("odd", "it is")


def threads_of_algebra(
    folder: Path, name: str, of: int, opened: Opened, on_progress: OnProgress
) -> tuple[int, set[int]]:
    """Meet, and return the process and the threads that its linear algebra takes."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.eye(2) @ np.eye(2)
    found = {one["num_threads"] for one in threadpool_info() if one["internal_api"] == "openblas"}
    return meet(folder, name, of, opened, on_progress), found


def wait_for(folder: Path) -> None:
    """Wait until the piece of another process has begun."""
    until = time.monotonic() + MEETING_S
    while not (folder / "began").exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def ids_of_home(opened: Opened, on_progress: OnProgress) -> tuple[int, tuple[str, ...]]:
    """Return the process and the sources of the home that it has open."""
    return os.getpid(), tuple(opened().platform.settings.sources)
