"""Sessions that the Allen Institute calls abnormal: why, and which times are affected.

Contains the reader of the two columns of ecephys_sessions.csv that AllenSDK filters by. Add a reason here when a
release brings one. Such sessions are kept: nothing is left out here, and nothing is masked but the times.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pandas as pd

from nh_platform.session import BadUpstreamData, Note
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.sources.allen.behavior.release_tables import listed

ACTIVITY_MARGIN_S = 10.0
"""Masked on both sides of a moment of abnormal activity. The release states moments ("time stamps when possible
epileptic activity was noted") without an extent; 10 s is the platform's own choice (docs/decisions/0007)."""
ACTIVITY_LABEL = "abnormal_activity"
HISTOLOGY_LABEL = "abnormal_histology"


@dataclass(frozen=True)
class Abnormalities:
    """What upstream noted of one session.

    Parameters
    ----------
    histology
        Areas with possible damage.
    activity
        Times (s) at which possible epileptic activity was noted.
    """

    histology: tuple[str, ...]
    activity: tuple[float, ...]

    @property
    def flags(self) -> str | None:
        """The reasons in words, or None for a normal session."""
        parts = []
        if self.histology:
            parts.append(f"{HISTOLOGY_LABEL}: {', '.join(self.histology)}")
        if self.activity:
            parts.append(f"{ACTIVITY_LABEL}: {', '.join(f'{time:g}' for time in self.activity)} s")
        return "; ".join(parts) or None

    def content_version(self) -> str:
        """Return the identity of what the platform makes of it: md5 over areas, times and margin."""
        text = f"{self.histology}|{self.activity}|{ACTIVITY_MARGIN_S}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def invalid_times(self) -> pd.DataFrame:
        """Return one interval per moment of abnormal activity (schema `INVALID_TIMES`, scope ``all_probes``)."""
        if not self.activity:
            return INVALID_TIMES.empty()
        return INVALID_TIMES.conform(
            pd.DataFrame(
                {
                    "start_time": [max(time - ACTIVITY_MARGIN_S, 0.0) for time in self.activity],
                    "stop_time": [time + ACTIVITY_MARGIN_S for time in self.activity],
                    "scope": "all_probes",
                    "label": ACTIVITY_LABEL,
                }
            )
        )

    def notes(self) -> list[Note]:
        """Return what a reader of the session should know."""
        notes = []
        if self.histology:
            notes.append(Note(HISTOLOGY_LABEL, f"possible damage noted upstream in {', '.join(self.histology)}"))
        if self.activity:
            times = ", ".join(f"{time:g}" for time in self.activity)
            notes.append(
                Note(
                    ACTIVITY_LABEL,
                    f"possible epileptic activity noted upstream at {times} s; "
                    f"{ACTIVITY_MARGIN_S:g} s on both sides are invalid times of all probes",
                )
            )
        return notes


def abnormalities(session_id: str, row: pd.Series) -> Abnormalities:
    """Return the abnormalities in a row of ecephys_sessions.csv (values as text); releases without the columns: none.

    Raises
    ------
    BadUpstreamData
        If a cell is no list, or a time no finite number.
    """
    try:
        histology = listed(str(row.get(HISTOLOGY_LABEL, "")))
        activity = [float(text) for text in listed(str(row.get(ACTIVITY_LABEL, "")))]
        if not all(0 <= time < float("inf") for time in activity):
            raise ValueError(f"times {activity}")
    except ValueError as error:
        raise BadUpstreamData(
            f"session {session_id} in ecephys_sessions.csv",
            f"{HISTOLOGY_LABEL} or {ACTIVITY_LABEL} cannot be read: {error}",
            "Download the release's tables again.",
        ) from error
    return Abnormalities(histology=tuple(histology), activity=tuple(sorted(activity)))
