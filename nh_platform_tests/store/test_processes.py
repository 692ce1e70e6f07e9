"""A process is told from another with its id, and one that is hidden is not taken for one that ended."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time

import psutil
import pytest

from nh_platform.store import processes
from nh_platform.store.processes import is_running, process_name, process_start


def test_the_start_of_a_process_is_on_the_clock() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        start = process_start(process.pid)
        assert start is not None
        assert abs(start - time.time()) < 30
        process.communicate(b"\n")
    assert process_start(process.pid) is None


def test_a_name_is_of_one_process_alone() -> None:
    host, pid, start = process_name().rsplit("-", 2)
    assert int(pid) == os.getpid()
    assert is_running(process_name())
    assert is_running(f"{host}-{pid}-{int(start) - 60_000}") is False
    assert is_running(f"{host}-4194304-{start}") is False  # the kernel's limit: never given


@pytest.mark.parametrize("name", ["elsewhere-1-1", "77", "", "a-b-c"])
def test_of_another_machine_or_without_a_start_nothing_is_said(name: str) -> None:
    assert is_running(name) is None


def test_a_clock_that_is_set_makes_nobody_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    name = process_name()
    boot, create = psutil.boot_time(), psutil.Process().create_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + 3600)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create + 3600)
    assert is_running(name)


def test_a_process_of_another_user_that_is_hidden_counts_as_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid)

    def refused(pid: int, signal: int) -> None:
        raise PermissionError

    name = process_name()
    monkeypatch.setattr(psutil, "Process", hidden)
    monkeypatch.setattr(processes.os, "kill", refused)
    start = process_start(os.getpid())
    assert start is not None
    assert math.isnan(start)
    assert is_running(name)
