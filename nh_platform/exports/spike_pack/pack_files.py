"""The files of a pack of spikes: times by unit in one array, offsets, and the tables of units and of valid time.

Contains the writing, one session after the other, so that a pack may be larger than memory. Every file is plain numpy
and is read without loading it (``numpy.load(…, mmap_mode="r")``). Add a file here when a pack has one more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.origin import Origin
from nh_platform.exports.plain.session_arrays import NamedArray, about, column_words, structured
from nh_platform.exports.plain.session_content import ContentTable
from nh_platform.session import BadUpstreamData, NhError, TableSchema
from nh_platform.session.tables.across_sessions.spike_pack import (
    PACK_UNIT_INVALID_TIMES,
    PACK_UNITS,
    PACK_VALID_TIME,
)

TIMES, OFFSETS, UNITS, VALID = "times.npy", "offsets.npy", "units.npy", "valid_time.npy"
UNIT_INVALID = "unit_invalid_times.npy"

VALID_MEANING = (
    "Time in which spikes of a probe are valid; those outside are in the pack. A session without events has none"
)

UNIT_INVALID_MEANING = "Time in which reviews call single units invalid; their spikes there are in the pack"


class HasSpikes(Protocol):
    """Part of a pack: the units of one session, and their spike times when they are asked for."""

    @property
    def units(self) -> pd.DataFrame:
        """Table of the units, schema `PACK_UNITS`."""

    @property
    def unit_invalid_times(self) -> pd.DataFrame:
        """Where single units are not valid, schema `PACK_UNIT_INVALID_TIMES`."""

    def spikes(self) -> tuple[npt.NDArray[np.float64], pd.DataFrame]:
        """Return (n_spikes,) float64 seconds, by unit, and in which time they are valid, schema `PACK_VALID_TIME`."""


def write_pack(
    folder: Path,
    parts: Sequence[HasSpikes],
    origins: Sequence[Origin],
    on_part: Callable[[int], None] = lambda done: None,
) -> dict[int, NhError]:
    """Write a pack into a new folder; of the spikes one session is in memory at a time.

    Parameters
    ----------
    folder
        A folder that is not there yet.
    parts
        What goes into it, in the order of the pack, of a session each.
    origins
        Origin of each of them.
    on_part
        Told how many parts are written.

    Returns
    -------
    dict
        Why a part is not in the pack, by its place among ``parts``: its spikes cannot be read, or are not as many as
        its units say.
    """
    folder.mkdir(parents=True)
    failed: dict[int, NhError] = {}
    valid: list[pd.DataFrame] = []
    with (folder / TIMES).open("wb") as handle:
        _write_header(handle, 0)
        for place, part in enumerate(parts):
            try:
                found, stretches = part.spikes()
                times = np.ascontiguousarray(found, dtype="<f8")
                _check(part.units, len(times))
                handle.write(times.data)
                valid.append(stretches)
                del found, times
            except NhError as error:
                failed[place] = error
            on_part(place + 1)
        kept = [part for place, part in enumerate(parts) if place not in failed]
        units = _joined(PACK_UNITS, [part.units for part in kept])
        offsets = np.concatenate([[0], np.cumsum(units["n_spikes"].to_numpy(np.int64))]).astype(np.int64)
        handle.seek(0)
        _write_header(handle, int(offsets[-1]))
    np.save(folder / OFFSETS, offsets, allow_pickle=False)
    table = structured(ContentTable("units", units, PACK_UNITS.columns))
    np.save(folder / UNITS, table, allow_pickle=False)
    valid_table = structured(ContentTable("valid_time", _joined(PACK_VALID_TIME, valid), PACK_VALID_TIME.columns))
    np.save(folder / VALID, valid_table, allow_pickle=False)
    own, words = _joined(PACK_UNIT_INVALID_TIMES, [part.unit_invalid_times for part in kept]), PACK_UNIT_INVALID_TIMES
    own_table = structured(ContentTable("unit_invalid_times", own, words.columns))
    np.save(folder / UNIT_INVALID, own_table, allow_pickle=False)
    meaning = "Spike times on their session's clock, by unit and ascending within each"
    described = [
        NamedArray("times", np.broadcast_to(np.float64(0), (int(offsets[-1]),)), "s", meaning),
        NamedArray("offsets", offsets, "1", "Spikes of unit i are times[offsets[i]:offsets[i + 1]]"),
        NamedArray("units", table, "-", "Table of units, one field per column", column_words(PACK_UNITS.columns)),
        NamedArray("valid_time", valid_table, "-", VALID_MEANING, column_words(PACK_VALID_TIME.columns)),
        NamedArray("unit_invalid_times", own_table, "-", UNIT_INVALID_MEANING, column_words(words.columns)),
    ]
    (folder / "about.json").write_text(about(described) + "\n", encoding="utf-8")
    stated = [json.loads(one.to_json()) for place, one in enumerate(origins) if place not in failed]
    text = json.dumps(stated, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "origin.json").write_text(text + "\n", encoding="utf-8")
    return failed


def _joined(schema: TableSchema, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return schema.conform(pd.concat([schema.empty(), *parts], ignore_index=True))


def _write_header(handle: BinaryIO, n_times: int) -> None:
    """Write the header of `TIMES`; numpy leaves room in it, so that it is as long whatever the number."""
    stated = {"descr": "<f8", "fortran_order": False, "shape": (n_times,)}
    np.lib.format.write_array_header_1_0(handle, stated)


def pack_bytes(units: pd.DataFrame) -> int:
    """Return the bytes of a pack of those units (schema `PACK_UNITS`), less valid time, notes and headers of files."""
    table = structured(ContentTable("units", units, PACK_UNITS.columns))
    return 8 * int(units["n_spikes"].sum()) + 8 * (len(units) + 1) + table.nbytes


def _check(units: pd.DataFrame, n_spikes: int) -> None:
    stated = int(units["n_spikes"].sum())
    if stated != n_spikes:
        name = f"{units['source'].iloc[0]} session {units['session_id'].iloc[0]}" if len(units) else "a session"
        action = "Materialize its units again."
        raise BadUpstreamData(name, f"its units state {stated} spikes, and {n_spikes} are stored", action)
