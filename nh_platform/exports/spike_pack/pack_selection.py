"""Which units of a session go into a pack of spikes, and what is said of each.

Contains the choice by verdict and region, and the columns of the pack's table of units. Add a column here when readers
of a pack need one more fact of a unit. Reads tables alone: spikes are read when the pack is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.layout import ALL, GOOD
from nh_platform.reading import SessionView
from nh_platform.session.columns import Column, TableSchema
from nh_platform.sources.region_names import Region

PACK_UNITS = TableSchema(
    "pack_units",
    (
        Column("id", "string", "-", "Id of the unit in the pack: <source>/<session>/<unit>"),
        Column("source", "string", "-", "Source"),
        Column("session_id", "string", "-", "Upstream session id"),
        Column("unit_id", "string", "-", "Upstream unit id"),
        Column("subject", "string", "-", "Animal; empty where upstream names none"),
        Column("lab", "string", "-", "Laboratory; empty where upstream names none"),
        Column("date", "string", "-", "Day of the recording, YYYY-MM-DD; empty where not known"),
        Column("probe", "string", "-", "Probe name within the session"),
        Column("insertion_id", "string", "-", "Upstream probe insertion id; empty where not known"),
        Column("region", "string", "-", "Beryl acronym, the Allen one where there is none; empty where not known"),
        Column("allen", "string", "-", "Allen structure acronym; empty where not known"),
        Column("beryl", "string", "-", "Region in the Beryl parcellation; empty where not known"),
        Column("cosmos", "string", "-", "Region in the Cosmos parcellation; empty where not known"),
        Column("depth", "float64", "um", "Depth from the probe tip", nullable=True),
        Column("rulebook", "string", "-", "Rulebook of label and good; empty where units were not judged"),
        Column("label", "float64", "1", "Share of the rulebook's rules that the unit passes", nullable=True),
        Column("good", "bool", "-", "Whether the unit passes the rulebook, reviews included"),
        Column("n_spikes", "int64", "1", "Spikes of the unit"),
    ),
    key=("id",),
)


@dataclass(frozen=True)
class PackPart:
    """What of one session goes into a pack.

    Parameters
    ----------
    opened
        Opens the session anew: what was read of it is not kept, or a pack would need memory for all its sessions.
    rows
        (n,) int64, rows of its units, ascending.
    units
        Their table, schema `PACK_UNITS`.
    """

    opened: Callable[[], SessionView]
    rows: npt.NDArray[np.int64]
    units: pd.DataFrame

    def times(self) -> npt.NDArray[np.float64]:
        """Return (n_spikes,) float64 seconds, by unit."""
        return self.opened().spikes.take(self.rows).times


def pack_part(opened: Callable[[], SessionView], units: str = GOOD, region: Region | None = None) -> PackPart:
    """Choose the units of a session; the part may be empty.

    Parameters
    ----------
    opened
        Opens the session, whose spikes and units are made.
    units
        ``all``, ``good`` by the active rulebook, or the id of a rulebook.
    region
        Only units of which the Allen, Beryl or Cosmos acronym lies in it.

    Raises
    ------
    UnknownSession
        If units or spikes were not made, or the units were not judged by the rulebook.
    StoreError
        If the spikes cannot be used.
    """
    session = opened()
    session.folder("raw_spikes")
    table = session.units
    rulebook = session.active_rulebook if units in (ALL, GOOD) else units
    chosen = np.ones(len(table), dtype=bool)
    if units != ALL:
        chosen &= session.good_units(None if units == GOOD else units)
    if region is not None:
        stated = [table[name].isin(region.acronyms).to_numpy() for name in ("acronym", "beryl", "cosmos")]
        chosen &= np.logical_or.reduce(stated)
    rows = np.flatnonzero(chosen)
    return PackPart(opened, rows, _described(session, table.iloc[rows], rulebook))


def _described(session: SessionView, table: pd.DataFrame, rulebook: str) -> pd.DataFrame:
    info, probes = session.info, session.probes
    insertions = dict(zip(probes["probe"], probes["insertion_id"]))
    texts = lambda name: ["" if pd.isna(one) else str(one) for one in table[name]]  # noqa: E731
    ids = table["unit_id"].astype(str).tolist()
    judged = f"pass.{rulebook}" in table
    columns = {
        "id": [f"{session.source}/{session.session_id}/{one}" for one in ids],
        "source": session.source,
        "session_id": session.session_id,
        "unit_id": ids,
        "subject": info.subject or "",
        "lab": info.lab or "",
        "date": info.date or "",
        "probe": table["probe"].tolist(),
        "insertion_id": [insertions.get(one) or "" for one in table["probe"]],
        "region": texts("region"),
        "allen": texts("acronym"),
        "beryl": texts("beryl"),
        "cosmos": texts("cosmos"),
        "depth": table["depth"].to_numpy(np.float64),
        "rulebook": rulebook if judged else "",
        "label": table[f"label.{rulebook}"].to_numpy(np.float64) if judged else np.nan,
        "good": table[f"pass.{rulebook}"].to_numpy(bool) if judged else False,
        "n_spikes": table["n_spikes"].to_numpy(np.int64),
    }
    return PACK_UNITS.conform(pd.DataFrame(columns, index=range(len(ids))))
