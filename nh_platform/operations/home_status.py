"""Status of a home folder: the progress of every source, and the disk that its folders take."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.bucket_states import BucketState, bucket_states
from nh_platform.operations.instance import NoInstance, history_is_shared
from nh_platform.operations.opened_home import Home, OpenHome, existing_parent, open_home
from nh_platform.session import ConfigError, NhError

if TYPE_CHECKING:
    from nh_platform.home.settings import PlatformSettings
    from nh_platform.store import Store


@dataclass(frozen=True)
class SourceStatus:
    """Progress of a source.

    Parameters
    ----------
    release, snapshot
        The release that was read last, and the number of the snapshot of it.
    n_sessions, n_ingested
        Sessions of the catalogue, and those that have every asset in the version that it should have.
    n_stale, n_not_loaded, n_failed, n_gated, n_withdrawn
        Sessions of which something stored is old, of which nothing is stored, whose last run failed, that cannot be
        used, and that upstream withdrew.
    n_damaged
        Sessions of which something stored is known to be damaged, and assets of the whole source that are.
    n_notes
        Notes of what its stored assets left out or assumed.
    warned
        Checks that warn or fail, each with the number of loaded sessions in which its last evaluation did.
    store_bytes
        Bytes that its assets take.
    replaced
        Assets of earlier versions that are still stored, by name: how many sessions hold one.
    mistakes
        Sessions whose review file cannot be used, with its mistake in words.
    unreadable
        Sessions of which something stored cannot be read now, with why in words.
    held
        A release that waits to be accepted, in a sentence; empty where none does.
    newer
        That a newer release is out than the one that was read, in a sentence; empty where none is known.
    problems
        Assets of installed packages that are left out, each with why.
    set_aside
        Sessions that reviewers set aside, or that somebody proposes to, with that in words.
    backfills
        Sessions that are still to be made, by the id of the `nh backfill` that asked for them.
    n_unchecked
        Sessions of which the checks of something stored have not run to their end; 0 where history was not asked.
    """

    release: str
    snapshot: int
    n_sessions: int
    n_ingested: int
    n_stale: int
    n_not_loaded: int
    n_failed: int
    n_gated: int
    n_withdrawn: int
    n_damaged: int
    n_notes: int
    warned: Mapping[str, int]
    store_bytes: int
    replaced: Mapping[str, int]
    mistakes: Mapping[str, str] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    held: str = ""
    newer: str = ""
    problems: tuple[ConfigError, ...] = ()
    backfills: Mapping[str, int] = field(default_factory=dict)
    set_aside: Mapping[str, str] = field(default_factory=dict)
    n_unchecked: int = 0


@dataclass(frozen=True)
class HomeStatus:
    """Progress of a home folder.

    Parameters
    ----------
    home
        The folder.
    sources
        Every source by name: how far it is, or why nothing is known of it (it was never synced, or its settings or
        records cannot be used).
    folder_bytes, n_free
        Bytes that each of its folders takes, and that its disk has free.
    buckets
        What of it lies in buckets.
    """

    home: Path
    sources: Mapping[str, SourceStatus | NhError]
    folder_bytes: Mapping[str, int]
    n_free: int
    buckets: tuple[BucketState, ...] = ()


def status(home: Home) -> HomeStatus:
    """Return how far every source of a home folder is.

    Raises
    ------
    ConfigError
        If its settings cannot be used, or Dagster's instance not be opened.
    """
    from nh_platform.store.hashing import stored_sizes
    from nh_platform.store.objects.address import is_in_bucket

    with open_home(home) as at:
        folder = at.platform.settings.home
        parts = {part: _bytes(part) for top in _folders(folder) for part in top.iterdir()}
        sources: dict[str, SourceStatus | NhError] = {}
        for name in at.platform.entries:
            assets = at.platform.store.root / name
            if is_in_bucket(assets):
                size = sum(stored_sizes(assets).values())
            else:
                size = _bytes(assets.resolve()) if assets.is_symlink() else parts.get(assets, 0)
            try:
                sources[name] = source_status(at, name, size)
            except NoInstance:
                raise
            except NhError as error:  # never synced, or its rulebook or a record in the store; the others go on
                sources[name] = error
    taken = {top.name: sum(n for part, n in parts.items() if part.parent == top) for top in _folders(folder)}
    free = shutil.disk_usage(existing_parent(folder)).free
    return HomeStatus(folder, sources, taken, free, tuple(bucket_states(at.platform.settings)))


def source_status(home: OpenHome, source: str, store_bytes: int, *, asks_history: bool = True) -> SourceStatus:
    """Return how far a source of an opened home is.

    Parameters
    ----------
    home, source
        The home, and the source.
    store_bytes
        What its assets take.
    asks_history
        Ask Dagster's history which sessions failed and which checks warn; none of either is told without.

    Raises
    ------
    NhError
        If it was never synced, or its settings, rulebook or records cannot be used.
    """
    from nh_platform.history.releases.newer import newer_release
    from nh_platform.history.snapshots import list_snapshots
    from nh_platform.home.set_aside import set_aside_words
    from nh_platform.planning.run_requests import open_backfills
    from nh_platform.planning.session_states import source_states, withdrawn
    from nh_platform.store.names import SOURCE_WIDE
    from nh_platform.store.replaced_assets import replaced_assets

    store, states = home.platform.store, source_states(home.platform, source)
    stored = set(store.sessions(source))
    stale = [state.session_id for state in states.sessions if state.stale]
    unusable, n_failed, n_unchecked = {*states.gated, *states.mistakes, *states.unreadable}, 0, 0
    warned = dict[str, int]()
    left = frozenset[str]()
    can_have_failed = any(session_id not in states.gated for session_id in stale)
    if asks_history and (stored or can_have_failed) and has_history(home.platform.settings):
        # Dagster's history is asked only where something was run: opening it doubles the time of `nh status`.
        from nh_platform.defs.automation.attempts import session_decision
        from nh_platform.defs.automation.unchecked import with_checks
        from nh_platform.defs.session_history import warned_sessions

        states = with_checks(home.instance, home.platform, source, states)
        decision = session_decision(home.instance, store, source, states)
        n_failed, n_unchecked, left = len(decision.failed), len(decision.unchecked), decision.left
        warned = warned_sessions(home.instance, home.platform, source, stored)
    replaced = Counter(asset for session_id in stored for asset in replaced_assets(store, source, session_id))
    return SourceStatus(
        release=list_snapshots(store, source)[-1].release,
        snapshot=states.snapshot,
        n_sessions=len(states.sessions),
        n_ingested=sum(not state.stale and state.session_id not in unusable for state in states.sessions),
        n_stale=sum(session_id in stored for session_id in stale),
        n_not_loaded=sum(state.session_id not in stored for state in states.sessions),
        n_failed=n_failed,
        n_unchecked=n_unchecked,
        n_gated=len(states.gated),
        n_withdrawn=len(withdrawn(home.platform, source)),
        n_damaged=len(states.damaged) + len(store.damaged(source, SOURCE_WIDE)),
        n_notes=sum(count_notes(store, source, session_id, store.assets(source, session_id)) for session_id in stored),
        warned=warned,
        store_bytes=store_bytes,
        replaced=dict(sorted(replaced.items())),
        mistakes=states.mistakes,
        unreadable=states.unreadable,
        newer=newer_release(store, source),
        held=states.held.text() if states.held else "",
        problems=states.problems,
        backfills=open_backfills(states.asked, left),
        set_aside=set_aside_words(home.platform.settings, source, home.platform.today),
    )


def has_history(settings: PlatformSettings) -> bool:
    """Return whether Dagster's history of a home folder is there, without making it."""
    return bool(os.environ.get("DAGSTER_HOME")) or history_is_shared() or settings.dagster_home.is_dir()


def count_notes(store: Store, source: str, session_id: str, assets: Iterable[str]) -> int:
    """Return the number of notes of what some assets of a session left out or assumed, as their records state them."""
    records = (store.provenance(source, session_id, asset) for asset in assets)
    return sum(len(record.left_out) for record in records if record is not None)


def _folders(home: Path) -> list[Path]:
    return sorted(path for path in home.iterdir() if path.is_dir()) if home.exists() else []


def _bytes(path: Path | os.DirEntry[str]) -> int:
    """Return the bytes of a file, or of all files below a folder; what goes meanwhile or may not be read counts 0."""
    try:
        if path.is_dir() and not path.is_symlink():
            with os.scandir(path) as entries:
                return sum(map(_bytes, entries))
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
