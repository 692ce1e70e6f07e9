"""The local field potential of a simulated probe as the NWB file of its own that both Allen releases have.

Contains the file as AllenSDK 2.16.2 writes it (`Probe.add_lfp_to_nwb`). The caches that hold it are written in
`allen_cache` and `behavior.cloud_release`, only where seconds of LFP are asked for.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from nh_platform.simulation.allen import nwb_groups
from nh_platform.simulation.allen.allen_session import AllenProbe, SimulatedRecording
from nh_platform.simulation.allen.nwb_elements import NwbWriter
from nh_platform.simulation.seeding import generator

KEPT = slice(2, None, 4)
"""Channels that are kept: every fourth, as upstream."""

SAMPLES_PER_LFP_SAMPLE = 24
"""30,000 Hz to 1,250 Hz: the LFP band has 2,500 Hz, and upstream drops every second sample."""

FIRST_S = 3.25
STEP_V = 0.195e-6 * 16
CHUNK_SAMPLES = 1024


def write_lfp_nwb(
    path: Path,
    session: SimulatedRecording,
    probe: AllenProbe,
    layout: nwb_groups.EphysLayout,
    lfp_s: float,
    *,
    version: str,
) -> None:
    """Write the first seconds of the LFP of one probe.

    Parameters
    ----------
    path
        File to write.
    session, probe, layout
        What it is of, and how the release lays out its electrodes.
    lfp_s
        Seconds of it.
    version
        Version of NWB.
    """
    values, times = simulate_lfp(session, probe, lfp_s)
    with NwbWriter(path, session.seed, probe.probe_id) as nwb:
        nwb_groups.write_header(
            nwb,
            session,
            version=version,
            description="LFP data and associated info for one probe",
            start=f"{session.date.isoformat()}T08:00:00-08:00",
            created="2020-01-01T00:00:00-08:00",
        )
        nwb["identifier"][()] = str(probe.probe_id)
        nwb_groups.write_probes(nwb, [probe], layout, kept=KEPT, has_lfp=True)
        name = f"probe_{probe.probe_id}_lfp"
        nwb.group(f"acquisition/{name}", "LFP")
        series = f"acquisition/{name}/{name}_data"
        nwb.group(series, "ElectricalSeries", comments="no comments", description="no description")
        # Compressed in chunks, other than everything else in the released files.
        data = nwb.create_dataset(
            f"{series}/data",
            data=values,
            chunks=(CHUNK_SAMPLES, values.shape[1]),
            compression="gzip",
            compression_opts=9,
            track_times=False,
        )
        data.attrs.update({"conversion": 1.0, "resolution": -1.0, "unit": "volts"})
        nwb.dataset(f"{series}/timestamps", times).attrs.update({"interval": 1, "unit": "seconds"})
        electrodes = nwb.dataset(f"{series}/electrodes", np.arange(values.shape[1]))
        table: h5py.Group = nwb[nwb_groups.ELECTRODES]
        description = f"lfp channels on probe {probe.probe_id}"
        nwb.typed(electrodes, "DynamicTableRegion", "hdmf-common", description=description, table=table.ref)


def simulate_lfp(
    session: SimulatedRecording, probe: AllenProbe, lfp_s: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return samples (n_samples, n_kept) in volts and their times (s): theta that falls along the probe, and noise."""
    rng = generator(session.seed, "allen_vc", session.index, probe.name, "lfp")
    rate = probe.sampling_rate_hz / SAMPLES_PER_LFP_SAMPLE
    times = FIRST_S + np.arange(int(lfp_s * rate)) / rate
    n_kept = len(probe.channel_ids[KEPT])
    theta = np.sin(2 * np.pi * 7.0 * times)[:, None] * np.linspace(2e-4, 5e-5, n_kept)
    volts = theta + 2e-5 * rng.standard_normal(theta.shape)
    return (np.rint(volts / STEP_V) * STEP_V).astype(np.float32), times
