"""Training sets in a store: which there are, their versions, and the names of their locks.

Add here how a stored set is found. What a set offers is `opened`.
"""

from __future__ import annotations

from nh_platform.session import UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.across_sessions.training_sets import TRAINING_SET
from nh_platform.store import Store
from nh_platform.store.names import TRAINING_SETS
from nh_platform.training_sets.training_set import TrainingSet, read_training_set


def set_ids(store: Store) -> list[str]:
    """Return the ids of the sets that a store has, sorted."""
    return store.sessions(TRAINING_SETS)


def lock_name(set_id: str, number: int) -> str:
    """Return the name of the lock that keeps what a version of a set names."""
    return f"{set_id}.{number}"


def stored_set(store: Store, name: str) -> tuple[int, TrainingSet]:
    """Return a stored set and the number of its version, by ``id`` or ``id@number``.

    Raises
    ------
    UnknownSession
        If there is none; the text names those that there are.
    DamagedFile
        If a file of it is not the bytes that were written.
    """
    set_id, _, number = name.partition("@")
    known = set_ids(store)
    if set_id not in known:
        action = f"Use one of: {', '.join(known) or 'none'}; or build it: nh train-set build {set_id}."
        found = "none of that name was built in this store"
        raise UnknownSession(f"training set {set_id!r}", found, f"{action}{close_matches(set_id, known)}")
    versions = store.history(TRAINING_SETS, set_id, TRAINING_SET)
    chosen = int(number) if number.isdecimal() else max(versions) if not number and versions else None
    if chosen is None or chosen not in versions:
        there = ", ".join(f"{set_id}@{one}" for one in versions) or "none"
        raise UnknownSession(f"training set {name!r}", "there is no such version", f"Use one of: {there}.")
    return chosen, read_training_set(versions[chosen])
