"""Probes and channels of an Allen NWB file.

Contains the readers of the probe groups and of the electrodes table, in both layouts. Add here what the file says about
the hardware. Where a channel lies in the brain is `nh_platform.sources.allen.nwb.positions`; nothing about units here.
"""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd

from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS
from nh_platform.sources.allen.nwb.nwb_file import NwbFile, plain_columns, texts_or_none

EPHYS = "general/extracellular_ephys"
ELECTRODES = f"{EPHYS}/electrodes"
COLLECTION = "units"
"""The table that the sorting is read from, as the collection of schema `PROBES`."""


def read_probes(nwb: NwbFile) -> pd.DataFrame:
    """Return one row per probe group, sorted by name.

    Returns
    -------
    pandas.DataFrame
        ``probe`` (name), ``probe_id`` (int64), ``sampling_rate`` (Hz), ``lfp_sampling_rate`` (Hz; NaN where the
        file states none), ``has_lfp_data`` (bool).

    Raises
    ------
    BadUpstreamData
        If no probe group is there, or one does not state its probe id.
    """
    rows = []
    for name, group in nwb.group(EPHYS).items():
        if not isinstance(group, h5py.Group) or name == "electrodes":
            continue
        if "probe_id" not in group.attrs:
            raise nwb.bad(f"probe group {name} states no probe_id", "Use a Visual Coding or Visual Behavior file.")
        device = nwb.handle.get(f"general/devices/{name}")
        rows.append(
            {
                "probe": name,
                "probe_id": int(group.attrs["probe_id"]),
                "sampling_rate": float(device.attrs.get("sampling_rate", np.nan)) if device is not None else np.nan,
                "lfp_sampling_rate": float(group.attrs.get("lfp_sampling_rate", np.nan)),
                "has_lfp_data": bool(group.attrs.get("has_lfp_data", False)),
            }
        )
    if not rows:
        raise nwb.bad(f"no probe group in {EPHYS}")
    return pd.DataFrame(rows).sort_values("probe", ignore_index=True)


def read_channels(nwb: NwbFile) -> pd.DataFrame:
    """Return one row per channel, sorted by probe name and by number on the probe.

    The number is ``local_index`` in the 2020 files and ``probe_channel_number`` in newer ones.

    Returns
    -------
    pandas.DataFrame
        ``probe``, ``channel`` (row within the probe), ``local_index``, ``channel_id``, ``probe_id`` (int64),
        ``lateral_um``, ``axial_um`` (float64; axial from the tip), ``valid_data`` (bool), ``location`` (acronym or
        None), ``x``, ``y``, ``z`` (float64, CCF µm in the order AP, DV, ML as the file states them).

    Raises
    ------
    BadUpstreamData
        If a column is missing, a channel id occurs twice, or a channel belongs to an unknown probe.
    """
    columns = plain_columns(nwb, ELECTRODES)
    number = "local_index" if "local_index" in columns else "probe_channel_number"
    required = ("probe_id", "probe_vertical_position", "probe_horizontal_position", number, "location")
    missing = [name for name in required if name not in columns]
    if missing:
        raise nwb.bad(f"{ELECTRODES} lacks {', '.join(missing)}", "Use a Visual Coding or Visual Behavior file.")
    n_channels = len(columns["id"])
    unknown = np.full(n_channels, np.nan)
    names = read_probes(nwb).set_index("probe_id")["probe"]
    table = pd.DataFrame(
        {
            "probe": pd.Series(columns["probe_id"].astype(np.int64)).map(names),
            "local_index": columns[number].astype(np.int64),
            "channel_id": columns["id"].astype(np.int64),
            "probe_id": columns["probe_id"].astype(np.int64),
            "lateral_um": columns["probe_horizontal_position"].astype(np.float64),
            "axial_um": columns["probe_vertical_position"].astype(np.float64),
            "valid_data": columns.get("valid_data", np.ones(n_channels, bool)).astype(bool),
            "location": pd.Series(texts_or_none(columns["location"]), dtype=object),
            **{axis: columns.get(axis, unknown).astype(np.float64) for axis in ("x", "y", "z")},
        }
    )
    if table["probe"].isna().any():
        strays = sorted(table.loc[table["probe"].isna(), "probe_id"].unique().tolist())
        raise nwb.bad(f"channels of probe ids {strays} but no probe group of these ids")
    if table["channel_id"].duplicated().any():
        raise nwb.bad(f"channel id {table.loc[table['channel_id'].duplicated(), 'channel_id'].iloc[0]} occurs twice")
    table = table.sort_values(["probe", "local_index", "channel_id"], ignore_index=True)
    table.insert(1, "channel", table.groupby("probe").cumcount().astype(np.int64))
    return table


def probe_rows(probes: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `read_probes` in schema `PROBES`; the file does not name the sorter."""
    return PROBES.conform(
        pd.DataFrame(
            {
                "probe": probes["probe"],
                "insertion_id": probes["probe_id"].astype(str),
                "collection": COLLECTION,
                "revision": "",
                "sampling_rate": probes["sampling_rate"],
            }
        )
    )


def channel_rows(channels: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `read_channels` in schema `RAW_CHANNELS`; ``upstream_id`` is the Allen channel id."""
    columns = ["probe", "channel", "channel_id", "lateral_um", "axial_um"]
    return RAW_CHANNELS.conform(channels[columns].rename(columns={"channel_id": "upstream_id"}))
