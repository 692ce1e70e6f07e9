"""Valid periods of single units of a stored session, as counted reviews leave them.

Contains `UnitPeriods`, of which `SessionView` is what people use. Add here what concerns the time of one unit. What an
interval of a unit does to windows is `nh_platform.windows.unit_valid_time`.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.images.session_images import SessionImages
from nh_platform.reading.unit_descriptions import UnitDescriptions
from nh_platform.reading.unit_psth import choose_units
from nh_platform.store.codecs.recording_files import read_reviewed_unit_intervals
from nh_platform.windows.intervals import merged_pairs, valid_stretches
from nh_platform.windows.unit_valid_time import intervals_by_unit


class UnitPeriods(UnitDescriptions, SessionImages):
    """Valid periods of the units of one session. Parameters are those of `StoredSession`."""

    @cached_property
    def unit_invalid_times(self) -> pd.DataFrame:
        """Intervals that counted reviews call invalid for one unit alone, schema `UNIT_INVALID_TIMES`.

        As `units` was made with them; none where it was not made.
        """
        return read_reviewed_unit_intervals(self._store.current(self.source, self.session_id, "units"))

    @cached_property
    def _unit_intervals(self) -> dict[str, npt.NDArray[np.float64]]:
        return intervals_by_unit(self.unit_invalid_times)

    def unit_invalid_rows(self, rows: npt.NDArray[np.int64]) -> pd.DataFrame:
        """Return the intervals of `unit_invalid_times` of the units in those rows, in the order of units and times."""
        place = {str(unit): at for at, unit in enumerate(self._recording.units["unit_id"].iloc[rows])}
        table = self.unit_invalid_times
        found = table[table["unit_id"].isin(place)]
        ordered = found.assign(place=found["unit_id"].map(place)).sort_values(["place", "start_time", "stop_time"])
        return ordered.drop(columns="place").reset_index(drop=True)

    def valid_periods(self, unit: str | int) -> npt.NDArray[np.float64]:
        """Return the stretches (n, 2) of the recorded time, in seconds, in which one unit is valid.

        Left out are invalid intervals of its probe and of all probes, pauses, and what counted reviews mark of the unit
        itself. A rate over them is the number of its spikes that lie in them over their length.

        Parameters
        ----------
        unit
            Its id, Allen's also as a number, or its row in `units`.

        Raises
        ------
        UnknownSession
            If the session has no such unit.
        """
        units = self._recording.units
        row = int(choose_units(units["unit_id"], [unit])[0])  # type: ignore[arg-type]
        own = self._unit_intervals.get(str(units["unit_id"].iloc[row]), np.zeros((0, 2)))
        recorded = self.spikes.recorded_time
        of_probe = self.invalid_times.of_spikes(str(units["probe"].iloc[row]))
        return valid_stretches(recorded.start, recorded.stop, merged_pairs([*of_probe, *own]))
