"""What upstream withdrew, kept for ever: sessions and insertions by the snapshots between which they went.

Contains the record that each snapshot carries on from the one before. Nothing is ever removed from it, and nothing of
the store is removed because of it. Comparing manifests is `release_diff`.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.session.release_schemas import TOMBSTONES
from nh_platform.sources.catalog import Manifest
from nh_platform.sources.release_diff import Seen


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
    listed = listed_pairs(after)
    stones = stones.copy()
    pairs = zip(stones["session_id"], stones["insertion_id"])
    again = pd.Series([pair in listed for pair in pairs], index=stones.index, dtype=bool)
    stones.loc[again & stones["returned_in"].isna(), "returned_in"] = float(number)
    went = sorted(listed_pairs(before) - listed)
    probes = before.insertions.set_index(["session_id", "insertion_id"])["probe"].to_dict()
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


def listed_pairs(manifest: Manifest) -> set[tuple[str, str]]:
    """Return (session, insertion) of everything that a manifest lists; a session itself has an empty insertion."""
    sessions = {(str(session_id), "") for session_id in manifest.sessions["session_id"]}
    return sessions | set(zip(manifest.insertions["session_id"], manifest.insertions["insertion_id"]))


def seen_before(stones: pd.DataFrame) -> Seen:
    """Return what had been listed and was withdrawn, by which a returned session is told from a new one."""
    is_session = stones["insertion_id"] == ""
    return Seen(frozenset(stones["session_id"][is_session]), frozenset(stones["insertion_id"][~is_session]))


def withdrawn_sessions(stones: pd.DataFrame) -> pd.DataFrame:
    """Return the tombstones of sessions that are still gone, one row each, by session id."""
    gone = stones[(stones["insertion_id"] == "") & stones["returned_in"].isna()]
    return gone.sort_values("session_id", ignore_index=True)
