"""Arrays of a page in one compressed block, and the references by which its charts and tables name them.

Contains the packing alone; `static/unpack.js` is the other side. Add here another type of number. One byte per sample
is fine to look at and never to compute from: what is written as a number is packed as float32 or float64.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

_ALIGNED_BYTES = 8
"""Every array begins at a multiple of this, as JavaScript's typed arrays ask."""
LEVEL = 6
"""Of gzip: a report's arrays are 1 % larger than at 9 and take a fifth of the time."""
_EXACT = {"float32", "float64", "uint8", "uint16", "int32", "uint32"}


@dataclass
class PackedArrays:
    """Arrays that a page carries, packed in the order in which they were added.

    Examples
    --------
    >>> arrays = PackedArrays()
    >>> arrays.exact(np.arange(3, dtype=np.float32))
    {'array': 0}
    >>> arrays.scaled(np.array([[0.0, 1.0], [0.0, 50.0]]))
    {'array': 1, 'low': 2, 'high': 3}
    """

    _arrays: list[npt.NDArray[Any]] = field(default_factory=list)

    def exact(self, values: npt.ArrayLike) -> dict[str, int]:
        """Add an array as it is and return its reference.

        Parameters
        ----------
        values
            Any shape; float32, float64, uint8, uint16, int32 or uint32.

        Raises
        ------
        ValueError
            If its type is another.
        """
        array = np.ascontiguousarray(values)
        if array.dtype.name not in _EXACT:
            raise ValueError(f"arrays of {array.dtype.name} are not packed; use one of {', '.join(sorted(_EXACT))}")
        self._arrays.append(array)
        return {"array": len(self._arrays) - 1}

    def scaled(self, values: npt.ArrayLike, *, fine: bool = False) -> dict[str, int]:
        """Add rows of samples as one byte each, with the range of every row, and return their reference.

        Parameters
        ----------
        values
            (n_rows, …) float. A sample that is not finite is kept as 0, which means that there is none; the others
            take 1 to 255 between the row's lowest and highest.
        fine
            Two bytes each, 1 to 65,535: for places along an axis, where 254 steps show as stripes.
        """
        kind = np.uint16 if fine else np.uint8
        steps = np.iinfo(kind).max - 1
        rows = np.asarray(values, dtype=np.float64)
        flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))
        finite = np.isfinite(flat)
        low = np.where(finite, flat, np.inf).min(axis=1, initial=np.inf)
        high = np.where(finite, flat, -np.inf).max(axis=1, initial=-np.inf)
        low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
        span = np.where(high > low, high - low, 1.0)
        levels = np.rint((np.where(finite, flat, 0.0) - low[:, None]) / span[:, None] * steps) + 1
        reference = self.exact(np.where(finite, levels, 0).astype(kind).reshape(rows.shape))
        ranges = [self.exact(one.astype(np.float32))["array"] for one in (low, high)]
        return {**reference, "low": ranges[0], "high": ranges[1]}

    def index(self) -> list[dict[str, Any]]:
        """Return type, shape and first byte of every array."""
        rows, offset = [], 0
        for array in self._arrays:
            rows.append({"type": array.dtype.name, "shape": list(array.shape), "offset": offset})
            offset += _aligned(array.nbytes)
        return rows

    def block(self) -> str:
        """Return all arrays, gzipped, as base64 text; the same arrays give the same text."""
        content = b"".join(_little(array).ljust(_aligned(array.nbytes), b"\0") for array in self._arrays)
        return base64.b64encode(gzip.compress(content, compresslevel=LEVEL, mtime=0)).decode()


def _aligned(n_bytes: int) -> int:
    return -(-n_bytes // _ALIGNED_BYTES) * _ALIGNED_BYTES


def _little(array: npt.NDArray[Any]) -> bytes:
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r} cannot be stated in a page; make it text or a number")


def json_for_script(value: Any) -> str:
    r"""Return a value as JSON that can stand within a ``<script>``: no text of it ends the element.

    Raises
    ------
    ValueError
        If a number is not finite, which JSON does not have; state None.

    Examples
    --------
    >>> json_for_script({"name": "</script><b>"})
    '{"name":"\\u003c/script>\\u003cb>"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
