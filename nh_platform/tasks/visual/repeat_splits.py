"""Split of the repeats of a stimulus: which showings of the same condition train, validate and test.

Contains the one rule that scene identity and `psth_forecast` share. Add here another way to divide repeats. Splits by
time within a session and by animal are `nh_platform.windows.splits`.

The repeats of every condition are put in the order of ``sha256("psth_repeats:<key>")`` and cut: of n,
``round(n / 5)`` test and as many validate, one at least each, the others train. Of 50 that is 30, 10 and 10. Two are
one to train and one to test; one alone is in no split, since nothing tests it. The order of the digests has nothing to
do with the order of time, so that slow drift of the recording is in all three alike, and no random number is drawn: the
same presentations give the same split on every machine. A condition that loses a repeat may move one across a cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SALT = "psth_repeats"
TEST_SHARE = 0.2
"""Share of the repeats that test, and that validate: ten of the 50 of a scene, four of the 20 of a movie."""

TRAIN, VAL, TEST = "train", "val", "test"


def split_repeats(conditions: npt.NDArray[np.generic], keys: Sequence[str]) -> npt.NDArray[np.object_]:
    """Return (n,) the split of each repeat: ``train``, ``val``, ``test``, or empty where a condition has one alone.

    Parameters
    ----------
    conditions
        (n,) what was shown, as number or text.
    keys
        (n,) what tells a repeat from all others, for example ``allen_vc:762548575:1204``; of the steps of one movie
        the showing's, so that no showing is in two splits.

    Examples
    --------
    >>> split_repeats(np.array([0, 0, 1]), ["s:1", "s:2", "s:3"]).tolist()
    ['test', 'train', '']
    """
    digests = np.array([hashlib.sha256(f"{SALT}:{key}".encode()).hexdigest() for key in keys], dtype="U64")
    found = np.full(len(digests), "", dtype=object)
    for value in np.unique(conditions):
        rows = np.flatnonzero(conditions == value)
        rows = rows[np.argsort(digests[rows], kind="stable")]
        n_test, n_val = split_sizes(len(rows))
        if n_test:
            found[rows[:n_test]] = TEST
            found[rows[n_test : n_test + n_val]] = VAL
            found[rows[n_test + n_val :]] = TRAIN
    return found


def split_sizes(n_repeats: int) -> tuple[int, int]:
    """Return how many of the repeats of a condition test and how many validate; the others train.

    Examples
    --------
    >>> [split_sizes(n) for n in (1, 2, 3, 4, 20, 50, 75)]
    [(0, 0), (1, 0), (1, 1), (1, 1), (4, 4), (10, 10), (15, 15)]
    """
    if n_repeats < 2:
        return 0, 0
    share = max(1, round(n_repeats * TEST_SHARE))
    return share, share if n_repeats > 2 else 0
