"""Training sets locked in their home, with the file by which they are made again elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OpenHome, open_home
from nh_platform.session.errors import StoreError

if TYPE_CHECKING:
    from nh_platform.training_sets.lock_file import LockFile
    from nh_platform.training_sets.training_set import TrainingSet


def lock_training_set(home: Home, name: str, path: Path | None = None, *, reason: str = "") -> tuple[str, LockFile]:
    """Keep every version that a set names, and write what makes the same set elsewhere.

    Parameters
    ----------
    home
        The home folder.
    name
        ``id``, for the last version, or ``id@number``.
    path
        Where to write the file; none is written where None.
    reason
        What the versions are kept for.

    Returns
    -------
    tuple
        Name of the lock in the store, and the file's content.

    Raises
    ------
    UnknownSession
        If there is no such set.
    StoreError
        If a version that it names is not there any more: it cannot be kept.
    """
    from nh_platform.operations.training.set_comparison import verify_training_set
    from nh_platform.training_sets.lock_file import locked_set
    from nh_platform.training_sets.stored import lock_name, stored_set

    with open_home(home) as at:
        number, made = stored_set(at.platform.store, name)
        verified = verify_training_set(at, f"{made.id}@{number}")
        if verified.problems:
            n = len(verified.problems)
            found = f"{n} of what it names cannot be kept, first {verified.problems[0].rstrip('.')}"
            action = f"Build it again: nh train-set build {made.id}."
            raise StoreError(f"training set {made.id}@{number}", found, action)
        content = locked_set(at.platform, made, number)
        lock = lock_name(made.id, number)
        if not verified.is_locked:
            _lock(at, made, number, reason or f"training set {made.id}@{number}")
        if path is not None:
            content.write(path)
        return lock, content


def _lock(home: OpenHome, made: TrainingSet, number: int, reason: str) -> None:
    """Lock the sessions of a set as they are now, and the version of the set itself.

    Raises
    ------
    StoreError
        If a version that the set names was replaced meanwhile; there is no lock then.
    """
    from nh_platform.operations.upkeep.locking import lock_places
    from nh_platform.session.tables.across_sessions.training_sets import TRAINING_SET
    from nh_platform.store.locking.locked_store import LockedStore
    from nh_platform.store.locking.locks import LockedVersion, changing, remove_lock
    from nh_platform.store.names import SOURCE_WIDE, TRAINING_SETS
    from nh_platform.store.provenance import Provenance
    from nh_platform.training_sets.joined_images import replaced_images
    from nh_platform.training_sets.stored import lock_name

    store, lock = home.platform.store, lock_name(made.id, number)
    table, named = made.tables["set_sessions"], made.tables["set_versions"]
    folder = store.history(TRAINING_SETS, made.id, TRAINING_SET)[number]
    record = Provenance.read(folder)
    own = LockedVersion(TRAINING_SETS, made.id, TRAINING_SET, folder.name, record.data_version)
    places = [*zip(table["source"], table["session_id"]), *((source, SOURCE_WIDE) for source in made.recipe.sources)]
    locked = lock_places(store, lock, reason, places, also=[own])
    kept = {(one.source, one.session_id, one.asset): one.data_version for one in locked.versions}
    replaced = [
        f"{row.asset} of {row.source} session {row.session_id}"
        for row in named.itertuples()
        if kept.get((row.source, row.session_id, row.asset)) != row.data_version
    ]
    replaced += [thing for thing, _ in replaced_images(LockedStore(store.root, lock), made.images)]
    if replaced:
        with changing(store.root):
            remove_lock(store.root, lock)
        raise StoreError(
            f"training set {made.id}@{number}",
            f"{replaced[0]} was published anew while it was locked",
            f"Build it again: nh train-set build {made.id}.",
        )
