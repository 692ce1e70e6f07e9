"""The trials object, from its table or from one file per column, in the schema `TRIALS`.

Add here what IBL says about a trial. Masks and selections of trials are for those who use them: nothing is filtered.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import SchemaError
from nh_platform.session.tables.events import TRIALS
from nh_platform.sources.ibl.catalogue.datasets import BESIDE_TABLE, TRIAL_COLUMNS, TRIALS_TABLE
from nh_platform.sources.ibl.session.verified_files import OpenFiles

_RENAMED = {"intervals_0": "start_time", "intervals_1": "stop_time"}

_REQUIRED = ("intervals", "choice")


def read_trials(collection: str | None, files: OpenFiles) -> pd.DataFrame | None:
    """Read the trials of a session.

    Parameters
    ----------
    collection
        Collection that holds the trials object, if any.
    files
        The session's files of group ``behavior``.

    Returns
    -------
    pandas.DataFrame or None
        (n_trials, …) schema `TRIALS`; times in s, `choice` +1 for a clockwise turn (correct for a left stimulus). None,
        with a note, where upstream has no trials (passive-only sessions).

    Raises
    ------
    BadUpstreamData
        If intervals or choice are missing or null, or columns differ in length.
    """
    if collection is None:
        files.note("trials", "upstream has no trials of this session")
        return None
    has_table = files.has(collection, TRIALS_TABLE)
    columns: dict[str, npt.NDArray[np.float64]] = {}
    if has_table:
        table = files.table(collection, TRIALS_TABLE)
        path = files.label(collection, TRIALS_TABLE)
        for name in table.columns:
            target = _RENAMED.get(str(name), str(name))
            if target in TRIALS.names:
                columns[target] = _floats(table[name], path, files)
        absent = [name for name in ("start_time", "stop_time", "choice") if name not in columns]
        if absent:
            raise files.bad(
                path, f"columns missing for {', '.join(absent)}; found {', '.join(map(str, table.columns))}"
            )
        n_trials = len(table)
    else:
        for attribute in _REQUIRED:
            files.require(collection, _file_of(attribute))
        intervals = files.array(collection, _file_of("intervals"), "fiu", columns=2).astype(np.float64)
        columns |= {"start_time": intervals[:, 0], "stop_time": intervals[:, 1]}
        n_trials = len(intervals)
    for attribute in BESIDE_TABLE if has_table else TRIAL_COLUMNS:
        name = _file_of(attribute)
        if attribute == "intervals" or attribute in columns:
            continue
        if not files.has(collection, name):
            files.note(f"{collection}/{name}", "not there; NaN")
            continue
        values = files.array(collection, name, "fiub").astype(np.float64)
        if len(values) != n_trials:
            raise files.bad(files.label(collection, name), f"{len(values)} values for {n_trials} trials")
        columns[attribute] = values
    try:
        return TRIALS.conform(pd.DataFrame(columns))
    except SchemaError as error:
        where = TRIALS_TABLE if has_table else _file_of("intervals")
        raise files.bad(files.label(collection, where), error.found) from error


def _file_of(attribute: str) -> str:
    return f"_ibl_trials.{attribute}.npy"


def _floats(values: pd.Series, path: str, files: OpenFiles) -> npt.NDArray[np.float64]:
    try:
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise files.bad(path, f"column {values.name!r} is not numeric: {error}") from error
