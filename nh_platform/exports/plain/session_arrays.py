"""A session as numpy arrays by name, each with its unit of measure and meaning, for npz and npy files.

Contains the names. A table is one structured array with a field per column: ``pandas.DataFrame(array)`` is the table
again. Add an array here when `session_content` has one more kind of thing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.plain.session_content import ContentTable, SessionContent
from nh_platform.session.columns import Column
from nh_platform.session.tables.signal_units import column_units

SPIKE_WORDS = {
    "times": ("s", "Spike times on the session clock, by unit and ascending within each"),
    "offsets": ("1", "Spikes of unit i are times[offsets[i]:offsets[i + 1]]; one more entry than units"),
    "amplitudes": ("V", "Amplitude of each spike; NaN where upstream has none"),
    "depths": ("um", "Depth of each spike from the probe tip; NaN where upstream has none"),
}


COLUMN_WORDS = ("name", "dtype", "unit", "meaning")


@dataclass(frozen=True)
class NamedArray:
    """An array with its words.

    Parameters
    ----------
    name
        For example ``spikes.times``.
    values
        The array; of a table, a structured one.
    unit, meaning
        Unit of measure, ``-`` of a table; what it holds.
    columns
        Of a table or a signal with named columns: name, dtype, unit of measure and meaning of each.
    """

    name: str
    values: npt.NDArray[Any]
    unit: str
    meaning: str
    columns: tuple[tuple[str, str, str, str], ...] = ()


def session_arrays(content: SessionContent) -> Iterator[NamedArray]:
    """Give the arrays of a session, one after the other."""
    for name, (unit, meaning) in SPIKE_WORDS.items():
        yield NamedArray(f"spikes.{name}", getattr(content.spikes, name), unit, meaning)
    for table in content.tables:
        columns = column_words(table.columns)
        yield NamedArray(table.name, structured(table), "-", f"Table of {table.name}, one field per column", columns)
    for name, signal in content.signals.items():
        yield NamedArray(f"signals.{name}.timestamps", signal.timestamps, "s", f"Times of the samples of {name}")
        columns = tuple(
            (column, str(signal.values.dtype), unit, f"Column {column} of {name}")
            for column, unit in zip(signal.columns, column_units(signal))
        )
        meaning = f"Samples of {name}" + (", one column each as named" if signal.values.ndim > 1 else "")
        yield NamedArray(f"signals.{name}.values", signal.values, signal.unit, meaning, columns)


def column_words(columns: Iterable[Column]) -> tuple[tuple[str, str, str, str], ...]:
    """Return what is said of columns, in the order of `COLUMN_WORDS`."""
    return tuple((one.name, one.dtype, one.unit, one.meaning) for one in columns)


def about(arrays: list[NamedArray]) -> str:
    """Return what arrays hold as JSON: shape, dtype, unit of measure, meaning, and the same of their columns."""
    words = {
        one.name: {
            "shape": list(one.values.shape),
            "dtype": "table" if one.values.dtype.names else one.values.dtype.str,
            "unit": one.unit,
            "meaning": one.meaning,
            **({"columns": [dict(zip(COLUMN_WORDS, column)) for column in one.columns]} if one.columns else {}),
        }
        for one in arrays
    }
    return json.dumps(words, indent=1, ensure_ascii=False)


def structured(table: ContentTable) -> npt.NDArray[np.void]:
    """Return a table as (n_rows,) structured array; texts are fixed-width unicode, and no text is an empty one."""
    columns = {one.name: _plain(table.frame[one.name]) for one in table.columns}
    array = np.empty(len(table.frame), dtype=[(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        array[name] = values
    return array


def _plain(series: pd.Series) -> npt.NDArray[Any]:
    if series.dtype == object or isinstance(series.dtype, pd.StringDtype):
        texts = np.array(["" if pd.isna(value) else str(value) for value in series], dtype=np.str_)
        return texts if texts.dtype.itemsize else texts.astype("<U1")
    return series.to_numpy()
