"""Training sets held against the store and against each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session.errors import DamagedFile, NhError

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


@dataclass(frozen=True)
class StoredSet:
    """The last version of a training set of a home.

    Parameters
    ----------
    name, number
        Its id and the number of its version; None where it is damaged.
    content
        The set; None where it is damaged.
    is_locked
        Whether a lock keeps what it names.
    damage
        What is damaged; empty where nothing is.
    """

    name: str
    number: int | None
    content: TrainingSet | None
    is_locked: bool
    damage: str = ""


def stored_sets(home: Home) -> list[StoredSet]:
    """Return the sets of a home, by name."""
    from nh_platform.store.locking.locks import lock_names
    from nh_platform.training_sets.stored import lock_name, set_ids, stored_set

    with open_home(home) as at:
        store = at.platform.store
        locks = set(lock_names(store.root))
        found: list[StoredSet] = []
        for name in set_ids(store):
            try:
                number, made = stored_set(store, name)
            except DamagedFile as error:
                found.append(StoredSet(name, None, None, is_locked=False, damage=str(error)))
                continue
            found.append(StoredSet(name, number, made, is_locked=lock_name(name, number) in locks))
        return found


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
    from nh_platform.session.tables.across_sessions.training_sets import TRAINING_SET
    from nh_platform.store.locking.locked_store import LockedStore
    from nh_platform.store.locking.locks import lock_names
    from nh_platform.store.names import TRAINING_SETS
    from nh_platform.training_sets.auditing import audited, built_parts
    from nh_platform.training_sets.stored import lock_name, stored_set
    from nh_platform.training_sets.training_set import read_training_set

    with open_home(home) as at:
        number, made = stored_set(at.platform.store, name)
        lock = lock_name(made.id, number)
        is_locked = lock in lock_names(at.platform.store.root)
        store = LockedStore(at.platform.store.root, lock) if is_locked else at.platform.store
        if is_locked:
            made = read_training_set(store.folder(TRAINING_SETS, made.id, TRAINING_SET))
        rows, problems = made.tables["set_versions"], list[str]()
        for done, row in enumerate(rows.itertuples()):
            on_progress(Progress("versions", done, len(rows), f"{row.source} {row.session_id} {row.asset}"))
            problems += _problems(store, row.source, row.session_id, row.asset, row.data_version, made.id)
        problems += _image_problems(store, made)
        on_progress(Progress("versions", len(rows), len(rows), "done"))
        if not problems:
            problems = [
                str(leak) for leak in audited(at.platform, made, built_parts(at.platform.store, made.id, below=number))
            ]
        n_versions = len(rows) + len(made.images)
        return SetVerification(f"{made.id}@{number}", tuple(problems), n_versions, is_locked)


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


def _image_problems(store: Store, made: TrainingSet) -> list[str]:
    """Return what is wrong with the embeddings of images that a set names."""
    from nh_platform.session.tables.across_sessions.images import IMAGE_EMBEDDINGS
    from nh_platform.store.file_hashes import require_intact
    from nh_platform.store.names import SOURCE_WIDE
    from nh_platform.training_sets.joined_images import replaced_images

    action = f"Run `nh train-set build {made.id}`."
    problems = [f"{thing}: {found}. {action}" for thing, found in replaced_images(store, made.images)]
    for source in dict.fromkeys(made.images["source"]):
        try:
            folder = store.current(source, SOURCE_WIDE, IMAGE_EMBEDDINGS.name)
            if folder is not None:
                require_intact(folder)
        except NhError as error:
            problems.append(f"images of {source}: {error}")
    return problems


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
