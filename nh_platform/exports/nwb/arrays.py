"""Arrays as HDMF writes them: at once, compressed where that is asked for.

Add here what the writer needs of an array. What is in one is for the modules beside.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hdmf.backends.hdf5 import H5DataIO
from hdmf.data_utils import AbstractDataChunkIterator, DataChunk

LARGE = 10_000
"""Values from which an array is compressed where that is asked for (each has a header of its own), and from which it
is handed over in one piece."""


class OnePiece(AbstractDataChunkIterator):
    """An array in one piece.

    HDMF 3.14 looks at an array value by value to see whether it holds references, unless its values are Python floats
    as those of float64 are: 2.8 CPU s each for amplitudes and depths of 11.5 M spikes. It looks into no iterator.

    Parameters
    ----------
    values
        The array.
    """

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self._values = values
        self._left = 1

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> OnePiece:
        return self

    def __next__(self) -> DataChunk:
        if not self._left:
            raise StopIteration
        self._left = 0
        return DataChunk(self._values, tuple(slice(0, one) for one in self._values.shape))

    def recommended_chunk_shape(self) -> tuple[int, ...]:
        """Return the shape of HDF5's chunks: 64 k values of the first axis, as much as a reader takes at once."""
        width = max(int(np.prod(self._values.shape[1:])), 1)
        return (max(min(65_536 // width, len(self._values)), 1), *self._values.shape[1:])

    def recommended_data_shape(self) -> tuple[int, ...]:
        """Return the shape of the array."""
        return self._values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array."""
        return self._values.dtype

    @property
    def maxshape(self) -> tuple[int, ...]:
        """The shape of the array, which never grows."""
        return self._values.shape


def stored(values: npt.NDArray[Any], compression: str) -> npt.NDArray[Any] | OnePiece | H5DataIO:
    """Return an array as it is to be written.

    Parameters
    ----------
    values
        The array.
    compression
        ``none``, or ``gzip``, which needs no plugin in any reader of HDF5.
    """
    values = np.ascontiguousarray(values)
    if values.size < LARGE:
        return values
    handed = values if values.dtype == np.float64 else OnePiece(values)
    if compression == "none":
        return handed
    return H5DataIO(handed, compression="gzip", compression_opts=4, shuffle=True)
