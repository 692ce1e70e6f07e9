"""A sampled signal of an Allen NWB file, put together from one dataset per column.

Contains the rules for times and columns that cannot be used. Add here what holds for every sampled signal. Which
datasets make a signal, and under which names, is for the readers of each layout. Nothing is interpolated here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.session import Signal
from nh_platform.session.recording import unknown_values
from nh_platform.sources.allen.nwb.nwb_file import NwbFile

Values = npt.NDArray[np.float64]


class SampledColumns:
    """The columns of one signal while they are read.

    Parameters
    ----------
    nwb
        The open file, which takes the notes.
    what
        Name of the signal.
    times_path
        Dataset of the timestamps.

    Raises
    ------
    BadUpstreamData
        If there are no timestamps.
    """

    def __init__(self, nwb: NwbFile, what: str, times_path: str) -> None:
        self.nwb = nwb
        self.what = what
        self.times_path = times_path
        self.times = nwb.numbers(times_path)
        self._columns: dict[str, Values] = {}
        self._read = 0

    def add(self, name: str, path: str, scale: float = 1.0) -> None:
        """Read a column; NaN, with a note, where it cannot be used."""
        values = self.nwb.optional(self.what, self._as_long, path, None)
        self._put({name: None if values is None else scale * values}, path)

    def add_times(self, name: str, path: str) -> None:
        """Read a column of further times of the samples; NaN, with a note, where it falls or cannot be used."""
        values = self.nwb.optional(self.what, self._in_order, path)
        self._put({name: values}, path)

    def add_pair(self, names: tuple[str, str], path: str, order: tuple[int, int] = (0, 1)) -> None:
        """Read the two columns of a matrix, in ``order``; both NaN, with a note, where it cannot be used."""
        values = self.nwb.optional(self.what, self._as_long, path, 2)
        self._put({name: None if values is None else values[:, one] for name, one in zip(names, order)}, path)

    def add_unknown(self, name: str) -> None:
        """Add a column that the file does not have; what is said of it is for the caller."""
        self._columns[name] = np.full(len(self.times), np.nan)

    def signal(self, unit: str) -> Signal:
        """Return the samples that have a time, in the order in which columns were added.

        Raises
        ------
        BadUpstreamData
            If no column has a value per timestamp, or timestamps fall.
        """
        nwb, path, times = self.nwb, self.times_path, self.times
        if not self._read:
            raise nwb.bad(f"{path} has {len(times)} timestamps, and no column has as many values")
        values = np.column_stack(list(self._columns.values()))
        timed = np.isfinite(times)
        if not timed.all():
            nwb.note(self.what, f"{path}: {int((~timed).sum())} of {len(times)} are NaN or infinite; samples left out")
            times, values = times[timed], values[timed]
        falls = np.flatnonzero(np.diff(times) < 0)
        if len(falls):
            raise nwb.bad(f"{path} is not in order of time after sample {int(falls[0])}")
        if len(times) == 0:
            nwb.note(self.what, f"{path}: no samples")
        return Signal(self.what, times, values, unit, tuple(self._columns))

    def _put(self, columns: dict[str, Values | None], path: str) -> None:
        for name, values in columns.items():
            if values is None:
                self.add_unknown(name)
                continue
            self._read += 1
            self._columns[name] = values
            if found := unknown_values(self.what, name, values):
                self.nwb.note(self.what, f"{path}: {found}")

    def _in_order(self, path: str) -> Values:
        values = self._as_long(path, None)
        falls = np.flatnonzero(np.diff(values) < 0)
        if len(falls):
            raise self.nwb.bad(f"{path} is not in order of time after sample {int(falls[0])}; NaN")
        return values

    def _as_long(self, path: str, width: int | None) -> Values:
        values = self.nwb.numbers(path, width)
        if len(values) != len(self.times):
            raise self.nwb.bad(f"{path} has {len(values)} values for {len(self.times)} timestamps; NaN")
        return values
