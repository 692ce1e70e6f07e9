"""One stored session: its spikes, units, events, signals, windows and embeddings, each read when first used.

Contains `SessionView`. Add a property here for every asset of a session that people read. How windows are read and
PSTHs are made is in `windows_view` and `psth`; nothing is written here.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.presentations_view import choose_presentations, stimulus_counts, stimulus_means
from nh_platform.reading.psth import UnitPsth, choose_units, event_column, session_psth, values_of
from nh_platform.reading.search import read_summary
from nh_platform.reading.windows_view import WindowsView, view_windows
from nh_platform.session import Behavior, RawRecording, Session, Signal, Spikes, StoreError, UnknownSession
from nh_platform.sources.catalog import SessionFiles
from nh_platform.sources.snapshots import list_snapshots
from nh_platform.store import Provenance, Store
from nh_platform.store.parquet import read_table
from nh_platform.store.recording import read_behavior, read_recording
from nh_platform.windows import StoredWindows
from nh_platform.windows.presentations import PresentationCounts

GATE_FILE = "gate.json"
"""Written with `units`: what makes the session's data unusable; assets after it are then not made."""

UnitChoice: TypeAlias = (
    npt.NDArray[np.bool_] | npt.NDArray[np.integer] | Sequence[str] | Sequence[int] | pd.Series | None
)


class SessionView:
    """One session of a store. Every property is read at first use and kept.

    Parameters
    ----------
    store
        The files.
    source, session_id
        The session.
    """

    def __init__(self, store: Store, source: str, session_id: str) -> None:
        self.source = source
        self.session_id = session_id
        self._store = store

    def __repr__(self) -> str:
        return f"SessionView({self.source!r}, {self.session_id!r}, assets={self.assets})"

    @property
    def assets(self) -> list[str]:
        """Assets of the session that are in the store."""
        names = ("raw_spikes", "behavior", "units", "windows", "unit_embeddings", "stimulus_tensors")
        return [name for name in names if self._store.current(self.source, self.session_id, name) is not None]

    def folder(self, asset: str) -> Path:
        """Return the folder with the files of an asset.

        Raises
        ------
        UnknownSession
            If the asset was not made yet; the text has the command that makes it.
        StoreError
            If it was not made because the session's data are unusable; the text says why.
        """
        found = self._store.current(self.source, self.session_id, asset)
        is_behind_the_gate = asset not in ("raw_spikes", "behavior", "units")
        problems = self._gate_problems() if found is None or is_behind_the_gate else []
        if found is not None and not problems:
            return found
        if problems:
            raise StoreError(
                f"{self.source} session {self.session_id}",
                f"it has no current {asset}, because its units are unusable: {'; '.join(problems)}",
                f"Correct the upstream files, then run `nh materialize {self.source} {self.session_id}`.",
            )
        return self._store.folder(self.source, self.session_id, asset)

    def provenance(self, asset: str) -> Provenance:
        """Return the record of where an asset's bytes come from.

        Raises
        ------
        UnknownSession
            If the asset was not made yet.
        """
        return Provenance.read(self.folder(asset) / "provenance.json")

    @property
    def info(self) -> Session:
        """Subject, lab, date and task of the session."""
        listed = self._listed
        return self._recording.session if listed is None else listed.session

    @property
    def spikes(self) -> Spikes:
        """Spikes of all units, grouped by unit in the order of ``units``; seconds, volts, µm."""
        return self._recording.spikes

    @property
    def probes(self) -> pd.DataFrame:
        """One row per probe insertion, schema `PROBES`."""
        probes, listed = self._recording.probes, self._listed
        if listed is None:
            return probes
        ids = dict(zip(listed.insertions["probe"], listed.insertions["insertion_id"]))
        return probes.assign(insertion_id=[ids.get(probe) for probe in probes["probe"]])

    @cached_property
    def channels(self) -> pd.DataFrame:
        """One row per channel: position on the probe and, once `units` is made, in the brain."""
        channels = self._recording.channels
        folder = self._store.current(self.source, self.session_id, "units")
        if folder is None or not (folder / "channels.parquet").exists():
            return channels
        positions = read_table(folder / "channels.parquet")
        return channels.merge(positions, on=["probe", "channel"], how="left", validate="one_to_one")

    @cached_property
    def units(self) -> pd.DataFrame:
        """One row per unit, schema `UNITS`, and three short names at the end.

        ``region`` is the Beryl acronym (the Allen one where there is none), ``label`` and ``good`` the verdict of
        the active rulebook: share of passed rules, and whether the unit passes, reviews included.
        """
        table = read_table(self.folder("units") / "units.parquet")
        region = table["beryl"].where(table["beryl"].notna(), table["acronym"])
        added = {"region": region.astype(object).where(region.notna(), None)}
        active = self.active_rulebook
        if active:
            added |= {"label": table[f"label.{active}"], "good": table[f"pass.{active}"]}
        return table.assign(**added)

    @property
    def active_rulebook(self) -> str:
        """Id of the rulebook that the source's checks run; empty where the stored units do not say."""
        return str(read_summary(self._store, self.source, self.session_id, "units").get("active_rulebook", ""))

    def good_units(self, rulebook: str | None = None) -> npt.NDArray[np.bool_]:
        """Return (n_units,) whether each unit is good by a rulebook, reviews included.

        Parameters
        ----------
        rulebook
            Rulebook id; the active one of the source where not stated.

        Raises
        ------
        UnknownSession
            If the units were not judged by it; the text names those that judged them.
        """
        judged = [name.removeprefix("pass.") for name in self.units.columns if name.startswith("pass.")]
        chosen = rulebook or self.active_rulebook or (judged[0] if len(judged) == 1 else "")
        if chosen not in judged:
            raise UnknownSession(
                f"rulebook {chosen!r}" if chosen else "rulebook",
                f"the units of {self.source} session {self.session_id} were judged by {', '.join(judged) or 'none'}",
                "State one of those, or configure the rulebook for the source and materialize `units` again.",
            )
        return self.units[f"pass.{chosen}"].to_numpy(dtype=bool)

    @property
    def events(self) -> dict[str, pd.DataFrame]:
        """Event tables by name: trials, presentations, licks, invalid_times, …; absent ones are not in it."""
        return self._behavior.events

    @property
    def trials(self) -> pd.DataFrame:
        """Trials, schema `TRIALS`."""
        return self._events("trials")

    @property
    def presentations(self) -> pd.DataFrame:
        """Stimulus presentations, schema `PRESENTATIONS`."""
        return self._events("presentations")

    @property
    def signals(self) -> dict[str, Signal]:
        """Sampled signals by name: wheel_position, running_speed, pupil_diameter and so on."""
        return self._behavior.signals

    def signal(self, name: str) -> Signal:
        """Return one signal.

        Raises
        ------
        UnknownSession
            If the session does not have it; the text names those that it has.
        """
        if name not in self.signals:
            raise UnknownSession(
                f"signal {name!r}",
                f"{self.source} session {self.session_id} has {', '.join(sorted(self.signals)) or 'no signals'}",
                "Use one of those; a signal that upstream lacks is named in the provenance of `behavior`.",
            )
        return self.signals[name]

    def windows(self, preset: str) -> WindowsView:
        """Return the windows of a preset: counts, index, bin centres.

        Raises
        ------
        UnknownSession
            If the windows were not made yet.
        ConfigError
            If they were made without this preset; the text names those they were made with.
        """
        return view_windows(self._windows, preset)

    @cached_property
    def embeddings(self) -> pd.DataFrame:
        """Features of every unit's firing, schema `UNIT_EMBEDDINGS`."""
        return read_table(self.folder("unit_embeddings") / "unit_embeddings.parquet")

    @overload
    def psth(
        self,
        event: str | tuple[str, str] = ...,
        *,
        units: UnitChoice = ...,
        start: float = ...,
        stop: float = ...,
        bin_s: float = ...,
        by: None = ...,
    ) -> UnitPsth: ...

    @overload
    def psth(
        self,
        event: str | tuple[str, str] = ...,
        *,
        units: UnitChoice = ...,
        start: float = ...,
        stop: float = ...,
        bin_s: float = ...,
        by: str,
    ) -> dict[Hashable, UnitPsth]: ...

    def psth(
        self,
        event: str | tuple[str, str] = "stimOn_times",
        *,
        units: UnitChoice = None,
        start: float = -0.5,
        stop: float = 0.5,
        bin_s: float = 0.02,
        by: str | None = None,
    ) -> UnitPsth | dict[Hashable, UnitPsth]:
        """Average the activity of units around an event.

        Invalid times are not left out: `windows` marks and masks them.

        Parameters
        ----------
        event
            Column of times in `trials` or `presentations`, or ``(table, column)``.
        units
            Which units: a mask (n_units,), unit ids, or rows; all where not stated.
        start, stop, bin_s
            Window relative to the event and width of a bin, in seconds.
        by
            Column of the event's table: one PSTH per value of it, in ascending order; events where it is null are
            left out.

        Returns
        -------
        UnitPsth or dict
            Rates in Hz, (n_units, n_bins); with ``by`` a dictionary of them by value.

        Raises
        ------
        ConfigError
            If the table has no such column, or the window is not a whole number of bins.
        UnknownSession
            If a unit is asked for that the session does not have.
        """
        table_name, column = event_column(self.events, event)
        table = self.events[table_name]
        unit_ids = self._recording.units["unit_id"]
        rows = choose_units(unit_ids, units)
        groups = {None: np.ones(len(table), dtype=bool)} if by is None else values_of(table, by, table_name)
        made = {
            value: session_psth(
                self.spikes,
                rows,
                unit_ids,
                table.loc[chosen, column].to_numpy(dtype=np.float64),
                event=f"{table_name}.{column}",
                start=start,
                stop=stop,
                bin_s=bin_s,
            )
            for value, chosen in groups.items()
        }
        return made[None] if by is None else made

    def presentation_counts(
        self,
        stimulus: str,
        start: float = -0.05,
        stop: float = 0.5,
        bin_s: float = 0.01,
        *,
        edges: npt.ArrayLike | None = None,
        units: UnitChoice = None,
    ) -> PresentationCounts:
        """Count the spikes of units in bins around every presentation of a stimulus.

        Parameters
        ----------
        stimulus
            Name in `presentations`, for example ``natural_scenes``. Presentations in invalid times are left out.
        start, stop, bin_s
            Window relative to the start of a presentation and width of a bin, in seconds.
        edges
            (n_bins + 1,) edges in seconds of any width, in place of the three.
        units
            As in `psth`.

        Returns
        -------
        PresentationCounts
            Counts (n_presentations, n_bins, n_units); ``to_xarray()`` has AllenSDK's names. A spike counts in the bin
            that it begins, where AllenSDK counts one on an inner edge twice.

        Raises
        ------
        ConfigError
            If the session does not have the stimulus (the text names close ones), or the bins cannot be.
        BadUpstreamData
            If presentations of the stimulus overlap.
        """
        shown = choose_presentations(self.presentations, stimulus)
        unit_ids = self._recording.units["unit_id"]
        rows = choose_units(unit_ids, units)
        ids = unit_ids.to_numpy(dtype=object)[rows]
        return stimulus_counts(self.spikes.take(rows), ids, shown, start=start, stop=stop, bin_s=bin_s, edges=edges)

    def presentation_means(self, signal: str, stimulus: str, start: float = 0.0, stop: float = 0.5) -> pd.DataFrame:
        """Average a signal over every presentation of a stimulus, blinks left out.

        Parameters
        ----------
        signal
            ``running_speed``, ``pupil``, ``gaze``.
        stimulus
            As in `presentation_counts`.
        start, stop
            Window relative to the start of a presentation in seconds; ``stop`` is not part of it.

        Returns
        -------
        pandas.DataFrame
            One row per presentation (index ``presentation_id``), one column per column of the signal.
        """
        return stimulus_means(self.signal(signal), choose_presentations(self.presentations, stimulus), start, stop)

    @cached_property
    def _listed(self) -> SessionFiles | None:
        """The session as the catalogue lists it, or last listed it; None in a store without a catalogue."""
        for snapshot in reversed(list_snapshots(self._store, self.source)):
            try:
                return snapshot.manifest().session(self.session_id)
            except UnknownSession:
                continue
        return None

    @cached_property
    def _recording(self) -> RawRecording:
        return read_recording(self.folder("raw_spikes"))

    @cached_property
    def _behavior(self) -> Behavior:
        return read_behavior(self.folder("behavior"))

    @cached_property
    def _windows(self) -> StoredWindows:
        return StoredWindows(self.folder("windows"))

    def _events(self, name: str) -> pd.DataFrame:
        if name not in self.events:
            raise UnknownSession(
                f"{name} of {self.source} session {self.session_id}",
                f"upstream has none; it has {', '.join(sorted(self.events)) or 'no events'}",
                "Use one of those.",
            )
        return self.events[name]

    def _gate_problems(self) -> list[str]:
        units = self._store.current(self.source, self.session_id, "units")
        if units is None or not (units / GATE_FILE).exists():
            return []
        return [str(problem) for problem in json.loads((units / GATE_FILE).read_text(encoding="utf-8"))["problems"]]
