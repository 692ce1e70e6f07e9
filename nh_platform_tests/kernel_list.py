"""The list of kernels that are compiled side by side: ``python -m nh_platform_tests.kernel_list`` makes it anew.

It makes a small session of each source where nothing is compiled, and writes down what that compiles; half a minute.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nh_platform.operations.compiled.listed_kernels import LIST


@contextmanager
def told() -> Iterator[list[tuple[float, Any, tuple[Any, ...]]]]:
    """Give the seconds, dispatcher and types of each compilation in the context that no other one asked for."""
    from numba.core import event

    found: list[tuple[float, Any, tuple[Any, ...]]] = []

    class Outermost(event.Listener):
        def __init__(self) -> None:
            self.begun: list[float] = []

        def on_start(self, _: event.Event) -> None:
            self.begun.append(time.process_time())

        def on_end(self, ended: event.Event) -> None:
            seconds = time.process_time() - self.begun.pop()
            if not self.begun:
                found.append((seconds, ended.data["dispatcher"], ended.data["args"]))

    with event.install_listener("numba:compile", Outermost()):
        yield found


def line(seconds: float, dispatcher: Any, types: tuple[Any, ...]) -> str:
    """Return the line of a kernel."""
    function = dispatcher.py_func
    return f"{seconds:.2f} {function.__module__}:{function.__qualname__} ({', '.join(map(_type, types))})"


def _type(of: Any) -> str:
    from numba import types

    if not isinstance(of, types.Array):
        return str(of).replace("bool", "boolean")
    assert of.layout == "C"
    assert of.mutable
    axes = [*[":"] * (of.ndim - 1), "::1"]
    return f"{_type(of.dtype)}[{','.join(axes)}]"


def main() -> None:
    """Write the list."""
    with tempfile.TemporaryDirectory() as folder:
        if "NUMBA_CACHE_DIR" not in os.environ:  # numba reads it when it is imported
            os.environ["NUMBA_CACHE_DIR"] = f"{folder}/compiled"
            os.execv(sys.executable, [sys.executable, "-m", "nh_platform_tests.kernel_list"])
    from nh_platform.operations.simulated import compiling
    from nh_platform.operations.simulated.simulated_sources import simulated_sources

    with tempfile.TemporaryDirectory() as folder, told() as found:
        compiling.main([folder, *simulated_sources()])
    LIST.write_text("".join(f"{line(*one)}\n" for one in found), encoding="utf-8")
    print(f"{len(found)} kernels, {sum(seconds for seconds, *_ in found):.1f} s: {LIST}")


if __name__ == "__main__":
    main()
