"""Mean waveforms of the clusters of an IBL session, in volts on the channels around each peak.

Read from ``waveforms.templates`` (medians over the waveforms of a cluster, in sorts of 2024 and later), else from
``clusters.waveforms``, or from ``templates.waveforms`` of a sort whose templates are its clusters. Add here what else a
sort says about the shape of a spike. The single waveforms (``waveforms.traces``, gigabytes) are not read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms
from nh_platform.sources.ibl.session.verified_files import OpenFiles

SAMPLING_RATE_HZ = 30000.0
"""Of Neuropixels 1.0 and 2.0; the waveforms' files state none."""


N_CHANNELS = 384
"""Channels that a Neuropixels 1.0 or 2.0 probe records at a time; a larger number is of no channel."""

_EXTRACTED = ("waveforms.templates.npy", "waveforms.table.pqt", "waveforms.channels.npz")


@dataclass(frozen=True)
class _OfProbe:
    """Waveforms (n_clusters, n_samples, n_channels) in V and their channels (n_clusters, n_channels) of one probe."""

    values: npt.NDArray[np.floating]
    channels: npt.NDArray[np.integer]


def read_session_waveforms(units: pd.DataFrame, files: OpenFiles) -> MeanWaveforms:
    """Read the mean waveforms of all units, NaN where upstream has none.

    Parameters
    ----------
    units
        (n_units, …) schema `RAW_UNITS`.
    files
        The session's files of group ``waveforms``.

    Returns
    -------
    MeanWaveforms
        In the order of ``units``. A probe whose files cannot be used is NaN, and a note names the file.
    """
    by_probe = {probe: _of_probe(str(probe), files) for probe in dict.fromkeys(units["probe"])}
    found = [one for one in by_probe.values() if one is not None]
    n_samples = max((one.values.shape[1] for one in found), default=0)
    n_channels = max((one.values.shape[2] for one in found), default=0)
    values = np.full((len(units), n_channels, n_samples), np.nan, dtype=np.float32)
    channels = np.full((len(units), n_channels), BEYOND_PROBE, dtype=np.int64)
    for probe, one in by_probe.items():
        if one is None:
            continue
        rows = np.flatnonzero(units["probe"] == probe)
        clusters = units["cluster_id"].to_numpy()[rows]
        has = clusters < len(one.values)
        if not has.all():
            text = f"waveforms of {len(one.values)} clusters; NaN for {int((~has).sum())} units of later ones"
            files.note(f"{probe} waveforms", text)
        rows, clusters = rows[has], clusters[has]
        width, length = one.values.shape[2], one.values.shape[1]
        values[rows, :width, :length] = one.values[clusters].transpose(0, 2, 1)
        channels[rows, :width] = one.channels[clusters]
    nowhere = (channels < 0) | (channels >= N_CHANNELS)
    values[nowhere], channels[nowhere] = np.nan, BEYOND_PROBE
    return MeanWaveforms(
        unit_ids=tuple(units["unit_id"]),
        values=values,
        channels=channels,
        peaks=units["channel"].to_numpy(dtype=np.int64),
        sampling_rates=np.full(len(units), SAMPLING_RATE_HZ),
        notes=tuple(files.notes),
    )


def _of_probe(probe: str, files: OpenFiles) -> _OfProbe | None:
    what = f"{probe} waveforms"
    collections = sorted(files.rows.loc[files.rows["probe"] == probe, "collection"].unique())
    for collection in collections:
        if all(files.has(collection, name) for name in _EXTRACTED):
            extracted = files.optional(what, _read_extracted, collection, files)
            if extracted is not None:
                files.note(what, f"{collection}: medians of the waveforms of each cluster, of {_EXTRACTED[0]}")
                return extracted
    for source in ("clusters", "templates"):
        names = (f"{source}.waveforms.npy", f"{source}.waveformsChannels.npy")
        for collection in collections:
            if all(files.has(collection, name) for name in names):
                read = files.optional(what, _read, collection, *names, files)
                if read is not None:
                    if source == "templates":
                        files.note(what, f"{collection}: templates of the sorter; clusters.waveforms is not there")
                    return read
    files.note_lacking(what, collections, "clusters.waveforms.npy", "clusters.waveformsChannels.npy")
    return None


def _read(collection: str, waveforms: str, channels: str, files: OpenFiles) -> _OfProbe:
    values = files.array(collection, waveforms, "f", shape=(None, None))
    on = files.array(collection, channels, "iuf", shape=(values.shape[2],))
    if len(on) != len(values):
        raise files.bad(files.label(collection, channels), f"{len(on)} rows for {len(values)} in {waveforms}")
    # Some sorts write channels as floats, and NaN or a number beyond the probe where there is no further channel.
    return _OfProbe(values, np.where(np.isfinite(on), on, BEYOND_PROBE).astype(np.int64))


def _read_extracted(collection: str, files: OpenFiles) -> _OfProbe:
    """Read the medians of the waveforms that ibl-neuropixel extracts: row i is of the i-th cluster of the table.

    Each row of the table is one waveform, and the same row of the channels says on which channels it lies. A channel of
    which the median is NaN is beyond the end of the probe.
    """
    templates, table, channels = _EXTRACTED
    values = files.array(collection, templates, "f", shape=(None, None))
    waveforms = files.table(collection, table)
    if "cluster" not in waveforms:
        raise files.bad(files.label(collection, table), "columns missing: cluster")
    on = files.packed(collection, channels, "channels")
    clusters, first = np.unique(waveforms["cluster"].to_numpy(), return_index=True)
    if len(clusters) != len(values):
        found = f"{len(clusters)} clusters for {len(values)} in {templates}"
        raise files.bad(files.label(collection, table), found)
    if on.shape != (len(waveforms), values.shape[1]):
        found = f"shape {on.shape}, expected {(len(waveforms), values.shape[1])} by {table} and {templates}"
        raise files.bad(files.label(collection, channels), found)
    n_clusters = int(clusters[-1]) + 1 if len(clusters) else 0
    every = np.full((n_clusters, values.shape[2], values.shape[1]), np.nan, dtype=np.float32)
    every[clusters] = values.transpose(0, 2, 1)
    places = np.full((n_clusters, values.shape[1]), BEYOND_PROBE, dtype=np.int64)
    places[clusters] = np.where(np.isnan(values).all(axis=2), BEYOND_PROBE, on[first].astype(np.int64))
    return _OfProbe(every, places)
