"""Spikes, clusters and channels of the chosen sorting → `RawRecording`.

Add here what belongs to the sorting itself. Nothing is filtered, and neither metrics nor positions in the brain are
read here: they change without a new sorting and are `metrics` and `positions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, RawRecording, SchemaError, Spikes, UpstreamTrouble
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.sources.ibl.catalogue.datasets import sorter_of_collection
from nh_platform.sources.ibl.catalogue.revisions import one_revision
from nh_platform.sources.ibl.session.grouping import ByUnit, Scalar
from nh_platform.sources.ibl.session.verified_files import OpenFiles

_SORTING_OBJECTS = ("spikes", "clusters")
_MOST_CHANNELS = 1 << 14
"""More than any probe has; a channel beyond, where nothing states how many there are, is a damaged number."""


@dataclass(frozen=True)
class _ProbeSorting:
    """One probe's part of the recording, spikes grouped by cluster."""

    probe: dict[str, object]
    units: pd.DataFrame
    channels: pd.DataFrame
    times: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    amplitudes: npt.NDArray[np.float32]
    depths: npt.NDArray[np.float32]


def read_recording(session: SessionFiles, files: OpenFiles) -> RawRecording:
    """Read the sorting of every probe of a session.

    Parameters
    ----------
    session
        The session's part of the manifest.
    files
        Its files of group ``spikes``.

    Returns
    -------
    RawRecording
        Units are all clusters, empty ones included, ordered by probe and cluster number.

    A probe whose sorting cannot be used (a required dataset is missing, two revisions meet, spikes.times and
    spikes.clusters disagree, a spike's cluster has no row, times are NaN or unsorted) is left out, an optional dataset
    that cannot be used is NaN, each with a note.

    Raises
    ------
    BadUpstreamData
        If no probe is left, or a required file is gone upstream; the text names the file.
    """
    insertion_of = dict(zip(session.insertions["probe"], session.insertions["insertion_id"]))
    of_probes: list[_ProbeSorting] = []
    errors: list[BadUpstreamData] = []
    for probe in sorted(set(files.rows["probe"])):  # an insertion without files is not part of the version
        rows = files.rows[(files.rows["probe"] == probe) & files.rows["name"].str.match(r"spikes\.|clusters\.")]
        if len(rows) == 0:
            files.note(probe, "upstream has no spike sorting of this insertion")
            continue
        try:
            of_probes.append(_read_probe(probe, insertion_of.get(probe), rows, files))
        except UpstreamTrouble:  # what is left would be stored as if it were all that the catalogue lists
            raise
        except BadUpstreamData as error:
            files.note(probe, f"the probe is left out: {error.thing}: {error.found}")
            errors.append(error)
    if errors and not of_probes:
        raise errors[0]
    if not of_probes:
        raise BadUpstreamData(
            f"session {files.session_id}",
            "upstream has no spike sorting of any probe",
            "Leave the session out, or choose another revision or release.",
        )
    counts = np.concatenate([part.counts for part in of_probes])
    try:
        stated = _with_ids_of_one_probe(pd.concat([part.units for part in of_probes], ignore_index=True), files)
        units = RAW_UNITS.conform(stated)
        channels = RAW_CHANNELS.conform(pd.concat([part.channels for part in of_probes], ignore_index=True))
    except SchemaError as error:
        raise BadUpstreamData(f"session {files.session_id}", str(error), "Report it to IBL.") from error
    return RawRecording(
        session=session.session,
        probes=PROBES.conform(pd.DataFrame([part.probe for part in of_probes])),
        units=units,
        channels=channels,
        spikes=Spikes(
            times=_joined([part.times for part in of_probes]),
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            amplitudes=_joined([part.amplitudes for part in of_probes]),
            depths=_joined([part.depths for part in of_probes]),
        ),
        notes=tuple(files.notes),
    )


def _joined(parts: list[npt.NDArray[Scalar]]) -> npt.NDArray[Scalar]:
    """Return the values of all probes one behind the other; those of one probe are not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _read_probe(probe: str, insertion_id: str | None, rows: pd.DataFrame, files: OpenFiles) -> _ProbeSorting:
    collection = str(rows["collection"].iloc[0])
    revision = one_revision(rows, _SORTING_OBJECTS, f"session {files.session_id}, {collection}")
    for name in ("spikes.times.npy", "spikes.clusters.npy", "clusters.channels.npy"):
        files.require(collection, name)
    times = _spike_times(collection, files)
    clusters = files.array(collection, "spikes.clusters.npy", "iu")
    if len(clusters) != len(times):
        raise files.bad(
            files.label(collection, "spikes.clusters.npy"),
            f"{len(clusters)} clusters for {len(times)} spikes.times",
        )
    peak_channel = files.array(collection, "clusters.channels.npy", "iu").astype(np.int64)
    n_units = len(peak_channel)
    if len(clusters) and not (int(clusters.min()) >= 0 and int(clusters.max()) < n_units):
        stray = int(clusters.min()) if int(clusters.min()) < 0 else int(clusters.max())
        raise files.bad(
            files.label(collection, "spikes.clusters.npy"),
            f"cluster {stray} has no row in clusters.channels ({n_units} clusters)",
        )
    grouped = ByUnit(clusters, n_units)
    n_spikes, times = len(times), grouped(times)
    del clusters  # 10 to 100 MB that are not needed any more, as the times in their own order
    units = _units(probe, collection, n_units, peak_channel, files).assign(n_spikes=grouped.counts)
    return _ProbeSorting(
        probe={
            "probe": probe,
            "insertion_id": insertion_id,
            "collection": collection,
            "revision": revision,
            "sorter": sorter_of_collection(collection),
            "sampling_rate": np.nan,  # ALF states it only in the raw data's meta file
        },
        units=units,
        channels=_channels(probe, collection, peak_channel, files),
        times=times,
        counts=grouped.counts,
        amplitudes=grouped(_per_spike(collection, "spikes.amps.npy", n_spikes, files)),
        depths=grouped(_per_spike(collection, "spikes.depths.npy", n_spikes, files)),
    )


def _spike_times(collection: str, files: OpenFiles) -> npt.NDArray[np.float64]:
    name = "spikes.times.npy"
    times = files.array(collection, name, "f")
    if times.dtype != np.float64:
        files.note(files.label(collection, name), f"{times.dtype} upstream, widened to float64")
        times = times.astype(np.float64)
    if not np.isfinite(times).all():
        first = int(np.flatnonzero(~np.isfinite(times))[0])
        raise files.bad(
            files.label(collection, name),
            f"{int((~np.isfinite(times)).sum())} of {len(times)} times are NaN or infinite, the first is spike {first}",
        )
    if (times[1:] < times[:-1]).any():
        first = int(np.flatnonzero(np.diff(times) < 0)[0])
        raise files.bad(
            files.label(collection, name),
            f"times are not sorted: spike {first} at {times[first]:.6f} s, the next at {times[first + 1]:.6f} s",
        )
    return times


def _per_spike(collection: str, name: str, n_spikes: int, files: OpenFiles) -> npt.NDArray[np.float32]:
    """Return an optional dataset of one float per spike; NaN and a note where there is none that can be used."""
    values = _optional(collection, name, n_spikes, "spikes.times", "f", files)
    return values.astype(np.float32, copy=False)


def _optional(
    collection: str, name: str, length: int, what: str, kinds: str, files: OpenFiles
) -> npt.NDArray[np.floating]:
    """Return an optional vector as long as ``what``; NaN and a note where there is none that can be used."""

    def read() -> npt.NDArray[np.floating]:
        values = files.array(collection, name, kinds)
        if len(values) != length:
            raise files.bad(files.label(collection, name), f"{len(values)} values for {length} {what}; NaN")
        return values

    path = f"{collection}/{name}"
    if not files.has(collection, name):
        files.note(path, f"not {'read' if files.lists(collection, name) else 'there'}; NaN")
        return np.full(length, np.nan)
    values = files.optional(path, read)
    if values is None:
        return np.full(length, np.nan)
    if length and values.dtype.kind == "f" and np.isnan(values).all():
        files.note(path, f"every one of {length} values is NaN")
    return values


def _units(probe: str, collection: str, n_units: int, channel: npt.NDArray[np.int64], files: OpenFiles) -> pd.DataFrame:
    units = pd.DataFrame({"probe": probe, "cluster_id": np.arange(n_units, dtype=np.int64), "channel": channel})
    optional = {
        "depth": "clusters.depths.npy",
        "amplitude": "clusters.amps.npy",
        "peak_to_trough": "clusters.peakToTrough.npy",
    }
    for column, name in optional.items():
        values = _optional(collection, name, n_units, "clusters.channels", "fiu", files)
        units[column] = values.astype(np.float64)
    name = "clusters.uuids.csv"
    read = files.optional(name, _unit_ids, collection, name, n_units, files) if files.has(collection, name) else None
    if read is None:
        files.note(f"{collection}/{name}", "no usable ids; units are named <probe>_<cluster>")
    ids: list[str | None] = [None] * n_units if read is None else read
    return units.assign(unit_id=[own or f"{probe}_{cluster}" for cluster, own in enumerate(ids)])


def _with_ids_of_one_probe(units: pd.DataFrame, files: OpenFiles) -> pd.DataFrame:
    """Return units of which those whose id another probe states as well are named by probe and cluster, with a note."""
    shared = units["unit_id"].duplicated(keep=False)
    if shared.any():
        probes = ", ".join(sorted(units.loc[shared, "probe"].unique()))
        found = f"{int(shared.sum())} units of {probes} have the id of another probe's unit"
        files.note("clusters.uuids.csv", f"{found}; they are named <probe>_<cluster>")
    own = units["probe"] + "_" + units["cluster_id"].astype(str)
    return units.assign(unit_id=units["unit_id"].where(~shared, own))


def _unit_ids(collection: str, name: str, n_units: int, files: OpenFiles) -> list[str | None]:
    """Return upstream's id of every cluster; None, and a note, where one is missing or several clusters have it."""
    table = files.table(collection, name)
    path = files.label(collection, name)
    if "uuids" not in table:
        raise files.bad(path, f"no column 'uuids' among {', '.join(map(str, table.columns))}")
    ids = table["uuids"]
    if len(table) != n_units:
        raise files.bad(path, f"{len(table)} ids for {n_units} clusters.channels")
    is_own = ids.notna() & ~ids.duplicated(keep=False)
    if not is_own.all():
        found = (
            f"{int(ids.isna().sum())} of {n_units} ids are missing, {int((ids.notna() & ~is_own).sum())} are doubled"
        )
        files.note(path, f"{found}; those units are named <probe>_<cluster>")
    return [str(own) if usable else None for own, usable in zip(ids, is_own)]


def read_channels(probe: str, files: OpenFiles) -> pd.DataFrame:
    """Return the channels of one probe's sorting (schema `RAW_CHANNELS`) without its spikes; none where it has none."""
    rows = files.rows[(files.rows["probe"] == probe) & files.rows["name"].str.startswith("channels.")]
    if rows.empty:
        files.note(probe, "upstream has no channels of a sorting; unlocated")
        return RAW_CHANNELS.empty()
    no_units = np.zeros(0, dtype=np.int64)
    return RAW_CHANNELS.conform(_channels(probe, str(rows["collection"].iloc[0]), no_units, files))


def _channels(probe: str, collection: str, peak_channel: npt.NDArray[np.int64], files: OpenFiles) -> pd.DataFrame:
    """Return the channels of a probe; as many as its files state, or else as the clusters use."""
    coordinates, raw_index = "channels.localCoordinates.npy", "channels.rawInd.npy"
    local = _of_channels(collection, coordinates, _positions, files)
    raw = _of_channels(collection, raw_index, _numbers, files)
    if local is not None and raw is not None and len(local) != len(raw):
        path = files.label(collection, raw_index)
        files.note(path, f"left out: {len(raw)} channels, localCoordinates has {len(local)}")
        raw = None
    if local is None:
        files.note(f"{collection}/{coordinates}", "none that can be used; channel positions are NaN")
    if raw is None:
        files.note(f"{collection}/{raw_index}", "none that can be used; channels are numbered as in clusters.channels")
    used = min(int(peak_channel.max(initial=-1)) + 1, _MOST_CHANNELS)
    n_channels = next((len(array) for array in (local, raw) if array is not None), used)
    outside = (peak_channel < 0) | (peak_channel >= n_channels)
    if outside.any():
        files.note(
            files.label(collection, "clusters.channels.npy"),
            f"{int(outside.sum())} units have a channel that the probe does not have, channel "
            f"{peak_channel[outside][0]} of {n_channels}; they are without a position",
        )
    return pd.DataFrame(
        {
            "probe": probe,
            "channel": np.arange(n_channels, dtype=np.int64),
            "upstream_id": np.arange(n_channels, dtype=np.int64) if raw is None else raw,
            "lateral_um": np.full(n_channels, np.nan) if local is None else local[:, 0],
            "axial_um": np.full(n_channels, np.nan) if local is None else local[:, 1],
        }
    )


def _of_channels(
    collection: str, name: str, read: Callable[[str, str, OpenFiles], npt.NDArray[Any]], files: OpenFiles
) -> npt.NDArray[Any] | None:
    """Return an optional dataset of one row per channel; None where there is none that can be used."""
    return (
        files.optional(f"{collection}/{name}", read, collection, name, files) if files.has(collection, name) else None
    )


def _positions(collection: str, name: str, files: OpenFiles) -> npt.NDArray[np.float64]:
    """Return the (n_channels, 2) positions, in um; NaN, and a note, for the channels that have none."""
    array = files.array(collection, name, "fiu", columns=2).astype(np.float64)
    placed = np.isfinite(array).all(axis=1)
    if not placed.any():
        raise files.bad(files.label(collection, name), f"none of {len(array)} channels has a position")
    if not placed.all():
        found = f"{int((~placed).sum())} of {len(array)} channels have a position of NaN or infinity"
        files.note(files.label(collection, name), f"{found}; their position is NaN")
    array[~placed] = np.nan
    return array


def _numbers(collection: str, name: str, files: OpenFiles) -> npt.NDArray[np.int64]:
    """Return the (n_channels,) number of each channel in the raw data; its row, and a note, where there is none."""
    array = files.array(collection, name, "fiu")
    numbered = (array >= 0) & (array < _MOST_CHANNELS) & (array == np.floor(array))  # False for NaN
    if not numbered.any():
        raise files.bad(files.label(collection, name), f"none of {len(array)} channels has a number")
    if not numbered.all():
        found = f"{int((~numbered).sum())} of {len(array)} channels have no whole number from 0 on"
        files.note(files.label(collection, name), f"{found}; they have that of clusters.channels")
    return np.where(numbered, array, np.arange(len(array))).astype(np.int64)
