"""A simulated session as a writer hands it back: where it lies and what it is called.

Contains one record, shared by all writers. Add a field here when every source has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

TRUTH_FILE = "ground_truth.parquet"
"""Name of the table of schema `truth_table.TRUTH` in the folder of each session."""


SHARED_STATE_FILE = "shared_state.parquet"
"""Name of the table of schema `shared_state.SHARED_STATE` in the folder of a session with such a state."""


@dataclass(frozen=True)
class SimulatedSession:
    """One session that was written.

    Parameters
    ----------
    source
        ``ibl``, ``allen_vc`` or ``allen_vbn``.
    session_id
        IBL eid or Allen ecephys_session_id, as text.
    index
        Number of the session within the simulation of its seed.
    folder
        Folder of the session; the truth lies in it.
    subject, lab, date, number
        As upstream states them; ``date`` is ``YYYY-MM-DD``.
    probes
        Insertion or probe id by probe name.
    """

    source: str
    session_id: str
    index: int
    folder: Path
    subject: str
    lab: str
    date: str
    number: int = 1
    probes: dict[str, str] = field(default_factory=dict)

    @property
    def shared_state(self) -> pd.DataFrame:
        """The state that drives all units, schema `shared_state.SHARED_STATE`; raises where none was planted."""
        return pd.read_parquet(self.folder / SHARED_STATE_FILE)

    @property
    def truth(self) -> pd.DataFrame:
        """The ground truth of every unit, schema `truth_table.TRUTH`."""
        return pd.read_parquet(self.folder / TRUTH_FILE)
