"""Samples in files of `mtscomp` (``.cbin`` with its header ``.ch``), decoded chunk by chunk.

Own code, because the library declares none of its dependencies and was last released in 2021
(docs/decisions/0024-mtscomp-decoder.md); tested against it. The format: one zlib stream per chunk of about a second,
of the differences along time (and, rarely, along channels), in the integers of the samples, which wrap around.
"""

from __future__ import annotations

import json
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData

FETCH_AGAIN = "Delete it and fetch it again."


@dataclass(frozen=True)
class CompressedSamples:
    """An open file of samples (n_samples, n_channels).

    Parameters
    ----------
    path, label
        The file, and what a person calls it.
    n_channels, dtype
        Of its samples.
    bounds
        (n_chunks + 1,) first sample of each chunk, and the number of samples.
    offsets
        (n_chunks + 1,) byte at which each chunk begins, and the size of the file.
    order
        Whether a chunk lies by channels (``F``) or by samples (``C``).
    differences
        Axes along which differences are stored, in the order in which they are summed.
    """

    path: Path
    label: str
    n_channels: int
    dtype: np.dtype[Any]
    bounds: tuple[int, ...]
    offsets: tuple[int, ...]
    order: Literal["C", "F"]
    differences: tuple[int, ...]

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.bounds[-1]

    def read(self, begin: int, end: int) -> npt.NDArray[Any]:
        """Return samples ``begin`` to before ``end``, (n, n_channels); only the chunks that hold them are decoded.

        Raises
        ------
        BadUpstreamData
            If a chunk cannot be decoded; zlib compares its checksum.
        """
        parts = [np.zeros((0, self.n_channels), dtype=self.dtype)]
        if begin < end:
            first, last = bisect_right(self.bounds, begin) - 1, bisect_right(self.bounds, end - 1) - 1
            with self.path.open("rb") as file:
                for chunk in range(first, last + 1):
                    file.seek(self.offsets[chunk])
                    start = self.bounds[chunk]
                    decoded = self._decoded(chunk, file.read(self.offsets[chunk + 1] - self.offsets[chunk]))
                    parts.append(decoded[max(begin - start, 0) : end - start])
        return np.concatenate(parts)

    def _decoded(self, chunk: int, packed: bytes) -> npt.NDArray[Any]:
        shape = (self.bounds[chunk + 1] - self.bounds[chunk], self.n_channels)
        try:
            values = np.frombuffer(zlib.decompress(packed), dtype=self.dtype).reshape(shape, order=self.order)
        except (zlib.error, ValueError) as error:
            found = f"chunk {chunk} of {len(self.bounds) - 1} cannot be decoded: {error}"
            raise BadUpstreamData(self.label, found, FETCH_AGAIN) from error
        for axis in self.differences:
            values = np.cumsum(values, axis=axis, dtype=self.dtype)
        return values


def open_compressed(path: Path, header: Path, label: str) -> CompressedSamples:
    """Open a compressed file by its header.

    Parameters
    ----------
    path, header
        The ``.cbin`` and the ``.ch``.
    label
        What a person calls the ``.cbin``.

    Raises
    ------
    BadUpstreamData
        If the header cannot be used, or the file has not the size that it states.
    """
    try:
        stated = json.loads(header.read_text(encoding="utf-8"))
        opened = CompressedSamples(
            path,
            label,
            int(stated["n_channels"]),
            np.dtype(stated["dtype"]),
            tuple(int(bound) for bound in stated["chunk_bounds"]),
            tuple(int(offset) for offset in stated["chunk_offsets"]),
            stated.get("chunk_order", "F"),
            (*((1,) if stated.get("do_spatial_diff") else ()), *((0,) if stated.get("do_time_diff", True) else ())),
        )
        algorithm = stated.get("algorithm", "zlib")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadUpstreamData(label, f"its header (.ch) cannot be used: {error!r}", FETCH_AGAIN) from error
    wrong = _fault(opened, str(algorithm))
    if wrong:
        raise BadUpstreamData(label, f"its header (.ch) cannot be used: {wrong}", FETCH_AGAIN)
    size = path.stat().st_size
    if size != opened.offsets[-1]:
        found = f"it has {size} bytes, its header states {opened.offsets[-1]}: damaged or not whole"
        raise BadUpstreamData(label, found, FETCH_AGAIN)
    return opened


def _fault(opened: CompressedSamples, algorithm: str) -> str:
    """Return what is wrong with a header; empty where nothing is."""
    if algorithm != "zlib":
        return f"it is compressed by {algorithm}, and only zlib is known"
    if opened.order not in ("C", "F") or opened.n_channels < 1 or opened.dtype.kind not in "iu":
        return f"order {opened.order!r}, {opened.n_channels} channels of {opened.dtype}"
    if len(opened.bounds) < 2 or len(opened.bounds) != len(opened.offsets):
        return f"it states {len(opened.bounds)} bounds and {len(opened.offsets)} offsets of chunks"
    rises = all(before < after for numbers in (opened.bounds, opened.offsets) for before, after in pairwise(numbers))
    return "" if rises and opened.bounds[0] == 0 else "bounds or offsets of its chunks do not rise from 0"
