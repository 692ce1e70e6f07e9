"""Content versions of every session and asset group at once.

`SessionFiles.version` states what the identity of one group of one session is; this gives the same values for a whole
manifest in one pass (0.6 s instead of 3 s for 1,000 sessions with 210,000 files). Add nothing that changes what
identity is: that is stated there. Nothing here compares two manifests.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from nh_platform.history.manifest import (
    GROUPS,
    Manifest,
    content_of,
    fact_lines,
    identity_line,
    judgement_line,
    read_by,
    version_of,
)


def group_versions(manifest: Manifest) -> pd.DataFrame:
    """Return the content version of every group of every session, equal to `SessionFiles.version`.

    Parameters
    ----------
    manifest
        What upstream holds.

    Returns
    -------
    pandas.DataFrame
        (n_sessions × 4, 3): ``session_id``, ``group`` in the order of `GROUPS`, ``version`` (64 hexadecimal digits);
        sessions in the order of their ids.
    """
    sessions = manifest.sessions.sort_values("session_id", ignore_index=True)
    files = manifest.files.sort_values("session_id", ignore_index=True)
    of_file = {}
    for group in GROUPS:
        read = files[read_by(files, (group,))]
        columns = (read["collection"], read["revision"], read["name"], content_of(read))
        of_file[group] = _by_session(read, map(identity_line, *columns))
    judged = files[read_by(files, GROUPS) & files["qc"].notna()]
    of_qc = _by_session(judged, map(judgement_line, judged["collection"], judged["name"], judged["qc"]))
    insertions = manifest.insertions
    stated = insertions[["qc", "alignment_resolved", "alignment_stored"]].notna().any(axis=1)
    facts = {str(name): rows for name, rows in insertions[stated].groupby("session_id")}
    without = insertions.iloc[:0]
    rows = []
    for session_id, *stated_qc in zip(sessions["session_id"], sessions["qc"], sessions["extended_qc"]):
        qc, extended_qc = (text if isinstance(text, str) else None for text in stated_qc)
        for group in GROUPS:
            own = [*of_file[group].get(session_id, ())]
            if group == "qc":
                own += of_qc.get(session_id, ())
            if qc or extended_qc or session_id in facts:
                own += fact_lines(group, qc, facts.get(session_id, without), extended_qc)
            rows.append((session_id, group, version_of(own)))
    return pd.DataFrame(rows, columns=["session_id", "group", "version"])


def _by_session(rows: pd.DataFrame, lines: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines of some rows, which are in the order of sessions, sorted for each session."""
    ids, every = rows["session_id"].to_numpy(), list(lines)
    if not every:
        return {}
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    stops = np.r_[starts[1:], len(ids)]
    return {str(ids[start]): sorted(every[start:stop]) for start, stop in zip(starts, stops)}
