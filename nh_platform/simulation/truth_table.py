"""The ground truth of a session as a table: what was designed for each unit, and what became of it in its spikes.

Contains the schema of ``ground_truth.parquet`` and how its rows are made. Add a column here when a validation needs to
know more of a unit. What units there are is decided in `nh_platform.simulation.ground_truth`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nh_platform.session import Column, TableSchema
from nh_platform.simulation.ground_truth import UnitTruth, presence
from nh_platform.simulation.insertions import Track, channel_regions, peak_channels
from nh_platform.simulation.spike_trains import SimulatedSpikes

TRUTH = TableSchema(
    "ground_truth",
    (
        Column("session_id", "string", "-", "Simulated session"),
        Column("probe", "string", "-", "Probe name"),
        Column("unit_id", "string", "-", "Cluster uuid (IBL, newest sort) or unit id (Allen)"),
        Column("cluster_id", "int64", "1", "Number of the cluster on its probe"),
        Column("design", "string", "-", "Which kind of unit was simulated"),
        Column("acronym", "string", "-", "Region of the peak channel; void or empty outside the brain"),
        Column("n_spikes", "int64", "1", "Spikes written"),
        Column("rate_hz", "float64", "Hz", "Firing rate drawn for the unit, before responses, bursts and cut-off"),
        Column("refractory_s", "float64", "s", "No two of the unit's own spikes are closer than this"),
        Column("contamination", "float64", "1", "Share of the written spikes that come from another Poisson train"),
        Column("n_contaminating", "int64", "1", "Written spikes that come from another train"),
        Column("amplitude_v", "float64", "V", "Mean of the Gaussian that amplitudes are drawn from"),
        Column("amplitude_sd_v", "float64", "V", "Standard deviation of that Gaussian"),
        Column("threshold_v", "float64", "V", "Spikes of smaller amplitude were removed; 0 for none"),
        Column("missing", "float64", "1", "Share of the unit's spikes that the threshold removed"),
        Column("n_missing", "int64", "1", "Spikes that the threshold removed"),
        Column("depth_um", "float64", "um", "Depth from the probe tip at the start of the session"),
        Column("drift_um", "float64", "um", "How far the unit moved along the probe by the end of the session"),
        Column("presence", "float64", "1", "Share of the session in which the unit fires at all"),
        Column("silent_start_s", "float64", "s", "Start of its silent part; NaN for none", nullable=True),
        Column("silent_stop_s", "float64", "s", "End of its silent part; NaN for none", nullable=True),
        Column("burst", "float64", "1", "Mean number of burst spikes that follow a spike"),
        Column("partner", "int64", "1", "Cluster of the same probe that it shares spikes with; -1 for none"),
        Column("shared_rate_hz", "float64", "Hz", "Rate of the spikes shared with the partner, jittered by 1 ms"),
        Column("response", "string", "-", "Event that the unit responds to: stimulus, choice, feedback or none"),
        Column("preferred", "float64", "1", "Preferred side +1/-1 (IBL) or orientation in degrees (Allen)"),
        Column("gain", "float64", "1", "Spikes (IBL: per event; Allen: per second of stimulus) added when preferred"),
        Column("optotagged", "bool", "-", "Whether short pulses of light drive the unit (Allen, animals with Ai32)"),
        Column("burst_share", "float64", "1", "Share of spikes in bursts, of the units of `unit_types`", nullable=True),
        Column("rhythm_hz", "float64", "Hz", "Frequency of the unit's rhythm; NaN for none", nullable=True),
        Column("rhythm_depth", "float64", "1", "Depth m of the modulated rate r (1 + m cos 2πft); 0 for none"),
    ),
    key=("probe", "cluster_id"),
)
"""Columns of ``ground_truth.parquet``."""


def truth_table(
    truths: Sequence[UnitTruth],
    spikes: SimulatedSpikes,
    track: Track,
    *,
    session_id: str,
    probe: str,
    unit_ids: Sequence[str],
    duration_s: float,
) -> pd.DataFrame:
    """Return the table of schema `TRUTH`, with the realised shares of contaminating and missing spikes.

    Parameters
    ----------
    truths, spikes
        Units of one probe, and their spikes as they are written.
    track
        Where the probe lies in truth.
    session_id, probe, unit_ids
        Upstream's names of the session, the probe and each unit.
    duration_s
        Length of the session.
    """
    _, acronyms = channel_regions(track)
    silent = np.array([truth.silent or (np.nan, np.nan) for truth in truths]).reshape(-1, 2)
    realised: dict[str, object] = {
        "session_id": session_id,
        "probe": probe,
        "unit_id": unit_ids,
        "acronym": [acronyms[channel] for channel in peak_channels([truth.depth_um for truth in truths])],
        "n_spikes": spikes.counts,
        "contamination": spikes.n_contaminating / np.maximum(spikes.counts, 1),
        "n_contaminating": spikes.n_contaminating,
        "missing": spikes.n_missing / np.maximum(spikes.counts + spikes.n_missing, 1),
        "n_missing": spikes.n_missing,
        "presence": [presence(truth, duration_s) for truth in truths],
        "silent_start_s": silent[:, 0],
        "silent_stop_s": silent[:, 1],
    }
    designed = {name: [getattr(truth, name) for truth in truths] for name in TRUTH.names if name not in realised}
    return TRUTH.conform(pd.DataFrame({**realised, **designed}))
