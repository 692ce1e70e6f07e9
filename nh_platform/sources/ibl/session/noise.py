"""Noise of the channels of an IBL session: RMS of the AP and LF bands, and power of the LFP.

Read from the ``_iblqc_`` files beside the raw recordings, which IBL's pipeline makes of them. Add here what else these
files say of a channel. What follows for an insertion is for `qc`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.probe_noise import ChannelNoise
from nh_platform.session.tables.noise import NOISE_CHANNELS
from nh_platform.sources.ibl.session.verified_files import OpenFiles

FloatArray = npt.NDArray[np.float64]

LFP_BAND_HZ, THETA_BAND_HZ = (20.0, 80.0), (6.0, 12.0)
"""Bands of paper-reproducible-ephys (`RIGOR_script.compute_lfp_metrics`), both ends included."""

_RMS, _TIME_AP, _TIME_LF, _FREQS, _POWER = (
    "_iblqc_ephysChannels.apRMS.npy",
    "_iblqc_ephysTimeRmsAP.rms.npy",
    "_iblqc_ephysTimeRmsLF.rms.npy",
    "_iblqc_ephysSpectralDensityLF.freqs.npy",
    "_iblqc_ephysSpectralDensityLF.power.npy",
)


def read_session_noise(channels: pd.DataFrame, files: OpenFiles) -> ChannelNoise:
    """Read noise and power of the channels of a session.

    Parameters
    ----------
    channels
        Schema `RAW_CHANNELS`: ``upstream_id`` is the channel's place in the files.
    files
        The session's files of group ``noise``.

    Returns
    -------
    ChannelNoise
        In the order of ``channels``; V and dB. What a file lacks is NaN, and a note says which.
    """
    parts = []
    for probe, of_probe in channels.groupby("probe", sort=False):
        rows = of_probe["upstream_id"].to_numpy(dtype=np.int64)
        found: dict[str, FloatArray] = {}
        for names, read in _READERS:
            what, where = f"{probe} noise", f"raw_ephys_data/{probe}"
            if not all(files.has(where, name) for name in names):
                files.note_lacking(what, [where], *names)
                continue
            values = files.optional(what, read, where, files)
            for column, of_channel in (values or {}).items():
                if len(rows) and rows.max() >= len(of_channel):
                    text = f"{len(of_channel)} channels, and the sorting names channel {rows.max()}; NaN"
                    files.note(what, f"{where}/{names[-1]}: {text}")
                else:
                    found[column] = of_channel[rows]
        parts.append(of_probe[["probe", "channel"]].assign(**found))
    table = pd.concat(parts, ignore_index=True) if parts else NOISE_CHANNELS.empty()
    return ChannelNoise(NOISE_CHANNELS.conform(table), tuple(files.notes))


def _channels(where: str, files: OpenFiles) -> dict[str, FloatArray]:
    rms = files.array(where, _RMS, "f", shape=(None,))
    if len(rms) != 2:
        raise files.bad(files.label(where, _RMS), f"{len(rms)} rows, expected two: raw and destriped")
    return {"ap_rms_raw": rms[0].astype(np.float64), "ap_rms": rms[1].astype(np.float64)}


def _over_time(name: str, column: str) -> Callable[[str, OpenFiles], dict[str, FloatArray]]:
    def read(where: str, files: OpenFiles) -> dict[str, FloatArray]:
        rms = files.array(where, name, "f", shape=(None,))
        if not len(rms):
            raise files.bad(files.label(where, name), "it has no rows")
        return {column: np.median(rms.astype(np.float64), axis=0)}

    return read


def _power(where: str, files: OpenFiles) -> dict[str, FloatArray]:
    freqs = files.array(where, _FREQS, "f").astype(np.float64)
    power = files.array(where, _POWER, "f", shape=(None,)).astype(np.float64)
    if len(power) != len(freqs):
        raise files.bad(files.label(where, _POWER), f"{len(power)} rows for {len(freqs)} frequencies")
    # A dead channel has no power, whose logarithm is no number.
    decibel = 10 * np.log10(np.where(power > 0, power, np.nan))
    means = {}
    for column, (low, high) in (("lfp_power", LFP_BAND_HZ), ("theta_power", THETA_BAND_HZ)):
        in_band = (freqs >= low) & (freqs <= high)
        if not in_band.any():
            raise files.bad(files.label(where, _FREQS), f"no frequency from {low:g} to {high:g} Hz")
        means[column] = decibel[in_band].mean(axis=0)
    return means


_READERS: tuple[tuple[tuple[str, ...], Callable[[str, OpenFiles], dict[str, FloatArray]]], ...] = (
    ((_RMS,), _channels),
    ((_TIME_AP,), _over_time(_TIME_AP, "ap_rms_over_time")),
    ((_TIME_LF,), _over_time(_TIME_LF, "lf_rms_over_time")),
    ((_FREQS, _POWER), _power),
)
