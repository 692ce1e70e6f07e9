"""Kernels that a session uses, by the types of their arguments, compiled side by side before the first one.

Contains the list, its parts and what compiles one. Without it two processes that make sessions of a fresh installation
compile the same kernels at the same time, 16 CPU s each. ``python -m nh_platform_tests.kernel_list`` makes the list; a
kernel that it lacks is compiled where it is used.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from nh_platform.operations.opened_home import OnProgress, OpenHome, Progress
from nh_platform.operations.side_by_side.pieces import Piece

LIST = Path(__file__).with_name("kernels.txt")


@dataclass(frozen=True)
class Kernel:
    """A compiled function and the types of its arguments.

    Parameters
    ----------
    module, name
        Where it stands.
    types
        As numba reads them: ``(float64[::1], int64)``.
    seconds
        CPU time of compiling it, those that it calls included, where the list was made [s].
    """

    module: str
    name: str
    types: str
    seconds: float


def listed_kernels() -> tuple[Kernel, ...]:
    """Return the kernels of the list, in the order in which a session uses them.

    Examples
    --------
    >>> listed_kernels()[0].types.startswith("(")
    True
    """
    kernels = []
    for line in LIST.read_text(encoding="utf-8").splitlines():
        seconds, place, types = line.split(maxsplit=2)
        module, _, name = place.partition(":")
        kernels.append(Kernel(module, name, types, float(seconds)))
    return tuple(kernels)


def parts(kernels: Sequence[Kernel], n: int) -> list[list[Kernel]]:
    """Return kernels parted into as many lists that take about the same time; those that take longest come first.

    Examples
    --------
    >>> of = [Kernel("m", name, "()", seconds) for name, seconds in (("a", 1.0), ("b", 3.0), ("c", 1.5))]
    >>> [[kernel.name for kernel in part] for part in parts(of, 2)]
    [['b'], ['c', 'a']]
    """
    found: list[list[Kernel]] = [[] for _ in range(n)]
    for kernel in sorted(kernels, key=lambda kernel: -kernel.seconds):
        min(found, key=lambda part: sum(one.seconds for one in part)).append(kernel)
    return found


def pieces_of_compiling(processes: int) -> list[Piece]:
    """Return the pieces of work that compile the list, one for each process; none where one process does all the work.

    None either where compiled code is there already: where the first kernel of the list is, in this or another version.
    """
    if processes < 2 or _is_compiled(listed_kernels()[0]):
        return []
    return [
        Piece(
            f"compiled code, part {part + 1} of {processes}",
            partial(compile_part, part, processes),
            on_failure="pass over",
        )
        for part in range(processes)
    ]


def compile_part(part: int, n: int, opened: Callable[[], OpenHome], on_progress: OnProgress) -> None:
    """Compile one part of the list, as a piece of work: what is compiled already is only looked up."""
    what, chosen = f"compiled code, part {part + 1} of {n}", parts(listed_kernels(), n)[part]
    for done, kernel in enumerate(chosen):
        on_progress(Progress(what, done, len(chosen), kernel.name))
        # Another numba's types, or a kernel that is no more: what is used is compiled there, and fails in words.
        with suppress(Exception):
            compile_kernel(kernel)
    on_progress(Progress(what, len(chosen), len(chosen), "done"))


def compile_kernel(kernel: Kernel) -> None:
    """Compile a kernel and store it where numba keeps it, unless it is there.

    Raises
    ------
    Exception
        What importing it raises, or numba.
    """
    from numba.core.sigutils import normalize_signature

    # As types, not as text: compiled code is looked up by what it was asked for.
    types, _ = normalize_signature(kernel.types)
    getattr(importlib.import_module(kernel.module), kernel.name).compile(types)


def _is_compiled(kernel: Kernel) -> bool:
    """Return whether numba has an index of a kernel's compiled code, without loading numba.

    It keeps them in ``NUMBA_CACHE_DIR``, or beside the module where that may be written, else in the user's caches.
    """
    name = f"{kernel.module.rpartition('.')[2]}.{kernel.name}-*.nbi"
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return any(Path(given).glob(f"*/{name}"))
    spec = find_spec(kernel.module.rpartition(".")[0])
    beside = (spec.submodule_search_locations or []) if spec is not None else []
    caches = (os.environ.get("XDG_CACHE_HOME", ""), Path.home() / ".cache", Path.home() / "Library" / "Caches")
    folders = [*(Path(folder, "__pycache__") for folder in beside), *(Path(one, "numba") for one in caches if one)]
    return any(found for folder in folders for found in (*folder.glob(name), *folder.glob(f"*/{name}")))
