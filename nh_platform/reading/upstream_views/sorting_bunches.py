"""Spikes, clusters and channels of one probe under the keys of ALF, as ONE loads them.

Contains these three bunches and what extra keys there are. Add here another key of ALF when the store has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from nh_platform.reading.session_view import SessionView
from nh_platform.reading.upstream_views.bunch import Bunch
from nh_platform.session import ConfigError

EXTRA_DATASETS = {"clusters.amps": "amplitude", "clusters.peakToTrough": "peak_to_trough"}
"""What ``dataset_types=`` may ask for beside the defaults, by the column of `SessionView.units` that holds it."""

RELEASED = "released."

LOCATED = "alf"
"""Value of ``histology`` where the final channel locations are known, in the store and at brainbox."""


def spikes_bunch(session: SessionView, probe: str, good: npt.NDArray[np.bool_] | None = None) -> Bunch:
    """Return the spikes of a probe in the order of time; of one time, in the order of clusters.

    Parameters
    ----------
    session, probe
        The session, and the name of its probe.
    good
        (n_clusters,) whose spikes; all where None.
    """
    rows = np.flatnonzero((session.units["probe"] == probe).to_numpy())  # first: units of a gated session are refused
    spikes = session.spikes.take(rows)
    if good is not None:
        spikes = spikes.where(np.repeat(good, spikes.counts))
    order = np.argsort(spikes.times, kind="stable")
    row_type = np.uint16 if spikes.n_units <= 65_536 else np.uint32
    return Bunch(
        amps=spikes.amplitudes[order],
        clusters=spikes.clusters[order].astype(row_type),
        depths=spikes.depths[order],
        times=spikes.times[order],
    )


def clusters_bunch(session: SessionView, probe: str, extra: Mapping[str, str]) -> Bunch:
    """Return the clusters of a probe with their released metrics; ``extra`` are further keys with their columns."""
    units = session.units
    units = units[units["probe"] == probe].reset_index(drop=True)
    released = [name for name in units if name.startswith(RELEASED)]
    metrics = units[["cluster_id", *released]].rename(columns=lambda name: name.removeprefix(RELEASED))
    return Bunch(
        **{key: units[column].to_numpy(np.float64) for key, column in extra.items()},
        channels=units["channel"].to_numpy(np.int64),
        depths=units["depth"].to_numpy(np.float64),
        metrics=metrics,
        uuids=units["unit_id"].rename("uuids"),
    )


def channels_bunch(session: SessionView, probe: str) -> Bunch:
    """Return the channels of a probe; keys as of `SpikeSortingLoader.load_channels`."""
    table = session.channels
    table = table[table["probe"] == probe]
    raw_index = table["upstream_id"].to_numpy(dtype=np.int64)
    if "histology" not in table or not (table["histology"] == LOCATED).any():
        return Bunch(localCoordinates=table[["lateral_um", "axial_um"]].to_numpy(np.float64), rawInd=raw_index)
    return Bunch(
        **{axis: table[f"{axis}_m"].to_numpy(np.float64) for axis in "xyz"},
        acronym=table["acronym"].to_numpy(dtype=object),
        atlas_id=table["atlas_id"].to_numpy(np.int64),
        axial_um=table["axial_um"].to_numpy(np.float64),
        lateral_um=table["lateral_um"].to_numpy(np.float64),
        rawInd=raw_index,
    )


def extra_columns(dataset_types: Iterable[str] | None) -> dict[str, str]:
    """Return the columns of `SessionView.units` that are asked for, by the key that they get."""
    known = {"spikes.times", "spikes.clusters", "spikes.amps", "spikes.depths", "clusters.channels", "clusters.depths"}
    asked = [name for name in dataset_types or () if name not in known | {"clusters.metrics", "clusters.uuids"}]
    lacking = [name for name in asked if name not in EXTRA_DATASETS]
    if lacking:
        raise ConfigError(
            f"dataset_types {', '.join(lacking)}",
            f"they are not stored; beside the defaults there are {', '.join(EXTRA_DATASETS)}",
            "Leave them out, or load the file with ONE: `nh fetch ibl EID` fetches what is read.",
        )
    return {name.removeprefix("clusters."): EXTRA_DATASETS[name] for name in asked}


def at_channels(values: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return the values at each cluster's channel; NaN, None or 0 where its channel is not known (row -1)."""
    found = values[rows]
    if (rows < 0).any():
        found[rows < 0] = None if found.dtype == object else np.nan if found.dtype.kind == "f" else 0
    return found
