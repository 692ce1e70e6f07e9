"""What BrainWideBench's own recordings hold beyond torch_brain's, under its names: windows, splits, statistics.

Contains the windows of the tasks, the domains of suites 1 and 2, the units that co-smoothing hides, and what its models
normalise by. Definitions are those of `nh_platform.tasks.brain_wide_bench`; add here what the benchmark's models read
more. A session of another task has none of it; what a session lacks is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nh_platform.exports.torch_brain.ibl_trials import UNKNOWN, benchmark_columns
from nh_platform.exports.torch_brain.objects import FloatArray, Group, data, interval
from nh_platform.exports.torch_brain.splits import without_invalid
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.session.recorded_time import spikes_of_recording
from nh_platform.session.tables.events import TRIALS
from nh_platform.tasks.brain_wide_bench import behaviour
from nh_platform.tasks.brain_wide_bench.held_out_units import SALTS, held_out_units
from nh_platform.tasks.brain_wide_bench.signals import GridSignal
from nh_platform.tasks.brain_wide_bench.splits import suite1_ranges, suite2_ranges
from nh_platform.tasks.brain_wide_bench.trial_signals import whisker_motion_energy
from nh_platform.tasks.brain_wide_bench.trials import WINDOW_S, BenchmarkTrials, Window, benchmark_trials
from nh_platform.tasks.brain_wide_bench.unit_choice import selected_units
from nh_platform.tasks.task import TargetMissing
from nh_platform.windows.splits.time_ranges import Ranges

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

_WINDOWS: dict[str, tuple[Window, str]] = {
    "choice": ("choice", "choice"),
    "reward": ("feedback", "reward"),
    "stimulus_side": ("stimulus", "stimulus_side"),
    "stimulus_contrast": ("stimulus", "stimulus_contrast"),
    "block_prior": ("block", "block_prior"),
    "movement_window": ("movement", ""),
    "licking_window": ("feedback", ""),
}
"""Event that each task's window lies around, and the class that it carries (``extract_task_aligned_intervals``)."""

_SUITES: dict[str, Callable[[tuple[float, float], FloatArray], Ranges]] = {"ts1": suite1_ranges, "ts2": suite2_ranges}

_SIGNALS: dict[str, Callable[[SessionView], GridSignal]] = {
    "whisker": behaviour.whisker_motion_energy,
    "wheel": behaviour.wheel_speed,
    "licks": behaviour.licks,
}


def benchmark_signals(session: SessionView) -> tuple[dict[str, GridSignal], list[str]]:
    """Return whisker, wheel speed and licks on the benchmark's grid, and what the session lacks of them."""
    found, notes = {}, []
    for name, read in _SIGNALS.items():
        try:
            found[name] = read(session)
        except TargetMissing as error:
            notes.append(f"{name} as BrainWideBench has it: {error.found}")
    return found, notes


def benchmark_groups(session: SessionView) -> tuple[dict[str, Group], list[str]]:
    """Return the benchmark's objects of a session, and what it lacks.

    Parameters
    ----------
    session
        The session.

    Returns
    -------
    groups
        ``task_aligned_intervals`` with ``trial_index``, the row of the session's table; ``ts1_train_domain`` and so on
        to ``ts2_test_domain``, without the invalid time of the session; ``ts1_normalize``.
    notes
        What is left out.
    """
    if TRIALS.name not in session.events:
        return {}, []
    try:
        trials = benchmark_trials(session)
    except TargetMissing as error:
        return {}, [f"windows and splits of BrainWideBench: {error.found}"]
    groups, notes = {"task_aligned_intervals": _task_windows(trials)}, []
    for suite, divide in _SUITES.items():
        try:
            ranges = divide(_recorded(session, suite), trials.spans)
        except (ConfigError, TargetMissing) as error:
            notes.append(f"{suite} domains of BrainWideBench: {error.found}")
            continue
        ranges = without_invalid(ranges, session)
        groups |= {f"{suite}_{name}_domain": interval(found) for name, found in ranges.items()}
        if suite == "ts1":
            groups["ts1_normalize"] = _statistics(session)
    return groups, notes


def hidden_units(
    session: SessionView, rows: npt.NDArray[np.int64]
) -> tuple[dict[str, npt.NDArray[np.bool_]], list[str]]:
    """Return which units co-smoothing hides, and what a reader must know of that.

    They are hidden among the units that the benchmark selects of the whole session, whatever is in the file, as in
    `nh_platform.tasks.brain_wide_bench.suite2.co_smoothing`.

    Parameters
    ----------
    session
        The session.
    rows
        (n,) int64, rows of its units in the file.

    Returns
    -------
    arrays
        (n,) bool: ``ts2_is_selected``, and ``ts2_co_smoothing_is_held_out_<split>``, False of all that are not
        selected. None where the benchmark cannot select.
    notes
        How many are selected, and by what they could not be.
    """
    try:
        chosen, lacking = selected_units(session)
    except TargetMissing as error:
        return {}, [f"units that BrainWideBench selects and hides: {error.found}"]
    ids, selected = session.units["unit_id"].astype(str).to_numpy(), np.flatnonzero(chosen)
    arrays = {"ts2_is_selected": chosen[rows]}
    for split in SALTS:
        hidden = np.zeros(len(ids), dtype=bool)
        hidden[selected] = held_out_units(ids[selected].tolist(), split)
        arrays[f"ts2_co_smoothing_is_held_out_{split}"] = hidden[rows]
    share = (
        f"{len(selected)} of {counted(len(ids), 'unit')} are selected, and {int(chosen[rows].sum())} of them are here"
    )
    return arrays, [f"units that BrainWideBench hides: {'; '.join([share, *lacking])}"]


def _recorded(session: SessionView, suite: str) -> tuple[float, float]:
    """Return the times (s) of the first and last spike of the units that a suite is about, whatever is in the file.

    Those within the recorded time, as the tasks divide it: a stray spike would move the domains, and train on time that
    the task tests.

    Raises
    ------
    TargetMissing
        If the benchmark cannot select units, or the selected ones have no spikes.
    """
    spikes = spikes_of_recording(session.spikes)
    if suite == "ts2":
        spikes = spikes.take(np.flatnonzero(selected_units(session)[0]))
    if not len(spikes.times):
        where = f"{session.source} session {session.session_id}"
        raise TargetMissing(where, "there is no spike", "Leave the session out.")
    return spikes.time_range


def _task_windows(trials: BenchmarkTrials) -> Group:
    classes = benchmark_columns(trials.table)
    groups = {}
    for name, (window, column) in _WINDOWS.items():
        start = trials.starts[window]
        kept = classes[column] != UNKNOWN if name == "block_prior" else np.ones(len(start), dtype=bool)
        arrays: dict[str, npt.NDArray[Any]] = {"trial_index": trials.rows[kept]}
        if column:
            arrays[column] = classes[column][kept]
        groups[name] = interval(np.column_stack([start, start + WINDOW_S])[kept], arrays)
    return data({}, groups, domain=trials.spans)


def _statistics(session: SessionView) -> Group:
    """Return mean and spread by which the task normalises the whisker signal; nothing where there is no task."""
    try:
        found = whisker_motion_energy(session).normalisation
    except TargetMissing:
        found = None
    if found is None:
        return data({}, {"whisker": data({})})
    stated = {"mean": found[0], "std": found[1]}
    return data({}, {"whisker": data({}, {"whisker_motion_energy": data(stated)})})
