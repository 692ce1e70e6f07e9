"""Electrodes of an NWB file of any lab: which probe each is of, where it is on the shank, and in which region.

Add here what the electrodes table says. Which columns count is said by the settings.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.session import Note
from nh_platform.session.tables.spikes import RAW_CHANNELS
from nh_platform.sources.entry import MlTowards
from nh_platform.sources.nwb.nwb_file import NwbFile, first_few, is_numeric
from nh_platform.sources.nwb.nwb_table import NO_NUMBER, NwbTable, read_table
from nh_platform.sources.nwb.positions import position_table
from nh_platform.sources.nwb.standard_names import ELECTRODES, EPHYS
from nh_platform.sources.own.nwb.settings import NwbSettings

LATERAL = ("rel_x", "probe_horizontal_position")
AXIAL = ("rel_y", "probe_vertical_position")
"""Columns of a position on the shank where no setting names one: of the standard, then of the Allen Institute."""

ONE_PROBE = "probe00"
"""Name of the probe of a file that does not tell probes apart."""


def electrode_groups(nwb: NwbFile) -> list[str]:
    """Return the names of the electrode groups, sorted."""
    return [name for name in nwb.names(EPHYS) if name != "electrodes"]


def read_electrodes(nwb: NwbFile, settings: NwbSettings) -> pd.DataFrame:
    """Return one row per electrode, in the order of the file, which is how units name them.

    Returns
    -------
    pandas.DataFrame
        ``probe``, ``channel`` (row within the probe), ``channel_id`` (int64), ``lateral_um``, ``axial_um`` (float64),
        ``acronym`` (text or None), ``ap``, ``dv``, ``ml`` (CCF µm; NaN where the file's positions are no such).
    """
    table = nwb.optional("channels", read_table, nwb, ELECTRODES, "channels")
    if table is None:
        return _table(pd.DataFrame({"probe": pd.Series(dtype=object)}), np.zeros(0, np.int64), {}, [])
    ids = table.known_ids("id")
    nowhere = np.full(table.n_rows, np.nan)
    positions = {
        "lateral_um": _position(table, settings.lateral, LATERAL),
        "axial_um": _position(table, settings.axial, AXIAL),
        **{
            name: table.numbers(axis) if settings.ccf else nowhere
            for name, axis in (("ap", "x"), ("dv", "y"), ("ml", "z"))
        },
    }
    found = _table(pd.DataFrame({"probe": _probes(table, settings.probe)}), ids, positions, _acronyms(table, settings))
    if len(repeated := repeated_ids(found)):
        number = f"{int(found['channel_id'].isin(repeated).sum())} of {len(found)} electrodes"
        which = f"have an id that stands twice: {first_few(repeated)}"
        table.note("id", f"{number} {which}; they are told apart by their row")
    return found


def repeated_ids(electrodes: pd.DataFrame) -> np.ndarray:
    """Return the ids that several electrodes of the table of `read_electrodes` have: they name none of them."""
    ids = electrodes["channel_id"]
    return np.unique(ids[ids.duplicated() & (ids != NO_NUMBER)])


def _table(
    probes: pd.DataFrame, ids: np.ndarray, positions: dict[str, np.ndarray], acronyms: list[str | None]
) -> pd.DataFrame:
    names = ("lateral_um", "axial_um", "ap", "dv", "ml")
    return probes.assign(
        channel=probes.groupby("probe").cumcount().astype(np.int64),
        channel_id=ids,
        **{name: positions.get(name, np.zeros(0)) for name in names},
        acronym=pd.Series(acronyms, dtype=object),
    )


def _probes(table: NwbTable, column: str) -> list[str]:
    """Return the probe of every electrode: the text or whole number of a column, else the only group there is."""
    values = table.columns.get(column)
    if values is None:
        groups = electrode_groups(table.nwb)
        name = groups[0] if len(groups) == 1 else ONE_PROBE
        table.note(column, f"no such column; every channel counts as of one probe, {name}")
        return [name] * table.n_rows
    if is_numeric(values) and (values == np.floor(values)).all():
        return [str(int(value)) for value in values]
    return [str(value) or ONE_PROBE for value in values]


def _position(table: NwbTable, stated: str | None, usual: tuple[str, ...]) -> np.ndarray:
    name = stated or next((name for name in usual if name in table.columns), usual[0])
    return table.numbers(name)


def _acronyms(table: NwbTable, settings: NwbSettings) -> list[str | None]:
    if settings.region not in table.columns:
        table.note(settings.region, "no such column; no channel has a region")
        return [None] * table.n_rows
    return table.texts(settings.region)


def channel_rows(electrodes: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `read_electrodes` in schema `RAW_CHANNELS`, in the order of probes."""
    columns = electrodes[["probe", "channel", "channel_id", "lateral_um", "axial_um"]]
    rows = columns.sort_values(["probe", "channel"], ignore_index=True)
    return RAW_CHANNELS.conform(rows.rename(columns={"channel_id": "upstream_id"}))


def channel_positions(
    electrodes: pd.DataFrame, channels: pd.DataFrame, ml_towards: MlTowards
) -> tuple[pd.DataFrame, list[Note]]:
    """Return the position of every channel (schema `CHANNEL_POSITIONS`), in the order of ``channels``.

    Parameters
    ----------
    electrodes
        The table of `read_electrodes`.
    channels
        Schema `RAW_CHANNELS`.
    ml_towards
        As of `nh_platform.sources.nwb.positions.position_table`.
    """
    keys = pd.MultiIndex.from_frame(channels[["probe", "channel"]])
    place = electrodes.set_index(["probe", "channel"]).reindex(keys)[["ap", "dv", "ml", "acronym"]]
    place = place.reset_index(drop=True)
    located = place[["ap", "dv", "ml"]].notna().all(axis=1)
    return position_table(channels, place, located, "lab", ml_towards)
