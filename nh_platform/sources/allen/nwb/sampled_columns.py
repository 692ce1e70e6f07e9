"""A sampled signal of an Allen NWB file, put together from one dataset per column.

Contains the rules for times and columns that cannot be used. Add here what holds for every sampled signal. Which
datasets make a signal, and under which names, is for the readers of each layout. Nothing is interpolated here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData, Signal
from nh_platform.session.display import counted
from nh_platform.session.recording import unknown_values
from nh_platform.session.sampling_gaps import gaps_of
from nh_platform.sources.nwb.nwb_file import NwbFile

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
        values = self._optional((name,), self._as_long, path)
        self._put({name: None if values is None else scale * values}, path)

    def add_times(self, name: str, path: str) -> None:
        """Read a column of further times of the samples; NaN, with a note, where it falls or cannot be used."""
        values = self._optional((name,), self._in_order, path)
        self._put({name: values}, path)

    def add_pair(self, names: tuple[str, str], path: str, order: tuple[int, int] = (0, 1)) -> None:
        """Read the two columns of a matrix, in ``order``; both NaN, with a note, where it cannot be used."""
        values = self._optional(names, self._as_long, path, 2)
        self._put({name: None if values is None else values[:, one] for name, one in zip(names, order)}, path)

    def add_unknown(self, name: str) -> None:
        """Add a column that the file does not have; what is said of it is for the caller."""
        self._columns[name] = np.full(len(self.times), np.nan)

    def signal(self, unit: str) -> Signal:
        """Return the samples that have a time, in the order in which columns were added; a note tells gaps in time.

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
        self._note_gaps(times)
        return Signal(self.what, times, values, unit, tuple(self._columns))

    def _optional(self, names: tuple[str, ...], read: Callable[..., Values], path: str, *given: int) -> Values | None:
        """Return what ``read`` returns of a dataset; None, and a note that ends with the columns that are NaN."""

        def named() -> Values:
            try:
                return read(path, *given)
            except BadUpstreamData as error:
                columns = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} NaN"
                raise self.nwb.bad(f"{error.found}; {columns}") from error

        return self.nwb.optional(self.what, named)

    def _note_gaps(self, times: Values) -> None:
        """Note the stretches of time without samples."""
        gaps = gaps_of(times)
        if len(gaps):
            lengths = gaps[:, 1] - gaps[:, 0]
            start, stop = gaps[int(lengths.argmax())]
            many = counted(len(gaps), "gap")
            text = f"{many} between samples, of {lengths.sum():.1f} s in all, the longest {start:.3f}-{stop:.3f} s"
            self.nwb.note(self.what, f"{self.times_path}: {text}")

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
            raise self.nwb.bad(f"{path} is not in order of time after sample {int(falls[0])}")
        return values

    def _as_long(self, path: str, width: int | None = None) -> Values:
        values = self.nwb.numbers(path, width)
        if len(values) != len(self.times):
            raise self.nwb.bad(f"{path} has {len(values)} values for {len(self.times)} timestamps")
        self._note_conversion(path)
        return values

    def _note_conversion(self, path: str) -> None:
        """Note a factor that the file states beside the values; PyNWB leaves it to the reader, AllenSDK ignores it."""
        found = self.nwb.found(path)
        stated = np.asarray(1.0 if found is None else found.attrs.get("conversion", 1.0))
        if stated.dtype.kind not in "biuf" or (stated != 1).any():
            self.nwb.note(self.what, f"{path}: conversion {stated} is stated; values as stored, as AllenSDK reads them")
