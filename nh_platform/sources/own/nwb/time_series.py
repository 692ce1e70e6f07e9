"""Time series of an NWB file of any lab as signals: those that the settings name.

Add here how one more form of the standard's time series is read. None is read unasked: a file holds raw video and
voltage traces in the same form.
"""

from __future__ import annotations

from collections.abc import Mapping

import h5py
import numpy as np

from nh_platform.session import Signal
from nh_platform.sources.nwb.nwb_file import NwbFile, is_numeric, member


def read_signals(nwb: NwbFile, named: Mapping[str, str]) -> dict[str, Signal]:
    """Return the time series that are named, by the names they get; what cannot be used is left out, with a note."""
    if not named:
        nwb.note("signals", "none is named under `signals` of the source")
    found = {name: nwb.optional(name, _read, nwb, name, path.strip("/")) for name, path in named.items()}
    return {name: signal for name, signal in found.items() if signal is not None}


def _read(nwb: NwbFile, name: str, path: str) -> Signal:
    """Return one time series.

    Raises
    ------
    BadUpstreamData
        If it is missing, holds no numbers, or says nothing of its times.
    """
    group = nwb.group(path)
    data = member(group, "data")
    if not isinstance(data, h5py.Dataset) or not is_numeric(data) or data.ndim not in (1, 2):
        raise nwb.bad(f"{path}/data is missing, or holds no numbers of shape (n,) or (n, columns)")
    values = nwb.array(f"{path}/data").astype(np.float64) * nwb.attribute(data, "conversion", 1.0)
    values = values + nwb.attribute(data, "offset", 0.0)
    start = member(group, "starting_time")
    if nwb.has(f"{path}/timestamps"):
        times = nwb.numbers(f"{path}/timestamps")
    elif isinstance(start, h5py.Dataset) and "rate" in start.attrs:
        times = float(start[()]) + np.arange(len(values)) / nwb.attribute(start, "rate", np.nan)
    else:
        raise nwb.bad(f"{path} has neither timestamps nor a starting_time with its rate")
    if len(times) != len(values):
        raise nwb.bad(f"{path} has {len(times)} timestamps and {len(values)} values")
    unit = data.attrs.get("unit", "1")
    unit = unit.decode() if isinstance(unit, bytes) else str(unit)
    columns = (name,) if values.ndim == 1 else tuple(f"{name}_{number}" for number in range(values.shape[1]))
    return Signal(name, times, values, unit, columns)
