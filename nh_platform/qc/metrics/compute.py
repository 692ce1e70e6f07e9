"""Any choice of metrics for every unit of a session, in one pass over its spikes.

Contains `compute_metrics`. Add nothing about a particular metric here: a metric is a definition in a `MetricGroup`; the
loop over blocks of units is `block_loop`. Nothing here reads a file or decides what is good.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nh_platform.qc.metrics import amplitude_metrics, time_metrics
from nh_platform.qc.metrics.block_loop import for_each_block, probes_of, problem_notes
from nh_platform.qc.metrics.definitions.ibl_labels import DERIVED
from nh_platform.qc.metrics.definitions.lookup import DEFAULT_IDS, definition, installed_metrics
from nh_platform.qc.metrics.metric_group import MetricGroup
from nh_platform.qc.metrics.spikeinterface import amplitudes, depths, times
from nh_platform.qc.metrics.unit_blocks import LONGEST_TIME_S, ProbeRange, UnitBlock
from nh_platform.session import Note, Spikes

_SPIKE_COUNT = "ibl.spike_count@2022-10"

GROUPS: tuple[MetricGroup, ...] = (
    *time_metrics.GROUPS,
    *amplitude_metrics.GROUPS,
    *times.GROUPS,
    *amplitudes.GROUPS,
    *depths.GROUPS,
)
"""What computes the platform's own metrics."""


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
        Definition ids, see `nh_platform.qc.metrics.known_metrics`.
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
        If an id is unknown, or the code of an installed package raises; the text names metric and package.
    SchemaError
        If ``units`` has no column ``probe`` or not one row per unit.
    """
    definitions = [definition(metric_id) for metric_id in ids]
    probes = probes_of(units, spikes)
    wanted = set(ids).union(*(DERIVED[metric_id][0] for metric_id in ids if metric_id in DERIVED))
    known_groups = (*GROUPS, *installed_metrics().found.values())
    packages = installed_metrics().packages
    groups = [group for group in known_groups if wanted & set(group.ids)]
    columns = [metric_id for group in groups for metric_id in group.ids]
    ranges = probe_ranges(spikes, probes)
    tmin = np.array([ranges[probe].tmin for probe in probes], np.float64)
    tmax = np.array([ranges[probe].tmax for probe in probes], np.float64)
    values = np.full((spikes.n_units, len(columns)), np.nan)

    def work(block: UnitBlock, rows: slice) -> None:
        values[rows] = np.hstack(
            [group.of(block, packages.get(group.name)) for group in groups] or [np.empty((len(block.tmin), 0))]
        )

    problems = for_each_block(spikes, tmin, tmax, n_threads, work)

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
    needs = {need for group in groups for need in group.needs}
    return table, problem_notes(problems, spikes, units, probes, needs)


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
