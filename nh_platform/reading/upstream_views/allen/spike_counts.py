"""Spikes around stimulus presentations in the shapes of AllenSDK's `EcephysSession`: counts, times, statistics.

Contains these three. Add here another summary of AllenSDK's over presentations. Intervals are half-open throughout: a
spike on an edge belongs to what begins there, and to nothing else. AllenSDK counts one on an inner edge twice, and
gives one at the start of a presentation to what was before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError

if TYPE_CHECKING:
    import xarray as xr

FloatArray = npt.NDArray[np.float64]
SpikeTimes = Mapping[int, FloatArray]


def presentation_counts(
    bin_edges: npt.ArrayLike,
    onsets: pd.Series,
    spike_times: SpikeTimes,
    unit_ids: npt.NDArray[np.int64],
    binarize: bool,
    dtype: npt.DTypeLike | None,
    time_domain_callback: Callable[[FloatArray], FloatArray] | None,
) -> xr.DataArray:
    """Count the spikes of units in bins around presentations.

    Parameters
    ----------
    bin_edges
        (n_bins + 1,) seconds from the onset, ascending.
    onsets
        Onset in s by presentation id.
    spike_times
        Ascending times in s by unit id.
    unit_ids
        Units, in the order of the result.
    binarize
        Count at most 1.
    dtype
        Of the counts; uint16, or uint8 where ``binarize``, where None.
    time_domain_callback
        Applied to the (n_presentations, n_bins + 1) edges in s before counting.

    Returns
    -------
    xarray.DataArray
        (stimulus_presentation_id, time_relative_to_stimulus_onset, unit_id), times being the centres of bins.

    Raises
    ------
    ConfigError
        If edges descend.
    """
    import xarray as xr

    edges = np.asarray(bin_edges, dtype=np.float64)
    domain = onsets.to_numpy(dtype=np.float64)[:, None] + edges[None, :]
    if time_domain_callback is not None:
        domain = np.asarray(time_domain_callback(domain), dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 2 or (np.diff(domain, axis=1) < 0).any():
        raise ConfigError("bin_edges", "they are fewer than two, or descend", "Give ascending edges in seconds.")
    kind = np.dtype(dtype if dtype is not None else np.uint8 if binarize else np.uint16)
    counts = np.zeros((len(domain), domain.shape[1] - 1, len(unit_ids)), dtype=kind)
    for column, unit in enumerate(unit_ids.tolist()):
        found = np.diff(np.searchsorted(spike_times[unit], domain), axis=1)
        counts[:, :, column] = found > 0 if binarize else found
    return xr.DataArray(
        counts,
        name="spike_counts",
        coords={
            "stimulus_presentation_id": onsets.index.to_numpy(),
            "time_relative_to_stimulus_onset": edges[:-1] + np.diff(edges) / 2,
            "unit_id": unit_ids,
        },
        dims=["stimulus_presentation_id", "time_relative_to_stimulus_onset", "unit_id"],
    )


def presentation_spikes(
    presentations: pd.DataFrame, spike_times: SpikeTimes, unit_ids: npt.NDArray[np.int64]
) -> pd.DataFrame:
    """Return every spike during presentations.

    Parameters
    ----------
    presentations
        ``start_time`` and ``stop_time`` in s, by presentation id.
    spike_times, unit_ids
        As of `presentation_counts`.

    Returns
    -------
    pandas.DataFrame
        Index ``spike_time`` in s, ascending; ``stimulus_presentation_id`` and ``unit_id`` int64,
        ``time_since_stimulus_presentation_onset`` in s. Empty with the same columns where no unit fires.
    """
    starts, stops = (presentations[name].to_numpy(dtype=np.float64) for name in ("start_time", "stop_time"))
    rows, units, times = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for unit in unit_ids.tolist():
        first, behind = np.searchsorted(spike_times[unit], starts), np.searchsorted(spike_times[unit], stops)
        n_spikes = np.maximum(behind - first, 0)
        before = np.cumsum(n_spikes) - n_spikes
        take = np.arange(n_spikes.sum()) + np.repeat(first - before, n_spikes)
        rows.append(np.repeat(np.arange(len(starts)), n_spikes))
        units.append(np.full(len(take), unit, dtype=np.int64))
        times.append(spike_times[unit][take])
    row, time = np.concatenate(rows), np.concatenate(times)
    order = np.argsort(time, kind="stable")
    return pd.DataFrame(
        {
            "stimulus_presentation_id": presentations.index.to_numpy(np.int64)[row[order]],
            "unit_id": np.concatenate(units)[order],
            "time_since_stimulus_presentation_onset": time[order] - starts[row[order]],
        },
        index=pd.Index(time[order], name="spike_time"),
    )


def condition_statistics(
    presentations: pd.DataFrame, spikes: pd.DataFrame, unit_ids: npt.NDArray[np.int64], use_rates: bool
) -> pd.DataFrame:
    """Return mean, deviation and standard error of spikes per presentation, by unit and stimulus condition.

    Parameters
    ----------
    presentations
        ``stimulus_condition_id`` and ``duration`` (s), by presentation id.
    spikes
        As `presentation_spikes` returns them.
    unit_ids
        Units of the result; those that fired in none have 0.
    use_rates
        Of spikes per second instead of counts.

    Returns
    -------
    pandas.DataFrame
        Index (``unit_id``, ``stimulus_condition_id``), by condition, then unit; ``spike_count`` (not of rates),
        ``stimulus_presentation_count``, ``spike_mean``, ``spike_std``, ``spike_sem`` with n - 1.
    """
    pairs = pd.MultiIndex.from_product([presentations.index, unit_ids], names=["stimulus_presentation_id", "unit_id"])
    counts = spikes.groupby(["stimulus_presentation_id", "unit_id"]).size().reindex(pairs, fill_value=0)
    of_pair = presentations.loc[counts.index.get_level_values(0)]
    values = counts.to_numpy()
    table = pd.DataFrame(
        {
            "stimulus_condition_id": of_pair["stimulus_condition_id"].to_numpy(),
            "unit_id": counts.index.get_level_values(1),
            "spikes": values / of_pair["duration"].to_numpy(dtype=np.float64) if use_rates else values,
        }
    )
    groups = table.groupby(["stimulus_condition_id", "unit_id"])["spikes"]
    found = pd.DataFrame(
        {
            "spike_count": groups.sum(),
            "stimulus_presentation_count": groups.size(),
            "spike_mean": groups.mean(),
            "spike_std": groups.std(),
            "spike_sem": groups.sem(),
        }
    )
    found = found.drop(columns="spike_count") if use_rates else found
    return found.reset_index().set_index(["unit_id", "stimulus_condition_id"])
