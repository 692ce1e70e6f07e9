"""The codec of `stimulus_tensors`: one session's tensors ↔ files, one per mode and stimulus type.

``<mode>/presentations.parquet`` holds every presentation of the session after cleaning, irregular and blank ones too;
``<mode>/units.parquet`` the units of the unit axis; ``<mode>/<type>.h5`` the groups of `tensors.make_tensor`. Add here
what a session's files need. Nothing across sessions is known here.

The duration filter needs the medians over all sessions, which one session does not know. A tensor therefore holds every
presentation within twice the tolerance of the published median, and `stimulus_files` takes from it those that the true
filter keeps (docs/decisions/0010-stimulus-durations.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.exports.stimulus.netcdf import Variable, read_group, write_group
from nh_platform.exports.stimulus.tensors import TensorInput, make_tensor, tensor_units
from nh_platform.session import Events, Note, Signals, Spikes
from nh_platform.session.tables.events import PRESENTATIONS
from nh_platform.session.tables.stimulus import STIMULUS_PRESENTATIONS, STIMULUS_UNITS
from nh_platform.store.hdf5 import create_file, open_file
from nh_platform.store.parquet import read_table, write_table
from nh_platform.windows.presentations.cleaning import clean_presentations, regular, unknown_stimuli, unknown_stimulus
from nh_platform.windows.presentations.conventions import MODES, PUBLISHED_MEDIAN_S, Mode

PRESENTATIONS_FILE = "presentations.parquet"
UNITS_FILE = "units.parquet"

GATE = 2.0
"""A tensor holds presentations within this many tolerances of the published median."""


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

    Raises
    ------
    BadUpstreamData
        If presentations overlap.
    """
    session = f"{events.session.source} session {events.session.session_id}"
    shown = events.tables.get("presentations", PRESENTATIONS.empty())
    table = clean_presentations(shown, mode, session)
    near = regular(table, PUBLISHED_MEDIAN_S, GATE)
    chosen, n_nowhere = tensor_units(units, good)
    notes = [
        Note(f"{mode}, {name}", f"{count} presentations left out: no parameters are laid down for this stimulus")
        for name, count in unknown_stimuli(shown).items()
    ]
    if n_nowhere:
        notes.append(Note(f"{mode}, units", f"{n_nowhere} good units without a structure left out"))
    for name, part in table[~near].groupby("stimulus_name", sort=True):
        longest = part["duration"].max()
        notes.append(
            Note(
                f"{mode}, {name}",
                f"{len(part)} presentations left out: not the {PUBLISHED_MEDIAN_S[str(name)]} s that is usual "
                f"(up to {longest:.4f} s)",
            )
        )
    for name, part in table[near & table["blank"].to_numpy()].groupby("stimulus_name", sort=True):
        notes.append(Note(f"{mode}, {name}", f"{len(part)} presentations left out: no stimulus was shown"))
    for signal in ("running_speed", "gaze"):
        if signal not in signals.signals:
            notes.append(Note(f"{mode}, {signal}", "the session has none; its group is absent"))
    return TensorPlan(mode, chosen, table, near & ~table["blank"].to_numpy(), tuple(notes))


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
    for plan in plans:
        target = folder / plan.mode
        target.mkdir()
        write_table(target / PRESENTATIONS_FILE, plan.presentations, STIMULUS_PRESENTATIONS)
        write_table(target / UNITS_FILE, plan.units, STIMULUS_UNITS)
        given = TensorInput(spikes.take(plan.units["row"].to_numpy()), plan.units, events, signals)
        for stimulus_type in plan.types:
            groups = make_tensor(given, plan.rows(stimulus_type), plan.mode)
            with create_file(target / f"{stimulus_type}.h5") as file:
                for name, group in groups.items():
                    write_group(file, name, group)


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
        return sorted(path.stem for path in (self.folder / self.mode).glob("*.h5"))

    def groups(self, stimulus_type: str) -> dict[str, Mapping[str, Variable]]:
        """Read the groups of one stimulus type.

        Raises
        ------
        ConfigError
            If the session has no such stimulus; the text names close ones.
        """
        if stimulus_type not in self.types:
            raise unknown_stimulus(stimulus_type, self.types)
        with open_file(self.folder / self.mode / f"{stimulus_type}.h5") as handle:
            return {name: read_group(handle, name) for name in sorted(handle) if not name.startswith("_")}


def stored_modes(folder: Path) -> tuple[Mode, ...]:
    """Return the modes in which the tensors of a session were made."""
    return tuple(mode for mode in MODES if (folder / mode).is_dir())
