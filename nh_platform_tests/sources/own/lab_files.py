"""Files of a lab that does not know this platform: NWB by pynwb, a Kilosort/phy folder, a plain ALF tree.

Add here what several tests of declared sources need. All of them hold the same spikes, so that what the sources make
of them can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

DURATION_S = 200.0
N_CHANNELS = 8
PITCH_UM = 20.0
ONSETS = np.arange(10.0, 180.0, 10.0)


@dataclass(frozen=True)
class LabSession:
    """Spikes of two probes: times (s), amplitudes (V) and peak channel by probe and unit; trials of the animal."""

    seed: int
    probes: tuple[str, ...] = ("imec0", "imec1")
    times: Mapping[str, list[npt.NDArray[np.float64]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        times = {
            probe: [np.sort(rng.uniform(0, DURATION_S, rng.integers(300, 900))) for _ in range(4)]
            for probe in self.probes
        }
        object.__setattr__(self, "times", times)

    def amplitudes(self, probe: str, unit: int) -> npt.NDArray[np.float64]:
        """Return the amplitudes of a unit in volts."""
        rng = np.random.default_rng([self.seed, self.probes.index(probe), unit])
        return rng.normal(1.2e-4, 1e-5, len(self.times[probe][unit]))

    def peak(self, unit: int) -> int:
        """Return the channel of a unit on its probe."""
        return (2 * unit + 1) % N_CHANNELS


def write_nwb(
    path: Path, session: LabSession, *, subject: str = "mouse7", extra: Mapping[str, Any] | None = None
) -> None:
    """Write a session as a lab does with pynwb: two probes, electrodes, units with their own columns, trials.

    Parameters
    ----------
    path
        The file.
    session
        What it holds.
    subject
        The animal.
    extra
        Attributes of the NWB file, in place of the usual ones.
    """
    from pynwb import NWBHDF5IO, NWBFile, TimeSeries
    from pynwb.epoch import TimeIntervals
    from pynwb.file import Subject

    facts = {
        "session_description": "a day in the lab",
        "identifier": f"id-{path.stem}",
        "session_start_time": datetime(2026, 3, 4, 10, tzinfo=UTC),
        "lab": "Lab of Mice",
        "protocol": "gratings",
        **(extra or {}),
    }
    nwb = NWBFile(**facts)
    nwb.subject = Subject(subject_id=subject, species="Mus musculus", age="P90D", sex="F")
    nwb.add_electrode_column("rel_depth", "from the tip, um")
    groups = {}
    for probe in session.probes:
        device = nwb.create_device(f"device of {probe}")
        groups[probe] = nwb.create_electrode_group(probe, description="a probe", location="cortex", device=device)
        for channel in range(N_CHANNELS):
            nwb.add_electrode(
                x=5000.0 + channel,
                y=2000.0 + PITCH_UM * channel,
                z=6000.0,
                location="VISp5" if channel < 4 else "VISp2/3",
                group=groups[probe],
                rel_x=11.0,
                rel_y=PITCH_UM * channel,
                rel_depth=PITCH_UM * channel,
                id=1000 * session.probes.index(probe) + channel,
            )
    nwb.add_unit_column("snr", "signal to noise")
    nwb.add_unit_column("ks_label", "label of the sorter")
    nwb.add_unit_column("spike_amplitudes", "amplitudes, V", index=True)
    number = 0
    for at, probe in enumerate(session.probes):
        for unit, times in enumerate(session.times[probe]):
            waveform = np.zeros((30, N_CHANNELS))
            waveform[10] = -np.exp(-np.abs(np.arange(N_CHANNELS) - session.peak(unit)))
            nwb.add_unit(
                spike_times=times,
                electrodes=list(range(at * N_CHANNELS, (at + 1) * N_CHANNELS)),
                electrode_group=groups[probe],
                waveform_mean=waveform,
                snr=2.0 + unit,
                ks_label="good" if unit % 2 == 0 else "mua",
                spike_amplitudes=session.amplitudes(probe, unit),
                id=100 + number,
            )
            number += 1
    nwb.add_trial_column("stim_on", "onset of the grating, s")
    nwb.add_trial_column("orientation", "degrees")
    nwb.add_trial_column("choice", "side that the animal chose")
    for index, onset in enumerate(ONSETS):
        nwb.add_trial(
            start_time=onset - 1.0,
            stop_time=onset + 2.0,
            stim_on=onset,
            orientation=float(45 * (index % 4)),
            choice="left" if index % 2 else "right",
        )
    flashes = TimeIntervals(name="flash_presentations", description="flashes")
    flashes.add_column("contrast", "0-1")
    for onset in ONSETS[:5]:
        flashes.add_row(start_time=onset + 4.0, stop_time=onset + 4.25, contrast=0.8)
    nwb.add_time_intervals(flashes)
    nwb.add_invalid_time_interval(start_time=100.0, stop_time=101.0)
    running = TimeSeries(
        name="running", data=np.arange(400.0), unit="cm/s", rate=2.0, starting_time=0.5, conversion=0.5
    )
    nwb.create_processing_module("behavior", "behaviour").add(running)
    path.parent.mkdir(parents=True, exist_ok=True)
    with NWBHDF5IO(path, "w") as io:
        io.write(nwb)


RATE_HZ = 30_000.0


def write_phy(
    folder: Path, session: LabSession, *, params: bool = True, sorting: str = "kilosort4", csv: bool = True
) -> None:
    """Write a session as Kilosort and phy leave it: ``<probe>/<sorting>/`` with samples, clusters, templates, TSV.

    Cluster numbers have gaps, as after merging by hand; template ``n`` is of cluster ``10 + 3n``.

    Parameters
    ----------
    folder
        Folder of the session.
    session
        What it holds.
    params
        Whether ``params.py`` states the rate.
    sorting
        Folder of the sorting below that of the probe.
    csv
        Whether ``trials.csv`` and ``events.csv`` lie beside.
    """
    for probe in session.probes:
        below = folder / probe / sorting
        below.mkdir(parents=True, exist_ok=True)
        units = session.times[probe]
        samples = np.concatenate([np.round(times * RATE_HZ) for times in units]).astype(np.uint64)
        template = np.repeat(np.arange(len(units)), [len(times) for times in units])
        amplitudes = np.concatenate([session.amplitudes(probe, unit) / 1e-5 for unit in range(len(units))])
        order = np.argsort(samples, kind="stable")
        np.save(below / "spike_times.npy", samples[order][:, np.newaxis])
        np.save(below / "spike_clusters.npy", (10 + 3 * template)[order].astype(np.int32))
        np.save(below / "spike_templates.npy", template[order].astype(np.uint32)[:, np.newaxis])
        np.save(below / "amplitudes.npy", amplitudes[order][:, np.newaxis])
        waves = np.zeros((len(units), 30, N_CHANNELS), dtype=np.float32)
        for unit in range(len(units)):
            waves[unit, 10, session.peak(unit)] = -5.0
        np.save(below / "templates.npy", waves)
        np.save(below / "channel_map.npy", np.arange(N_CHANNELS, dtype=np.int32) + 100)
        places = np.column_stack([np.full(N_CHANNELS, 11.0), PITCH_UM * np.arange(N_CHANNELS)])
        np.save(below / "channel_positions.npy", places)
        (below / "cluster_group.tsv").write_text("cluster_id\tgroup\n10\tgood\n13\tmua\n16\tnoise\n")
        lines = [f"{10 + 3 * unit}\t{5.0 + unit}\tgood" for unit in range(len(units))]
        (below / "cluster_info.tsv").write_text("\n".join(["cluster_id\tContamPct\tgroup", *lines]) + "\n")
        if params:
            (below / "params.py").write_text(
                "dat_path = r'D:\\data\\x.bin'\nn_channels_dat = 385\nsample_rate = 30000.\n"
            )
    if not csv:
        return
    rows = [f"{onset},{onset + 1.0},{45 * (n % 4)},{n // 4}" for n, onset in enumerate(ONSETS)]
    (folder / "trials.csv").write_text("\n".join(["start_time,stop_time,orientation,repeat", *rows]) + "\n")
    rows = [f"{onset + 3.0},{'tone' if n % 2 else 'lick'}" for n, onset in enumerate(ONSETS)]
    (folder / "events.csv").write_text("\n".join(["start_time,stimulus_name", *rows]) + "\n")
