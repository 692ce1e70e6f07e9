"""The list names what sessions compile, its parts are all of it, and a part that fails stops nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nh_platform.operations.compiled import listed_kernels as module
from nh_platform.operations.compiled.listed_kernels import (
    Kernel,
    compile_part,
    listed_kernels,
    parts,
    pieces_of_compiling,
)
from nh_platform.operations.opened_home import OpenHome, Progress
from nh_platform.operations.simulated.compiling import Compiled, compile_beforehand

COMPILE = """
import sys
from nh_platform.operations.compiled.listed_kernels import compile_kernel, listed_kernels, parts
for kernel in parts(listed_kernels(), 2)[int(sys.argv[1])]:
    compile_kernel(kernel)
"""


@pytest.mark.slow
def test_two_processes_compile_all_that_sessions_of_every_source_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert len(pieces_of_compiling(2)) == 2
    both = [subprocess.Popen([sys.executable, "-c", COMPILE, str(part)], env=dict(os.environ)) for part in (0, 1)]
    assert [one.wait() for one in both] == [0, 0]
    assert pieces_of_compiling(2) == []
    left = compile_beforehand()
    assert left == Compiled(0, 0.0), "the list is old: run `python -m nh_platform_tests.kernel_list`"


@pytest.mark.parametrize("n", [1, 2, 4, 50])
def test_parts_are_the_whole_list_once_and_take_about_the_same_time(n: int) -> None:
    kernels = listed_kernels()
    parted = parts(kernels, n)
    assert len(parted) == n
    assert sorted(kernel.seconds for part in parted for kernel in part) == sorted(one.seconds for one in kernels)
    assert len({(one.module, one.name, one.types) for part in parted for one in part}) == len(kernels)
    times = [sum(one.seconds for one in part) for part in parted]
    assert max(times) - min(times) <= max(one.seconds for one in kernels)


def test_one_process_compiles_what_it_uses_where_it_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "nothing yet"))
    assert pieces_of_compiling(1) == []
    assert [piece.name for piece in pieces_of_compiling(3)] == [f"compiled code, part {n} of 3" for n in (1, 2, 3)]


def test_kernels_that_are_no_more_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    first = listed_kernels()[0]
    gone = [
        replace(first, name="no_such_kernel"),
        replace(first, module="nh_platform.no_such_module"),
        replace(first, types="(no_such_type, int64[::1])"),
        Kernel(first.module, first.name, first.types, 9.0),
    ]
    compiled: list[Kernel] = []
    real = module.compile_kernel

    def compile_kernel(kernel: Kernel) -> None:
        real(kernel)
        compiled.append(kernel)

    monkeypatch.setattr(module, "listed_kernels", lambda: tuple(gone))
    monkeypatch.setattr(module, "compile_kernel", compile_kernel)
    said: list[Progress] = []

    def opened() -> OpenHome:
        raise AssertionError("no home is needed to compile")

    compile_part(0, 1, opened, said.append)
    assert compiled == [gone[-1]]
    assert (said[-1].done, said[-1].total) == (4, 4)
