"""Intervals that are not stimuli: invalid times and optogenetic epochs.

Contains the readers of ``/intervals/invalid_times`` and of the optotagging table. Add here an interval table that is
neither a stimulus nor a trial. Masking with them is done where spikes, presentations and windows are made.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.tables.events import INVALID_TIMES, OPTOGENETIC_EPOCHS
from nh_platform.sources.allen.nwb.electrodes import read_probes
from nh_platform.sources.nwb.nwb_file import NwbFile, ragged_offsets
from nh_platform.sources.nwb.nwb_table import NwbTable, read_table
from nh_platform.sources.nwb.standard_names import INTERVALS

INVALID = f"{INTERVALS}/invalid_times"
OPTOTAGGING = "processing/optotagging/optogenetic_stimulation"
SESSION_SCOPES = ("all_probes", "stimulus", "optotagging")
"""Scopes that AllenSDK knows besides probe names (ecephys_session.py, `get_invalid_times`, 2.16.2)."""

Times = npt.NDArray[np.float64]


def read_invalid_times(nwb: NwbFile, probes: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the invalid intervals, one row per interval and scope, sorted by start, stop and scope.

    Upstream tags an interval with a triple such as ``(EcephysProbe, 810755797, probeB)`` or ``(EcephysSession,
    715093703, stimulus)``. The scope is the tag that AllenSDK looks for: ``all_probes``, ``stimulus``,
    ``optotagging`` or a probe's name; the id of a probe counts as its name. All tags are kept in ``label``. An interval
    whose tags name no known scope is kept under its last tag, or for all probes where it has none; one without start
    or stop, or that ends before it starts, is left out, each with a note. A file without the table has no invalid
    times: 0 rows; so has one whose table cannot be used, with a note.

    Parameters
    ----------
    nwb
        The open file.
    probes
        ``probe`` and ``probe_id`` of every probe; those of the Allen Institute's layout where not given.

    Returns
    -------
    pandas.DataFrame
        Schema `INVALID_TIMES`.
    """
    # By name: a link that leads nowhere is no table that never was, and has its note.
    stated = INVALID.rpartition("/")[2] in nwb.names(INTERVALS)
    found = nwb.optional("invalid_times", _read_intervals, nwb, probes) if stated else None
    return INVALID_TIMES.empty() if found is None else found


def _read_intervals(nwb: NwbFile, probes: pd.DataFrame | None) -> pd.DataFrame:
    stated = read_table(nwb, INVALID, "invalid_times", key="start_time", ignored={"tags"})
    start, stop, usable = _interval_times(stated)
    own = probes is not None
    if probes is None:
        probes = nwb.optional("invalid_times", read_probes, nwb)
    names = [] if probes is None else probes["probe"].tolist()
    scopes = {name: name for name in (*SESSION_SCOPES, *names)}
    by_id = {} if probes is None else dict(zip(probes["probe_id"].astype(str), names))
    every = nwb.optional("invalid_times", _tags, stated) or [[] for _ in start]
    rows = []
    for index in np.flatnonzero(usable):
        tags = every[index]
        known = {scopes[tag] for tag in tags if tag in scopes} or {by_id[tag] for tag in tags if tag in by_id}
        if not known:
            known = {tags[-1] if tags else "all_probes"}
            if tags or not own:  # the standard asks for none: an interval without is of everything
                text = f"interval {start[index]}-{stop[index]} s has tags {tags} without a known scope"
                nwb.note("invalid_times", text)
        for scope in known:
            rows.append((start[index], stop[index], scope, ", ".join(tags) or None))
    table = pd.DataFrame(rows, columns=INVALID_TIMES.names)
    table = table.sort_values(["start_time", "stop_time", "scope"], ignore_index=True)
    return nwb.conform(INVALID_TIMES, table, INVALID)


def read_optogenetic_epochs(nwb: NwbFile) -> pd.DataFrame | None:
    """Return the optotagging table (schema `OPTOGENETIC_EPOCHS`, in the file's order), or None and a note.

    An epoch without start or stop, or that ends before it starts, is left out; a column that cannot be used is null;
    each has a note.

    Raises
    ------
    BadUpstreamData
        If the table has no usable times.
    """
    if not nwb.has(OPTOTAGGING):
        nwb.note("optogenetic_epochs", "no optotagging in the NWB file")
        return None
    stated = read_table(nwb, OPTOTAGGING, "optogenetic_epochs", key="start_time", ignored={"tags", "timeseries"})
    start, stop, usable = _interval_times(stated)
    # Older optotagging tables call the column "name" (AllenSDK's optotagging.py renames it likewise).
    names = "name" if "name" in stated.columns and "stimulus_name" not in stated.columns else "stimulus_name"
    table = pd.DataFrame({"start_time": start, "stop_time": stop})
    for name, column in (("condition", "condition"), ("stimulus_name", names)):
        table[name] = pd.Series(stated.texts(column), dtype=object)
    table["level"] = stated.numbers("level")
    return nwb.conform(OPTOGENETIC_EPOCHS, table[usable].reset_index(drop=True), OPTOTAGGING)


def _interval_times(stated: NwbTable) -> tuple[Times, Times, npt.NDArray[np.bool_]]:
    """Return start and stop times (s) of an interval table, and which rows have both in order; notes count others.

    Raises
    ------
    BadUpstreamData
        If either column cannot be used.
    """
    start, stop = stated.required("start_time"), stated.required("stop_time")
    timed = np.isfinite(start) & np.isfinite(stop)
    for out, found in ((~timed, "without start or stop"), (timed & (stop < start), "that end before they start")):
        if out.any():
            first = int(np.flatnonzero(out)[0])
            stated.note(
                "stop_time",
                f"{int(out.sum())} of {len(start)} rows {found}, first {start[first]}-{stop[first]} s; left out",
            )
    return start, stop, timed & ~(stop < start)


def _tags(stated: NwbTable) -> list[list[str]]:
    """Return the tags of every row.

    Raises
    ------
    BadUpstreamData
        If they cannot be divided among the rows, or are no texts.
    """
    if "tags" not in stated.nwb.names(stated.path):
        return [[] for _ in range(stated.n_rows)]
    offsets = ragged_offsets(stated.nwb, stated.path, "tags", stated.n_rows)
    tags = stated.nwb.array(f"{stated.path}/tags")
    if tags.dtype != object:
        raise stated.nwb.bad(f"{stated.path}/tags holds no texts; every interval counts for all probes")
    return [tags[start:stop].tolist() for start, stop in pairwise(offsets)]
