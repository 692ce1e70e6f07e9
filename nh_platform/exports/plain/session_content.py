"""What of a session goes into plain files: spikes by unit, tables with units of measure, sampled signals.

Contains the selection and its words. Add a table here when sessions offer one more to everybody. How it is laid out in
a file is the matter of the module of that format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.layout import judged_units
from nh_platform.reading import SessionView
from nh_platform.reading.events.common_trials import COMMON_COLUMNS
from nh_platform.session import Signal, Spikes
from nh_platform.session.columns import Column, describe
from nh_platform.session.display import counted
from nh_platform.session.tables.events import DETECTED, EVENTS, PRESENTATIONS, TRIAL_TABLES
from nh_platform.session.tables.units import UNIT_INVALID_TIMES, UNITS
from nh_platform.store.codecs.parquet import column_words

ALSO = ("events", "signals")
"""Assets that are exported where they are stored."""

UNIT_NAMES = (
    Column("region", "string", "-", "Region: Beryl acronym, the Allen one where there is none", nullable=True),
    Column(
        "label",
        "float64",
        "1",
        "Share of the rules of the rulebook that the file states that the unit passes; 1 is a good unit",
    ),
    Column("good", "bool", "-", "Whether the unit passes the rulebook that the file states, reviews included"),
)
VALID_TIME = (
    Column("probe", "string", "-", "Probe name within the session"),
    Column("start_time", "float64", "s", "Start of a stretch that no invalid interval or pause overlaps"),
    Column("stop_time", "float64", "s", "End of the stretch"),
)
_NUMBERS = frozenset({"correct"})
"""Common columns of trials that are no times."""


@dataclass(frozen=True)
class ContentTable:
    """A table as it is exported.

    Parameters
    ----------
    name
        Its name, for example ``trials``.
    frame
        The rows.
    columns
        Dtype, unit of measure and meaning of each of its columns, in their order.
    """

    name: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class SessionContent:
    """What is exported of a session.

    Parameters
    ----------
    spikes
        Spikes grouped by unit, in the order of the table ``units``.
    tables
        ``units``, ``unit_invalid_times`` where reviews mark time of single units, ``valid_time``, ``trials`` and every
        table of events.
    signals
        Sampled signals by name.
    left_out
        What the session lacks, each a sentence.
    """

    spikes: Spikes
    tables: tuple[ContentTable, ...]
    signals: dict[str, Signal]
    left_out: tuple[str, ...]

    def table(self, name: str) -> ContentTable | None:
        """Return a table by its name; None where the session has none."""
        return next((one for one in self.tables if one.name == name), None)


def session_content(session: SessionView, rows: npt.NDArray[np.int64], rulebook: str) -> SessionContent:
    """Return what is exported of a session.

    Parameters
    ----------
    session
        The session; `raw_spikes` and `units` are made.
    rows
        (n,) int64, rows of its units, ascending.
    rulebook
        Id of the rulebook that ``label`` and ``good`` of the units are by.
    """
    has_events, has_signals = ("events" in session.assets), ("signals" in session.assets)
    tables = [unit_table(session, rows, rulebook)]
    own = session.unit_invalid_rows(rows)
    tables += [ContentTable(UNIT_INVALID_TIMES.name, own, UNIT_INVALID_TIMES.columns)] if len(own) else []
    tables += _event_tables(session) if has_events else []
    signals = dict(sorted(session.signals.items())) if has_signals else {}
    left_out = [f"it has no {name}: that was not made" for name in ALSO if name not in session.assets]
    if has_events and not any(one.name == "trials" for one in tables):
        left_out.append("it has no trials and no presentations")
    if has_signals and not signals:
        left_out.append("it has no signals")
    regions = tables[0].frame["region"]
    if len(regions) and regions.isna().all():
        left_out.append(f"no region is known of its {counted(len(regions), 'unit')}")
    if not has_events:
        left_out.append("it has no valid_time: that is made of its events")
    return SessionContent(session.spikes.take(rows), tuple(tables), signals, tuple(left_out))


def unit_table(session: SessionView, rows: npt.NDArray[np.int64], rulebook: str) -> ContentTable:
    """Return the units of a session in those rows: schema `UNITS`, with region, label and verdict at the end."""
    frame = judged_units(session, rows, rulebook)
    words = column_words(session.folder("units") / "units.parquet")
    named = [one for one in UNIT_NAMES if one.name in frame]
    known = [*describe(UNITS, frame, words.get), *named]
    return ContentTable("units", frame[[one.name for one in known]], tuple(known))


def _event_tables(session: SessionView) -> Iterator[ContentTable]:
    if "raw_spikes" in session.assets:
        yield ContentTable("valid_time", valid_time(session.valid_spikes.stretches), VALID_TIME)
    schemas = {**EVENTS, **DETECTED}
    own = next((name for name in TRIAL_TABLES if name in session.events), PRESENTATIONS.name)
    if own in session.events:
        trials = session.trials.reset_index(drop=True)
        known = describe(schemas[own], trials)
        common = [_common(name) for name in COMMON_COLUMNS if name not in {one.name for one in known}]
        columns = (*known, *(one for one in common if one.name in trials))
        yield ContentTable("trials", trials[[one.name for one in columns]], tuple(columns))
    for name in session.events:
        if name in schemas and name not in TRIAL_TABLES:
            table = session.events[name].reset_index(drop=True)
            columns = tuple(describe(schemas[name], table))
            yield ContentTable(name, table[[one.name for one in columns]], columns)


def _common(name: str) -> Column:
    return Column(name, "float64", "1" if name in _NUMBERS else "s", COMMON_COLUMNS[name], nullable=True)


def valid_time(stretches: Mapping[str, npt.NDArray[np.float64]]) -> pd.DataFrame:
    """Return a table, columns `VALID_TIME`, of the (n, 2) valid stretches (s) of each probe."""
    rows = [(probe, float(start), float(stop)) for probe, pairs in stretches.items() for start, stop in pairs]
    frame = pd.DataFrame(rows, columns=[one.name for one in VALID_TIME])
    return frame.astype({"start_time": "float64", "stop_time": "float64"})


def with_columns(table: ContentTable, added: Sequence[tuple[Column, str]]) -> ContentTable:
    """Return a table with columns in front that hold one text each, for example the session."""
    frame = table.frame.copy()
    for place, (column, value) in enumerate(added):
        frame.insert(place, column.name, pd.Series([value] * len(frame), dtype=object))
    return replace(table, frame=frame, columns=(*(column for column, _ in added), *table.columns))
