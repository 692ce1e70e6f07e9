"""Training sets held against the store and against each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session.errors import NhError

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.store import Store
    from nh_platform.training_sets.training_set import TrainingSet


@dataclass(frozen=True)
class SetVerification:
    """Outcome of the verification of a training set.

    Parameters
    ----------
    name
        The set with its version.
    problems
        What is wrong, a text each: a version that is gone or replaced, a damaged file, a leak.
    n_versions
        Versions that were looked at.
    is_locked
        Whether a lock keeps what it names.
    """

    name: str
    problems: tuple[str, ...]
    n_versions: int
    is_locked: bool


def stored_sets(home: Home) -> list[tuple[str, int, TrainingSet, bool]]:
    """Return id, number of the last version, content and whether it is locked, of every set of a home."""
    from nh_platform.store.locks import lock_names
    from nh_platform.training_sets.stored import lock_name, set_ids, stored_set

    with open_home(home) as at:
        store = at.platform.store
        locks = set(lock_names(store.root))
        found = [(one, *stored_set(store, one)) for one in set_ids(store)]
        return [(name, number, made, lock_name(name, number) in locks) for name, number, made in found]


def training_set_named(home: Home, name: str) -> tuple[int, TrainingSet]:
    """Return a set and the number of its version, by ``id`` or ``id@number``.

    Raises
    ------
    UnknownSession
        If there is none.
    """
    from nh_platform.training_sets.stored import stored_set

    with open_home(home) as at:
        return stored_set(at.platform.store, name)


def verify_training_set(home: Home, name: str, *, on_progress: OnProgress = unwatched) -> SetVerification:
    """Hold a set against the store: every version that it names is there with its bytes, and nothing leaks.

    Parameters
    ----------
    home
        The home folder.
    name
        ``id``, for the last version, or ``id@number``.
    on_progress
        Called for each version.

    Raises
    ------
    UnknownSession
        If there is no such set.
    """
    from nh_platform.store.locked_store import LockedStore
    from nh_platform.store.locks import lock_names
    from nh_platform.training_sets.stored import lock_name, stored_set
    from nh_platform.training_sets.training_set import audited

    with open_home(home) as at:
        number, made = stored_set(at.platform.store, name)
        lock = lock_name(made.id, number)
        is_locked = lock in lock_names(at.platform.store.root)
        store = LockedStore(at.platform.store.root, lock) if is_locked else at.platform.store
        rows, problems = made.tables["set_versions"], list[str]()
        for done, row in enumerate(rows.itertuples()):
            on_progress(Progress("versions", done, len(rows), f"{row.source} {row.session_id} {row.asset}"))
            problems += _problems(store, row.source, row.session_id, row.asset, row.data_version, made.id)
        on_progress(Progress("versions", len(rows), len(rows), "done"))
        if not problems:
            problems = [str(leak) for leak in audited(at.platform, made, _before(at, made, number))]
        return SetVerification(f"{made.id}@{number}", tuple(problems), len(rows), is_locked)


def _before(home: OpenHome, made: TrainingSet, number: int) -> TrainingSet | None:
    """Return the version of a set before one; None where it is the first, or the one before is gone."""
    from nh_platform.session.tables.training_sets import TRAINING_SET
    from nh_platform.store.names import TRAINING_SETS
    from nh_platform.training_sets.training_set import read_training_set

    versions = home.platform.store.history(TRAINING_SETS, made.id, TRAINING_SET)
    earlier = [one for one in versions if one < number]
    return read_training_set(versions[max(earlier)]) if earlier else None


def _problems(store: Store, source: str, session_id: str, asset: str, version: str, set_id: str) -> list[str]:
    from nh_platform.store.file_hashes import require_intact

    name = f"{asset} of {source} session {session_id}"
    try:
        folder, now = store.current(source, session_id, asset), store.data_version(source, session_id, asset)
        if folder is None or now is None:
            return [f"{name}: it is not there. Run `nh materialize {source} {session_id}`."]
        if now != version:
            return [f"{name}: another version was published since. Run `nh train-set build {set_id}`."]
        require_intact(folder)
    except NhError as error:
        return [f"{name}: {error}"]
    return []


def compare_training_sets(home: Home, before: str, after: str) -> pd.DataFrame:
    """Return what differs between two sets, columns of `nh_platform.training_sets.differences.COLUMNS`.

    Parameters
    ----------
    home
        The home folder.
    before, after
        ``id``, ``id@number``, or the path of a home folder and a set in it, as ``/data/home:id``.

    Raises
    ------
    UnknownSession
        If one does not exist.
    """
    from nh_platform.reading import open_store
    from nh_platform.training_sets.differences import differences
    from nh_platform.training_sets.stored import stored_set

    def named(at: OpenHome, name: str) -> TrainingSet:
        folder, _, set_name = name.rpartition(":")
        if folder:
            return stored_set(open_store(Path(folder)).store, set_name)[1]
        return stored_set(at.platform.store, name)[1]

    with open_home(home) as at:
        return differences(named(at, before), named(at, after))
