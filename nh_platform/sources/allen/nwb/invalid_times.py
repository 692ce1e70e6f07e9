"""Intervals that are not stimuli: invalid times and optogenetic epochs.

Contains the readers of ``/intervals/invalid_times`` and of the optotagging table. Add here an interval table that is
neither a stimulus nor a trial. Masking with them is done where spikes, presentations and windows are made.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from nh_platform.session import Note
from nh_platform.session.tables.events import INVALID_TIMES, OPTOGENETIC_EPOCHS
from nh_platform.sources.allen.nwb.nwb_file import NwbFile, plain_columns, ragged_offsets, texts_or_none

INVALID = "intervals/invalid_times"
OPTOTAGGING = "processing/optotagging/optogenetic_stimulation"
SESSION_SCOPES = ("all_probes", "stimulus", "optotagging")
"""Scopes that AllenSDK knows besides probe names (ecephys_session.py, `get_invalid_times`, 2.16.2)."""


def read_invalid_times(nwb: NwbFile, probes: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Return the invalid intervals, one row per interval and scope, sorted by start, stop and scope.

    Upstream tags an interval with a triple such as ``(EcephysProbe, 810755797, probeB)`` or ``(EcephysSession,
    715093703, stimulus)``. The scope is the tag that AllenSDK looks for: ``all_probes``, ``stimulus``,
    ``optotagging`` or a probe's name; the id of a probe counts as its name. All tags are kept in ``label``. A file
    without the table has no invalid times: 0 rows.

    Parameters
    ----------
    nwb
        The open file.
    probes
        The table of `nh_platform.sources.allen.nwb.electrodes.read_probes`.

    Returns
    -------
    table
        Schema `INVALID_TIMES`.
    notes
        One per interval whose tags name no known scope; such an interval is kept under its last tag.
    """
    if not nwb.has(INVALID):
        return INVALID_TIMES.empty(), []
    start, stop = _interval_times(nwb, INVALID)
    scopes = {name: name for name in (*SESSION_SCOPES, *probes["probe"])}
    by_id = dict(zip(probes["probe_id"].astype(str), probes["probe"]))
    rows, notes = [], []
    for index, tags in enumerate(_tags(nwb, INVALID)):
        known = {scopes[tag] for tag in tags if tag in scopes} or {by_id[tag] for tag in tags if tag in by_id}
        if not known:
            known = {tags[-1] if tags else "all_probes"}
            notes.append(
                Note("invalid_times", f"interval {start[index]}-{stop[index]} s has tags {tags} without a known scope")
            )
        for scope in known:
            rows.append((start[index], stop[index], scope, ", ".join(tags) or None))
    table = pd.DataFrame(rows, columns=INVALID_TIMES.names)
    table = table.sort_values(["start_time", "stop_time", "scope"], ignore_index=True)
    return INVALID_TIMES.conform(table), notes


def read_optogenetic_epochs(nwb: NwbFile) -> pd.DataFrame | None:
    """Return the optotagging table (schema `OPTOGENETIC_EPOCHS`, in the file's order), or None where there is none."""
    if not nwb.has(OPTOTAGGING):
        return None
    columns = plain_columns(nwb, OPTOTAGGING)
    start, stop = _interval_times(nwb, OPTOTAGGING)
    # Older optotagging tables call the column "name" (AllenSDK's optotagging.py renames it likewise).
    names = columns.get("stimulus_name", columns.get("name"))
    table = pd.DataFrame({"start_time": start, "stop_time": stop})
    for name, values in (("condition", columns.get("condition")), ("stimulus_name", names)):
        if values is not None:
            table[name] = pd.Series(texts_or_none(values.astype(object)), dtype=object)
    if "level" in columns:
        table["level"] = columns["level"].astype(np.float64)
    return OPTOGENETIC_EPOCHS.conform(table)


def _interval_times(nwb: NwbFile, table: str) -> tuple[np.ndarray, np.ndarray]:
    """Return start and stop times (s) of an interval table; NaN is refused."""
    start = nwb.array(f"{table}/start_time").astype(np.float64)
    stop = nwb.array(f"{table}/stop_time").astype(np.float64)
    if not (np.isfinite(start).all() and np.isfinite(stop).all()):
        raise nwb.bad(f"{table} has times that are NaN or infinite")
    return start, stop


def _tags(nwb: NwbFile, table: str) -> list[list[str]]:
    if not nwb.has(f"{table}/tags"):
        return [[] for _ in nwb.array(f"{table}/id")]
    offsets = ragged_offsets(nwb, table, "tags")
    tags = nwb.array(f"{table}/tags").tolist()
    return [tags[start:stop] for start, stop in pairwise(offsets)]
