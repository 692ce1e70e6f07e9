"""The local field potential in the NWB file of a probe, read in slices.

Both Allen releases have a file of its own for each probe, as AllenSDK 2.16.2 writes it (`Probe.add_lfp_to_nwb`): the
samples (n_samples, n_channels) and their times below ``acquisition/probe_<id>_lfp``, compressed in chunks, and an
electrodes table of the channels that were kept (every fourth in the released files).
"""

from __future__ import annotations

from bisect import bisect_left

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Note
from nh_platform.session.lfp import LFP_CHANNELS, LfpSlice, require_memory, require_overlap
from nh_platform.sources.allen.hemisphere import ML_TOWARDS
from nh_platform.sources.allen.nwb.electrodes import read_channels, read_probes
from nh_platform.sources.allen.nwb.session_file import session_rows
from nh_platform.sources.nwb.nwb_file import FETCH_AGAIN, NwbFile, first_few, is_numeric
from nh_platform.sources.nwb.positions import locate_channels
from nh_platform.sources.nwb.standard_names import ELECTRODES

ACQUISITION = "acquisition"
RATE_TOLERANCE = 0.01
"""Share by which the stated rate may differ from that of the times: tables state the 2,500 Hz before every second
sample was dropped."""

NEIGHBOURS = 8
"""Times that are looked at on either side of a window."""


def read_lfp(
    nwb: NwbFile, probe: str, start: float, stop: float, csv_channels: pd.DataFrame | None, scale: float = 1.0
) -> LfpSlice:
    """Read the samples of ``start`` ≤ time < ``stop``, of all channels of the file.

    Nothing is masked: `SessionView.lfp` does, as AllenSDK does.

    Parameters
    ----------
    nwb
        The probe's open file.
    probe
        Name of the probe that it must be of.
    start, stop
        Seconds on the session clock.
    csv_channels
        Rows of channels.csv of the session, as of `locate_channels`.
    scale
        Factor for releases that state the potential too large.

    Raises
    ------
    BadUpstreamData
        If it is the file of another probe, has no LFP, lacks its times or electrodes, or these disagree.
    ConfigError
        If the window lies outside of the recording, or is more than memory holds.
    """
    probes = read_probes(nwb).set_index("probe")
    if probe not in probes.index:
        raise nwb.bad(f"it is the file of {', '.join(probes.index)}, not of {probe}", "Move it to its own place.")
    series = _series(nwb, int(probes.loc[probe, "probe_id"]))
    data, times = _data_and_times(nwb, series)
    channel_ids = _channel_ids(nwb, series, data.shape[1])
    with nwb.decoding(times.name):
        first, last = float(times[0]), float(times[-1])
        if not first <= last < np.inf:  # NaN fails it too
            raise nwb.bad(f"{times.name} does not rise: it is {first:g} s at its start and {last:g} s at its end")
        notes = list(require_overlap(start, stop, first, last, f"{probe} in {nwb.path.name}"))
        # By bisection: the times of 2.5 h are 90 MB, and 24 of them are looked at.
        begin, end = bisect_left(times, start), bisect_left(times, stop)
        require_memory(start, stop, data.shape[1], end - begin, f"{probe} in {nwb.path.name}")
        # With neighbours: where bisection met a NaN or a step back, it ends beside another time than that asked for.
        before = min(begin, NEIGHBOURS)
        around = np.asarray(times[begin - before : end + NEIGHBOURS], dtype=np.float64)
    seconds = around[before : before + end - begin]
    rises = np.isfinite(around).all() and (np.diff(around) > 0).all()
    bounded = (begin == 0 or around[0] < start) and (end == len(times) or around[-1] >= stop)
    if not (rises and bounded and (seconds >= start).all() and (seconds < stop).all()):
        raise nwb.bad(f"{times.name} does not rise between {start:g} and {stop:g} s", FETCH_AGAIN)
    with nwb.decoding(data.name):
        values = np.asarray(data[begin:end], dtype=np.float32)
    factor = scale * nwb.attribute(data, "conversion", 1.0)
    if factor != 1.0:
        values = values * np.float32(factor)
    rate, rate_notes = _sampling_rate(float(probes.loc[probe, "lfp_sampling_rate"]), seconds, first, last, len(times))
    channels, position_notes = _channels(nwb, probe, channel_ids, csv_channels)
    every = (*notes, *rate_notes, *position_notes, *nwb.notes)
    return LfpSlice(np.ascontiguousarray(values.T), seconds, rate, channels, every)


def _series(nwb: NwbFile, probe_id: int) -> str:
    name = f"{ACQUISITION}/probe_{probe_id}_lfp/probe_{probe_id}_lfp_data"
    if not isinstance(nwb.found(name), h5py.Group):
        held = ", ".join(nwb.names(ACQUISITION)) or "nothing"
        found = f"it has no LFP of probe {probe_id}: {name} is missing, and {ACQUISITION} holds {held}"
        raise nwb.bad(
            found, "Check that it is the file of the probe's LFP and not the session's, or download it again."
        )
    return name


def _data_and_times(nwb: NwbFile, series: str) -> tuple[h5py.Dataset, h5py.Dataset]:
    """Return samples and times, neither read."""
    data, times = (nwb.found(f"{series}/{name}") for name in ("data", "timestamps"))
    for name, found, n_dim in (("data", data, 2), ("timestamps", times, 1)):
        if not isinstance(found, h5py.Dataset):
            raise nwb.bad(f"{series}/{name} is missing", FETCH_AGAIN)
        if found.ndim != n_dim or not is_numeric(found):
            raise nwb.bad(f"{series}/{name} is {found.dtype} of shape {found.shape}, expected numbers of {n_dim} axes")
    assert isinstance(data, h5py.Dataset)
    assert isinstance(times, h5py.Dataset)
    if len(data) != len(times) or not len(times):
        raise nwb.bad(f"{series} has {len(data)} samples and {len(times)} times", FETCH_AGAIN)
    return data, times


def _channel_ids(nwb: NwbFile, series: str, n_columns: int) -> npt.NDArray[np.int64]:
    """Return the channel id of every column of the samples, by the rows of the electrodes table that it names."""
    if not nwb.has(f"{ELECTRODES}/id"):
        raise nwb.bad(f"{ELECTRODES} is missing, so that nothing tells which channels these are", FETCH_AGAIN)
    ids = nwb.array(f"{ELECTRODES}/id").astype(np.int64)
    rows = np.arange(len(ids))
    if nwb.has(f"{series}/electrodes"):
        rows = nwb.array(f"{series}/electrodes").astype(np.int64)
    if len(rows) != n_columns or (len(rows) and not (rows.min() >= 0 and rows.max() < len(ids))):
        found = f"{series} has {n_columns} channels and names {len(rows)} of {len(ids)} electrodes"
        raise nwb.bad(found, FETCH_AGAIN)
    named, times_named = np.unique(ids[rows], return_counts=True)
    if (times_named > 1).any():
        twice = first_few(str(one) for one in named[times_named > 1])
        found = f"{series} has two columns of one electrode: the ids {twice} stand twice in {ELECTRODES}"
        raise nwb.bad(found, FETCH_AGAIN)
    return ids[rows]


def _channels(
    nwb: NwbFile, probe: str, channel_ids: npt.NDArray[np.int64], csv_channels: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the rows of schema `LFP_CHANNELS`, in the order of ``channel_ids``."""
    of_file = read_channels(nwb)
    lacking = set(channel_ids) - set(of_file["channel_id"])
    if lacking:
        raise nwb.bad(f"{ELECTRODES} cannot be used for {len(lacking)} of {len(channel_ids)} channels", FETCH_AGAIN)
    channels = of_file.set_index("channel_id").loc[channel_ids].reset_index()
    # The number on the probe, as in the session's file: the rows here are those that were kept.
    channels = channels.assign(probe=probe, channel=channels["local_index"])
    positions, notes = locate_channels(channels, session_rows(nwb, csv_channels, channels), ML_TOWARDS)
    own = channels[["probe", "channel", "channel_id", "lateral_um", "axial_um"]]
    table = own.rename(columns={"channel_id": "upstream_id"}).merge(positions, on=["probe", "channel"], how="left")
    return LFP_CHANNELS.conform(table), notes


def _sampling_rate(
    stated: float, seconds: npt.NDArray[np.float64], first: float, last: float, n_times: int
) -> tuple[float, tuple[Note, ...]]:
    """Return the stated rate (Hz) where the times agree with it, else theirs with a note."""
    if len(seconds) > 1:
        measured = 1.0 / float(np.median(np.diff(seconds)))
    else:
        measured = (n_times - 1) / (last - first) if last > first else float("nan")
    if not np.isfinite(measured) or abs(stated - measured) <= RATE_TOLERANCE * measured:
        return stated, ()
    text = f"the file states {stated:g} Hz, its times are {measured:.6g} Hz apart; these count"
    return measured, (Note("lfp_sampling_rate", text),)
