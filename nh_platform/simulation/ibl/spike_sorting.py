"""One spike sort of a simulated probe, as a release holds it: spikes in time order, clusters, metrics.

Contains how a sort follows from the simulated spikes. Add here what a sorter states. Files are written in
`nh_platform.simulation.ibl.alf_tree`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.simulation.ibl.ibl_session import IblProbe, IblSession
from nh_platform.simulation.insertions import peak_channels
from nh_platform.simulation.released_metrics import ibl_metrics
from nh_platform.simulation.seeding import generator, uuid4
from nh_platform.simulation.spike_trains import SimulatedSpikes
from nh_platform.simulation.truth_table import truth_table

RESORT_REVISION = "2024-05-06"
"""Revision of the re-sort of the Brain-wide Map; it finds every simulated spike, so the ground truth is its truth."""

WAVEFORM_SAMPLES, WAVEFORM_CHANNELS, N_CHANNELS = 82, 32, 384
"""Samples and channels of a released waveform, and the channels of a probe."""

NEW_COLUMNS = [
    "slidingRP_viol_forced", "max_confidence", "min_contamination", "n_spikes_below2", "bitwise_fail",
]  # fmt: skip
"""Columns of ``clusters.metrics.pqt`` that came with the re-sort (an insertion of 2021 lacked them)."""


@dataclass(frozen=True)
class Sorting:
    """One sort of one probe.

    Parameters
    ----------
    arrays
        By the names of their files. ``spikes.*`` are (n_spikes,) in time order: seconds, raw sample index, cluster,
        volts, µm. ``clusters.*`` are (n_clusters,): peak channel, µm, V, ms signed; NaN for a cluster without spikes.
    uuids
        Ids of the clusters, new in each sort.
    metrics
        ``clusters.metrics`` as released.
    """

    arrays: dict[str, npt.NDArray[np.generic]]
    uuids: list[str]
    metrics: pd.DataFrame


def sort_probe(session: IblSession, probe: IblProbe, revision: str) -> Sorting:
    """Return the sort that upstream released as ``revision``; empty for the first one.

    The first sort lacks 6 % of the spikes and the last 30 % of the clusters; `RESORT_REVISION` has all; any later one
    lacks 2 % of the spikes.
    """
    spikes = found_spikes(session, probe, revision)
    n_clusters = len(spikes.offsets) - 1
    times = spikes.samples / probe.sampling_rate_hz
    amplitudes, depths = spikes.amplitudes.astype(np.float64), spikes.depths.astype(np.float64)
    metrics = ibl_metrics(times, spikes.offsets, amplitudes, depths)
    if revision == "":
        metrics = metrics.drop(columns=NEW_COLUMNS).assign(
            ks2_label=np.where(metrics["contamination"] < 0.1, "good", "mua")
        )
    clusters = np.repeat(np.arange(n_clusters, dtype=np.uint16), spikes.counts)
    with np.errstate(invalid="ignore"):
        cluster_depths = np.bincount(clusters, depths, minlength=n_clusters) / spikes.counts
        cluster_amplitudes = np.bincount(clusters, amplitudes, minlength=n_clusters) / spikes.counts
    shape = generator(session.seed, "ibl", session.index, probe.name, "waveforms").random(len(probe.truths))
    peak_to_trough = np.where(shape < 0.1, -0.25, 0.15 + 0.6 * shape)[:n_clusters]
    order = np.argsort(spikes.samples, kind="stable")
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "spikes.times": times[order],
        "spikes.samples": spikes.samples[order].astype(np.uint64),
        "spikes.clusters": clusters[order],
        "spikes.templates": clusters[order],
        "spikes.amps": spikes.amplitudes[order],
        "spikes.depths": spikes.depths[order],
        "clusters.channels": peak_channels([truth.depth_um for truth in probe.truths[:n_clusters]]),
        "clusters.depths": cluster_depths,
        "clusters.amps": cluster_amplitudes,
        "clusters.peakToTrough": np.where(spikes.counts == 0, np.nan, peak_to_trough),
        **cluster_waveforms(probe, cluster_amplitudes),
    }
    return Sorting(arrays, cluster_uuids(session, probe, revision)[:n_clusters], metrics)


def cluster_waveforms(probe: IblProbe, amplitudes: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.generic]]:
    """Return ``clusters.waveforms`` (n, 82, 32) in V and their channels (n, 32); zeros for a cluster without spikes.

    A trough of the cluster's amplitude at the peak channel, which halves every 60 µm along the probe.
    """
    n_clusters = len(amplitudes)
    peaks = peak_channels([truth.depth_um for truth in probe.truths[:n_clusters]]).astype(np.int64)
    first = np.clip(peaks - WAVEFORM_CHANNELS // 2, 0, N_CHANNELS - WAVEFORM_CHANNELS)
    channels = first[:, None] + np.arange(WAVEFORM_CHANNELS)
    shape = -np.exp(-0.5 * ((np.arange(WAVEFORM_SAMPLES) - 40) / 4.0) ** 2)
    distance_um = 10.0 * np.abs(channels - peaks[:, None])
    scale = np.nan_to_num(amplitudes)[:, None] * 0.5 ** (distance_um / 60.0)
    values = shape[None, :, None] * scale[:, None, :]
    return {
        "clusters.waveforms": values.astype(np.float32),
        "clusters.waveformsChannels": channels.astype(np.int32),
    }


def cluster_uuids(session: IblSession, probe: IblProbe, revision: str) -> list[str]:
    """Return the id of every cluster in the sort ``revision``."""
    return [
        uuid4(session.seed, "ibl", session.index, probe.name, "cluster", revision, unit)
        for unit in range(len(probe.truths))
    ]


def found_spikes(session: IblSession, probe: IblProbe, revision: str) -> SimulatedSpikes:
    """Return the spikes that the sort ``revision`` finds, grouped by cluster."""
    if revision == RESORT_REVISION:
        return probe.spikes
    spikes = probe.spikes
    n_clusters = int(np.ceil(0.7 * len(probe.truths))) if revision == "" else len(probe.truths)
    stop = int(spikes.offsets[n_clusters])
    rng = generator(session.seed, "ibl", session.index, probe.name, "sort", revision)
    keep = rng.random(stop) >= (0.06 if revision == "" else 0.02)
    found = np.concatenate([[0], np.cumsum(keep)])
    return SimulatedSpikes(
        samples=spikes.samples[:stop][keep],
        offsets=found[spikes.offsets[: n_clusters + 1]],
        amplitudes=spikes.amplitudes[:stop][keep],
        depths=spikes.depths[:stop][keep],
        contaminating=spikes.contaminating[:stop][keep],
        n_missing=spikes.n_missing[:n_clusters],
    )


def sorting_truth(session: IblSession, probe: IblProbe, revision: str) -> pd.DataFrame:
    """Return the truth of the units of one probe, with ids and counts of the sort ``revision``."""
    spikes = found_spikes(session, probe, revision)
    n_clusters = len(spikes.counts)
    return truth_table(
        probe.truths[:n_clusters],
        spikes,
        probe.located_track,
        session_id=session.eid,
        probe=probe.name,
        unit_ids=cluster_uuids(session, probe, revision)[:n_clusters],
        duration_s=session.size.ibl_duration_s,
    )
