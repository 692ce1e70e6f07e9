"""One spike sort of a simulated probe, as a release holds it: spikes in time order, clusters, metrics.

Contains how a sort follows from the simulated spikes. Add here what a sorter states. Files are written in
`simulation.alf`.
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

OLD_COLUMNS = (
    "cluster_id", "amp_max", "amp_min", "amp_median", "amp_std_dB", "contamination", "contamination_alt", "drift",
    "missed_spikes_est", "noise_cutoff", "presence_ratio", "presence_ratio_std", "slidingRP_viol", "spike_count",
    "firing_rate", "label",
)  # fmt: skip
"""Columns of ``clusters.metrics.pqt`` before the re-sort (seen on a real insertion of 2021)."""


@dataclass(frozen=True)
class Sorting:
    """One sort of one probe.

    Parameters
    ----------
    times, samples, clusters, amplitudes, depths
        (n_spikes,) in time order: seconds, raw sample index, cluster, volts, µm.
    channels
        (n_clusters,) int64, peak channel.
    cluster_depths, cluster_amplitudes, peak_to_trough
        (n_clusters,) float64: µm, V, ms signed; NaN for a cluster without spikes.
    uuids
        Ids of the clusters, new in each sort.
    metrics
        ``clusters.metrics`` as released.
    """

    times: npt.NDArray[np.float64]
    samples: npt.NDArray[np.uint64]
    clusters: npt.NDArray[np.uint16]
    amplitudes: npt.NDArray[np.float32]
    depths: npt.NDArray[np.float32]
    channels: npt.NDArray[np.int64]
    cluster_depths: npt.NDArray[np.float64]
    cluster_amplitudes: npt.NDArray[np.float64]
    peak_to_trough: npt.NDArray[np.float64]
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
        metrics = metrics[list(OLD_COLUMNS)]
        metrics = metrics.assign(ks2_label=np.where(metrics["contamination"] < 0.1, "good", "mua"))
    counts = spikes.counts
    empty = counts == 0
    clusters = np.repeat(np.arange(n_clusters, dtype=np.uint16), counts)
    with np.errstate(invalid="ignore"):
        cluster_depths = np.bincount(clusters, depths, minlength=n_clusters) / counts
        cluster_amplitudes = np.bincount(clusters, amplitudes, minlength=n_clusters) / counts
    shape = generator(session.seed, "ibl", session.index, probe.name, "waveforms").random(len(probe.truths))
    order = np.argsort(spikes.samples, kind="stable")
    return Sorting(
        times=times[order],
        samples=spikes.samples[order].astype(np.uint64),
        clusters=clusters[order],
        amplitudes=spikes.amplitudes[order],
        depths=spikes.depths[order],
        channels=peak_channels([truth.depth_um for truth in probe.truths[:n_clusters]]),
        cluster_depths=cluster_depths,
        cluster_amplitudes=cluster_amplitudes,
        peak_to_trough=np.where(empty, np.nan, np.where(shape < 0.1, -0.25, 0.15 + 0.6 * shape)[:n_clusters]),
        uuids=cluster_uuids(session, probe, revision)[:n_clusters],
        metrics=metrics,
    )


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
