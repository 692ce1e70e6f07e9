"""The tables of a whole Allen release in the words of every source: sessions, probes, channels and units.

Contains how a CSV table is read and what of it identifies a row or places it in the brain; Visual Coding and Visual
Behavior differ in the names of columns alone. Add here a column that both state under another name. Which files a
release has is said by `coding` and `behavior`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nh_platform.history.released_tables import ReleasedTables
from nh_platform.session import BadUpstreamData
from nh_platform.session.columns import unnamed_fields
from nh_platform.session.display import counted
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.catalogue.released import SESSION_FACTS
from nh_platform.sources.anatomy.regions import regions_of_acronyms
from nh_platform.sources.nwb.positions import CSV_COLUMNS, is_registered
from nh_platform.store.provenance import UpstreamFile

TABLES = ("sessions", "probes", "channels", "units")

_AXES = {"ap": "ccf_ap_um", "dv": "ccf_dv_um", "ml": "ccf_ml_um"}
_PLACE = ("acronym", "beryl", "cosmos", *_AXES.values())
OF_UNIT = ("session_id", "insertion_id", "probe", *_PLACE)
"""What a unit has of its channel."""


_AGAIN = "Download the release's tables again."
_SHOWN = 3
"""Rows that an error names."""


@dataclass(frozen=True)
class TableNames:
    """Names under which a release keeps its tables and their ids.

    Parameters
    ----------
    sessions
        Name of the table of sessions, without ``.csv``.
    session_id, probe_id, channel_id, unit_id
        Column of the table's own id: of sessions, probes, channels and units.
    acronym
        Column of the structure.
    """

    sessions: str
    session_id: str
    probe_id: str
    channel_id: str
    unit_id: str
    acronym: str

    def file(self, table: str) -> str:
        """Return the file name of one of `TABLES`."""
        return f"{self.sessions if table == 'sessions' else table}.csv"

    def own_id(self, table: str) -> str:
        """Return the column with the id of a row of one of `TABLES`."""
        ids = (self.session_id, self.probe_id, self.channel_id, self.unit_id)
        return dict(zip(TABLES, ids))[table]

    def required(self, table: str) -> tuple[str, ...]:
        """Return the columns without which a table says nothing of its rows."""
        positions = [name for name in CSV_COLUMNS if not name.endswith("acronym")]
        return {
            "sessions": (self.session_id,),
            "probes": (self.probe_id, "ecephys_session_id", "name"),
            "channels": (self.channel_id, "ecephys_probe_id", self.acronym, *positions),
            "units": (self.unit_id, "ecephys_channel_id"),
        }[table]


CODING = TableNames("sessions", "id", "id", "id", "id", "ecephys_structure_acronym")
BEHAVIOR = TableNames(
    "ecephys_sessions", "ecephys_session_id", "ecephys_probe_id", "ecephys_channel_id", "unit_id", "structure_acronym"
)


def tables_of_release(
    paths: Mapping[str, Path], names: TableNames, release: str, files: Iterable[UpstreamFile]
) -> ReleasedTables:
    """Return the tables of a release.

    Parameters
    ----------
    paths
        The CSV file of each of `TABLES` that is there.
    names
        How the release calls them.
    release, files
        Name of the release, and the files with their hashes.

    Raises
    ------
    BadUpstreamData
        If a table cannot be read, lacks a column that says what a row is of, or has ids that are none or stand twice.
    """
    read = {name: read_csv_table(path, names.required(name)) for name, path in paths.items()}
    for name, table in read.items():
        owners = [column for column in names.required(name) if column.endswith("_id") and column != names.own_id(name)]
        check_ids(f"file {paths[name].name}", table, names.own_id(name), owners)
    sessions = _sessions(read.get("sessions"), names)
    probes = _probes(read.get("probes"), names)
    channels, without_probe = _channels(read.get("channels"), probes, names)
    units, without_channel = _units(read.get("units"), channels, names)
    sessions = _with_counts(sessions, {"probe_count": probes, "channel_count": channels})
    left_out = (
        *_left_out(names.file("channels"), without_probe, names.file("probes")),
        *_left_out(names.file("units"), without_channel, names.file("channels")),
    )
    return ReleasedTables(release, tuple(files), sessions, probes, channels, units, left_out=left_out)


def read_csv_table(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a table of a release.

    Raises
    ------
    BadUpstreamData
        If it cannot be read, or lacks one of the ``required`` columns; the text names the nearest.
    """
    try:
        table = pd.read_csv(path)
        if found := unnamed_fields(table):
            raise ValueError(found)
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        raise BadUpstreamData(f"file {path.name}", f"it cannot be read as CSV: {error}", _AGAIN) from error
    missing = [name for name in required if name not in table.columns]
    if missing:
        near = close_matches(missing[0], map(str, table.columns))
        raise BadUpstreamData(f"file {path.name}", f"columns missing: {', '.join(missing)}", f"{_AGAIN}{near}")
    return table


def check_ids(thing: str, table: pd.DataFrame, own: str, owners: Sequence[str] = ()) -> None:
    """Check that every row of a table has an id of its own, and that ids are whole numbers.

    Parameters
    ----------
    thing
        The file of the table, for the text of errors.
    table
        The table as it was read; its index numbers the rows from 0.
    own
        Column with the id of each row.
    owners
        Columns with the id of what a row belongs to; there it may be missing, and stand in many rows.

    Raises
    ------
    BadUpstreamData
        Naming the column, the first ids that cannot be and their rows.
    """
    check_whole_ids(thing, table, (own, *owners))
    missing = table[own].isna()
    if missing.any():
        rows = ", ".join(f"row {number + 2}" for number in table.index[missing][:_SHOWN])
        more = ", …" if missing.sum() > _SHOWN else ""
        found = f"column {own} has {counted(int(missing.sum()), 'row')} without an id: {rows}{more}"
        raise BadUpstreamData(thing, found, _AGAIN)
    twice = table[own].duplicated(keep=False)
    if twice.any():
        number = counted(table.loc[twice, own].nunique(), "id")
        raise BadUpstreamData(
            thing, f"column {own} has {number} in several rows: {_first_of(table[own], twice)}", _AGAIN
        )


def check_whole_ids(thing: str, table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Check that what stands in columns of ids is a whole number or nothing.

    Raises
    ------
    BadUpstreamData
        Naming the column, the first values that are none and their rows.
    """
    for column in columns:
        numbers = pd.to_numeric(table[column], errors="coerce")
        odd = table[column].notna() & (numbers.isna() | (numbers % 1 != 0))
        if odd.any():
            number = counted(int(odd.sum()), "value that is no id", "values that are no ids")
            raise BadUpstreamData(thing, f"column {column} has {number}: {_first_of(table[column], odd)}", _AGAIN)


def _first_of(values: pd.Series, chosen: pd.Series) -> str:
    rows = [f"{value!s} in row {number + 2}" for number, value in values[chosen].head(_SHOWN).items()]
    return ", ".join(rows) + (", …" if int(chosen.sum()) > len(rows) else "")


def _sessions(table: pd.DataFrame | None, names: TableNames) -> pd.DataFrame:
    if table is None:
        return pd.DataFrame({"session_id": []}, dtype=object)
    own = table.rename(columns={names.session_id: "session_id"}).assign(session_id=ids_as_text(table[names.session_id]))
    facts = [one.name for one in SESSION_FACTS if one.name in own and one.dtype == "string"]
    return own.assign(**{name: own[name].astype(object).where(own[name].notna(), None) for name in facts})


def _with_counts(sessions: pd.DataFrame, owned: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the sessions with how much each owns, where the release counts it not itself, as Visual Coding's."""
    counts = {
        name: sessions["session_id"].map(rows["session_id"].value_counts()).fillna(0).astype("float64")
        for name, rows in owned.items()
        if name not in sessions and len(rows)
    }
    return sessions.assign(**counts)


def _probes(table: pd.DataFrame | None, names: TableNames) -> pd.DataFrame:
    if table is None:
        return pd.DataFrame({"session_id": [], "insertion_id": [], "probe": []}, dtype=object)
    ids = {
        "session_id": ids_as_text(table["ecephys_session_id"]),
        "insertion_id": ids_as_text(table[names.probe_id]),
        "probe": table["name"].astype(str),
    }
    return _with_ids(ids, table, ("ecephys_session_id", names.probe_id, "name"))


def _channels(table: pd.DataFrame | None, probes: pd.DataFrame, names: TableNames) -> tuple[pd.DataFrame, int]:
    """Return the channels whose probe is listed, and how many are of none."""
    if table is None:
        return pd.DataFrame({name: [] for name in (*OF_UNIT, "channel_id")}, dtype=object), 0
    insertion = ids_as_text(table["ecephys_probe_id"])
    of_probe = probes.drop_duplicates("insertion_id").set_index("insertion_id")[["session_id", "probe"]]
    place = table[[name for name in CSV_COLUMNS if name in table]].rename(columns=CSV_COLUMNS)
    located = is_registered(place)
    axes = {new: place[old].astype("float64").where(located) for old, new in _AXES.items()}
    regions = _regions(table[names.acronym])
    ids = {
        "session_id": insertion.map(of_probe["session_id"]),
        "insertion_id": insertion,
        "probe": insertion.map(of_probe["probe"]),
        "channel_id": ids_as_text(table[names.channel_id]),
        **{name: regions[name] for name in ("acronym", "beryl", "cosmos")},
        **axes,
    }
    said = ("ecephys_probe_id", "ecephys_session_id", names.channel_id, names.acronym, *CSV_COLUMNS)
    channels = _with_ids(ids, table, said)
    known = channels["probe"].notna()
    return channels[known].reset_index(drop=True), int((~known).sum())


def _units(table: pd.DataFrame | None, channels: pd.DataFrame, names: TableNames) -> tuple[pd.DataFrame, int]:
    """Return the units whose channel is listed, each where its channel lies, and how many are on none."""
    if table is None:
        return pd.DataFrame({name: [] for name in (*OF_UNIT, "unit_id")}, dtype=object), 0
    channel = ids_as_text(table["ecephys_channel_id"])
    row = pd.Index(channels["channel_id"]).get_indexer(pd.Index(channel))
    own = channels[list(OF_UNIT)].take(row).reset_index(drop=True)
    ids = {"unit_id": ids_as_text(table[names.unit_id]), "channel_id": channel, **{name: own[name] for name in OF_UNIT}}
    said = (names.unit_id, "ecephys_channel_id", "ecephys_probe_id", "ecephys_session_id", names.acronym, *CSV_COLUMNS)
    units = _with_ids(ids, table, said)
    return units[row >= 0].reset_index(drop=True), int((row < 0).sum())


def _with_ids(ids: Mapping[str, pd.Series], table: pd.DataFrame, said: Sequence[str]) -> pd.DataFrame:
    """Return columns of ours before those of a table that say anything else."""
    rest = table.drop(columns=[name for name in {*said, *ids} if name in table])
    return pd.concat([pd.DataFrame(dict(ids)), rest], axis=1)


def ids_as_text(values: pd.Series) -> pd.Series:
    """Return ids as text; pandas reads whole numbers with gaps as floats."""
    if pd.api.types.is_float_dtype(values.dtype):
        values = values.astype("Int64")
    return values.astype(str).astype(object)


def _regions(acronyms: pd.Series) -> pd.DataFrame:
    """Return acronym, Beryl and Cosmos region of every row; each acronym is looked up once."""
    codes, distinct = pd.factorize(acronyms.astype(object).where(acronyms.notna(), ""))
    found = regions_of_acronyms(distinct)
    return found.take(codes).set_axis(acronyms.index)


def _left_out(file: str, number: int, owner: str) -> tuple[str, ...]:
    return (f"{file}: {counted(number, 'row')} whose owner {owner} does not list",) if number else ()
