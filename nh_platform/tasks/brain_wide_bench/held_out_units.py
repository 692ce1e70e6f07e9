"""Units that co-smoothing hides, the same for everyone: those whose hashed ids come first.

Contains the benchmark's rule and its salts. Which units may be hidden is `unit_choice`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

SHARE = 0.1
"""Share of the units that are hidden (``TS2_CO_SMOOTHING_HELD_OUT_RATIO``)."""

SALTS: dict[Literal["val", "test"], str] = {"val": "ts2_co_smoothing_val", "test": "ts2_co_smoothing_test"}
"""Salts of the hashes; another word would hide other units, and scores would not compare."""


def held_out_units(unit_ids: Sequence[str], split: Literal["val", "test"]) -> npt.NDArray[np.bool_]:
    """Return (n_units,) which units are hidden: the k = max(1, round(0.1 n)) smallest ``sha256("<salt>:<id>")``.

    Half a unit is rounded to even, as Python does: of 25 units 2 are hidden, of 35 units 4.

    Parameters
    ----------
    unit_ids
        Ids of the selected units, in any order.
    split
        ``test``, or ``val``: units hidden by another salt, drawn independently. By the benchmark's rule the two may
        share units, a tenth of them on average: these are hidden in both.

    Examples
    --------
    >>> held_out_units(["a", "b", "c", "d"], "test").tolist()
    [True, False, False, False]
    """
    digests = [hashlib.sha256(f"{SALTS[split]}:{unit}".encode()).hexdigest() for unit in unit_ids]
    hidden = np.zeros(len(digests), dtype=bool)
    hidden[np.argsort(digests, kind="stable")[: max(1, round(SHARE * len(digests)))]] = True
    return hidden
