"""The store verified file by file, and what is damaged made again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.operations.upkeep.stored_sessions import stored_session
from nh_platform.session.errors import NhError

if TYPE_CHECKING:
    from nh_platform.planning.verification import Damage


@dataclass(frozen=True)
class Verification:
    """Outcome of a verification.

    Parameters
    ----------
    damages
        What was found damaged.
    remaining
        What is damaged still: all of ``damages`` where nothing was to be repaired.
    errors
        Why something could not be repaired, in words.
    unreadable
        What cannot be read now, for a reason that says nothing of its bytes, one text each.
    n_assets, n_files, n_bytes
        What was compared.
    """

    damages: tuple[Damage, ...]
    remaining: tuple[Damage, ...]
    errors: tuple[str, ...]
    n_assets: int
    n_files: int
    n_bytes: int
    unreadable: tuple[str, ...] = ()


def verify(
    home: Home,
    source: str | None = None,
    session: str | None = None,
    *,
    repair: bool = False,
    on_progress: OnProgress = unwatched,
) -> Verification:
    """Hold every stored file against the hash with which it was published.

    Parameters
    ----------
    home
        The home folder.
    source
        Name of a source; all where None.
    session
        Id of one of its sessions, or the first characters of it; all, and what belongs to the source, where None.
    repair
        Make what is damaged again: an asset is made of its inputs as `nh materialize` does, and gets the same bytes.
    on_progress
        Called for each asset.

    Raises
    ------
    ConfigError
        If there is no such source.
    UnknownSession
        If the store holds no such session.
    """
    from nh_platform.planning.verification import format_damage
    from nh_platform.planning.verification import verify as verify_store
    from nh_platform.store.store_format import repair_format

    with open_home(home) as at:
        store = at.platform.store
        broken = format_damage(store) if repair and source is None else None
        if broken:
            repair_format(store.root)
        sources = None if source is None else [at.platform.config(source).entry.name]
        ids = None if source is None or session is None else [stored_session(store, source, session)]

        def told(done: int, total: int, name: str) -> None:
            on_progress(Progress("assets", done, total, name))

        found = verify_store(store, sources, ids, told)
        damages = (*([broken] if broken else ()), *found.damages)
        remaining: tuple[Damage, ...] = found.damages
        errors: tuple[str, ...] = ()
        if repair and found.damages:
            errors = _repair(at, found.damages, on_progress)
            remaining = verify_store(store, sources, ids).damages
            errors = (*errors, *_beyond_repair(at, remaining))
    counts = (found.n_assets, found.n_files, found.n_bytes)
    return Verification(damages, remaining, errors, *counts, found.unreadable)


def _beyond_repair(home: OpenHome, remaining: Iterable[Damage]) -> list[str]:
    """Return what to do about damage that making an asset again does not mend: of older versions, and of locks."""
    from nh_platform.store.names import SOURCE_WIDE

    store, texts = home.platform.store, []
    for one in remaining:
        if not one.source:
            texts.append(f"{one.path}: take it from a backup, or `nh lock remove {one.path.stem}` and lock it again.")
        elif one.version:
            counts = store.current(one.source, one.session_id or SOURCE_WIDE, one.asset)
            if counts is None or counts.name != one.version:
                texts.append(f"{one.path}: an older version cannot be made again. Take it from a backup.")
    return texts


def _repair(home: OpenHome, damages: Sequence[Damage], on_progress: OnProgress) -> tuple[str, ...]:
    """Make what is damaged again, and return why it could not be made."""
    from nh_platform.store.names import TRAINING_SETS

    errors: list[str] = []
    for source in dict.fromkeys(one.source for one in damages if one.source):
        of_source = [one for one in damages if one.source == source]
        if source == TRAINING_SETS:
            continue  # made of sessions, and so behind them
        errors += _repair_records(home, of_source)
        try:
            errors += _repair_manifest(home, source, of_source)
            errors += _repair_sessions(home, source, of_source, on_progress)
            errors += _repair_across(home, source, of_source)
        except NhError as error:  # without its catalogue nothing of a source can be made; the other sources go on
            errors.append(str(error))
    return (*errors, *_repair_training_sets(home, [one for one in damages if one.source == TRAINING_SETS]))


def _repair_training_sets(home: OpenHome, damages: Sequence[Damage]) -> list[str]:
    """Build damaged training sets again by their recipes; the same sessions give the same version again."""
    from nh_platform.operations.training.set_building import build_training_set

    errors = _repair_records(home, damages)
    for name in sorted({one.session_id for one in damages}):
        try:
            build_training_set(home, name, skip_damaged=True)
        except NhError as error:
            errors.append(str(error))
    return errors


def _repair_records(home: OpenHome, damages: Iterable[Damage]) -> list[str]:
    """Write records that are kept twice again from the intact one, and remove notes of damage that are damaged."""
    from nh_platform.store.durable import copy_of, repair_either
    from nh_platform.store.names import DAMAGED, HISTORY, SOURCE_RECORDS
    from nh_platform.store.records import remove_record
    from nh_platform.store.sealed import unseal_json
    from nh_platform.store.version_folders import restore_history

    errors = []
    for damage in damages:
        try:
            if damage.asset and not damage.version and damage.path.name.startswith(HISTORY):
                restore_history(damage.path.parent)
            elif damage.asset and not damage.version and damage.path.name == DAMAGED:
                remove_record(damage.path)
            elif not damage.asset:
                for path in (damage.path.with_name(name) for name in SOURCE_RECORDS):
                    if damage.path in (path, copy_of(path)):
                        repair_either(path, unseal_json)
        except NhError as error:
            errors.append(str(error))
        except (ValueError, OSError) as error:
            errors.append(f"{damage.path}: it is damaged, and so is its copy: {error}. Take it from a backup.")
    return errors


def _repair_manifest(home: OpenHome, source: str, damages: Iterable[Damage]) -> list[str]:
    """Read the catalogue again where the last snapshot is damaged; those before cannot be read anywhere else."""
    from nh_platform.history.snapshots import ASSET, list_snapshots
    from nh_platform.operations.catalogue_sync import sync

    of_manifest = [one for one in damages if one.asset == ASSET]
    folders = {one.version for one in of_manifest if one.version}
    if not of_manifest:
        return []
    snapshots = list_snapshots(home.platform.store, source)
    errors = [
        f"{source} snapshot {one.number} ({one.folder}) cannot be read from upstream any more. Take it from a backup."
        for one in snapshots
        if one.folder.name in folders and not one.is_current
    ]
    if not snapshots or snapshots[-1].folder.name in folders or not folders:
        sync(home, source)
    return errors


def _repair_sessions(home: OpenHome, source: str, damages: Iterable[Damage], on_progress: OnProgress) -> list[str]:
    """Make the damaged assets of sessions again, all of one session in one run."""
    from nh_platform.operations.side_by_side.planned_runs import SessionPlan, run_plans
    from nh_platform.planning.versions import SourcePlan

    by_session: dict[str, set[str]] = {}
    for damage in damages:
        if damage.session_id and damage.asset:
            by_session.setdefault(damage.session_id, set()).add(damage.asset)
    if not by_session:
        return []
    plan, listed = SourcePlan(home.platform, source), set(home.platform.manifest(source).session_ids)
    plans, errors = [], []
    for session_id, assets in sorted(by_session.items()):
        ordered = tuple(name for name in plan.assets if name in assets)
        if session_id not in listed:
            errors.append(f"{source} session {session_id}: upstream lists it no longer. Take it from a backup.")
        elif ordered:
            plans.append(SessionPlan(source, session_id, ordered))
        errors += [
            f"{source} session {session_id}: no code makes {name} any more. Take it from a backup."
            for name in sorted(assets.difference(plan.assets))
        ]
    outcomes = run_plans(home, plans, on_progress)
    return [*errors, *(f"{one.plan.session_id}: {text}" for one in outcomes for text in one.errors)]


def _repair_across(home: OpenHome, source: str, damages: Sequence[Damage]) -> list[str]:
    """Make damaged assets across sessions again, and store the tables of the release anew."""
    from nh_platform.assets.registry import source_assets
    from nh_platform.assets.release_manifest import store_released_tables
    from nh_platform.history.released_tables import ASSET as RELEASED
    from nh_platform.planning.making import make_source_asset

    records = source_assets(source)
    errors = []
    if any(one.asset == RELEASED for one in damages):
        try:
            store_released_tables(home.platform, source)
        except NhError as error:
            errors.append(str(error))
    for name in sorted({one.asset for one in damages if not one.session_id}.intersection(records)):
        try:
            make_source_asset(home.platform, source, records[name])
        except NhError as error:
            errors.append(str(error))
    return errors
