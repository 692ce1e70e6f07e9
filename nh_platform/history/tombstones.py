"""Tombstones of withdrawn sessions and insertions, kept for ever with the snapshots between which they went.

Contains the record that each snapshot carries on from the one before. Nothing is ever removed from it, and nothing of
the store is removed because of it. Comparing manifests is `release_diff`.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.history.comparison.release_diff import Seen
from nh_platform.history.insertion_ids import with_shared_ids
from nh_platform.history.manifest import Manifest
from nh_platform.session.tables.catalogue.releases import TOMBSTONES


def next_tombstones(
    stones: pd.DataFrame, before: Manifest, after: Manifest, *, last_seen: int, number: int
) -> pd.DataFrame:
    """Return the tombstones after one more snapshot.

    Parameters
    ----------
    stones
        Schema `TOMBSTONES`, as of ``before``.
    before, after
        The manifests of the two snapshots.
    last_seen, number
        Their numbers in the history.

    Returns
    -------
    pandas.DataFrame
        The rows of ``stones``, those whose session or insertion is listed again with ``returned_in``, and a row for
        every session and insertion that ``after`` lacks.
    """
    # A login gives insertions their ids, and a logout takes them: neither withdraws or brings back anything.
    insertions, after_insertions, known = with_shared_ids(before.insertions, after.insertions, stones)
    listed = _pairs(after.sessions, after_insertions)
    pairs = zip(known["session_id"], known["insertion_id"])
    again = pd.Series([pair in listed for pair in pairs], index=stones.index, dtype=bool)
    stones = stones.assign(returned_in=stones["returned_in"].mask(again & stones["returned_in"].isna(), float(number)))
    went = sorted(_pairs(before.sessions, insertions) - listed)
    probes = insertions.set_index(["session_id", "insertion_id"])["probe"].to_dict()
    rows = [
        {
            "session_id": session_id,
            "insertion_id": insertion_id,
            "probe": probes.get((session_id, insertion_id), ""),
            "last_seen": last_seen,
            "gone_since": number,
            "returned_in": float("nan"),
        }
        for session_id, insertion_id in went
    ]
    added = TOMBSTONES.conform(pd.DataFrame(rows)) if rows else TOMBSTONES.empty()
    return TOMBSTONES.conform(pd.concat([stones, added], ignore_index=True)) if len(stones) else added


def _pairs(sessions: pd.DataFrame, insertions: pd.DataFrame) -> set[tuple[str, str]]:
    """Return (session, insertion) of everything that is listed; a session itself has an empty insertion."""
    whole = {(str(session_id), "") for session_id in sessions["session_id"]}
    return whole | set(zip(insertions["session_id"], insertions["insertion_id"]))


def seen_before(stones: pd.DataFrame) -> Seen:
    """Return what had been listed and was withdrawn, by which a returned session is told from a new one."""
    is_session = stones["insertion_id"] == ""
    return Seen(frozenset(stones["session_id"][is_session]), stones[~is_session])


def withdrawn_sessions(stones: pd.DataFrame) -> pd.DataFrame:
    """Return the tombstones of sessions that are still gone, one row each, by session id."""
    gone = stones[(stones["insertion_id"] == "") & stones["returned_in"].isna()]
    return gone.sort_values("session_id", ignore_index=True)
