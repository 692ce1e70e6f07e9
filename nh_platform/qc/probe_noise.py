"""What the RIGOR criteria ask of an insertion's noise, from the noise of its channels.

Contains the two quantities with their definitions. Thresholds are the rulebook `ibl-rigor`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.tables.noise import NOISE_PROBES
from nh_platform.session.units_of_measure import UV_PER_V

PERCENTILE = 90
"""Of the channels' noise (RIGOR_script.py of paper-reproducible-ephys, `get_metrics`)."""

POWER_SCALE = 2.0
"""The published analysis doubles its power in dB (`compute_lfp_metrics`) before the slope; so does its limit of 1."""


def noise_of_probes(channels: pd.DataFrame) -> pd.DataFrame:
    """Return noise and LFP slope of every insertion.

    ``rms_ap_p90`` is the 90th percentile over channels of the destriped RMS of the AP band in µV, and
    ``lfp_derivative`` the median over channels, in order along the probe, of the absolute slope of twice the LFP power
    in dB (`ibl.rms_ap_p90@rigor`, `ibl.lfp_derivative@spectral-density`). The published slope is of spectra that were
    made anew of destriped raw data; this one is of the spectra that are released. Channels without a number are left
    out; NaN where no channel, or of the slope fewer than two, has one.

    Parameters
    ----------
    channels
        Schema `NOISE_CHANNELS`.

    Returns
    -------
    pandas.DataFrame
        Schema `NOISE_PROBES`, one row per probe in order of first row.
    """
    rows = []
    for probe, of_probe in channels.groupby("probe", sort=False):
        rms, power = _known(of_probe["ap_rms"]), _known(of_probe["lfp_power"])
        rows.append(
            {
                "probe": probe,
                "n_channels": len(of_probe),
                "rms_ap_p90": np.percentile(rms, PERCENTILE) * UV_PER_V if len(rms) else np.nan,
                "lfp_derivative": np.median(np.abs(np.gradient(POWER_SCALE * power))) if len(power) > 1 else np.nan,
            }
        )
    return NOISE_PROBES.conform(pd.DataFrame(rows, columns=NOISE_PROBES.names))


def _known(values: pd.Series) -> npt.NDArray[np.float64]:
    numbers = values.to_numpy(dtype=np.float64)
    return numbers[np.isfinite(numbers)]
