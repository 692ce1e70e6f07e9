"""Brain regions: Allen ids and acronyms → Beryl and Cosmos, and the colours of the Allen ontology.

Shared by every source whose units have a place in the Allen Common Coordinate Framework. Add a mapping here when two
sources need it. Where a point lies is `coordinates`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import BadUpstreamData

if TYPE_CHECKING:
    from iblatlas.regions import BrainRegions

UNLOCATED_ACRONYMS = frozenset({"", "none", "nan", "null", "unlocated"})
"""Texts, in lower case, with which upstream tables say that a unit has no region."""


@cache
def _regions() -> BrainRegions:
    """Return iblatlas' table, whose reading takes about 0.5 s, once per process."""
    from iblatlas.regions import BrainRegions

    return BrainRegions()


@cache
def _region_table() -> pd.DataFrame:
    """Return the 1,328 unsigned regions (void and 1,327 structures), indexed by Allen id.

    Columns ``acronym``, ``beryl``, ``cosmos``, ``level``.
    """
    regions = _regions()
    # Rows with a negative id are the left hemisphere of the same structures; the plain mappings never lead there.
    rows = np.flatnonzero(regions.id >= 0)
    table = pd.DataFrame(
        {
            "acronym": regions.acronym[rows],
            "beryl": regions.acronym[regions.mappings["Beryl"][rows]],
            "cosmos": regions.acronym[regions.mappings["Cosmos"][rows]],
            "level": regions.level[rows],
        },
        index=pd.Index(regions.id[rows], name="atlas_id"),
        dtype=object,
    )
    if not (table.index.is_unique and table["acronym"].is_unique):
        raise BadUpstreamData(
            "iblatlas region table", "an id or acronym occurs twice", "Use the iblatlas version of requirements.lock."
        )
    return table


def regions_of_ids(ids: Iterable[int]) -> pd.DataFrame:
    """Return the region of each Allen structure id, in the order given and of the same length.

    iblatlas silently drops ids that it does not know (``remap([382, 999999999])`` has one element); here such a row
    keeps its id, has no names and ``known`` False, so that the caller can say so.

    Parameters
    ----------
    ids
        (n,) Allen CCF 2017 structure ids. A negative id is the left hemisphere of the same structure. 0 is `void`
        (outside the brain), a region of iblatlas' table.

    Returns
    -------
    pandas.DataFrame
        (n, 5): ``atlas_id`` (int64, unsigned), ``acronym``, ``beryl``, ``cosmos`` (text or None), ``known`` (bool).

    Examples
    --------
    >>> regions_of_ids([-382, 999999999])[["atlas_id", "acronym", "cosmos", "known"]].values.tolist()
    [[382, 'CA1', 'HPF', True], [999999999, None, None, False]]
    """
    unsigned = np.abs(np.asarray(list(ids), dtype=np.int64))
    table = _region_table()
    row = table.index.get_indexer(pd.Index(unsigned))
    return _rows_of(table, row, unsigned, row >= 0)


def regions_of_acronyms(acronyms: Iterable[object]) -> pd.DataFrame:
    """Return the region of each Allen acronym, in the order given and of the same length.

    Parameters
    ----------
    acronyms
        (n,) acronyms. Null, an empty text, ``None``, ``nan`` and ``null`` mean *unlocated*: ``atlas_id`` 0, no names.
        ``root`` and ``grey`` are regions of their own and stay so.

    Returns
    -------
    pandas.DataFrame
        (n, 5) as of `regions_of_ids`. An acronym that iblatlas does not know keeps its text, has ``atlas_id`` 0, no
        Beryl or Cosmos name, and ``known`` False. An unlocated row is ``known``: nothing was lost.

    Examples
    --------
    >>> regions_of_acronyms(["CA1", None, "Foo9"])[["atlas_id", "acronym", "known"]].values.tolist()
    [[382, 'CA1', True], [0, None, True], [0, 'Foo9', False]]
    """
    texts = [None if _is_unlocated(value) else str(value) for value in acronyms]
    table = _region_table()
    position = pd.Series(np.arange(len(table)), index=table["acronym"])
    row = np.array([-1 if text is None else int(position.get(text, -1)) for text in texts], dtype=np.int64)
    ids = np.where(row >= 0, table.index.to_numpy()[row], 0)
    frame = _rows_of(table, row, ids, (row >= 0) | np.array([text is None for text in texts], dtype=bool))
    frame["acronym"] = pd.Series(texts, dtype=object)
    return frame


def region_levels(ids: Iterable[int]) -> npt.NDArray[np.float64]:
    """Return (n,) level of each Allen structure id in the tree of structures: 0 is the root; NaN for 0 and unknown ids.

    Examples
    --------
    >>> region_levels([997, 382, 0]).tolist()
    [0.0, 8.0, nan]
    """
    table = _region_table()
    row = table.index.get_indexer(pd.Index(np.abs(np.asarray(list(ids), dtype=np.int64))))
    levels = table["level"].to_numpy(dtype=np.float64)[row]
    return np.where((row >= 0) & (table.index.to_numpy()[row] != 0), levels, np.nan)


def region_colours(acronyms: Iterable[str]) -> dict[str, str]:
    """Return the colour of each Allen acronym, ``#rrggbb`` as the Allen ontology has it; unknown ones have none.

    Examples
    --------
    >>> region_colours(["CA1", "Foo9"])
    {'CA1': '#7ed04b'}
    """
    colours = _colours()
    known = sorted(set(acronyms) & colours.keys())
    return {name: "#" + "".join(f"{int(part):02x}" for part in colours[name]) for name in known}


@cache
def _colours() -> dict[str, list[int]]:
    """Return red, green and blue of every acronym, 0 to 255."""
    regions = _regions()
    rows = np.flatnonzero(regions.id >= 0)
    return dict(zip(regions.acronym[rows].tolist(), regions.rgb[rows].tolist()))


def _is_unlocated(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value)) or _text(value) in UNLOCATED_ACRONYMS


def _text(value: object) -> str:
    return str(value).strip().lower()


def _rows_of(
    table: pd.DataFrame, row: npt.NDArray[np.int64], ids: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    frame = pd.DataFrame({"atlas_id": ids.astype(np.int64)})
    for name in ("acronym", "beryl", "cosmos"):
        names = table[name].to_numpy(dtype=object)[row]
        names[row < 0] = None
        frame[name] = pd.Series(names, dtype=object)
    frame["known"] = known.astype(bool)
    return frame
