"""The trials object, from its table or from one file per column, in the schema `TRIALS`.

Add here what IBL says about a trial. Masks and selections of trials are for those who use them: nothing is filtered
but rows without a start.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.tables.events import TRIALS
from nh_platform.sources.ibl.catalogue.datasets import (
    ALSO_TRIAL_COLUMNS,
    BESIDE_TABLE,
    TRIAL_COLUMNS,
    TRIALS_TABLE,
    TRIGGERS,
)
from nh_platform.sources.ibl.session.verified_files import OpenFiles

Columns = dict[str, npt.NDArray[np.float64]]

_RENAMED = {"intervals_0": "start_time", "intervals_1": "stop_time"}
_BPOD = ("bpod_start", "bpod_stop")
_NUMBERS = [name for name in TRIALS.names if name not in ("task", "reaction_time", *_BPOD)]
_OF_OWN_FILE = frozenset({*BESIDE_TABLE, *ALSO_TRIAL_COLUMNS})


def read_trials(collections: Sequence[str], files: OpenFiles) -> pd.DataFrame | None:
    """Read the trials of a session.

    Parameters
    ----------
    collections
        Collections that hold the trials object: none, one, or one per task of the session.
    files
        The session's files of group ``events``.

    Returns
    -------
    pandas.DataFrame or None
        (n_trials, …) schema `TRIALS`, in order of time; times in s, `choice` +1 for a clockwise turn (correct for a
        left stimulus). ``reaction_time`` is ``firstMovement_times - goCue_times`` as brainbox 4.1.0
        ``load_wheel_reaction_times`` has it; the trial mask of the Brain-wide Map counts from ``stimOn_times``. A
        column whose file cannot be used or has another length than the table is NaN, a trial without a start is left
        out, each with a note. None, with a note, where upstream has no trials (passive-only sessions) or none with a
        start.
    """
    if not collections:
        files.note("trials", "upstream has no trials of this session")
        return None
    read = {one: files.optional("trials", _read_task, one, files) for one in collections}
    found = {one: table for one, table in read.items() if table is not None}
    if not found:
        return None
    several = len(collections) > 1
    tables = [table.assign(task=one.rpartition("/")[2] if several else None) for one, table in found.items()]
    table = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    return TRIALS.conform(table.sort_values("start_time", kind="stable", ignore_index=True))


def _read_task(collection: str, files: OpenFiles) -> pd.DataFrame:
    """Return the trials of one task without those that have no start."""
    has_table = files.lists(collection, TRIALS_TABLE)
    if not has_table and not files.lists(collection, _file_of("intervals")):
        raise files.bad(f"{collection}/{TRIALS_TABLE}", f"upstream has none, nor {_file_of('intervals')}")
    columns, n_trials = _of_table(collection, files) if has_table else _of_intervals(collection, files)
    for attribute in BESIDE_TABLE if has_table else TRIAL_COLUMNS:
        if attribute == "intervals" or attribute in columns:
            continue
        name = _file_of(attribute)
        if not files.has(collection, name):
            files.note(f"{collection}/{name}", f"not {'read' if files.lists(collection, name) else 'there'}; NaN")
            continue
        values = files.optional("trials", _column, collection, name, n_trials, files)
        if values is not None:
            columns[attribute] = values
    columns |= _also(collection, columns, n_trials, files)
    table = pd.DataFrame({name: columns[name] for name in _NUMBERS if name in columns}, index=range(n_trials))
    for name in _BPOD:
        table[name] = columns.get(name, np.nan)
    where = files.label(collection, TRIALS_TABLE if has_table else _file_of("intervals"))
    for name in table if n_trials else ():
        if table[name].isna().all() and name not in (*ALSO_TRIAL_COLUMNS, *_BPOD):
            files.note("trials", f"{where}: {name} has no value in any of {n_trials} trials")
    trials = _within_trials(files.in_time_order(table, "start_time", where), collection, files)
    if {"firstMovement_times", "goCue_times"} <= set(trials):
        trials["reaction_time"] = trials["firstMovement_times"] - trials["goCue_times"]
    return trials


def _also(collection: str, columns: Columns, n_trials: int, files: OpenFiles) -> Columns:
    """Return what else there is of the trials, each in its own file, and a note of the triggers that lack."""
    found: Columns = {}
    for attribute in ALSO_TRIAL_COLUMNS:
        if attribute in columns or not files.has(collection, _file_of(attribute)):
            continue
        name, width = _file_of(attribute), 2 if attribute == "intervals_bpod" else None
        values = files.optional("trials", _column, collection, name, n_trials, files, width)
        if values is None:
            continue
        found |= dict(zip(_BPOD, values.T)) if width else {attribute: values}
    if lacking := [name for name in TRIGGERS if not (name in columns or files.lists(collection, _file_of(name)))]:
        files.note("trials", f"upstream has no {', '.join(lacking)}; NaN")
    return found


def _within_trials(table: pd.DataFrame, collection: str, files: OpenFiles) -> pd.DataFrame:
    """Return the trials with NaN for times that lie in another trial than their own: a column in another order.

    What happens in a trial happens from its start to the start of the next one, as in every released table at hand; it
    ends after it started.
    """
    start = table["start_time"].to_numpy()
    next_start = np.append(start[1:], np.inf)
    for name in (name for name in table if name.endswith("_times") or name == "stop_time"):
        times = table[name].to_numpy()
        outside = np.isinf(times) | (times < start) | ((times > next_start) & (name != "stop_time"))
        if outside.any():
            of_table = files.has(collection, TRIALS_TABLE) and not files.has(collection, _file_of(name))
            file = TRIALS_TABLE if of_table else _file_of(name)
            text = f"{int(outside.sum())} of {len(table)} values of {name} lie outside of their own trial; NaN"
            files.note("trials", f"{files.label(collection, file)}: {text}")
            table[name] = np.where(outside, np.nan, times)
    return table


def _of_table(collection: str, files: OpenFiles) -> tuple[Columns, int]:
    """Return the columns of the trials table, and how many rows it has."""
    table = files.table(collection, TRIALS_TABLE)
    path = files.label(collection, TRIALS_TABLE)
    columns = {}
    for name in table.columns:
        target = _RENAMED.get(str(name), str(name))
        if target in _RENAMED.values() and name not in _RENAMED:
            files.note("trials", f"{path}: column {name}, which ALF trials do not have; left out")
        elif target in _NUMBERS:
            values = files.optional("trials", _numbers, table[name], path, files)
            if values is not None:
                columns[target] = values
    if "start_time" not in columns:
        found = ", ".join(map(str, table.columns))
        raise files.bad(path, f"no column intervals_0 that can be used; found {found}")
    stated = {_RENAMED.get(str(name), str(name)) for name in table.columns if name not in _RENAMED.values()}
    absent = [name for name in _NUMBERS if name not in stated and name not in _OF_OWN_FILE]
    if absent:
        files.note("trials", f"{path}: no column for {', '.join(absent)}; NaN")
    return columns, len(table)


def _of_intervals(collection: str, files: OpenFiles) -> tuple[Columns, int]:
    """Return start and stop of the trials from their own file, and how many there are."""
    intervals = files.array(collection, _file_of("intervals"), "fiu", columns=2).astype(np.float64)
    return {"start_time": intervals[:, 0], "stop_time": intervals[:, 1]}, len(intervals)


def _column(
    collection: str, name: str, n_trials: int, files: OpenFiles, width: int | None = None
) -> npt.NDArray[np.float64]:
    values = files.array(collection, name, "fiub", width).astype(np.float64)
    if len(values) != n_trials:
        raise files.bad(files.label(collection, name), f"{len(values)} values for {n_trials} trials; the column is NaN")
    return values


def _file_of(attribute: str) -> str:
    return f"_ibl_trials.{attribute}.npy"


def _numbers(values: pd.Series, path: str, files: OpenFiles) -> npt.NDArray[np.float64]:
    if not (pd.api.types.is_numeric_dtype(values) or values.dtype == object):  # dates would be counted in ns
        raise files.bad(path, f"column {values.name!r} is {values.dtype}, expected numbers; it is NaN")
    try:
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise files.bad(path, f"column {values.name!r} is not numeric: {error}; it is NaN") from error
