"""Any choice of metrics for every unit of a session, in one pass over its spikes.

Contains the entry point, the walk over chunks of units in threads, and the notes on unusable input. Add nothing about a
particular metric here: a metric is a definition and a family. Nothing here reads a file or decides what is good.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.metrics import families_amplitudes, families_times
from nh_platform.qc.metrics.chunk import LONGEST_TIME_S, PROBLEMS, ChunkBuffers, ProbeRange, chunks
from nh_platform.qc.metrics.family import Family
from nh_platform.qc.metrics.labels import DERIVED
from nh_platform.qc.metrics.registry import DEFAULT_IDS, definition
from nh_platform.session import Note, SchemaError, Spikes

_FAMILIES = (*families_times.FAMILIES, *families_amplitudes.FAMILIES)
_SPIKE_COUNT = "ibl.spike_count@2022-10"
_UNITS_IN_NOTE = 5
_MOST_THREADS = 8

Problems = list[tuple[int, str]]


def compute_metrics(
    spikes: Spikes, units: pd.DataFrame, ids: Sequence[str] = DEFAULT_IDS, n_threads: int | None = None
) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Compute metrics of every unit of a session.

    Parameters
    ----------
    spikes
        Spikes grouped by unit. Times in s, amplitudes in V, depths in µm, of any real dtype; all arithmetic is
        float64.
    units
        (n_units,) rows in the order of ``spikes.offsets``, with column ``probe`` and, for the notes, ``unit_id``. All
        units of a probe must be there: rates and presence refer to the first and last spike of the probe.
    ids
        Definition ids, see `nh_platform.qc.metrics.METRICS`.
    n_threads
        Number of threads; the result is the same, byte for byte, for every number. None is one per core, at most 8.

    Returns
    -------
    tuple
        Table of ``n_units`` rows with one column per id, in the order of ``ids`` and with the dtype of the definition;
        and notes on input that could not be used. A unit whose amplitudes, depths or times are unusable has NaN in
        the metrics that need them and a note; it never raises.

    Raises
    ------
    ConfigError
        If an id is unknown.
    SchemaError
        If ``units`` has no column ``probe`` or not one row per unit.
    """
    definitions = [definition(metric_id) for metric_id in ids]
    if "probe" not in units or len(units) != spikes.n_units:
        raise SchemaError(
            "units",
            f"{len(units)} rows with columns {', '.join(map(str, units.columns[:5]))}, expected {spikes.n_units} rows "
            "and a column 'probe'",
            "Pass the units table of the same session as the spikes.",
        )
    wanted = set(ids).union(*(DERIVED[metric_id][0] for metric_id in ids if metric_id in DERIVED))
    families = [family for family in _FAMILIES if wanted & set(family.ids)]
    columns = [metric_id for family in families for metric_id in family.ids]
    probes = units["probe"].astype(str).tolist()
    ranges = probe_ranges(spikes, probes)
    values = np.full((spikes.n_units, len(columns)), np.nan)
    problems = _walk(spikes, [ranges[probe] for probe in probes], families, values, n_threads)

    values[~np.isfinite(values)] = np.nan
    by_id = {metric_id: values[:, k] for k, metric_id in enumerate(columns)}
    by_id[_SPIKE_COUNT] = spikes.counts.astype(np.float64)  # known whatever is wrong with the spikes
    for metric_id in ids:
        if metric_id in DERIVED:
            by_id[metric_id] = DERIVED[metric_id][1](by_id)
    table = pd.DataFrame(
        {known.id: np.asarray(by_id[known.id]).astype(known.dtype) for known in definitions},
        index=pd.RangeIndex(spikes.n_units),
    )
    needs = {need for family in families for need in family.needs}
    return table, _notes(problems, spikes, units, probes, needs)


def probe_ranges(spikes: Spikes, probes: Sequence[str]) -> dict[str, ProbeRange]:
    """Return the first and last usable spike time of each probe, over all its units.

    Parameters
    ----------
    spikes
        Spikes grouped by unit.
    probes
        (n_units,) probe of each unit.
    """
    ranges: dict[str, ProbeRange] = {}
    for unit, probe in enumerate(probes):
        known = ranges.setdefault(probe, ProbeRange(np.nan, np.nan))
        times = spikes.of_unit(unit)
        if len(times) == 0:
            continue
        first, last = float(times.min()), float(times.max())
        if not -LONGEST_TIME_S <= first <= last <= LONGEST_TIME_S:
            # Not through abs: that of the smallest int64 is negative.
            usable = times[(times >= -LONGEST_TIME_S) & (times <= LONGEST_TIME_S)]
            if len(usable) == 0:
                continue
            first, last = float(usable.min()), float(usable.max())
        ranges[probe] = ProbeRange(float(np.fmin(known.tmin, first)), float(np.fmax(known.tmax, last)))
    return ranges


def _walk(
    spikes: Spikes,
    ranges: Sequence[ProbeRange],
    families: Sequence[Family],
    values: npt.NDArray[np.float64],
    n_threads: int | None,
) -> Problems:
    """Fill ``values`` chunk by chunk. Chunks are the same for any number of threads, so no byte depends on it."""
    runs = chunks(spikes.offsets)
    threads = min(n_threads or min(os.cpu_count() or 1, _MOST_THREADS), max(len(runs), 1))
    tmin = np.array([found.tmin for found in ranges], np.float64)
    tmax = np.array([found.tmax for found in ranges], np.float64)
    capacity = max((int(spikes.offsets[rows.stop] - spikes.offsets[rows.start]) for rows in runs), default=0)
    free: SimpleQueue[ChunkBuffers] = SimpleQueue()
    for _ in range(threads):
        free.put(ChunkBuffers(capacity))

    def run(rows: range) -> Problems:
        buffers = free.get()
        try:
            # Zeros, negative amplitudes and empty units are answered by the families; numpy need not warn of them.
            with np.errstate(all="ignore"):
                chunk = buffers.load(spikes, rows, tmin, tmax)
                values[rows.start : rows.stop] = np.hstack(
                    [family.of(chunk) for family in families] or [np.empty((len(rows), 0))]
                )
            found = np.column_stack([chunk.problems[problem] for problem in PROBLEMS])
        finally:
            free.put(buffers)  # else the next chunk waits for ever, and the error is never seen
        names = list(PROBLEMS)
        return [(rows.start + unit, names[k]) for unit, k in zip(*np.nonzero(found))]

    if threads == 1:
        return [problem for rows in runs for problem in run(rows)]
    with ThreadPoolExecutor(threads) as pool:
        return [problem for part in pool.map(run, runs) for problem in part]


def _notes(
    problems: Problems, spikes: Spikes, units: pd.DataFrame, probes: Sequence[str], needs: set[str]
) -> tuple[Note, ...]:
    """Return one note per probe and problem, naming the first units."""
    names = units["unit_id"].astype(str).tolist() if "unit_id" in units else [str(row) for row in range(len(units))]
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
                first = ", ".join(names[row] for row in rows[:_UNITS_IN_NOTE])
                more = f" and {len(rows) - _UNITS_IN_NOTE} more" if len(rows) > _UNITS_IN_NOTE else ""
                which = f"{len(rows)} of {with_spikes[probe]} units with spikes ({first}{more})"
            notes.append(Note(f"probe {probe}", f"{which}: {text}"))
    return tuple(notes)
