"""The LFP of a simulated IBL probe as SpikeGLX and `mtscomp` write it: ``.lf.cbin`` or ``.lf.bin``, headers, clock.

Contains the files of ``raw_ephys_data/<probe>`` with the LFP band. They are written only where seconds of LFP are asked
for, since half an hour is 3 GB.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.simulation.file_bytes import write_arrays
from nh_platform.simulation.ibl.ibl_session import IblProbe, IblSession
from nh_platform.simulation.insertions import N_CHANNELS
from nh_platform.simulation.seeding import generator

LFP_HZ, AP_PER_LFP_SAMPLE = 2500.0, 12
RANGE_V, MAX_INT = 0.6, 512
LFP_GAINS = (250, 125)
"""LFP gains of the channels: 250, and 125 of the last 84, so that one gain for all would be wrong."""
SECOND_GAIN_FROM = 300
CLOCK_START_S, CLOCK_SKEW = 0.75, 1.0 + 2e-5
"""The probe's clock against the session's: begun before it, and slower."""


def write_lfp(folder: Path, session: IblSession, probe: IblProbe, lfp_s: float) -> None:
    """Write the first seconds of the LFP of one probe; that of the second probe of a session is not compressed."""
    number = session.probes.index(probe)
    stem = f"_spikeglx_ephysData_g0_t0.imec{number}"
    samples = simulate_lfp(session, probe, lfp_s)
    if number == 0:
        write_compressed(folder / f"{stem}.lf.cbin", folder / f"{stem}.lf.ch", samples)
    else:
        (folder / f"{stem}.lf.bin").write_bytes(samples.astype("<i2").tobytes())
    (folder / f"{stem}.lf.meta").write_text(_meta(samples), encoding="utf-8")
    seconds = np.array([0.0, lfp_s / 3, lfp_s])
    of_session = CLOCK_START_S + seconds * CLOCK_SKEW + np.array([0.0, 1e-4, 0.0])
    write_arrays(
        folder,
        {
            f"{stem}.timestamps": np.column_stack([seconds * LFP_HZ * AP_PER_LFP_SAMPLE, of_session]),
            f"{stem}.sync": np.column_stack([seconds, of_session]),
        },
    )


def simulate_lfp(session: IblSession, probe: IblProbe, lfp_s: float) -> npt.NDArray[np.int16]:
    """Return samples (n_samples, 385): theta that falls along the probe, noise, and the channel of synchronisation."""
    rng = generator(session.seed, "ibl", session.index, probe.name, "lfp")
    n_samples = int(lfp_s * LFP_HZ)
    theta = np.sin(2 * np.pi * 7.0 * np.arange(n_samples) / LFP_HZ)[:, None] * np.linspace(40, 10, N_CHANNELS)
    steps = np.rint(theta + 4.0 * rng.standard_normal(theta.shape))
    sync = np.where(np.arange(n_samples) // 500 % 2, 64, 0)
    return np.column_stack([steps, sync]).astype(np.int16)


def write_compressed(data: Path, header: Path, samples: npt.NDArray[np.int16], *, chunk_s: float = 1.0) -> None:
    """Write samples as `mtscomp` 1.0.2 does by default: differences along time, by channels, zlib for each second."""
    chunk = round(chunk_s * LFP_HZ)
    bounds = [*range(0, len(samples), chunk), len(samples)]
    packed = []
    for begin, end in pairwise(bounds):
        piece = samples[begin:end]
        differences = np.concatenate([piece[:1], np.diff(piece, axis=0)]).astype(np.int16)
        packed.append(zlib.compress(differences.tobytes(order="F")))
    whole = b"".join(packed)
    data.write_bytes(whole)
    stated = {
        "version": "1.0",
        "algorithm": "zlib",
        "comp_level": -1,
        "do_time_diff": True,
        "do_spatial_diff": False,
        "dtype": "int16",
        "n_channels": samples.shape[1],
        "sample_rate": LFP_HZ,
        "chunk_bounds": bounds,
        "chunk_offsets": np.concatenate([[0], np.cumsum([len(piece) for piece in packed])]).tolist(),
        "chunk_order": "F",
        "sha1_compressed": hashlib.sha1(whole, usedforsecurity=False).hexdigest(),
        "sha1_uncompressed": hashlib.sha1(samples.tobytes(), usedforsecurity=False).hexdigest(),
    }
    header.write_text(json.dumps(stated, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _meta(samples: npt.NDArray[np.int16]) -> str:
    gains = [LFP_GAINS[channel >= SECOND_GAIN_FROM] for channel in range(N_CHANNELS)]
    entries = "".join(f"({channel} 0 0 500 {gain} 1)" for channel, gain in enumerate(gains))
    stated = {
        "acqApLfSy": "384,384,1",
        "fileSizeBytes": samples.nbytes,
        "fileTimeSecs": len(samples) / LFP_HZ,
        "imAiRangeMax": RANGE_V,
        "imAiRangeMin": -RANGE_V,
        "imDatPrb_port": 1,
        "imDatPrb_slot": 2,
        "imDatPrb_type": 0,
        "imMaxInt": MAX_INT,
        "imSampRate": f"{LFP_HZ:g}",
        "nSavedChans": samples.shape[1],
        "snsApLfSy": "0,384,1",
        "snsSaveChanSubset": "384:768",
        "typeThis": "imec",
        "~imroTbl": f"(641251510,3,{N_CHANNELS}){entries}",
    }
    return "".join(f"{key}={value}\n" for key, value in stated.items())
