"""The tables of a whole data set as its own client tabulates them, for files in the layout of that client.

Contains the container and the protocol of a source that has them. Add here what every such source can state. How one is
put together stands in the source's own folder; the platform's own tables of units and sessions are assets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import Note


@dataclass(frozen=True)
class ProjectTables:
    """Sessions and units with every column that upstream's client has of them, under its names and in its order.

    Parameters
    ----------
    sessions
        One row per session, indexed by ``id`` (int64), in the order that was asked for.
    units
        One row per sorted unit of these sessions, indexed by ``id`` (int64), with ``ecephys_session_id``.
    by_default
        (n_units,) which of them upstream's client returns unless told otherwise.
    notes
        What could not be had.
    """

    sessions: pd.DataFrame
    units: pd.DataFrame
    by_default: npt.NDArray[np.bool_]
    notes: tuple[Note, ...] = ()


@runtime_checkable
class TabulatesProject(Protocol):
    """A source that has such tables."""

    def project_tables(self, sessions: Sequence[SessionFiles]) -> ProjectTables:
        """Return the tables of some sessions; what upstream does not state of one is NaN, and a note says so."""

    def project_tables_version(self) -> str:
        """Return a text that differs when upstream's tables of all sessions do; empty where none is at hand."""
