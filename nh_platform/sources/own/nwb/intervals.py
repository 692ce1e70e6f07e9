"""Intervals of an NWB file of any lab: trials, stimulus presentations, invalid times.

Add here what ``/intervals`` says. Columns keep the lab's names; what an event is called is said by the settings.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.sources.allen.nwb.invalid_times import read_invalid_times
from nh_platform.sources.nwb.nwb_file import NwbFile, texts_or_none
from nh_platform.sources.nwb.nwb_table import read_table
from nh_platform.sources.nwb.standard_names import INTERVALS
from nh_platform.sources.own.event_tables import START, presentations_table, trials_table
from nh_platform.sources.own.nwb.settings import NwbSettings

NO_PRESENTATIONS = frozenset({"epochs", "invalid_times"})
"""Tables of the standard that say what holds for a stretch of the session."""

NOT_READ = frozenset({"tags", "timeseries", "id"})


def read_event_tables(nwb: NwbFile, settings: NwbSettings, probes: list[str]) -> dict[str, pd.DataFrame]:
    """Return the event tables of a file by their names; what it lacks is absent, with a note."""
    tables = {}
    trials = nwb.optional("lab_trials", _read_trials, nwb, settings.trials)
    if trials is not None:
        tables["lab_trials"] = trials
    shown = nwb.optional("presentations", _read_presentations, nwb, presentation_tables(nwb, settings))
    if shown is not None:
        tables["presentations"] = shown
    tables["invalid_times"] = read_invalid_times(nwb, pd.DataFrame({"probe": probes, "probe_id": probes}))
    return tables


def presentation_tables(nwb: NwbFile, settings: NwbSettings) -> list[str]:
    """Return the names of the tables that hold presentations."""
    if settings.presentations is not None:
        return list(settings.presentations)
    return [name for name in nwb.names(INTERVALS) if name not in NO_PRESENTATIONS | {settings.trials}]


def _read_trials(nwb: NwbFile, name: str) -> pd.DataFrame | None:
    if not nwb.has(f"{INTERVALS}/{name}"):
        nwb.note("lab_trials", f"the file has no table {INTERVALS}/{name}")
        return None
    table, notes = trials_table(_interval_table(nwb, name, "lab_trials"))
    nwb.notes.extend(notes)
    return table


def _read_presentations(nwb: NwbFile, names: list[str]) -> pd.DataFrame | None:
    found = {}
    for name in names:
        table = nwb.optional("presentations", _interval_table, nwb, name, "presentations")
        if table is not None:
            found[name.removesuffix("_presentations")] = table
    if not found:
        return None
    table, notes = presentations_table(found)
    nwb.notes.extend(notes)
    return table


def _interval_table(nwb: NwbFile, name: str, subject: str) -> pd.DataFrame:
    """Return the columns of an interval table with one number or text per row.

    Raises
    ------
    BadUpstreamData
        If there is no such table, or it has no starts.
    """
    stated = read_table(nwb, f"{INTERVALS}/{name}", subject, key=START, ignored=NOT_READ)
    columns = {
        column: values if values.dtype.kind in "biuf" else pd.Series(texts_or_none(values), dtype=object)
        for column, values in stated.columns.items()
    }
    return pd.DataFrame(columns)
