"""How many threads the linear algebra of a run takes: one, since runs go side by side.

Contains what a process says before numpy is loaded. Kernels of the platform have no threads but those that they are
given.
"""

from __future__ import annotations

import os

VARIABLE = "OPENBLAS_NUM_THREADS"
"""Environment variable of OpenBLAS, which numpy and scipy bring: threads of a product or decomposition."""


def use_one_thread() -> None:
    """Let matrices be worked on by one thread each, in this process and those that it starts, unless `VARIABLE` is set.

    OpenBLAS takes a thread for each core otherwise, and each waits for the slowest in a loop: where another run had one
    of two cores, the eigenvalues of 784 columns took 6.6 s in place of 0.05, and the demo 13 s more. Says nothing to a
    library that is loaded already.
    """
    os.environ.setdefault(VARIABLE, "1")
