"""Forms of counts that take less room: which bins have a spike, those packed into bits, and what is not 0.

Contains the forms as arrays, and how counts come back from them. Add here another form. Which windows are counted is
decided by who reads or stores them.

The last axis of counts is always that of bins. Bits are in little order: bin ``k`` is bit ``k % 8`` of byte ``k // 8``,
1 where the unit fired, and the bits behind the last bin are 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.windows.counts.binning import binarise

CountArray = npt.NDArray[np.uint8]

ENTRY_BYTES, ROW_BYTES = 5, 4
"""Bytes of an entry of sparse counts and of a row, with indices of int32; a bin of whole counts takes 1."""

CountForm = Literal["counts", "binary", "packed", "csr", "smaller"]
FORMS: tuple[str, ...] = get_args(CountForm)


@dataclass(frozen=True)
class PackedCounts:
    """Which bins have a spike, eight bins to a byte.

    Parameters
    ----------
    bits
        (…, ceil(n_bins / 8)) uint8; bin ``k`` is bit ``k % 8`` of byte ``k // 8`` (`numpy.packbits` with
        ``bitorder="little"``), bits behind the last bin are 0.
    n_bins
        Number of bins.
    """

    bits: CountArray
    n_bins: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the counts."""
        return *self.bits.shape[:-1], self.n_bins

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return self.bits.nbytes

    def unpack(self) -> CountArray:
        """Return 1 where there was a spike and 0 elsewhere, uint8, (…, n_bins)."""
        return np.unpackbits(self.bits, axis=-1, count=self.n_bins, bitorder="little")


@dataclass(frozen=True)
class SparseCounts:
    """Counts in compressed sparse rows: of windows one row each, of a grid one row per unit.

    Parameters
    ----------
    indptr
        (n_rows + 1,) int32 or int64; row ``r`` has the entries ``indptr[r]`` to ``indptr[r + 1]``.
    indices
        (n_entries,) of the same dtype, ascending within a row: the place in the row. Of windows that is ``unit * n_bins
        + bin``.
    data
        (n_entries,) uint8 counts, none of them 0, saturated at 255 as the counts are.
    shape
        That of the counts.
    """

    indptr: npt.NDArray[np.signedinteger]
    indices: npt.NDArray[np.signedinteger]
    data: CountArray
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays."""
        return self.indptr.nbytes + self.indices.nbytes + self.data.nbytes

    @property
    def is_smaller(self) -> bool:
        """Whether they take fewer bytes than the counts, 1 byte a bin."""
        return self.nbytes < int(np.prod(self.shape, dtype=np.int64))

    def dense(self) -> CountArray:
        """Return the counts, uint8, of `shape`."""
        out = np.zeros(self._matrix_shape, dtype=np.uint8)
        out[np.repeat(np.arange(len(out)), np.diff(self.indptr)), self.indices] = self.data
        return out.reshape(self.shape)

    def to_scipy(self) -> Any:
        """Return a `scipy.sparse.csr_array` of the same arrays: (n_rows, n_units × n_bins) of windows.

        ``found.toarray().reshape(n_windows, n_units, n_bins)`` are the counts again.
        """
        from scipy.sparse import csr_array

        return csr_array((self.data, self.indices, self.indptr), shape=self._matrix_shape)

    @property
    def _matrix_shape(self) -> tuple[int, int]:
        return self.shape[0], int(np.prod(self.shape[1:], dtype=np.int64))


def pack(counts: CountArray) -> PackedCounts:
    """Return which bins have a spike as bits.

    Parameters
    ----------
    counts
        (…, n_bins) uint8.

    Examples
    --------
    >>> found = pack(np.array([[1, 0, 2, 0, 0, 0, 0, 0, 7]], dtype=np.uint8))
    >>> found.bits.tolist(), found.unpack().tolist()
    ([[5, 1]], [[1, 0, 1, 0, 0, 0, 0, 0, 1]])
    """
    return PackedCounts(np.packbits(binarise(counts), axis=-1, bitorder="little"), counts.shape[-1])


def sparse(counts: CountArray) -> SparseCounts:
    """Return counts in compressed sparse rows, one row per place of the first axis.

    Parameters
    ----------
    counts
        (n_rows, …) uint8.

    Examples
    --------
    >>> found = sparse(np.array([[0, 3, 0], [0, 0, 0], [1, 0, 2]], dtype=np.uint8))
    >>> found.indptr.tolist(), found.indices.tolist(), found.data.tolist()
    ([0, 1, 1, 3], [1, 0, 2], [3, 1, 2])
    """
    from nh_platform.windows.counts.form_kernels import fill_rows, row_ends

    n_columns = int(np.prod(counts.shape[1:], dtype=np.int64))
    flat = np.ascontiguousarray(counts).reshape(len(counts), n_columns)
    dtype: Any = np.int32 if flat.size < 2**31 else np.int64
    indptr = np.zeros(len(flat) + 1, dtype=dtype)
    row_ends(flat, indptr)
    indices, data = np.empty(indptr[-1], dtype=dtype), np.empty(indptr[-1], dtype=np.uint8)
    fill_rows(flat, indptr, indices, data)
    return SparseCounts(indptr, indices, data, counts.shape)


def joined(parts: list[SparseCounts]) -> SparseCounts:
    """Return sparse counts one behind the other; one part at least, of equal shapes but for the number of rows."""
    n_rows, n_entries = sum(part.shape[0] for part in parts), sum(len(part.data) for part in parts)
    shape = n_rows, *parts[0].shape[1:]
    dtype: Any = np.int32 if max(n_entries, *shape[:1], int(np.prod(shape[1:], dtype=np.int64))) < 2**31 else np.int64
    indptr, n_before = [np.zeros(1, dtype=dtype)], 0
    for part in parts:
        indptr.append((part.indptr[1:].astype(np.int64) + n_before).astype(dtype))
        n_before += len(part.data)
    return SparseCounts(
        np.concatenate(indptr),
        np.concatenate([part.indices for part in parts]).astype(dtype, copy=False),
        np.concatenate([part.data for part in parts]),
        shape,
    )


def check_form(form: str) -> None:
    """Check that there is such a form.

    Raises
    ------
    ConfigError
        If not; the text names those there are.
    """
    if form not in FORMS:
        known = f"Use one of {', '.join(FORMS)}.{close_matches(str(form), list(FORMS))}"
        raise ConfigError(f"form {form!r} of counts", "there is no such form", known)
