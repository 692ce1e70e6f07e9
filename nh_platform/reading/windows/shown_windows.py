"""What was on the screen during the windows of a preset: presentations by id, and grey.

Contains `ShownWindows`, the part of `WindowsView` that says so. Add here what people ask of the screen in a window. The
overlap itself is `nh_platform.windows.presentations.window_presentations`.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from nh_platform.reading.windows.window_forms import WindowForms
from nh_platform.session import StoreError
from nh_platform.session.tables.events import PRESENTATIONS
from nh_platform.windows.presentations.window_presentations import (
    NOT_ALIGNED,
    WindowPresentations,
    presentations_in_windows,
)


class ShownWindows(WindowForms):
    """Presentations in windows. Parameters are those of `WindowCounts`."""

    @cached_property
    def shown(self) -> WindowPresentations:
        """Ids of the presentations that each window overlaps, for how long, and grey: arrays with offsets by window.

        Grey is the time between two presentations of the session's table, of whatever stimulus.

        Raises
        ------
        UnknownSession
            If the session has no presentations.
        StoreError
            If windows are aligned to presentations that the session's table does not have.
        """
        table, index = self._session.presentations(), self.index
        aligned = np.full(len(index), NOT_ALIGNED, dtype=np.int64)
        around = index["alignment"].str.startswith(f"{PRESENTATIONS.name}.").to_numpy(dtype=bool)
        rows = index["event_id"].to_numpy(dtype=np.int64)[around]
        if (rows >= len(table)).any():
            raise StoreError(
                f"windows {self.preset.id}",
                f"they are aligned to presentation {rows.max()}, and the session has {len(table)}",
                "Materialize `windows` again.",
            )
        aligned[around] = table["presentation_id"].to_numpy(dtype=np.int64)[rows]
        return presentations_in_windows(index["start"].to_numpy(), index["stop"].to_numpy(), table, aligned)

    def presentations(self, window_id: int) -> pd.DataFrame:
        """Return what was on the screen during a window: one row per presentation or grey stretch, in order of time.

        Returns
        -------
        pandas.DataFrame
            ``presentation_id`` (-1 of grey), ``stimulus_name`` (None of grey), ``start`` and ``stop`` within the window
            (s), ``seconds``, ``share`` of the window, ``aligned``: whether the window is aligned to it, ``grey``. Time
            without a row is before the first or after the last presentation, or behind one without an end.

        Raises
        ------
        UnknownSession
            If there is no such window, or the session has no presentations.
        """
        self._row(window_id)
        rows = self.shown.table(window_id)
        table = self._session.presentations()
        names = dict(zip(table["presentation_id"], table["stimulus_name"]))
        rows.insert(1, "stimulus_name", pd.Series([names.get(one) for one in rows["presentation_id"]], dtype=object))
        return rows
