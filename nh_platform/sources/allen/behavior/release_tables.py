"""The tables of a Visual Behavior Neuropixels release: sessions, probes, channels, behaviour sessions.

Contains their readers and what they say of a session without its data. Add here a fact that such a table states. The
rows of units.csv are not read but for the scale of amplitudes (`nh_platform.sources.allen.behavior.amplitude_scale`):
the NWB files hold the same metrics.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pandas as pd

from nh_platform.session import BadUpstreamData
from nh_platform.session.columns import unnamed_fields
from nh_platform.session.tables.change_detection import BEHAVIOR_SESSIONS
from nh_platform.sources.allen.behavior.cloud_cache import Release
from nh_platform.sources.allen.released_tables import check_ids

SESSION_COLUMNS = ("ecephys_session_id", "mouse_id", "session_type", "file_id")
PROBE_COLUMNS = ("ecephys_probe_id", "ecephys_session_id", "name")
CHANNEL_NAMES = {
    "ecephys_channel_id": "id",
    "ecephys_probe_id": "ecephys_probe_id",
    "ecephys_session_id": "ecephys_session_id",
    "anterior_posterior_ccf_coordinate": "anterior_posterior_ccf_coordinate",
    "dorsal_ventral_ccf_coordinate": "dorsal_ventral_ccf_coordinate",
    "left_right_ccf_coordinate": "left_right_ccf_coordinate",
    "structure_acronym": "ecephys_structure_acronym",
}
"""Columns of channels.csv that are read, and their names in Visual Coding's channels.csv."""

_OWN_IDS = {
    "ecephys_sessions": "ecephys_session_id",
    "probes": "ecephys_probe_id",
    "channels": "ecephys_channel_id",
    "units": "unit_id",
    "behavior_sessions": "behavior_session_id",
}
"""Column with the id of each row, by table."""

_OWNERS = ("ecephys_session_id", "ecephys_probe_id")
"""Columns with the id of what a row belongs to."""


def read_sessions(release: Release) -> pd.DataFrame:
    """Return ecephys_sessions.csv, every value as text, indexed by session id; missing values are empty texts.

    Raises
    ------
    BadUpstreamData
        If the table is missing, is not CSV, lacks a column, or has ids that are none or stand twice; so for every
        reader here.
    """
    return _read(release, "ecephys_sessions", SESSION_COLUMNS).set_index("ecephys_session_id")


def read_probes(release: Release) -> pd.DataFrame:
    """Return probes.csv, every value as text."""
    return _read(release, "probes", PROBE_COLUMNS)


def read_channels(release: Release) -> pd.DataFrame:
    """Return the positions in channels.csv as text, under the column names of Visual Coding's channels.csv."""
    return _read(release, "channels", tuple(CHANNEL_NAMES), only=True).rename(columns=CHANNEL_NAMES)


def read_amplitudes(release: Release) -> pd.DataFrame:
    """Return ``unit_id``, ``ecephys_session_id`` and ``amplitude`` (µV as the release states it) of units.csv."""
    table = _read(release, "units", ("unit_id", "ecephys_session_id", "amplitude"), only=True)
    return table.assign(amplitude=pd.to_numeric(table["amplitude"], errors="coerce"))


def read_behavior_sessions(release: Release) -> pd.DataFrame:
    """Return every behaviour session of the release, schema `BEHAVIOR_SESSIONS`.

    3,424 rows upstream. Most are training without a recording; they are listed here and are no sessions of the
    platform, since they have no spikes.
    """
    table = _read(release, "behavior_sessions", ("behavior_session_id", "mouse_id"))
    empty = pd.Series("", index=table.index)
    return BEHAVIOR_SESSIONS.conform(
        pd.DataFrame(
            {
                "behavior_session_id": table["behavior_session_id"],
                "session_id": table.get("ecephys_session_id", empty).map(_whole).replace("", None),
                "subject": table["mouse_id"].map(_whole),
                "date": table.get("date_of_acquisition", empty).str[:10].replace("", None),
                "session_type": table.get("session_type", empty).replace("", None),
                "session_number": pd.to_numeric(table.get("session_number", empty), errors="coerce").astype("float64"),
                "image_set": table.get("image_set", empty).replace("", None),
            }
        )
    )


def listed(text: str) -> list[str]:
    """Return the members of a list in a cell such as ``['CA1', 'VISp']``; an empty cell has none.

    Raises
    ------
    ValueError
        If the cell is no list.
    """
    if not text:
        return []
    try:
        value = ast.literal_eval(text)
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no list") from error
    return [str(item) for item in (value if isinstance(value, list | tuple) else [value])]


def _whole(text: str) -> str:
    """Return a whole number without the ``.0`` that pandas writes into columns with gaps."""
    return text.removesuffix(".0")


def _read(release: Release, name: str, required: tuple[str, ...], *, only: bool = False) -> pd.DataFrame:
    path: Path = release.table_path(name)
    label = f"file {path.name} of release {release.version}"
    again = "Download the release's tables again."
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=list(required) if only else None)
        if found := unnamed_fields(table):
            raise ValueError(found)
    except FileNotFoundError as error:
        raise BadUpstreamData(label, f"it is not there ({path.parent.name}/)", again) from error
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors, missing columns too
        raise BadUpstreamData(label, f"it cannot be read: {error}", again) from error
    missing = [column for column in required if column not in table.columns]
    if missing:
        raise BadUpstreamData(label, f"columns missing: {', '.join(missing)}", again)
    ids = table[[column for column in dict.fromkeys((_OWN_IDS[name], *_OWNERS)) if column in table]]
    ids = ids.apply(lambda texts: texts.map(_whole)).replace("", None)
    check_ids(label, ids, _OWN_IDS[name], [column for column in ids if column != _OWN_IDS[name]])
    return table.assign(**{_OWN_IDS[name]: ids[_OWN_IDS[name]]})
