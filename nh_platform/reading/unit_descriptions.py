"""What describes the units of a session: the stored table, that of another reference window, regions, robustness.

Contains what `SessionView` offers of `unit_embeddings`. Add here another way to read them. How units are described is
`nh_platform.embeddings.units`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from nh_platform.reading.session_tables import SessionTables
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.codecs.waveform_files import read_waveforms
from nh_platform.windows.splits.audited_record import WHOLE_SESSION

if TYPE_CHECKING:
    from nh_platform.embeddings.units.reference_windows import UsedWindow
    from nh_platform.embeddings.units.robustness import Robustness


class UnitDescriptions(SessionTables):
    """Descriptions of the units of one session of a store. Parameters are those of `StoredSession`."""

    @cached_property
    def embeddings(self) -> pd.DataFrame:
        """Features of every unit, schema `UNIT_EMBEDDINGS`."""
        return self._read("unit_embeddings", lambda folder: read_table(folder / "unit_embeddings.parquet"))

    @property
    def embeddings_window(self) -> UsedWindow:
        """The stretch of the session that `embeddings` describe: what lies in it must not be tested."""
        from nh_platform.embeddings.units.reference_windows import UsedWindow

        return self._read("unit_embeddings", UsedWindow.read)

    @cached_property
    def embeddings_with_regions(self) -> pd.DataFrame:
        """`embeddings`, with the region of each unit in the three parcellations behind its probe.

        They come from `units` as it is stored now, so that a new alignment leaves embeddings as they are. Columns:
        ``acronym``, ``atlas_id``, ``atlas_level`` and the same of ``beryl`` and ``cosmos``; an unlocated unit has no
        name, id 0 and level NaN.
        """
        from nh_platform.embeddings.units.unit_regions import with_regions

        return with_regions(self.embeddings, self.units)

    def describe_units(self, reference_window: str) -> tuple[pd.DataFrame, UsedWindow]:
        """Describe the units from another reference window, without storing anything.

        Parameters
        ----------
        reference_window
            As in ``sources.yaml``, for example ``start-20s`` or ``spontaneous-300s``.

        Returns
        -------
        tuple
            Schema `UNIT_EMBEDDINGS`, and where the window lies, with notes where the session has less of it.

        Raises
        ------
        ConfigError
            If there is no such window.
        """
        from nh_platform.embeddings.units.unit_encoding import unit_embeddings
        from nh_platform.embeddings.units.window_places import used_window

        made, waveforms = self._store.current(self.source, self.session_id, "mean_waveforms"), None
        if made is not None:
            waveforms = read_waveforms(made)
        recording, events = self._recording, self._reviewed_events
        used = used_window(recording.spikes, reference_window, events)
        grid = self._windows.finest_grid(recording.spikes, recording.units["probe"].tolist())
        table = unit_embeddings(
            recording.spikes,
            recording.units,
            used,
            self.invalid_times,
            grid,
            events=events,
            waveforms=waveforms,
        )
        return table, used

    def embeddings_robustness(self, reference_window: str | None = None) -> list[Robustness]:
        """Compare the units' vectors between disjoint windows: halves of the session, the window and its like.

        `nh_platform.embeddings.units.robustness` says what is compared; its `robustness_rows` makes a table.

        Parameters
        ----------
        reference_window
            The window, that of the stored embeddings where None.
        """
        from nh_platform.embeddings.units.robustness import disjoint_windows, robustness
        from nh_platform.embeddings.units.window_places import used_window

        spikes, units = self.spikes, self._recording.units
        grid = self._windows.finest_grid(spikes, units["probe"].tolist())
        window = self.embeddings_window
        if reference_window is not None:
            window = used_window(spikes, reference_window, self._reviewed_events)
        pairs = disjoint_windows(spikes, None if window.id == WHOLE_SESSION else window)
        return [robustness(spikes, units, *pair, self.invalid_times, grid) for pair in pairs]
