"""Probes and channels of an Allen NWB file.

Contains the readers of the probe groups and of the electrodes table, in both layouts. Add here what the file says about
the hardware. Where a channel lies in the brain is `nh_platform.sources.nwb.positions`; nothing about units here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
import pandas as pd

from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS
from nh_platform.sources.allen.nwb.early_files import FETCH_THE_NEWER, sign_of_early_file
from nh_platform.sources.nwb.nwb_file import NwbFile, first_few, is_numeric
from nh_platform.sources.nwb.nwb_table import NwbTable, read_table, whole_numbers
from nh_platform.sources.nwb.standard_names import ELECTRODES, EPHYS

DEVICES = "general/devices"
COLLECTION = "units"
"""The table that the sorting is read from, as the collection of schema `PROBES`."""

NO_ID = -1
"""Stands in ``probe_id`` of a probe whose id the file does not state."""

NO_CHANNELS = {
    "probe": object,
    "channel": np.int64,
    "local_index": np.int64,
    "channel_id": np.int64,
    "probe_id": np.int64,
    "lateral_um": np.float64,
    "axial_um": np.float64,
    "valid_data": bool,
    "location": object,
    "x": np.float64,
    "y": np.float64,
    "z": np.float64,
}
"""Columns and dtypes of `read_channels`."""


def read_probes(nwb: NwbFile) -> pd.DataFrame:
    """Return one row per probe group, sorted by name.

    Returns
    -------
    pandas.DataFrame
        ``probe`` (name), ``probe_id`` (int64; `NO_ID` and a note where the file states none), ``sampling_rate`` (Hz),
        ``lfp_sampling_rate`` (Hz; NaN where the file states none), ``has_lfp_data`` (bool).

    Raises
    ------
    BadUpstreamData
        If no probe group is there.
    """
    names = [name for name in nwb.names(EPHYS) if name != "electrodes"]
    rows = [_probe(nwb, name) for name in names if isinstance(nwb.found(f"{EPHYS}/{name}"), h5py.Group)]
    for name in sorted(set(nwb.names(DEVICES)) - {row["probe"] for row in rows}):
        if _probe_id(_attributes(nwb, f"{DEVICES}/{name}")) is not None:
            nwb.note("probes", f"{EPHYS}/{name} is missing; {DEVICES}/{name} stands")
            rows.append(_probe(nwb, name))
    if not rows:
        sign = sign_of_early_file(nwb)
        found = f"no probe group in {EPHYS}"
        raise nwb.bad(f"{found}: a file from before June 2020 ({sign})", FETCH_THE_NEWER) if sign else nwb.bad(found)
    return pd.DataFrame(rows).sort_values("probe", ignore_index=True)


def _probe(nwb: NwbFile, name: str) -> dict[str, Any]:
    """Return what the group and the device of a probe state, by column of `read_probes`."""
    group, device = (_attributes(nwb, f"{place}/{name}") for place in (EPHYS, DEVICES))
    probe_id = _probe_id(group)
    if group and probe_id is None:
        probe_id = _probe_id(device)
        instead = "unknown" if probe_id is None else f"that of {DEVICES}/{name} stands"
        nwb.note("probes", f"{EPHYS}/{name} states no whole number as probe_id; {instead}")
    elif not group:
        probe_id = _probe_id(device)
    sampling_rate = _number(device, "sampling_rate")
    if np.isnan(sampling_rate):
        nwb.note("probes", f"{DEVICES}/{name} states no sampling_rate; NaN")
    return {
        "probe": name,
        "probe_id": NO_ID if probe_id is None else probe_id,
        "sampling_rate": sampling_rate,
        "lfp_sampling_rate": _number(group, "lfp_sampling_rate"),
        "has_lfp_data": _number(group, "has_lfp_data") == 1,
    }


def _probe_id(attributes: Mapping[str, Any]) -> int | None:
    """Return the id of a probe, None where it is no whole number of 64 bits."""
    numbers, usable = whole_numbers(np.array([_number(attributes, "probe_id")]))
    return int(numbers[0]) if usable[0] else None


def _attributes(nwb: NwbFile, name: str) -> Mapping[str, Any]:
    """Return the attributes of an object; none where it is missing."""
    found = nwb.found(name)
    return {} if found is None else found.attrs


def read_channels(nwb: NwbFile) -> pd.DataFrame:
    """Return one row per channel, sorted by probe name and by number on the probe.

    The number is ``local_index`` in the 2020 files and ``probe_channel_number`` in newer ones. A column that cannot be
    used is NaN or null, a channel without an id, whose probe is unknown or whose id occurs before is left out, and
    without the column of ids there are none, each with a note.

    Returns
    -------
    pandas.DataFrame
        ``probe``, ``channel`` (row within the probe), ``local_index``, ``channel_id``, ``probe_id`` (int64),
        ``lateral_um``, ``axial_um`` (float64; axial from the tip), ``valid_data`` (bool), ``location`` (acronym or
        None), ``x``, ``y``, ``z`` (float64, CCF µm in the order AP, DV, ML as the file states them).

    Raises
    ------
    BadUpstreamData
        If no probe group is there.
    """
    probes = read_probes(nwb)
    table = nwb.optional("channels", _read_electrodes, nwb, probes)
    if table is None:
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in NO_CHANNELS.items()})
    table = table.sort_values(["probe", "local_index", "channel_id"], ignore_index=True)
    table.insert(1, "channel", table.groupby("probe").cumcount().astype(np.int64))
    return table


def _read_electrodes(nwb: NwbFile, probes: pd.DataFrame) -> pd.DataFrame:
    """Return the channels of the known probes, in the order of the file."""
    electrodes = read_table(nwb, ELECTRODES, "channels")
    ids, named = electrodes.ids("id")
    good = electrodes.marks("valid_data", "every channel counts as valid")
    probe = _probes_of(electrodes, probes)
    table = pd.DataFrame(
        {
            "probe": probe,
            "local_index": _numbers_on_probe(electrodes, probe),
            "channel_id": ids,
            "probe_id": probe.map(probes.set_index("probe")["probe_id"]),
            "lateral_um": electrodes.numbers("probe_horizontal_position"),
            "axial_um": electrodes.numbers("probe_vertical_position"),
            "valid_data": np.ones(len(ids), dtype=bool) if good is None else good,
            "location": pd.Series(electrodes.texts("location"), dtype=object),
            **{axis: electrodes.numbers(axis) for axis in ("x", "y", "z")},
        }
    )
    stray, twice = table["probe"].isna() & named, table["channel_id"].where(named).duplicated() & named
    for out, why in ((stray, "are of no probe of the file"), (twice & ~stray, "have an id that occurs before")):
        if out.any():
            which = first_few(table.loc[out, "channel_id"])
            nwb.note("channels", f"{ELECTRODES}: {int(out.sum())} of {len(table)} channels {why}: {which}; left out")
    return table[named & ~(stray | twice)].astype({"probe_id": np.int64})


def _probes_of(electrodes: NwbTable, probes: pd.DataFrame) -> pd.Series:
    """Return the name of the probe of every channel: by the probe's id, else by the name of its group.

    Where the two name different probes the id stands: AllenSDK divides channels and units by it alone (`Channels` and
    `Units.from_nwb`, 2.16.2).
    """
    known = probes[probes["probe_id"] != NO_ID]
    by_id = pd.Series(electrodes.numbers("probe_id")).map(dict(zip(known["probe_id"].astype(float), known["probe"])))
    if "group_name" in electrodes.columns and not is_numeric(electrodes.columns["group_name"]):
        _note_other_groups(electrodes, probes, by_id)
    if not by_id.isna().any():
        return by_id
    names = pd.Series(electrodes.texts("group_name"), dtype=object)
    by_name = names.where(by_id.isna() & names.isin(probes["probe"]))
    if by_name.notna().any():
        electrodes.note("probe_id", f"{int(by_name.notna().sum())} channels have their probe by group_name instead")
    return by_id.astype(object).fillna(by_name)


def _note_other_groups(electrodes: NwbTable, probes: pd.DataFrame, by_id: pd.Series) -> None:
    """Note the channels whose group is named as another probe than their id says."""
    names = pd.Series(electrodes.columns["group_name"], dtype=object)
    other = by_id.notna() & names.isin(probes["probe"]) & (names != by_id)
    if other.any():
        first = int(np.flatnonzero(other)[0])
        found = f"{int(other.sum())} of {len(names)} channels are in the group of another probe than probe_id says"
        example = f"the first in {names[first]}, by probe_id of {by_id[first]}"
        electrodes.note("group_name", f"{found}, {example}; probe_id stands, as in AllenSDK")


def _numbers_on_probe(electrodes: NwbTable, probe: pd.Series) -> np.ndarray:
    """Return the number of every channel on its probe; its row there, with a note, where the file states none."""
    stated = next((name for name in ("local_index", "probe_channel_number") if name in electrodes.columns), None)
    values = electrodes.numbers(stated or "probe_channel_number")
    numbers, usable = whole_numbers(values)
    if usable.all():
        return numbers
    electrodes.note(stated or "probe_channel_number", "channels are numbered by their row instead")
    return probe.groupby(probe).cumcount().reindex(probe.index, fill_value=0).to_numpy(dtype=np.int64)


def _number(attributes: Mapping[str, Any], name: str) -> float:
    """Return an attribute as a number, NaN where there is none or it is something else."""
    value = attributes.get(name, np.nan)
    return float(value) if np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biuf" else float("nan")


def probe_rows(probes: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `read_probes` in schema `PROBES`; the file does not name the sorter."""
    return PROBES.conform(
        pd.DataFrame(
            {
                "probe": probes["probe"],
                "insertion_id": probes["probe_id"].astype(str).where(probes["probe_id"] != NO_ID, None),
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
