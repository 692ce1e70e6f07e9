"""Mean waveforms of units in memory, alike for every source.

Contains the container with its invariants. Add nothing of a source here; what reads them is in its folder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.session.recording import Note

BEYOND_PROBE = -1
"""Stands in `MeanWaveforms.channels` where a unit has no further channel, as beyond the end of the probe."""


@dataclass(frozen=True)
class MeanWaveforms:
    """Mean waveforms of some units.

    Parameters
    ----------
    unit_ids
        Upstream unit ids, in the order asked for.
    values
        (n_units, n_channels, n_samples) float32, volts; NaN beyond the end of the probe. The NWB files of the Allen
        Institute have 384 channels of 82 samples, IBL's sorts 32 channels of 82 samples.
    channels
        (n_units, n_channels) int64, number of the channel on the unit's probe: ``channel`` of the channels table at
        IBL, ``local_index`` or ``probe_channel_number`` of the electrodes table at the Allen Institute; `BEYOND_PROBE`
        where there is none.
    peaks
        (n_units,) int64, number of the unit's peak channel on its probe; `BEYOND_PROBE` where it is unknown.
    sampling_rates
        (n_units,) float64, Hz, of the unit's probe: sample ``i`` is at ``i / sampling_rate``.
    notes
        What was missing or assumed.
    """

    unit_ids: tuple[str, ...]
    values: npt.NDArray[np.float32]
    channels: npt.NDArray[np.int64]
    peaks: npt.NDArray[np.int64]
    sampling_rates: npt.NDArray[np.float64]
    notes: tuple[Note, ...] = ()
