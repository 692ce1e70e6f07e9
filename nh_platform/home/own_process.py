"""What a process of the platform's own sets for itself: threads of linear algebra, and when garbage is collected.

Contains what `nh` and the code location do at their beginning. A notebook's process is its owner's: nothing of this is
called there.
"""

from __future__ import annotations

import gc
import os

THREADS = "OPENBLAS_NUM_THREADS"
"""Environment variable of OpenBLAS, which numpy and scipy bring: threads of a product or decomposition."""

COLLECTED_AFTER = 50_000, 20, 50
"""Objects after which the garbage collector looks at new ones, and rounds after which at older ones."""


def use_one_thread() -> None:
    """Let one thread work on a matrix, here and in processes that this one starts, unless `THREADS` is set.

    OpenBLAS takes a thread for each core otherwise, and each waits for the slowest in a loop: where another run had one
    of two cores, the eigenvalues of 784 columns took 6.6 s in place of 0.05, and the demo 13 s more. Says nothing to a
    library that is loaded already.
    """
    os.environ.setdefault(THREADS, "1")


def collect_seldom() -> None:
    """Let the garbage collector look less often: most objects of a run are modules and definitions, which stay.

    A look at all of them takes 0.12 s; the demo had eight, and 1,700 at newer ones.
    """
    gc.set_threshold(*COLLECTED_AFTER)
