"""The loop over the units of a session, block by block and in threads, and notes on what was wrong with their spikes.

Contains what metrics and histograms share. Add here what concerns every pass over the spikes. What is computed of a
block is passed in; nothing here knows a metric.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
import pandas as pd

from nh_platform.qc.metrics.unit_blocks import PROBLEMS, BlockBuffers, Floats, UnitBlock, block_rows
from nh_platform.session import Note, SchemaError, Spikes

_UNITS_IN_NOTE = 5
_MOST_THREADS = 8

Problems = list[tuple[int, str]]
"""Row of the unit, and key of `PROBLEMS`."""


def probes_of(units: pd.DataFrame, spikes: Spikes) -> list[str]:
    """Return the probe of each unit.

    Raises
    ------
    SchemaError
        If ``units`` has no column ``probe`` or not one row per unit.
    """
    if "probe" not in units or len(units) != spikes.n_units:
        raise SchemaError(
            "units",
            f"{len(units)} rows with columns {', '.join(map(str, units.columns[:5]))}, expected {spikes.n_units} rows "
            "and a column 'probe'",
            "Pass the units table of the same session as the spikes.",
        )
    return units["probe"].astype(str).tolist()


def for_each_block(
    spikes: Spikes, tmin: Floats, tmax: Floats, n_threads: int | None, work: Callable[[UnitBlock, slice], None]
) -> Problems:
    """Call ``work`` with every block of units; return what was wrong with units, in the order of their rows.

    Blocks are the same for any number of threads, so no byte depends on it.

    Parameters
    ----------
    spikes
        Spikes grouped by unit.
    tmin, tmax
        (n_units,) float64, s, range of the probe of each unit.
    n_threads
        Number of threads; None is one per core, at most 8.
    work
        Takes a block, valid during the call, and the rows of its units; called from several threads.
    """
    blocks = block_rows(spikes.offsets)
    threads = min(n_threads or min(os.cpu_count() or 1, _MOST_THREADS), max(len(blocks), 1))
    capacity = max((int(spikes.offsets[rows.stop] - spikes.offsets[rows.start]) for rows in blocks), default=0)
    free: SimpleQueue[BlockBuffers] = SimpleQueue()
    for _ in range(threads):
        free.put(BlockBuffers(capacity))

    def run(rows: range) -> Problems:
        buffers = free.get()
        try:
            # Metrics have values for zeros, negative amplitudes and empty units; numpy need not warn of them.
            with np.errstate(all="ignore"):
                block = buffers.load(spikes, rows, tmin, tmax)
                work(block, slice(rows.start, rows.stop))
            found = np.column_stack([block.problems[problem] for problem in PROBLEMS])
        finally:
            free.put(buffers)  # else the next block waits for ever, and the error is never seen
        names = list(PROBLEMS)
        return [(rows.start + unit, names[k]) for unit, k in zip(*np.nonzero(found))]

    if threads == 1:
        return [problem for rows in blocks for problem in run(rows)]
    with ThreadPoolExecutor(threads) as pool:
        return [problem for part in pool.map(run, blocks) for problem in part]


def unit_names(units: pd.DataFrame) -> list[str]:
    """Return how notes name units: their id, or the row where the table has none."""
    return units["unit_id"].astype(str).tolist() if "unit_id" in units else [str(row) for row in range(len(units))]


def first_names(names: Sequence[str]) -> str:
    """Return the first few names and how many more there are."""
    more = f" and {len(names) - _UNITS_IN_NOTE} more" if len(names) > _UNITS_IN_NOTE else ""
    return f"{', '.join(names[:_UNITS_IN_NOTE])}{more}"


def problem_notes(
    problems: Problems, spikes: Spikes, units: pd.DataFrame, probes: Sequence[str], needs: set[str]
) -> tuple[Note, ...]:
    """Return one note per probe and problem that makes one of ``needs`` unusable, naming the first units."""
    names = unit_names(units)
    with_spikes = pd.Series(probes)[spikes.counts > 0].value_counts()
    notes = []
    for probe in sorted(set(probes)):
        if probe not in with_spikes:
            notes.append(Note(f"probe {probe}", "no unit has a spike: metrics that need spikes are NaN"))
        for problem, (text, unusable) in PROBLEMS.items():
            rows = [row for row, found in problems if found == problem and probes[row] == probe]
            if not rows or (unusable and not needs.intersection(unusable)):
                continue
            if problem == "zero_amplitudes" and "amplitudes" not in needs:
                continue
            if len(rows) == with_spikes[probe]:
                which = f"all {len(rows)} units with spikes"
            else:
                first = first_names([names[row] for row in rows])
                which = f"{len(rows)} of {with_spikes[probe]} units with spikes ({first})"
            notes.append(Note(f"probe {probe}", f"{which}: {text}"))
    return tuple(notes)
