"""A folder in the layout of AllenSDK's project cache: its tables, its sessions, and what it says of each.

Contains the readers of ``sessions.csv``, ``probes.csv``, ``channels.csv`` and ``units.csv``, the list of session files,
and what is known of a session without reading its data. Add here a fact that such a table states. Downloading belongs
to `warehouse` and `warehouse_downloads`, which have AllenSDK's `EcephysProjectCache` fill such a folder; reading
data belongs to the modules beside.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import pandas as pd

from nh_platform.session import BadUpstreamData
from nh_platform.session.columns import unnamed_fields
from nh_platform.sources.allen.nwb.electrodes import NO_ID, read_probes
from nh_platform.sources.nwb.nwb_file import NULL_TEXTS, is_numeric, open_nwb
from nh_platform.sources.nwb.standard_names import ELECTRODES

LAB = "Allen Institute"
PROJECT = "Visual Coding Neuropixels"
UNKNOWN_SUBJECT = "unknown"
CHANNELS_CSV = "channels.csv"
_SESSION_FOLDER = re.compile(r"session_(\d+)")


@dataclass(frozen=True)
class WarehouseTables:
    """The cross-session tables of the folder, None where the file is absent.

    Parameters
    ----------
    sessions, probes, units
        As in the CSV file, indexed by ``id``.
    channels
        As in the CSV file, every value as text, with ``id`` as a column: a text is what can be hashed.
    """

    sessions: pd.DataFrame | None
    probes: pd.DataFrame | None
    channels: pd.DataFrame | None
    units: pd.DataFrame | None


@dataclass(frozen=True)
class SessionFacts:
    """What is known of one session without its data.

    Parameters
    ----------
    subject, date, session_type
        Text; ``date`` is ``YYYY-MM-DD`` or empty.
    probes
        ``{probe id: probe name}``.
    n_units
        Number of sorted units before any filter, NaN where unknown.
    regions
        Structure acronyms, sorted.
    """

    subject: str
    date: str
    session_type: str
    probes: dict[str, str]
    n_units: float
    regions: list[str]


def nwb_path(root: Path, session_id: str) -> Path:
    """Return where AllenSDK's cache keeps a session's NWB file."""
    return root / f"session_{session_id}" / f"session_{session_id}.nwb"


def lfp_path(root: Path, session_id: str, probe_id: str) -> Path:
    """Return where AllenSDK's cache keeps the LFP of a probe."""
    return root / f"session_{session_id}" / f"probe_{probe_id}_lfp.nwb"


def lacks_lfp(root: Path, probe_id: str) -> bool:
    """Return whether ``probes.csv`` says that a probe has no LFP, as those of session 839557629."""
    probes = read_cache_table(root / "probes.csv", (), index=True)
    if probes is None or "has_lfp_data" not in probes or int(probe_id) not in probes.index:
        return False
    return str(probes.loc[int(probe_id), "has_lfp_data"]).lower() in ("false", "0", "0.0", "f")


def session_ids(root: Path) -> list[str]:
    """Return the ids of the sessions whose NWB file is in the folder, in ascending order."""
    folders = (_SESSION_FOLDER.fullmatch(path.name) for path in root.iterdir() if path.is_dir())
    found = [match[1] for match in folders if match and nwb_path(root, match[1]).is_file()]
    return sorted(found, key=int)


def read_tables(root: Path) -> WarehouseTables:
    """Read the cross-session tables that are there.

    Raises
    ------
    BadUpstreamData
        If one of them is not CSV or lacks a column that the platform uses.
    """
    return WarehouseTables(
        sessions=read_cache_table(root / "sessions.csv", ("session_type", "specimen_id"), index=True),
        probes=read_cache_table(root / "probes.csv", ("ecephys_session_id", "name"), index=True),
        channels=read_csv_channels(root),
        units=read_cache_table(root / "units.csv", ("ecephys_channel_id",), index=True),
    )


def read_csv_channels(root: Path) -> pd.DataFrame | None:
    """Return ``channels.csv`` with every value as text, or None where it is absent.

    Without a column of positions it costs positions where they are read, and not the list of sessions here.
    """
    return read_cache_table(root / CHANNELS_CSV, ("ecephys_probe_id",), index=False)


def channel_rows_md5(channels: pd.DataFrame) -> str:
    """Return the md5 of one session's rows of ``channels.csv``, so that another session's rows do not move it."""
    numbers = pd.to_numeric(channels["id"], errors="coerce")  # an id that is none stands last
    ordered = channels.assign(number=numbers).sort_values("number", kind="stable").drop(columns="number")
    text = ordered[sorted(ordered.columns)].to_csv(index=False, lineterminator="\n")
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def channels_of(tables: WarehouseTables, probe_ids: dict[str, str]) -> pd.DataFrame | None:
    """Return the rows of ``channels.csv`` of the given probes, or None where there are none."""
    if tables.channels is None:
        return None
    rows = tables.channels[tables.channels["ecephys_probe_id"].isin(probe_ids)]
    return rows if len(rows) else None


def facts_of(root: Path, session_id: str, tables: WarehouseTables, *, from_file: bool = True) -> SessionFacts:
    """Return what is known of a session: the CSV tables where they list it, else its NWB file's own metadata.

    Without ``from_file`` the NWB file is not looked at: what is known then does not depend on what was fetched.

    Subject is the specimen id where ``sessions.csv`` lists the session. NWB files state the donor's id instead, so a
    folder should either have its ``sessions.csv`` from the beginning or never.

    A file that cannot be opened makes no error here, so that the manifest lists the session and its assets fail by
    name; what is unknown then is empty.
    """
    number = int(session_id)
    own = SessionFacts(UNKNOWN_SUBJECT, "", "", {}, float("nan"), [])
    if from_file:
        with contextlib.suppress(BadUpstreamData):
            own = _facts_in_nwb(nwb_path(root, session_id))
    subject, date, session_type = own.subject, own.date, own.session_type
    if tables.sessions is not None and number in tables.sessions.index:
        row = tables.sessions.loc[number]
        subject, session_type = str(int(row["specimen_id"])), str(row["session_type"])
        date = str(row["date_of_acquisition"])[:10] if "date_of_acquisition" in row else date
    probes = own.probes
    if tables.probes is not None and (tables.probes["ecephys_session_id"] == number).any():
        rows = tables.probes[tables.probes["ecephys_session_id"] == number]
        probes = {str(probe_id): str(name) for probe_id, name in rows["name"].items()}
    channels, n_units, regions = channels_of(tables, probes), own.n_units, own.regions
    if channels is not None:
        regions = sorted(set(channels.get("ecephys_structure_acronym", ())) - NULL_TEXTS)
        if tables.units is not None:
            n_units = float(
                tables.units["ecephys_channel_id"].isin(pd.to_numeric(channels["id"], errors="coerce")).sum()
            )
    return SessionFacts(subject, date, session_type, probes, n_units, regions)


def _facts_in_nwb(path: Path) -> SessionFacts:
    with open_nwb(path) as nwb:
        subject = nwb.text("general/subject/subject_id")
        if not subject and nwb.has("general/subject"):
            subject = str(nwb.handle["general/subject"].attrs.get("specimen_name", ""))
        found = nwb.optional("probes", read_probes, nwb)
        known = [] if found is None else found[found["probe_id"] != NO_ID].itertuples()
        probes = {str(row.probe_id): row.probe for row in known}
        locations = nwb.optional("regions", nwb.array, f"{ELECTRODES}/location")
        texts = [] if locations is None or is_numeric(locations) else locations.tolist()
        regions = sorted(set(texts) - NULL_TEXTS)
        ids = nwb.found("units/id")
        n_units = float(ids.shape[0]) if isinstance(ids, h5py.Dataset) and ids.ndim else float("nan")
        return SessionFacts(
            subject=subject or UNKNOWN_SUBJECT,
            date=(nwb.text("session_start_time") or "")[:10],
            session_type=nwb.text("general/stimulus") or "",
            probes=probes,
            n_units=n_units,
            regions=regions,
        )


def read_cache_table(path: Path, required: tuple[str, ...] = (), *, index: bool) -> pd.DataFrame | None:
    """Return a table of AllenSDK's cache, None where it is absent.

    Parameters
    ----------
    path
        The CSV file.
    required
        Columns that it must have besides ``id``.
    index
        Read values as AllenSDK does, with ``id`` as index; otherwise every value is text.

    Raises
    ------
    BadUpstreamData
        If it cannot be read, its rows have more fields than the header names, or a column is missing.
    """
    if not path.is_file():
        return None
    try:
        table = pd.read_csv(path) if index else pd.read_csv(path, dtype=str, keep_default_na=False)
        if found := unnamed_fields(table):
            raise ValueError(found)
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        raise BadUpstreamData(
            f"file {path.name}", f"it cannot be read as CSV: {error}", "Delete it; AllenSDK fetches it again."
        ) from error
    missing = [name for name in ("id", *required) if name not in table.columns]
    if missing:
        raise BadUpstreamData(
            f"file {path.name}", f"columns missing: {', '.join(missing)}", "Delete it; AllenSDK fetches it again."
        )
    return table.set_index("id") if index else table
