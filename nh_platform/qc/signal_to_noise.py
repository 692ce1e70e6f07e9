"""Signal-to-noise ratio of units, from mean waveforms and the noise of channels, where both were made.

Contains the one quantity (`spikeinterface.snr@0.105`). It is no column of `units`: waveforms and noise are made on
request, and units never wait for them. What the waveform and the noise are is said by their tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms

SNR = "spikeinterface.snr@0.105"
MADE_OF = ("mean_waveforms", "noise")
"""Assets on request that it is computed of."""


def signal_to_noise(waveforms: MeanWaveforms, noise: pd.DataFrame, probes: Sequence[str]) -> pd.Series:
    """Return the peak of every unit's mean waveform over the noise of the channel that it is on.

    The peak is the largest absolute value of the waveform, and its channel the unit's main channel (SpikeInterface
    0.105.3 spikeinterface/metrics/quality/misc_metrics.py compute_snrs, ``peak_mode`` extremum, ``peak_sign`` both).
    SpikeInterface's noise is the median absolute deviation of the trace over 0.6745. IBL releases the root mean square
    of the destriped trace (``ap_rms``), which has the spikes in it: the ratio is smaller where a channel is busy.

    Parameters
    ----------
    waveforms
        Mean waveforms of ``n_units`` units, V.
    noise
        Schema `NOISE_CHANNELS`: ``probe``, ``channel`` and ``ap_rms`` [V].
    probes
        (n_units,) probe of each unit.

    Returns
    -------
    pandas.Series
        (n_units,) float64 without a unit of measure, by unit id; NaN where a unit has no waveform, or its channel no
        noise above 0.
    """
    size = np.abs(waveforms.values.astype(np.float64))
    size[~np.isfinite(size)] = -1.0
    size[waveforms.channels == BEYOND_PROBE] = -1.0
    of_channel = size.max(axis=2, initial=-1.0)
    found = np.full(len(waveforms.unit_ids), np.nan)
    if of_channel.shape[1]:
        rows = np.arange(len(found))
        main = of_channel.argmax(axis=1)
        peak, channel = of_channel[rows, main], waveforms.channels[rows, main]
        rms = noise.set_index([noise["probe"].astype(str), noise["channel"]])["ap_rms"]
        wanted = pd.MultiIndex.from_arrays([[str(probe) for probe in probes], channel])
        level = rms.reindex(wanted).to_numpy(dtype=np.float64)
        usable = (peak >= 0) & (level > 0)
        found[usable] = peak[usable] / level[usable]
    return pd.Series(found, index=pd.Index(waveforms.unit_ids, name="unit_id"), name=SNR)
