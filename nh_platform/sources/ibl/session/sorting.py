"""Spikes, clusters and channels of the chosen sorting → `RawRecording`.

Add here what belongs to the sorting itself. Nothing is filtered, and neither metrics nor positions in the brain are
read here: they change without a new sorting and are `metrics` and `positions`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, RawRecording, SchemaError, Spikes
from nh_platform.session.recording import smallest_uint
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.sources.ibl.catalogue.datasets import sorter_of_collection
from nh_platform.sources.ibl.catalogue.revisions import one_revision
from nh_platform.sources.ibl.session.verified_files import OpenFiles

_SORTING_OBJECTS = ("spikes", "clusters")


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

    Raises
    ------
    BadUpstreamData
        If a required dataset is missing, two revisions meet, lengths disagree, a spike's cluster has no row, or times
        are NaN or unsorted; the text names the file.
    """
    insertion_of = dict(zip(session.insertions["probe"], session.insertions["insertion_id"]))
    of_probes = []
    for probe in sorted(set(insertion_of) | set(files.rows["probe"])):
        rows = files.rows[(files.rows["probe"] == probe) & files.rows["name"].str.match(r"spikes\.|clusters\.")]
        if len(rows) == 0:
            files.note(probe, "upstream has no spike sorting of this insertion")
            continue
        of_probes.append(_read_probe(probe, insertion_of.get(probe), rows, files))
    if not of_probes:
        raise BadUpstreamData(
            f"session {files.session_id}",
            "upstream has no spike sorting of any probe",
            "Leave the session out, or choose another revision or release.",
        )
    counts = np.concatenate([part.counts for part in of_probes])
    try:
        units = RAW_UNITS.conform(pd.concat([part.units for part in of_probes], ignore_index=True))
        channels = RAW_CHANNELS.conform(pd.concat([part.channels for part in of_probes], ignore_index=True))
    except SchemaError as error:
        raise BadUpstreamData(f"session {files.session_id}", str(error), "Report it to IBL.") from error
    return RawRecording(
        session=session.session,
        probes=PROBES.conform(pd.DataFrame([part.probe for part in of_probes])),
        units=units,
        channels=channels,
        spikes=Spikes(
            times=np.concatenate([part.times for part in of_probes]),
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            amplitudes=np.concatenate([part.amplitudes for part in of_probes]),
            depths=np.concatenate([part.depths for part in of_probes]),
        ),
        notes=tuple(files.notes),
    )


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
    # Stable, so that times stay sorted within a cluster; numpy sorts 8- and 16-bit integers by radix, in O(n).
    small = clusters.astype(smallest_uint(max(n_units - 1, 0)))
    order = np.argsort(small, kind="stable")
    counts = np.bincount(small, minlength=n_units).astype(np.int64)
    units = _units(probe, collection, n_units, peak_channel, files).assign(n_spikes=counts)
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
        times=times[order],
        counts=counts,
        amplitudes=_per_spike(collection, "spikes.amps.npy", len(times), files)[order],
        depths=_per_spike(collection, "spikes.depths.npy", len(times), files)[order],
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
    if (np.diff(times) < 0).any():
        first = int(np.flatnonzero(np.diff(times) < 0)[0])
        raise files.bad(
            files.label(collection, name),
            f"times are not sorted: spike {first} at {times[first]:.6f} s, the next at {times[first + 1]:.6f} s",
        )
    return times


def _per_spike(collection: str, name: str, n_spikes: int, files: OpenFiles) -> npt.NDArray[np.float32]:
    """Return an optional dataset of one float per spike; NaN and a note where upstream has none."""
    if not files.has(collection, name):
        files.note(f"{collection}/{name}", "not there; NaN")
        return np.full(n_spikes, np.nan, dtype=np.float32)
    values = files.array(collection, name, "f")
    if len(values) != n_spikes:
        raise files.bad(files.label(collection, name), f"{len(values)} values for {n_spikes} spikes.times")
    return values.astype(np.float32)


def _units(probe: str, collection: str, n_units: int, channel: npt.NDArray[np.int64], files: OpenFiles) -> pd.DataFrame:
    units = pd.DataFrame({"probe": probe, "cluster_id": np.arange(n_units, dtype=np.int64), "channel": channel})
    optional = {
        "depth": "clusters.depths.npy",
        "amplitude": "clusters.amps.npy",
        "peak_to_trough": "clusters.peakToTrough.npy",
    }
    for column, name in optional.items():
        if not files.has(collection, name):
            files.note(f"{collection}/{name}", "not there; NaN")
            units[column] = np.full(n_units, np.nan)
            continue
        values = files.array(collection, name, "fiu")
        if len(values) != n_units:
            raise files.bad(files.label(collection, name), f"{len(values)} values for {n_units} clusters.channels")
        units[column] = values.astype(np.float64)
    units["unit_id"] = _unit_ids(probe, collection, n_units, files)
    return units


def _unit_ids(probe: str, collection: str, n_units: int, files: OpenFiles) -> list[str]:
    name = "clusters.uuids.csv"
    if not files.has(collection, name):
        files.note(f"{collection}/{name}", "not there; units are named <probe>_<cluster>")
        return [f"{probe}_{cluster}" for cluster in range(n_units)]
    table = files.table(collection, name)
    path = files.label(collection, name)
    if "uuids" not in table:
        raise files.bad(path, f"no column 'uuids' among {', '.join(map(str, table.columns))}")
    if len(table) != n_units or table["uuids"].isna().any() or table["uuids"].duplicated().any():
        raise files.bad(path, f"{table['uuids'].nunique()} different ids for {n_units} clusters.channels")
    return table["uuids"].astype(str).tolist()


def _channels(probe: str, collection: str, peak_channel: npt.NDArray[np.int64], files: OpenFiles) -> pd.DataFrame:
    coordinates, raw_index = "channels.localCoordinates.npy", "channels.rawInd.npy"
    local = files.array(collection, coordinates, "fiu", columns=2) if files.has(collection, coordinates) else None
    raw = files.array(collection, raw_index, "fiu") if files.has(collection, raw_index) else None
    if local is not None and raw is not None and len(local) != len(raw):
        raise files.bad(files.label(collection, raw_index), f"{len(raw)} channels, localCoordinates has {len(local)}")
    stated = next((len(array) for array in (local, raw) if array is not None), None)
    needed = int(peak_channel.max()) + 1 if len(peak_channel) else 0
    if stated is not None and needed > stated:
        raise files.bad(
            files.label(collection, "clusters.channels.npy"),
            f"channel {needed - 1}, but the probe has {stated} channels",
        )
    if local is None:
        files.note(f"{collection}/{coordinates}", "not there; channel positions are NaN")
    if raw is None:
        files.note(f"{collection}/{raw_index}", "not there; channels are numbered as in clusters.channels")
    n_channels = needed if stated is None else stated
    return pd.DataFrame(
        {
            "probe": probe,
            "channel": np.arange(n_channels, dtype=np.int64),
            "upstream_id": np.arange(n_channels, dtype=np.int64) if raw is None else raw.astype(np.int64),
            "lateral_um": np.full(n_channels, np.nan) if local is None else local[:, 0].astype(np.float64),
            "axial_um": np.full(n_channels, np.nan) if local is None else local[:, 1].astype(np.float64),
        }
    )
