"""Simulated probe insertions: channel layout of a Neuropixels 1.0 shank, regions along it, positions in the atlas.

Contains the geometry and the tracks. Add a track here when a test needs another region. Region ids are Allen CCF 2017
structure ids; a test looks each up in iblatlas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

N_CHANNELS = 384
ROW_UM = 20.0
LATERAL_UM = np.array([43.0, 11.0, 59.0, 27.0])
"""Lateral positions of the four sites of two rows of a Neuropixels 1.0 shank (IMEC)."""
SURFACE_UM = 3640.0
"""Channels above this distance from the tip lie outside the brain."""


@dataclass(frozen=True)
class Track:
    """The regions that a probe passes, from the tip up, and where it enters the brain.

    Parameters
    ----------
    regions
        (distance from the tip in µm where the region begins, Allen structure id, acronym), ascending.
    entry_um
        Where the probe crosses the brain surface: ML (right positive), AP (front positive), DV (up positive) µm from
        bregma.
    tilt_deg
        Tilt in the coronal plane; positive moves the tip towards the left.
    """

    regions: tuple[tuple[float, int, str], ...]
    entry_um: tuple[float, float, float]
    tilt_deg: float


HIPPOCAMPUS_TRACK = Track(
    (
        (0.0, 1020, "PO"),
        (760.0, 218, "LP"),
        (1480.0, 1009, "fiber tracts"),
        (1580.0, 10704, "DG-po"),
        (1700.0, 632, "DG-sg"),
        (1800.0, 10703, "DG-mo"),
        (2040.0, 382, "CA1"),
        (2560.0, 940, "cing"),
        (2660.0, 312782566, "VISa6a"),
        (2900.0, 312782562, "VISa5"),
        (3180.0, 312782558, "VISa4"),
        (3300.0, 312782554, "VISa2/3"),
        (3540.0, 312782550, "VISa1"),
        (SURFACE_UM, 0, "void"),
    ),
    (-2243.0, -2000.0, -400.0),
    15.0,
)
"""Like the IBL repeated site: posterior parietal cortex, CA1, dentate gyrus, LP, PO."""

MIDBRAIN_TRACK = Track(
    (
        (0.0, 128, "MRN"),
        (900.0, 294, "SCm"),
        (1500.0, 997, "root"),
        (1640.0, 502, "SUB"),
        (2300.0, 1009, "fiber tracts"),
        (2440.0, 305, "VISp6b"),
        (2540.0, 33, "VISp6a"),
        (2800.0, 778, "VISp5"),
        (3080.0, 721, "VISp4"),
        (3220.0, 821, "VISp2/3"),
        (3500.0, 593, "VISp1"),
        (SURFACE_UM, 0, "void"),
    ),
    (1900.0, -3900.0, -300.0),
    -10.0,
)
"""Primary visual cortex, subiculum, superior colliculus, midbrain reticular nucleus, on the right."""

THALAMUS_TRACK = Track(
    (
        (0.0, 718, "VPL"),
        (600.0, 170, "LGd"),
        (1300.0, 997, "root"),
        (1400.0, 463, "CA3"),
        (1900.0, 382, "CA1"),
        (2500.0, 484682516, "ccb"),
        (2600.0, 33, "VISp6a"),
        (2850.0, 778, "VISp5"),
        (3150.0, 721, "VISp4"),
        (3300.0, 821, "VISp2/3"),
        (3540.0, 593, "VISp1"),
        (SURFACE_UM, 0, "void"),
    ),
    (2500.0, -2500.0, -500.0),
    5.0,
)
"""Primary visual cortex, CA1, CA3, dorsal lateral geniculate, VPL, on the right."""

TRACKS = (HIPPOCAMPUS_TRACK, MIDBRAIN_TRACK, THALAMUS_TRACK)


def site_positions() -> npt.NDArray[np.float64]:
    """Return (384, 2) lateral and axial site positions in µm; axial from the tip, two sites a row."""
    channel = np.arange(N_CHANNELS)
    return np.column_stack([LATERAL_UM[channel % 4], ROW_UM * (channel // 2 + 1)])


def channel_regions(track: Track) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return (384,) Allen structure ids and the acronyms of the channels; 0 and ``void`` outside the brain."""
    starts = np.array([start for start, _, _ in track.regions])
    index = np.searchsorted(starts, site_positions()[:, 1], side="right") - 1
    ids = np.array([region for _, region, _ in track.regions], dtype=np.int64)
    return ids[index], [track.regions[i][2] for i in index]


def mlapdv_um(track: Track) -> npt.NDArray[np.int32]:
    """Return (384, 3) int32 positions in µm from bregma: ML right positive, AP front positive, DV up positive."""
    below = SURFACE_UM - site_positions()[:, 1]
    tilt = np.deg2rad(track.tilt_deg)
    ml, ap, dv = track.entry_um
    positions = np.column_stack(
        [ml - below * np.sin(tilt), np.full(N_CHANNELS, ap), dv - below * np.cos(tilt)],
    )
    return np.rint(positions).astype(np.int32)


def allen_ccf_um(track: Track) -> npt.NDArray[np.float64]:
    """Return (384, 3) Allen CCF positions in µm, in the order AP, DV, ML, as Allen's sessions state them.

    Bregma lies at ML 5739, AP 5400, DV 332 (iblatlas 1.3.0); no rotation, no scaling. Every probe is in the left
    hemisphere, and ML counts from right to left: it is beyond the middle of the volume of 11,400 µm.
    """
    ml, ap, dv = mlapdv_um(track).T.astype(np.float64)
    return np.column_stack([5400.0 - ap, 332.0 - dv, 11_400.0 - (5739.0 - np.abs(ml))])


def peak_channels(depths_um: Sequence[float]) -> npt.NDArray[np.int64]:
    """Return the channel of the row next to each depth; units alternate between the two sites of a row."""
    row = np.clip(np.rint(np.divide(depths_um, ROW_UM)).astype(np.int64) - 1, 0, N_CHANNELS // 2 - 1)
    return 2 * row + np.arange(len(depths_um)) % 2
