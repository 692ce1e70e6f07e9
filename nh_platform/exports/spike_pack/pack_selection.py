"""Which units of a session go into a pack of spikes, and what is said of each.

Contains the choice by verdict and region. Add here one more way to choose units. Reads tables alone: spikes are read
when the pack is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.layout import ALL, GOOD
from nh_platform.exports.plain.session_content import valid_time
from nh_platform.reading import SessionView
from nh_platform.session.tables.across_sessions.spike_pack import (
    PACK_UNIT_INVALID_TIMES,
    PACK_UNITS,
    PACK_VALID_TIME,
)
from nh_platform.sources.anatomy.region_names import Region
from nh_platform.windows.valid_time import stretches_by_probe

READ = ("raw_spikes", "units", "events")
"""Assets that a pack is made of; its origins have the data versions of those that are stored."""


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
    unit_invalid_times
        Where reviews call single ones of them invalid, schema `PACK_UNIT_INVALID_TIMES`.
    """

    opened: Callable[[], SessionView]
    rows: npt.NDArray[np.int64]
    units: pd.DataFrame
    unit_invalid_times: pd.DataFrame

    def spikes(self) -> tuple[npt.NDArray[np.float64], pd.DataFrame]:
        """Return (n_spikes,) float64 seconds, by unit, and the valid time, schema `PACK_VALID_TIME`."""
        session = self.opened()
        every, probes = session.spikes, list(dict.fromkeys(session.units["probe"]))
        stretches: dict[str, npt.NDArray[np.float64]] = {}
        if "events" in session.assets:
            recorded = every.recorded_time
            stretches = stretches_by_probe(recorded.start, recorded.stop, probes, session.invalid_times)
        valid = valid_time(stretches).assign(source=session.source, session_id=session.session_id)
        return every.take(self.rows).times, PACK_VALID_TIME.conform(valid)


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
    own = session.unit_invalid_rows(rows)
    own = own.assign(id=[_pack_id(session, unit) for unit in own["unit_id"]])
    marked = PACK_UNIT_INVALID_TIMES.conform(own.drop(columns="unit_id"))
    return PackPart(opened, rows, _described(session, table.iloc[rows], rulebook), marked)


def _pack_id(session: SessionView, unit_id: str) -> str:
    return f"{session.source}/{session.session_id}/{unit_id}"


def _described(session: SessionView, table: pd.DataFrame, rulebook: str) -> pd.DataFrame:
    info, probes = session.info, session.probes
    insertions = dict(zip(probes["probe"], probes["insertion_id"]))
    texts = lambda name: ["" if pd.isna(one) else str(one) for one in table[name]]  # noqa: E731
    ids = table["unit_id"].astype(str).tolist()
    judged = f"pass.{rulebook}" in table
    columns = {
        "id": [_pack_id(session, one) for one in ids],
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
