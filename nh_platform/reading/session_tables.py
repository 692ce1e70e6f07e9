"""The tables and signals of one stored session: spikes, channels, units, events, embeddings, each read at first use.

Contains `SessionTables`, of which `SessionView` is what people use. Add a property here for every table of a session
that people read. What is computed from several of them (PSTHs, counts) belongs to `session_view`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.metrics.histogram_file import read_histograms
from nh_platform.qc.metrics.interval_histograms import ACG, ISI, UnitHistogram
from nh_platform.reading.events.common_trials import common_trials
from nh_platform.reading.events.session_events import SessionEvents
from nh_platform.reading.events.stated_events import stated_events
from nh_platform.reading.searching.session_facts import session_facts
from nh_platform.reading.searching.session_search import read_summary
from nh_platform.reading.stored_session import StoredSession
from nh_platform.reading.unit_psth import choose_units
from nh_platform.session import Session, Signal, Spikes, UnknownSession
from nh_platform.session.tables.events import LAB_TRIALS, TRIALS
from nh_platform.sources.events import EventTimes
from nh_platform.store.codecs.parquet import column_words, read_table
from nh_platform.store.codecs.recording_files import read_detected
from nh_platform.store.file_hashes import is_stored
from nh_platform.windows.unrecorded_time import with_pauses, with_unrecorded
from nh_platform.windows.valid_time import InvalidTimes, ValidSpikes, invalid_times, valid_spikes


class SessionTables(StoredSession):
    """Tables and signals of one session of a store. Parameters are those of `StoredSession`."""

    @property
    def info(self) -> Session:
        """Subject, lab, date and task of the session."""
        listed = self._listed
        return self._recording.session if listed is None else listed.session

    @cached_property
    def released_facts(self) -> dict[str, Any]:
        """What the release states of the session: sex, age_in_days, genotype, …; None where it does not."""
        return session_facts(self._store, self.source).of(self.session_id)

    @cached_property
    def unit_words(self) -> dict[str, tuple[str, str]]:
        """Unit of measure and meaning of every stored column of `units`, by its name."""
        return self._read("units", lambda folder: column_words(folder / "units.parquet"))

    @property
    def spikes(self) -> Spikes:
        """Spikes of all units, grouped by unit in the order of ``units``; seconds, volts, µm."""
        return self._recording.spikes

    def spikes_of(self, unit: str | int) -> npt.NDArray[np.float64]:
        """Return the spike times (s) of one unit, by its id, Allen's also as a number, or its row in `units`.

        Raises
        ------
        UnknownSession
            If the session has no such unit, or the number is the row of one unit and the id of another.
        """
        row = choose_units(self._recording.units["unit_id"], [unit])  # type: ignore[arg-type]
        return self.spikes.of_unit(int(row[0]))

    @cached_property
    def invalid_times(self) -> InvalidTimes:
        """Intervals that upstream or counted reviews call invalid, and pauses of the recording, by what is invalid.

        `events` has only upstream's.
        """
        stated = invalid_times(self._reviewed_events, list(dict.fromkeys(self._recording.units["probe"])))
        return with_pauses(stated, self.spikes.recorded_time)

    @cached_property
    def _invalid_for_windows(self) -> InvalidTimes:
        """Those of `invalid_times`, and what lies outside of the recorded time."""
        return with_unrecorded(self.invalid_times, self.spikes.recorded_time)

    @cached_property
    def valid_spikes(self) -> ValidSpikes:
        """Spikes outside the invalid intervals of their probe and of all probes, with each probe's valid seconds.

        Rates are ``valid_spikes.spikes.counts`` over ``valid_spikes.duration_s`` of the unit's probe. Recomputed
        quality metrics are over the whole recording, as the released ones are.
        """
        return valid_spikes(self.spikes, self._recording.units["probe"].tolist(), self.invalid_times)

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
        if folder is None or not is_stored(folder / "channels.parquet"):
            return channels
        positions = read_table(folder / "channels.parquet")
        return channels.merge(positions, on=["probe", "channel"], how="left", validate="one_to_one")

    @cached_property
    def units(self) -> pd.DataFrame:
        """One row per unit, schema `UNITS`, and three short names at the end.

        ``region`` is the Beryl acronym (the Allen one where there is none), ``label`` and ``good`` the verdict of
        the active rulebook: share of passed rules, and whether the unit passes, reviews included.
        """
        table = self._read("units", lambda folder: read_table(folder / "units.parquet"))
        region = table["beryl"].where(table["beryl"].notna(), table["acronym"])
        added = {"region": region.astype(object).where(region.notna(), None)}
        active = self.active_rulebook
        if active:
            added |= {"label": table[f"label.{active}"], "good": table[f"pass.{active}"]}
        return table.assign(**added)

    @property
    def isi_histograms(self) -> UnitHistogram:
        """Inter-spike intervals of every unit in logarithmic bins, (n_units, 60), in the order of ``units``."""
        return self._histograms[ISI]

    @property
    def autocorrelograms(self) -> UnitHistogram:
        """Pairs of spikes of every unit by their lag in 1 ms bins, (n_units, 100), in the order of ``units``."""
        return self._histograms[ACG]

    @cached_property
    def _histograms(self) -> dict[str, UnitHistogram]:
        return self._read("units", read_histograms)

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

    @cached_property
    def events(self) -> SessionEvents:
        """Event tables by name, and named events: ``events["licks"]``, ``events("stimulus onset")``.

        Tables are trials, presentations, licks, invalid_times, …; absent ones are not in it. They are what upstream
        states; `invalid_times` has the intervals of counted reviews too. What upstream detected in a signal
        (``wheel_moves``) is among them once `signals` is made. Names of events are those that the source's entry
        states, alike in every source; ``events.names`` are those that the session has.
        """
        session = f"{self.source} session {self.session_id}"
        return SessionEvents(lambda: self._event_tables, lambda: self._stated_events, session)

    @property
    def trials(self) -> pd.DataFrame:
        """Trials with the columns that every source has (`COMMON_COLUMNS`) beside those of the source's table.

        That is schema `TRIALS` of IBL, `CHANGE_TRIALS` of Visual Behavior, `LAB_TRIALS` of a source that
        ``sources.yaml`` declares. Visual Coding has no task: a trial is a presentation with an onset, schema
        `PRESENTATIONS`, and a movie's showing is one.

        Raises
        ------
        UnknownSession
            If the session has neither trials nor presentations.
        """
        return self._task_trials if self._trials is None else self._trials

    @cached_property
    def _trials(self) -> pd.DataFrame | None:
        return common_trials(self.events)

    @property
    def _task_trials(self) -> pd.DataFrame:
        """Trials of a task that rules of sessions know, as they are stored."""
        return self._events(LAB_TRIALS.name if LAB_TRIALS.name in self.events else TRIALS.name)

    @cached_property
    def _event_tables(self) -> dict[str, pd.DataFrame]:
        return {**self._stored_events.tables, **self._detected}

    @cached_property
    def _stated_events(self) -> Mapping[str, EventTimes]:
        return stated_events(self._store.root, self.source)

    @property
    def presentations(self) -> pd.DataFrame:
        """Stimulus presentations, schema `PRESENTATIONS`."""
        return self._events("presentations")

    @property
    def task_parameters(self) -> dict[str, Any]:
        """How the change detection task was set, as AllenSDK has it: volumes in mL, times in s.

        Raises
        ------
        UnknownSession
            If the session states none: only Visual Behavior does.
        """
        return self._facts("task_parameters")

    @property
    def metadata(self) -> dict[str, Any]:
        """Subject, rig and project of a Visual Behavior session under AllenSDK's names; times and uuids are text.

        Raises
        ------
        UnknownSession
            If the session states none; `info` has what every source states.
        """
        return self._facts("session_metadata")

    @property
    def signals(self) -> dict[str, Signal]:
        """Sampled signals by name: wheel_position, running_speed, pupil_diameter and so on."""
        return self._stored_signals.signals

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
                "Use one of those; a signal that upstream lacks is named in the provenance of `signals`.",
            )
        return self.signals[name]

    @cached_property
    def _detected(self) -> dict[str, pd.DataFrame]:
        folder = self._store.current(self.source, self.session_id, "signals")
        return {} if folder is None else read_detected(folder)

    def _facts(self, table: str) -> dict[str, Any]:
        stated = self._events(table)
        return {name: json.loads(value) for name, value in zip(stated["name"], stated["value"])}

    def _events(self, name: str) -> pd.DataFrame:
        if name not in self.events:
            tables, named = ", ".join(sorted(self.events)), ", ".join(self.events.names)
            rows = f", or the rows of a named event, `session.events(name)`: {named}" if named else ""
            raise UnknownSession(
                f"{name} of {self.source} session {self.session_id}",
                f"upstream has none; it has {f'the tables {tables}' if tables else 'no tables of events'}",
                f"Read one of those{rows}." if tables else "Give times of your own: `session.windows_around(times)`.",
            )
        return self.events[name]
