"""Mean waveforms of units, read from the NWB file.

Contains the reader. The 384 × 82 values of each unit are a quarter of a released file and are needed for a few units at
a time; the asset `mean_waveforms` stores those around the peak, where it is asked for. Add here what is read of
``units/waveform_mean``. Metrics of a waveform are released columns (`nh_platform.sources.allen.nwb.sorted_units`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nh_platform.session import UnknownSession
from nh_platform.session.mean_waveforms import BEYOND_PROBE, MeanWaveforms
from nh_platform.sources.allen.nwb.electrodes import read_channels, read_probes
from nh_platform.sources.allen.nwb.sorted_units import V_PER_UV, read_units
from nh_platform.sources.nwb.nwb_file import NwbFile, open_nwb, ragged_offsets
from nh_platform.sources.nwb.standard_names import UNITS

WAVEFORM = "waveform_mean"

AROUND_PEAK = 20
"""Channels on each side of the peak that are stored: 200 µm and more of the probe, where a spike is seen."""


def mean_waveforms(
    path: Path, unit_ids: Iterable[str | int], around_peak: int | None = None, *, scale: float = 1.0
) -> MeanWaveforms:
    """Read the mean waveforms of some units of a session's NWB file.

    Parameters
    ----------
    path
        The NWB file, of Visual Coding or Visual Behavior.
    unit_ids
        Units, by upstream id.
    around_peak
        Channels to read on each side of the peak channel, by their number on the probe; all of the probe where None.
    scale
        Factor for the values, where a release stated them in a wrong scale (Visual Behavior before 0.5.0).

    Raises
    ------
    UnknownSession
        If the file has no such unit.
    BadUpstreamData
        If the file is missing or damaged, or has no mean waveforms.

    Examples
    --------
    >>> waves = mean_waveforms(path, units["unit_id"][:3], around_peak=5)  # doctest: +SKIP
    >>> waves.values.shape  # doctest: +SKIP
    (3, 11, 82)
    """
    with open_nwb(path) as nwb:
        return read_mean_waveforms(nwb, unit_ids, around_peak, scale=scale)


def read_mean_waveforms(
    nwb: NwbFile, unit_ids: Iterable[str | int], around_peak: int | None = None, *, scale: float = 1.0
) -> MeanWaveforms:
    """Read from an open file; as `mean_waveforms`."""
    ids = tuple(str(unit) for unit in unit_ids)
    channels = read_channels(nwb)
    units = read_units(nwb, channels)
    units.index = units["id"].astype(str)
    lost = [unit for unit in ids if unit not in units.index]
    if lost:
        raise UnknownSession(
            f"unit {lost[0]}", f"{nwb.path.name} has no such unit ({len(lost)} of {len(ids)})", "Check the unit ids."
        )
    offsets = ragged_offsets(nwb, UNITS, WAVEFORM, len(nwb.array(f"{UNITS}/id")))
    wanted = units.loc[list(ids)]
    rows = wanted["row"].to_numpy()
    numbers = channels.set_index("channel_id")["local_index"]
    peaks = numbers.reindex(wanted["peak_channel_id"], fill_value=BEYOND_PROBE).to_numpy()
    rates = read_probes(nwb).set_index("probe")["sampling_rate"].loc[wanted["probe"]].to_numpy()
    n_rows = offsets[rows + 1] - offsets[rows]
    if around_peak is None:
        first, width = np.zeros(len(rows), np.int64), int(n_rows.max(initial=0))
    else:
        # Without a peak channel there is nothing around it: the neighbourhood lies beyond the end.
        first, width = np.where(peaks == BEYOND_PROBE, n_rows, peaks - around_peak), 2 * around_peak + 1
    dataset = nwb.handle[f"{UNITS}/{WAVEFORM}"]
    values = np.full((len(rows), width, dataset.shape[1]), np.nan, dtype=np.float32)
    there = np.full((len(rows), width), BEYOND_PROBE, dtype=np.int64)
    for unit, (start, count) in enumerate(zip(offsets[rows], n_rows)):
        low, high = max(first[unit], 0), min(first[unit] + width, count)
        if low < high:
            part = slice(low - first[unit], high - first[unit])
            with nwb.decoding(f"{UNITS}/{WAVEFORM}"):
                values[unit, part] = dataset[start + low : start + high] * (V_PER_UV * scale)
            there[unit, part] = np.arange(low, high)
    return MeanWaveforms(ids, values, there, peaks.astype(np.int64), rates.astype(np.float64))
