"""Sessions and units of Visual Coding as AllenSDK's project cache tabulates them, from its four CSV tables.

Contains the joins of `EcephysProjectCache.get_session_table` and `get_units` (AllenSDK 2.16.2): the same rows, columns,
names and order, whatever columns the CSV tables have. A table that is not in the folder, or does not list a session, is
read from the session's NWB file, and what that file does not state is NaN. Add here a column that another release of
AllenSDK joins. Which units are good is decided by rulebooks elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import BadUpstreamData, Note
from nh_platform.sources.allen.coding.cache_folder import read_cache_table
from nh_platform.sources.allen.nwb.electrodes import read_channels, read_probes
from nh_platform.sources.nwb.nwb_file import NwbFile
from nh_platform.sources.nwb.nwb_table import read_table
from nh_platform.sources.project_tables import ProjectTables

OWNERS = {
    "sessions": "id",
    "probes": "ecephys_session_id",
    "channels": "ecephys_probe_id",
    "units": "ecephys_channel_id",
}
"""The tables, and the column by which each belongs to the one before it."""

TABLES = tuple(OWNERS)

COLUMNS = {
    "sessions": (
        "date_of_acquisition", "isi_experiment_id", "published_at", "specimen_id", "session_type", "age_in_days", "sex",
        "genotype", "has_nwb",
    ),
    "probes": (
        "ecephys_session_id", "lfp_sampling_rate", "lfp_temporal_subsampling_factor", "name", "phase", "sampling_rate",
        "has_lfp_data",
    ),
    "channels": (
        "ecephys_probe_id", "local_index", "probe_horizontal_position", "probe_vertical_position",
        "anterior_posterior_ccf_coordinate", "dorsal_ventral_ccf_coordinate", "left_right_ccf_coordinate",
        "ecephys_structure_id", "ecephys_structure_acronym",
    ),
    "units": (
        "PT_ratio", "amplitude", "amplitude_cutoff", "cumulative_drift", "d_prime", "duration", "ecephys_channel_id",
        "epoch_name_quality_metrics", "epoch_name_waveform_metrics", "firing_rate", "halfwidth", "isi_violations",
        "isolation_distance", "l_ratio", "local_index", "max_drift", "nn_hit_rate", "nn_miss_rate", "presence_ratio",
        "quality", "recovery_slope", "repolarization_slope", "silhouette_score", "snr", "spread", "velocity_above",
        "velocity_below",
    ),
}  # fmt: skip
"""Columns of the release's tables in their order, for a folder that has none; the warehouse lists them so."""

RENAMED = {
    "PT_ratio": "waveform_PT_ratio",
    "amplitude": "waveform_amplitude",
    "duration": "waveform_duration",
    "halfwidth": "waveform_halfwidth",
    "recovery_slope": "waveform_recovery_slope",
    "repolarization_slope": "waveform_repolarization_slope",
    "spread": "waveform_spread",
    "velocity_above": "waveform_velocity_above",
    "velocity_below": "waveform_velocity_below",
    "l_ratio": "L_ratio",
}
"""AllenSDK's names of unit columns."""

HIDDEN_OF_UNITS = (
    "air_channel_index", "surface_channel_index", "has_nwb", "lfp_temporal_subsampling_factor",
    "epoch_name_quality_metrics", "epoch_name_waveform_metrics", "isi_experiment_id",
)  # fmt: skip
HIDDEN_OF_SESSIONS = ("has_nwb", "isi_experiment_id", "date_of_acquisition")
"""What AllenSDK leaves out of each table."""

AMPLITUDE_CUTOFF_MAX = 0.1
PRESENCE_RATIO_MIN = 0.95
ISI_VIOLATIONS_MAX = 0.5
"""AllenSDK's default filter of units; all bounds are inclusive."""

Tables = dict[str, pd.DataFrame]


def read_project_tables(root: Path, session_ids: Iterable[str], from_file: Callable[[str], Tables]) -> ProjectTables:
    """Return sessions and units of some sessions of an AllenSDK cache folder.

    Parameters
    ----------
    root
        The folder, with ``sessions.csv``, ``probes.csv``, ``channels.csv``, ``units.csv`` where they were fetched.
    session_ids
        The sessions, in the order of the rows.
    from_file
        Returns the four tables of one session from its NWB file (`tables_of_file`); called where a CSV table lacks it.

    Raises
    ------
    BadUpstreamData
        If a table is there and cannot be read.
    """
    stored = {name: read_cache_table(root / f"{name}.csv", index=True) for name in TABLES}
    listed: dict[str, list[npt.NDArray[np.int64]]] = {name: [] for name in TABLES}
    others: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    notes = []
    for session_id in session_ids:
        ids, own, note = _of_session(stored, session_id, from_file)
        for name in TABLES:
            listed[name].append(ids[name])
            others[name] += [own[name]] if name in own else []
        notes += [note] if note else []
    tables = {name: _together(stored[name], listed[name], others[name], name) for name in TABLES}
    units, by_default = _units(tables)
    return ProjectTables(_sessions(tables), units, by_default, tuple(notes))


def tables_of_file(nwb: NwbFile, session_id: str) -> Tables:
    """Return the four tables of one session from its NWB file, with what AllenSDK's tables call each column.

    The file does not state when it was published, the specimen, the phase of a probe and the number of a structure. Its
    third coordinate repeats the second (AllenSDK issue 1796), so that ``left_right_ccf_coordinate`` is NaN as well.
    """
    number = int(session_id)
    subject = nwb.found("general/subject")
    facts = (
        {} if subject is None else {**subject.attrs, **{name: nwb.text(f"general/subject/{name}") for name in subject}}
    )
    session = {
        "date_of_acquisition": _utc(nwb.text("session_start_time")),
        "session_type": nwb.text("general/stimulus"),
        "age_in_days": facts.get("age_in_days"),
        "sex": facts.get("sex"),
        "genotype": facts.get("genotype"),
        "has_nwb": True,
    }
    probes = read_probes(nwb).rename(columns={"probe": "name"}).assign(ecephys_session_id=number)
    channels = read_channels(nwb).rename(
        columns={
            "probe_id": "ecephys_probe_id",
            "lateral_um": "probe_horizontal_position",
            "axial_um": "probe_vertical_position",
            "x": "anterior_posterior_ccf_coordinate",
            "y": "dorsal_ventral_ccf_coordinate",
            "location": "ecephys_structure_acronym",
        }
    )
    names = {
        "peak_channel_id": "ecephys_channel_id",
        "waveform_duration": "duration",
        "waveform_halfwidth": "halfwidth",
    }
    units = pd.DataFrame(read_table(nwb, "units", "units").columns).rename(columns=names)
    return {
        "sessions": _indexed(pd.DataFrame([session]).assign(id=number), "sessions"),
        "probes": _indexed(probes.rename(columns={"probe_id": "id"}), "probes"),
        "channels": _indexed(channels.rename(columns={"channel_id": "id"}), "channels"),
        "units": _indexed(units, "units"),
    }


def _utc(time: str | None) -> str | None:
    """Return a time with zone as the warehouse writes it, ``2019-01-19T16:00:00Z``; None where it cannot be read."""
    found = pd.to_datetime(time, utc=True, errors="coerce")
    return None if pd.isna(found) else str(found.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _of_session(
    stored: dict[str, pd.DataFrame | None], session_id: str, from_file: Callable[[str], Tables]
) -> tuple[dict[str, npt.NDArray[np.int64]], Tables, Note | None]:
    """Return the ids that the CSV tables list of a session, the tables that they lack of it, and what to note.

    A probe belongs to a session, a channel to a probe and a unit to a channel.
    """
    number = int(session_id)
    ids: dict[str, npt.NDArray[np.int64]] = {}
    own: Tables = {}
    where, from_its_file = "its NWB file", None
    owners = np.array([number])
    for name, key in OWNERS.items():
        table = stored[name]
        rows = np.zeros(0, dtype=np.int64)
        if table is not None:
            rows = table.index[np.isin(table.index if key == "id" else table[key], owners)].to_numpy()
        if not len(rows):
            if from_its_file is None:
                try:
                    from_its_file = from_file(session_id)
                except BadUpstreamData as error:
                    from_its_file, where = _nothing(number), f"nowhere ({error.thing}: {error.found})"
            own[name] = from_its_file[name]
        ids[name] = rows
        if name != "sessions":
            owners = rows if len(rows) else own[name].index.to_numpy()
    if not own:
        return ids, own, None
    files = ", ".join(f"{name}.csv" for name in own)
    return ids, own, Note(f"session {session_id}", f"not in {files}: taken from {where}; what is not there is NaN")


def _nothing(number: int) -> Tables:
    """Return tables of which only the session is known."""
    tables = {name: _indexed(pd.DataFrame({"id": np.zeros(0, dtype=np.int64)}), name) for name in TABLES}
    return {**tables, "sessions": _indexed(pd.DataFrame({"id": [number]}), "sessions")}


def _indexed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a table with the release's columns; those that it lacks are NaN."""
    return table.astype({"id": np.int64}).set_index("id").reindex(columns=list(COLUMNS[name]))


def _together(
    stored: pd.DataFrame | None, listed: list[npt.NDArray[np.int64]], others: list[pd.DataFrame], name: str
) -> pd.DataFrame:
    """Return the listed rows in the order of the CSV table, and those of other sessions behind them."""
    parts = [] if stored is None else [stored[np.isin(stored.index, np.concatenate([np.zeros(0), *listed]))]]
    filled = [part for part in (*parts, *others) if len(part)]
    if not filled:
        return _indexed(pd.DataFrame({"id": np.zeros(0, dtype=np.int64)}), name)
    return pd.concat(filled) if len(filled) > 1 else filled[0]


def _annotated_channels(tables: Tables) -> pd.DataFrame:
    probes = tables["probes"]
    factor = "lfp_temporal_subsampling_factor"
    if factor in probes and "lfp_sampling_rate" in probes:
        rate = probes["lfp_sampling_rate"] / probes[factor].where(probes[factor].notna(), 1.0)
        probes = probes.assign(lfp_sampling_rate=rate)
    of_session = {"left_on": "ecephys_session_id", "right_index": True, "suffixes": ("_probe", "_session")}
    of_probe = {"left_on": "ecephys_probe_id", "right_index": True, "suffixes": ("_channel", "_probe")}
    return tables["channels"].merge(probes.merge(tables["sessions"], **of_session), **of_probe)


def _units(tables: Tables) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """Return every unit as `get_units` has those that it returns, and which it returns."""
    units = tables["units"].rename(columns=RENAMED)
    joined = units.merge(
        _annotated_channels(tables), left_on="ecephys_channel_id", right_index=True, suffixes=("_unit", "_channel")
    )
    by_default = (
        (joined["amplitude_cutoff"] <= AMPLITUDE_CUTOFF_MAX)
        & (joined["presence_ratio"] >= PRESENCE_RATIO_MIN)
        & (joined["isi_violations"] <= ISI_VIOLATIONS_MAX)
    )
    if "quality" in joined:
        by_default &= joined["quality"] == "good"
    hidden = [name for name in (*HIDDEN_OF_UNITS, "quality") if name in joined]
    return joined.drop(columns=hidden), by_default.to_numpy(dtype=bool)


def _sessions(tables: Tables) -> pd.DataFrame:
    """Return the sessions as `get_session_table` has them, but for the units, which depend on the filter."""
    channels = _annotated_channels(tables)
    sessions = tables["sessions"]
    of_session = channels.groupby("ecephys_session_id")["ecephys_structure_acronym"]
    acronyms = {number: part.unique() for number, part in of_session}
    probes = tables["probes"]["ecephys_session_id"].value_counts()
    counted = sessions.assign(
        channel_count=of_session.size().reindex(sessions.index, fill_value=0),
        probe_count=probes.reindex(sessions.index, fill_value=0),
        ecephys_structure_acronyms=[acronyms.get(number, np.zeros(0, dtype=object)) for number in sessions.index],
    )
    hidden = [name for name in HIDDEN_OF_SESSIONS if name in counted]
    return counted.drop(columns=hidden).rename(columns={"genotype": "full_genotype"})
