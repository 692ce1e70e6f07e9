"""The unit of measure of each column of a signal, whose unit is one text for all of them.

Add here the end of a column's name when a reader's signal gets one more. What is exported or drawn asks here.
"""

from __future__ import annotations

from nh_platform.session.recording import Signal

_BY_END = {
    "phi": "rad",
    "area": "px^2",
    "blink": "1",
    "cm": "cm",
    "deg": "deg",
    "time": "s",
    "velocity": "cm/s",
    "unfiltered": "cm/s",
    "x": "px",
    "y": "px",
    "height": "px",
    "width": "px",
}
"""Unit of measure by the last word of a column's name, as the readers of Allen's signals name columns."""


def column_units(signal: Signal) -> tuple[str, ...]:
    """Return the unit of measure of each column of a signal, in their order.

    A unit that stands alone is that of all. Of several, a column has the one that the end of its name tells, or else
    the one at its place where they are as many as the columns; where neither tells, it has all that is stated.

    Examples
    --------
    >>> import numpy as np
    >>> columns = ("eye_width", "eye_height", "eye_phi", "likely_blink")
    >>> column_units(Signal("pupil", np.zeros(1), np.zeros((1, 4)), "px, rad, 1", columns))
    ('px', 'px', 'rad', '1')
    """
    stated = tuple(one.strip() for one in signal.unit.split(","))
    if len(stated) == 1:
        return stated * len(signal.columns)
    placed = stated if len(stated) == len(signal.columns) else (signal.unit,) * len(signal.columns)
    ends = (_BY_END.get(name.rpartition("_")[2], "") for name in signal.columns)
    return tuple(end if end in stated else other for end, other in zip(ends, placed))
