"""The codec of `stimulus_tensors`: one session's tensors ↔ files, one per mode and stimulus type.

``<mode>/presentations.parquet`` holds every presentation of the session after cleaning, irregular and blank ones too;
``<mode>/units.parquet`` the units of the unit axis; ``<mode>/<type>.h5`` the groups of `tensors.make_tensor`, under
``bins_<n>`` for presentations that need as many bins. Add here what a session's files need. Nothing across sessions is
known here.

The duration filter needs the medians over all sessions, which one session does not know. Every presentation that was
shown is therefore stored, whatever its duration, and `stimulus_files` takes those that the filter keeps
(docs/decisions/0010-stimulus-durations.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.exports.stimulus.grids import length_classes, longest_beside, time_edges
from nh_platform.exports.stimulus.netcdf import Variable, read_group, write_group
from nh_platform.exports.stimulus.signals_at_bins import gap_notes
from nh_platform.exports.stimulus.tensor_parts import cut, joined
from nh_platform.exports.stimulus.tensors import TensorInput, make_tensor, tensor_units
from nh_platform.session import Events, Note, Signals, Spikes
from nh_platform.session.presentation_overlap import slight_overlaps
from nh_platform.session.tables.events import PRESENTATIONS
from nh_platform.session.tables.stimulus import STIMULUS_PRESENTATIONS, STIMULUS_UNITS
from nh_platform.store.codecs.hdf5 import create_file, open_file
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.records import is_there, record_names
from nh_platform.windows.presentations.cleaning import (
    clean_presentations,
    median_durations,
    not_valid_stimuli,
    regular,
    unknown_stimuli,
    unknown_stimulus,
    unusable_parameters,
    usable_stimuli,
)
from nh_platform.windows.presentations.conventions import MODES, Mode
from nh_platform.windows.presentations.faulty_rows import faulty_rows

PRESENTATIONS_FILE = "presentations.parquet"
UNITS_FILE = "units.parquet"
LENGTH = "bins_{}"
"""Group of the presentations that need so many bins."""


@dataclass(frozen=True)
class TensorPlan:
    """What the tensors of one session will be, in one mode; nothing is counted yet.

    Parameters
    ----------
    mode
        How they are made.
    units
        Schema `STIMULUS_UNITS`.
    presentations
        Schema `STIMULUS_PRESENTATIONS`: every presentation after cleaning.
    in_tensor
        (n_presentations,) which of them the tensors hold.
    notes
        What is left out.
    """

    mode: Mode
    units: pd.DataFrame
    presentations: pd.DataFrame
    in_tensor: np.ndarray
    notes: tuple[Note, ...]

    @property
    def types(self) -> list[str]:
        """Stimulus types that have a tensor, in alphabetical order."""
        return sorted(self.presentations.loc[self.in_tensor, "stimulus_type"].unique())

    def rows(self, stimulus_type: str) -> pd.DataFrame:
        """Return the presentations that the tensor of a type holds."""
        chosen = self.in_tensor & (self.presentations["stimulus_type"] == stimulus_type).to_numpy()
        return self.presentations[chosen].reset_index(drop=True)


def plan_tensors(events: Events, signals: Signals, units: pd.DataFrame, good: np.ndarray, mode: Mode) -> TensorPlan:
    """Clean the presentations of a session and choose units and presentations of its tensors.

    Parameters
    ----------
    events, signals
        Presentations and invalid times of the session; what it has of running and gaze.
    units
        Schema `UNITS`.
    good
        (n_units,) which units to take; those without a structure are left out and counted in the notes.
    mode
        How the tensors are made.
    """
    shown = events.tables.get("presentations", PRESENTATIONS.empty())
    table = clean_presentations(shown, mode)
    chosen, n_nowhere = tensor_units(units, good)
    notes = [
        Note(f"{mode}, {name}", f"{count} presentations left out: no parameters are laid down for this stimulus")
        for name, count in unknown_stimuli(shown).items()
    ]
    notes += [
        Note(f"{mode}, {name}", f"{count} presentations left out: not valid in `events` (invalid or faulty times)")
        for name, count in not_valid_stimuli(shown).items()
    ]
    stimuli = usable_stimuli(shown)
    notes += _faults(stimuli, mode)
    notes += [Note(f"{mode}, {stimulus}", text) for (stimulus, _), text in unusable_parameters(stimuli).items()]
    if n_nowhere:
        notes.append(Note(f"{mode}, units", f"{n_nowhere} good units without a structure left out"))
    blank = table["blank"].to_numpy()
    for name, part in table[blank].groupby("stimulus_name", sort=True):
        notes.append(Note(f"{mode}, {name}", f"{len(part)} presentations left out: no stimulus was shown"))
    notes += _unusual(table[~blank], mode)
    for signal in ("running_speed", "gaze"):
        if signal not in signals.signals:
            notes.append(Note(f"{mode}, {signal}", "the session has none; its group is absent"))
    notes += gap_notes(signals.signals, mode)
    return TensorPlan(mode, chosen, table, ~blank, tuple(notes))


def _faults(stimuli: pd.DataFrame, mode: Mode) -> list[Note]:
    """Return a note for each stimulus and way in which some of its presentations are faulty, with the first of them.

    Ends that reach slightly into the next presentation are counted as well.
    """
    notes = []
    faults = faulty_rows(stimuli)
    kept = stimuli[~np.logical_or.reduce([fault.rows for fault in faults])]
    late = kept.assign(by=slight_overlaps(kept["start_time"].to_numpy(), kept["stop_time"].to_numpy()))
    for name, part in late[late["by"] > 0].groupby("stimulus_name", sort=True):
        text = f"{len(part)} presentations reach slightly into the next one, by at most {part['by'].max():.4f} s: kept"
        notes.append(Note(f"{mode}, {name}", text))
    for fault in faults:
        for name, part in stimuli[fault.rows].groupby("stimulus_name", sort=True):
            first = part.iloc[0]
            text = (
                f"{len(part)} presentations left out: they {fault.why}; first {first['presentation_id']}, "
                f"{first['start_time']:.3f} to {first['stop_time']:.3f} s"
            )
            notes.append(Note(f"{mode}, {name}", text))
    return notes


def _unusual(table: pd.DataFrame, mode: Mode) -> list[Note]:
    """Return a note for each stimulus with presentations that are likely to be left out when sessions are joined."""
    usual = regular(table, median_durations([table]))
    return [
        Note(
            f"{mode}, {name}",
            f"{len(part)} presentations of unusual duration ({part['duration'].min():.4f} to "
            f"{part['duration'].max():.4f} s) are kept; the medians of the sessions that are joined decide on them",
        )
        for name, part in table[~usual].groupby("stimulus_name", sort=True)
    ]


def write_tensors(folder: Path, spikes: Spikes, events: Events, signals: Signals, plans: Sequence[TensorPlan]) -> None:
    """Make the tensors of one session and write them into ``folder``, one stimulus type in memory at a time.

    Parameters
    ----------
    folder
        Empty folder.
    spikes
        Spikes of all units, in the order of the units table.
    events, signals
        Invalid times; running and eyes.
    plans
        One per mode.
    """
    recorded = spikes.recorded_time
    for plan in plans:
        target = folder / plan.mode
        target.mkdir()
        write_table(target / PRESENTATIONS_FILE, plan.presentations, STIMULUS_PRESENTATIONS)
        write_table(target / UNITS_FILE, plan.units, STIMULUS_UNITS)
        given = TensorInput(spikes.take(plan.units["row"].to_numpy()), plan.units, events, signals, recorded)
        for stimulus_type in plan.types:
            shown = plan.rows(stimulus_type)
            with create_file(target / f"{stimulus_type}.h5") as file:
                for n_bins, rows in length_classes(shown, plan.mode).items():
                    alike = shown.iloc[rows].reset_index(drop=True)
                    longest_s = max(map(longest_beside, alike["duration"], alike["stimulus_name"]))
                    for name, group in make_tensor(given, alike, plan.mode, longest_s).items():
                        write_group(file, f"{LENGTH.format(n_bins)}/{name}", group)


@dataclass(frozen=True)
class StoredTensors:
    """The tensors of one session on disk.

    Parameters
    ----------
    folder
        Folder that `write_tensors` filled.
    session_id
        The session.
    mode
        How they were made.
    """

    folder: Path
    session_id: str
    mode: Mode

    @cached_property
    def presentations(self) -> pd.DataFrame:
        """Every presentation after cleaning, schema `STIMULUS_PRESENTATIONS`."""
        return read_table(self.folder / self.mode / PRESENTATIONS_FILE)

    @cached_property
    def units(self) -> pd.DataFrame:
        """Units of the unit axis, schema `STIMULUS_UNITS`."""
        return read_table(self.folder / self.mode / UNITS_FILE)

    @property
    def types(self) -> list[str]:
        """Stimulus types that have a tensor."""
        return sorted(Path(one).stem for one in record_names(self.folder / self.mode) if one.endswith(".h5"))

    def groups(self, stimulus_type: str, presentation_ids: npt.ArrayLike) -> dict[str, dict[str, Variable]]:
        """Read the groups of some presentations of one stimulus type, in the bins that the longest of them needs.

        Parameters
        ----------
        stimulus_type
            One of `types`.
        presentation_ids
            (n,) ids of presentations that the tensor holds, at least one, whose durations lie less than two tolerances
            apart, as those that the filter keeps do.

        Raises
        ------
        ConfigError
            If the session has no such stimulus; the text names close ones.
        """
        if stimulus_type not in self.types:
            raise unknown_stimulus(stimulus_type, self.types)
        wanted = np.asarray(presentation_ids)
        durations = self.presentations.set_index("presentation_id").loc[wanted, "duration"]
        n_bins = len(time_edges(float(durations.max()), self.mode)) - 1
        parts = []
        with open_file(self.folder / self.mode / f"{stimulus_type}.h5") as handle:
            for length in sorted(handle):
                rows = np.flatnonzero(np.isin(handle[f"{length}/presentations/presentation_id"][:], wanted))
                if len(rows):
                    names = sorted(handle[length])
                    parts.append({name: cut(read_group(handle, f"{length}/{name}"), rows, n_bins) for name in names})
        return {name: joined([part[name] for part in parts]) for name in parts[0]}


def stored_modes(folder: Path) -> tuple[Mode, ...]:
    """Return the modes in which the tensors of a session were made."""
    return tuple(mode for mode in MODES if is_there(folder / mode))
