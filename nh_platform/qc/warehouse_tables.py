"""Joins the tables of AllenSDK's warehouse cache: ``units.csv`` says where a unit lies only through ``channels.csv``.

Contains that join. Add here another upstream table that comes in parts. Reading one file is
`nh_platform.qc.units_file`; how the platform itself reads the warehouse is `nh_platform.sources.allen`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from nh_platform.qc.rules.rule_columns import MissingColumn
from nh_platform.qc.units_file import read_units
from nh_platform.session import BadUpstreamData

CHANNEL = "ecephys_channel_id"
PROBE = "ecephys_probe_id"
FROM_CHANNELS = (PROBE, "ecephys_structure_id", "ecephys_structure_acronym")
FROM_PROBES = ("ecephys_session_id",)
CHANNELS_FILE, PROBES_FILE = "channels.csv", "probes.csv"


def lacks_channels(units: pd.DataFrame) -> bool:
    """Return whether a table names each unit's channel but not the structure that the channel lies in."""
    return CHANNEL in units.columns and "ecephys_structure_id" not in units.columns


def join_neighbours(units: pd.DataFrame, path: str | os.PathLike[str]) -> tuple[pd.DataFrame, str]:
    """Join ``channels.csv`` and ``probes.csv`` to a units table where they lie beside it and it lacks their columns.

    Parameters
    ----------
    units
        One row per unit, as read from ``path``; its index and order are kept.
    path
        The file that the units were read from.

    Returns
    -------
    DataFrame
        The units with the columns of `FROM_CHANNELS` and `FROM_PROBES` that they lacked.
    str
        What was joined, in words; empty where nothing was.

    Raises
    ------
    BadUpstreamData
        If a neighbour cannot be read or lists an id twice, or does not list a channel or probe that is named.
    """
    folder = Path(path).parent
    if not lacks_channels(units) or not (folder / CHANNELS_FILE).is_file():
        return units, ""
    joined, new = _join(units, folder / CHANNELS_FILE, CHANNEL, FROM_CHANNELS)
    files, columns = [CHANNELS_FILE], new
    if PROBE in joined.columns and (folder / PROBES_FILE).is_file():
        joined, new = _join(joined, folder / PROBES_FILE, PROBE, FROM_PROBES)
        if new:
            files, columns = [*files, PROBES_FILE], [*columns, *new]
    return joined, f"{' and '.join(files)} in {folder}: {', '.join(columns)}"


def missing_column_of(path: str | os.PathLike[str], units: pd.DataFrame, error: MissingColumn) -> MissingColumn:
    """Return the error about a rule's column with the file that lacks it and, for ``units.csv``, what to join."""
    action = error.action
    if lacks_channels(units):
        folder = Path(path).parent
        action = (
            f"Put AllenSDK's {CHANNELS_FILE} (and {PROBES_FILE}) into {folder}: they are joined by {CHANNEL} and say "
            "which structure a unit lies in."
        )
    return MissingColumn(f"units file {path}", f"{error.thing}: {error.found}", action)


def _join(units: pd.DataFrame, path: Path, key: str, wanted: tuple[str, ...]) -> tuple[pd.DataFrame, list[str]]:
    table = read_units(path)
    names = {"id": key} if key not in table.columns else {}
    table = table.rename(columns=names)
    if key not in table.columns:
        raise BadUpstreamData(f"table {path}", f"it has no column id or {key}", "Get the file again from AllenSDK.")
    if table[key].duplicated().any():
        twice = table.loc[table[key].duplicated(), key].iloc[0]
        raise BadUpstreamData(f"table {path}", f"it lists {key} {twice} twice", "Get the file again from AllenSDK.")
    unknown = units[key][~units[key].isin(table[key])]
    if len(unknown):
        raise BadUpstreamData(
            f"table {path}",
            f"it does not list {len(unknown)} of the {len(units)} units' {key}, for example {unknown.iloc[0]}",
            "Take both files from the same release, or move this one away to go without it.",
        )
    new = [name for name in wanted if name in table.columns and name not in units.columns]
    rows = table.set_index(key)[new].loc[units[key]].set_axis(units.index)
    return pd.concat([units, rows], axis=1), new
