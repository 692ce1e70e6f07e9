"""The supervisor leaves no process behind, whatever its processes make of a signal, and starts a dead one again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

PROGRAM = """
    import sys
    from functools import partial
    from pathlib import Path
    from nh_platform.operations.web.supervisor import ServiceEnded, Supervisor

    folder = Path(sys.argv[1])
    services = {name: (lambda pipe, name=name: [sys.executable, str(folder / f"{name}.py"), str(pipe)])
                for name in sys.argv[2:]}
    try:
        Supervisor(services, partial(print, flush=True)).run(
            lambda: all((folder / name).exists() for name in services), lambda: print("ready", flush=True))
    except ServiceEnded as error:
        print(error, flush=True)
        sys.exit(1)
"""
QUIET = "import pathlib, sys, time; pathlib.Path(__file__).with_suffix('').touch(); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {QUIET}"
CHILD = STUBBORN.replace("__file__", "__name__")
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {CHILD!r}]); {QUIET}"
WATCHING = """
import os, pathlib, signal, sys, threading
from nh_platform.operations.web.child import _end_with_the_other_end
pathlib.Path(__file__).with_suffix('').touch()
_end_with_the_other_end(int(sys.argv[1]))
"""


def start(folder: Path, prefix: str = "", **programs: str) -> subprocess.Popen[str]:
    for name, program in programs.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(program))
    (folder / "supervisor.py").write_text(textwrap.dedent(PROGRAM))
    words = [sys.executable, str(folder / "supervisor.py"), str(folder), *programs]
    script = f"{prefix} {' '.join(words)}"
    return subprocess.Popen(
        ["bash", "-c", script], stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, "PYTHONPATH": ROOT}
    )


ROOT = str(Path(__file__).resolve().parents[3])


def running(folder: Path) -> dict[str, int]:
    """Return what runs in a folder, by the name of its program."""
    found = {}
    for process in psutil.process_iter(["cwd", "cmdline", "status"]):
        if process.info["cwd"] == str(folder) and process.info["status"] != psutil.STATUS_ZOMBIE:
            words = [Path(word).stem for word in process.info["cmdline"] if word.endswith(".py")]
            found[words[0] if words else "-c"] = process.pid
    return found


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"{text!r} was not said")


def ends_within(folder: Path, seconds: float) -> None:
    until = time.monotonic() + seconds
    while left := running(folder):
        assert time.monotonic() < until, left
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_also_of_a_job_that_a_script_put_in_the_background(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Background jobs of a script ignore SIGINT, and their children with them."""
    process = start(tmp_path, "trap '' INT; exec", first=QUIET, second=QUIET)
    wait_for_line(process, "ready")
    assert set(running(tmp_path)) == {"supervisor", "first", "second"}
    os.kill(running(tmp_path)["supervisor"], number)
    ends_within(tmp_path, 5)
    assert process.wait() == 0


def test_what_heeds_no_signal_is_killed_with_what_it_started(tmp_path: Path) -> None:
    process = start(tmp_path, "exec", first=PARENT, second=STUBBORN)
    wait_for_line(process, "ready")
    assert "-c" in running(tmp_path)
    os.kill(running(tmp_path)["supervisor"], signal.SIGTERM)
    ends_within(tmp_path, 10)


def test_a_second_signal_waits_for_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "exec", first=STUBBORN, second=STUBBORN)
    wait_for_line(process, "ready")
    begun = time.monotonic()
    for _ in range(3):
        os.kill(running(tmp_path)["supervisor"], signal.SIGTERM)
        time.sleep(0.5)
    ends_within(tmp_path, 5)
    assert time.monotonic() - begun < 6.5  # one signal alone waits 7 s


def test_processes_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path, "exec", first=WATCHING, second=WATCHING)
    wait_for_line(process, "ready")
    os.kill(running(tmp_path)["supervisor"], signal.SIGKILL)
    ends_within(tmp_path, 5)


def test_a_killed_process_is_started_again_and_said_but_not_for_ever(tmp_path: Path) -> None:
    process = start(tmp_path, "exec", first=QUIET, second=QUIET)
    wait_for_line(process, "ready")
    for _ in range(3):
        before = running(tmp_path)
        os.kill(before["second"], signal.SIGKILL)
        assert wait_for_line(process, "second") == "the second is started again: it was killed by SIGKILL\n"
        while running(tmp_path).get("second") in (None, before["second"]):
            time.sleep(0.05)
        assert running(tmp_path)["first"] == before["first"]
    os.kill(running(tmp_path)["second"], signal.SIGKILL)
    assert "second of the page: it was killed by SIGKILL for the 4th time in 10 minutes" in wait_for_line(
        process, "4th"
    )
    assert process.wait() == 1
    ends_within(tmp_path, 1)


def test_a_process_that_ends_before_the_page_answers_ends_all(tmp_path: Path) -> None:
    process = start(tmp_path, "exec", first=QUIET, second="import sys; sys.exit(3)")
    assert "second of the page: it ended with status 3." in wait_for_line(process, "second")
    assert process.wait() == 1
    ends_within(tmp_path, 1)
