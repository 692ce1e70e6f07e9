"""Counterparts: which recomputed metric a released column stands for, and how close the two must be.

Contains the record of one such column and the tolerances that releases share. The columns of a release stand in the
folder of its source; how two values are compared is `nh_platform.qc.released_agreement`.
"""

from __future__ import annotations

from dataclasses import dataclass

EXACT = 1e-9
"""Counts, flags and sums over float64 times: only the order of summation may differ."""
STORED_AMPLITUDES = 1e-6
"""Amplitudes are stored as float32 (relative step 6e-8)."""
HISTOGRAM_OF_AMPLITUDES = 0.02
"""One spike that float32 moves to the next bin changes a bin of 50 spikes by 2 %."""


@dataclass(frozen=True)
class UpstreamLabel:
    """The release's own judgement of units.

    Parameters
    ----------
    column
        Upstream's name; the units table has it as ``released.<column>``.
    good
        Value of a good unit.
    """

    column: str
    good: str | float


@dataclass(frozen=True)
class Counterpart:
    """A released column and the definition that it stands for.

    Parameters
    ----------
    column
        Upstream's name; the units table has it as ``released.<column>``.
    definition
        Definition id of the recomputed metric.
    relative
        Largest difference, as share of the larger of the two values, that still counts as agreement.
    absolute
        Difference, in the metric's unit of measure, that always counts as agreement.
    only_with
        Released column that a table of the same vintage also has. In a table without it the metric is compared and
        shown, and does not decide the check.
    """

    column: str
    definition: str
    relative: float = EXACT
    absolute: float = 0.0
    only_with: str = ""
