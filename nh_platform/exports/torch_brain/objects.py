"""The objects that a torch_brain recording is made of, in memory: each is a group of its HDF5 file.

Contains one record for all of them and a function per class of `torch_brain.data` that makes it. Add a field here when
torch_brain's files hold one more thing. Their bytes are `recording_file`, what may be in them is `checks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]
Kind = Literal["Data", "ArrayDict", "Interval", "IrregularTimeSeries", "RegularTimeSeries"]
Attribute = str | int | float

TIMED: tuple[Kind, ...] = ("Interval", "IrregularTimeSeries", "RegularTimeSeries")
"""Classes that torch_brain cuts in time."""


@dataclass(frozen=True)
class Group:
    """One object of a recording.

    Parameters
    ----------
    kind
        Its class in `torch_brain.data`.
    arrays
        Its arrays by name; they share the first axis. Text has dtype ``<U``.
    attributes
        Facts of a ``Data``, by name.
    groups
        Objects within a ``Data``, by name.
    timekeys
        Names of the arrays that are times, which a slice shifts: of an ``Interval`` or an ``IrregularTimeSeries``.
    domain
        (n, 2) start and end in s: of a ``Data`` with something timed in it, and of both time series.
    rate_hz
        Samples per second of a ``RegularTimeSeries``.
    """

    kind: Kind
    arrays: Arrays = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    timekeys: tuple[str, ...] = ()
    domain: FloatArray | None = None
    rate_hz: float | None = None

    def __len__(self) -> int:
        return max((len(one) for one in self.arrays.values()), default=0)


def data(
    attributes: Mapping[str, Attribute], groups: Mapping[str, Group] | None = None, domain: FloatArray | None = None
) -> Group:
    """Return a ``Data``: facts and other objects under one name."""
    return Group("Data", attributes=attributes, groups=groups or {}, domain=domain)


def array_dict(arrays: Arrays) -> Group:
    """Return an ``ArrayDict``: arrays with a common first axis and no time."""
    return Group("ArrayDict", arrays=arrays)


def interval(ranges: FloatArray, arrays: Arrays | None = None, timekeys: Sequence[str] = ()) -> Group:
    """Return an ``Interval`` of (n, 2) start and end in s, with further arrays, of which ``timekeys`` are times."""
    bounds = {"start": np.ascontiguousarray(ranges[:, 0]), "end": np.ascontiguousarray(ranges[:, 1])}
    return Group("Interval", arrays={**bounds, **(arrays or {})}, timekeys=(*timekeys, "start", "end"))


def irregular(times: FloatArray, domain: FloatArray, arrays: Arrays | None = None) -> Group:
    """Return an ``IrregularTimeSeries`` of (n,) ``times`` in s, ascending, within its (1, 2) ``domain``."""
    return Group(
        "IrregularTimeSeries", {"timestamps": times, **(arrays or {})}, timekeys=("timestamps",), domain=domain
    )


def regular(start: float, rate_hz: float, arrays: Arrays) -> Group:
    """Return a ``RegularTimeSeries`` whose first sample is at ``start`` (s).

    Its domain ends one step behind the last sample, as torch_brain computes it.
    """
    n = max((len(one) for one in arrays.values()), default=0)
    return Group("RegularTimeSeries", arrays, domain=np.array([[start, start + n / rate_hz]]), rate_hz=float(rate_hz))
