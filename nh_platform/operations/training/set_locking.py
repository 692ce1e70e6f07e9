"""Training sets locked in their home, and made again elsewhere from the file of the lock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, open_home, unwatched
from nh_platform.session.errors import ConfigError, StoreError, UnknownSession

if TYPE_CHECKING:
    from nh_platform.operations.session_runs import SessionOutcome
    from nh_platform.training_sets.lock_file import LockFile
    from nh_platform.training_sets.training_set import TrainingSet

_SHOWN = 5


@dataclass(frozen=True)
class Reproduction:
    """A set that was made again from the file of its lock.

    Parameters
    ----------
    lock
        The lock.
    to_make
        Sessions whose assets had to be made, or would have to be: source and session id.
    outcomes
        What came of their runs; none of a dry run.
    digest
        Identity of the set that was built; empty of a dry run.
    differing
        What differs from the locked set, a text each.
    """

    lock: LockFile
    to_make: tuple[tuple[str, str], ...]
    outcomes: tuple[SessionOutcome, ...]
    digest: str
    differing: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether it is the locked set."""
        return self.digest == self.lock.digest


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
    from nh_platform.store.locks import LockedVersion, changing, remove_lock
    from nh_platform.store.names import SOURCE_WIDE, TRAINING_SETS
    from nh_platform.store.provenance import Provenance
    from nh_platform.training_sets.stored import lock_name

    store, lock = home.platform.store, lock_name(made.id, number)
    table, named = made.tables["set_sessions"], made.tables["set_versions"]
    folder = store.history(TRAINING_SETS, made.id, TRAINING_SET)[number]
    record = Provenance.read(folder)
    own = LockedVersion(TRAINING_SETS, made.id, TRAINING_SET, folder.name, record.data_version)
    places = [*zip(table["source"], table["session_id"]), *((source, SOURCE_WIDE) for source in made.recipe.sources)]
    locked = lock_places(store, lock, reason, places, also=[own])
    kept = {(one.source, one.session_id, one.asset): one.data_version for one in locked.versions}
    for row in named.itertuples():
        if kept.get((row.source, row.session_id, row.asset)) != row.data_version:
            with changing(store.root):
                remove_lock(store.root, lock)
            raise StoreError(
                f"training set {made.id}@{number}",
                f"{row.asset} of {row.source} session {row.session_id} was published anew while it was locked",
                f"Build it again: nh train-set build {made.id}.",
            )


def reproduce_training_set(
    home: Home, path: Path, *, dry_run: bool = False, on_progress: OnProgress = unwatched
) -> Reproduction:
    """Make a locked set again in this home: what is not stored is made, then the set is built and compared.

    Parameters
    ----------
    home
        The home folder; its ``sources.yaml`` says where upstream is read from.
    path
        The file that `lock_training_set` wrote.
    dry_run
        Say which sessions would be made, and make nothing.
    on_progress
        Called whenever something is begun or made.

    Raises
    ------
    ConfigError
        If the file cannot be read, or the home has other settings; the text has those of the lock.
    UnknownSession
        If upstream does not list a session any more, or holds other files of one.
    """
    from nh_platform.operations.catalogue_sync import sync
    from nh_platform.operations.session_runs import materialize
    from nh_platform.operations.training.set_building import build_training_set
    from nh_platform.store.names import SOURCE_WIDE
    from nh_platform.training_sets.lock_file import read_lock_file
    from nh_platform.training_sets.stored import stored_set

    lock = read_lock_file(path)
    folder = home.platform.settings.home if isinstance(home, OpenHome) else Path(home)
    _place_files(folder, lock, dry_run=dry_run)  # a home that names them cannot be opened without
    with open_home(home) as at:
        _require_settings(at, lock)
        for source in lock.sources:
            if not at.platform.store.published(source, SOURCE_WIDE):
                sync(at, source)
        _require_upstream(at, lock)
        to_make = tuple(_to_make(at, lock))
        outcomes: tuple[SessionOutcome, ...] = ()
        if not dry_run:
            for source in lock.sources:
                ids = [one for of, one in to_make if of == source]
                if ids:
                    outcomes += materialize(at, source, ids, on_progress=on_progress).outcomes
        if dry_run or any(not one.success for one in outcomes):
            return Reproduction(lock, to_make, outcomes, "", ())
        _place_recipe(at, lock)
        built = build_training_set(at, lock.id, only=lock.only, on_progress=on_progress)
        if built.leaks:
            raise StoreError(
                f"training set {lock.id}", f"it leaks: {built.leaks[0]}", "Give this home's set another id."
            )
        content = stored_set(at.platform.store, lock.id)[1]
        differing = [] if content.digest == lock.digest else _differing(lock, content.tables["set_versions"])
    return Reproduction(lock, to_make, outcomes, content.digest, tuple(differing))


def _place_files(home: Path, lock: LockFile, *, dry_run: bool) -> None:
    """Write the rulebooks, presets and lists that the set uses into the home, where it has none of that name."""
    for name, text in lock.files.items():
        place = home / name
        if place.exists():
            if place.read_text(encoding="utf-8") != text:
                raise ConfigError(str(place), "it is not the file that the set was locked with", "Move it away.")
        elif dry_run:
            found = "the lock holds it, and this home does not"
            raise ConfigError(str(place), found, "Run it without --dry-run, which writes it.")
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")


def _place_recipe(home: OpenHome, lock: LockFile) -> None:
    from nh_platform.session.yaml_files.yaml_text import to_yaml
    from nh_platform.training_sets.recipe import FOLDER, find_recipe

    place = home.platform.settings.home / FOLDER / f"{lock.id}.yaml"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(to_yaml(lock.recipe.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
    elif find_recipe(home.platform.settings.home, lock.id) != lock.recipe:
        raise ConfigError(str(place), "it is not the recipe that the set was locked with", "Move it away.")


def _require_settings(home: OpenHome, lock: LockFile) -> None:
    """Refuse a home whose settings make other assets; the text has the settings of the lock."""
    from nh_platform.training_sets.lock_file import source_settings

    lines, differing = list[str](), list[str]()
    for source, locked in lock.sources.items():
        now = source_settings(home.platform, source)
        wanted = {name: getattr(locked, name) for name in now}
        if differing_names := [name for name in now if _alike(now[name]) != _alike(wanted[name])]:
            differing += [f"{name} of {source}" for name in differing_names]
            shown = {name: _shown(wanted[name]) for name in differing_names}
            lines += [f"{source}:", *(f"  {name}: {value}" for name, value in shown.items())]
    if differing:
        text = "\n".join(lines)
        raise ConfigError(
            f"settings of {home.platform.settings.home}",
            f"{', '.join(differing)} are other than the set was locked with",
            f"State in the entry of each source in sources.yaml:\n{text}",
        )


def _alike(value: str | tuple[str, ...]) -> object:
    return value if isinstance(value, str) else frozenset(value)


def _shown(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else f"[{', '.join(value)}]"


def _require_upstream(home: OpenHome, lock: LockFile) -> None:
    """Refuse where upstream lists a session no longer, or holds other files of it: the bytes cannot be made again."""
    for source, locked in lock.sources.items():
        manifest = home.platform.manifest(source)
        listed = set(manifest.session_ids)
        gone = [one for one in locked.sessions if one not in listed]
        other = [
            one
            for one, groups in locked.sessions.items()
            if one in listed and {group: manifest.session(one).version(group) for group in groups} != groups
        ]
        for ids, found in ((gone, "upstream does not list"), (other, "upstream holds other files than it did of")):
            if ids:
                shown = ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
                raise UnknownSession(
                    f"training set {lock.id}, source {source}",
                    f"{found} {len(ids)} of its {len(locked.sessions)} sessions: {shown}",
                    f"Read release {locked.release!r}, or take these sessions' store from the home that was locked.",
                )


def _to_make(home: OpenHome, lock: LockFile) -> list[tuple[str, str]]:
    """Return the sessions of which the store lacks a version that the lock names."""
    found: dict[tuple[str, str], None] = {}
    for key, version in lock.versions.items():
        source, session_id, asset = key.split("/")
        if home.platform.store.data_version(source, session_id, asset) != version:
            found[source, session_id] = None
    return list(found)


def _differing(lock: LockFile, versions: object) -> list[str]:
    """Return which versions of assets are other than those of the lock, or that only the content is."""
    import pandas as pd

    assert isinstance(versions, pd.DataFrame)
    keys = zip(versions["source"], versions["session_id"], versions["asset"])
    now = {"/".join(key): version for key, version in zip(keys, versions["data_version"])}
    texts = [
        f"{key.replace('/', ' ')}: {now.get(key, 'not there')[:16]}, and the lock has {version[:16]}"
        for key, version in lock.versions.items()
        if now.get(key) != version
    ]
    return texts or ["every version is that of the lock; units, windows or statistics of the set differ"]
