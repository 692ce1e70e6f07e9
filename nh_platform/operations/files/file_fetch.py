"""The raw files of sessions downloaded and verified, before or without making anything of them.

Contains the plan, the download and the links behind `nh fetch`. How a source downloads is in its own folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.files.byte_counts import CountedBytes
from nh_platform.operations.opened_home import (
    Home,
    Interrupted,
    OnProgress,
    existing_parent,
    open_home,
    unwatched,
)
from nh_platform.session import ConfigError, NhError
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.history.manifest import SessionFiles
    from nh_platform.home.platform import Platform
    from nh_platform.sources.fetching import FetchingSource, FileLink


@dataclass(frozen=True)
class SessionFetch:
    """Files of one session that are to be fetched.

    Parameters
    ----------
    files
        The session's part of the manifest.
    groups
        Asset groups whose files are wanted.
    n_files, n_missing
        Files of these groups, and those of them that are not there yet.
    n_bytes
        Size of the missing ones as upstream states it; a file that several sessions share counts in the first.
    links
        Where all of them can be had in exactly this version, where that was asked for.
    """

    files: SessionFiles
    groups: tuple[str, ...]
    n_files: int
    n_missing: int
    n_bytes: int
    links: tuple[FileLink, ...] = ()


@dataclass(frozen=True)
class Fetch:
    """Files of the sessions of a source that are to be fetched, or were.

    Parameters
    ----------
    source, n_sessions
        The source, and how many of its sessions were asked for.
    folder, in_place
        Folder of the files, and whether they are read there, so that there is nothing to fetch.
    sessions
        The sessions, in the order in which they are fetched.
    failed
        An error for each session that could not be planned or fetched.
    notes
        Files by session that could not be had and that a reader can do without, each with what was found.
    n_free
        Bytes that the disk of the folder had free before; of a bucket those of the disk that files pass.
    passes_through
        Whether files go on into a bucket from this disk, which needs room for one session at a time.
    by_ranges
        Whether what is not fetched is read by ranges where it lies, so that no asset needs it fetched.
    """

    source: str
    n_sessions: int
    folder: Path
    in_place: bool = False
    sessions: tuple[SessionFetch, ...] = ()
    failed: Mapping[str, NhError] = field(default_factory=dict)
    n_free: int = 0
    passes_through: bool = False
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_ranges: bool = False

    @property
    def to_fetch(self) -> tuple[SessionFetch, ...]:
        """Sessions with files that are, or were, not there yet."""
        return tuple(session for session in self.sessions if session.n_missing)

    @property
    def n_bytes(self) -> int:
        """Size of all these files, as upstream states it."""
        return sum(session.n_bytes for session in self.sessions)

    @property
    def n_room(self) -> int:
        """Bytes that the disk must take: all, or those of the largest session where files go on from it."""
        sizes = [session.n_bytes for session in self.sessions]
        return max(sizes, default=0) if self.passes_through else sum(sizes)


def fetch(
    home: Home,
    source: str,
    sessions: Sequence[str] | None = None,
    *,
    groups: Sequence[str] = (),
    only_stale: bool = True,
    dry_run: bool = False,
    with_links: bool = False,
    jobs: int | None = None,
    on_progress: OnProgress = unwatched,
) -> Fetch:
    """Download the raw files of sessions, verified; one that fails stops no other, and what came is kept.

    Parameters
    ----------
    home
        Home folder.
    source
        Source name.
    sessions
        Sessions, in the order in which they are fetched; the first characters of an id will do. All where None.
    groups
        Asset groups whose files are wanted (`nh_platform.history.identity.GROUPS`); where empty, those that the assets
        of the source read. A group that is named is fetched although no asset reads it.
    only_stale
        Leave out groups that only assets read which are current in the store.
    dry_run
        Plan, ask nobody, and fetch nothing.
    with_links
        State where every file can be had in exactly this version.
    jobs
        Files at a time; as configured where None.
    on_progress
        Called with the bytes that came, from the threads that download.

    Raises
    ------
    ConfigError
        If there is no such source or group, or the source offers no files ahead of their reading.
    Interrupted
        If a person or the system stops it; what came is kept and resumed.
    StoreError
        If the disk has too little room; the text says how much is missing.
    UnknownSession
        If the source was never synced.
    """
    from nh_platform.history.identity import GROUPS
    from nh_platform.sources.fetching import FetchingSource, folder_in_place

    for name in groups:
        if name not in GROUPS:
            raise ConfigError(f"group {name!r}", "there is no such asset group", f"Use: {', '.join(GROUPS)}.")
    with open_home(home) as at:
        upstream = at.platform.source(source)
        in_place = folder_in_place(upstream)
        if in_place is not None:
            return Fetch(source, 0, in_place, in_place=True)
        if not isinstance(upstream, FetchingSource):
            found, action = "it offers no files ahead of their reading", f"Run `nh materialize {source} SESSION`."
            raise ConfigError(f"source {source}", found, action)
        wanted = tuple(name for name in GROUPS if name in (groups or GROUPS))
        plan = _plan(at.platform, upstream, source, sessions, wanted, frozenset(groups), only_stale, with_links)
    return plan if dry_run or not plan.to_fetch else _download(plan, upstream, jobs, on_progress)


def _plan(
    platform: Platform,
    upstream: FetchingSource,
    source: str,
    sessions: Sequence[str] | None,
    groups: Sequence[str],
    named: frozenset[str],
    only_stale: bool,
    with_links: bool,
) -> Fetch:
    from nh_platform.planning.staleness import standing_of
    from nh_platform.planning.versions import SourcePlan
    from nh_platform.sources.fetching import reads_by_ranges

    manifest, plan, raw = platform.manifest(source), SourcePlan(platform, source), upstream.raw_files()
    ids = manifest.session_ids if sessions is None else sessions
    planned: dict[str, SessionFetch] = {}
    failed: dict[str, NhError] = {}
    planned_before: set[object] = set()
    for asked in ids:
        try:
            session_id = manifest.session_named(asked)
            if session_id in planned:
                continue
            files = manifest.session(session_id)
            stale = standing_of(plan, files).stale if only_stale else plan.assets
            wanted = tuple(
                name
                for name in groups
                if any(name in plan.assets[one].groups for one in stale)
                or (name in named and not any(name in asset.groups for asset in plan.assets.values()))
            )
            requests = upstream.raw_requests(files, wanted) if wanted else []
            missing = [request for request in requests if not request.is_there]
            links = upstream.links(files, wanted) if wanted and with_links else []
        except NhError as error:
            failed[asked] = error
            continue
        new = {request.identity: request.size or 0 for request in missing if request.identity not in planned_before}
        planned_before |= set(new)
        n_bytes = sum(new.values())
        planned[session_id] = SessionFetch(files, wanted, len(requests), len(missing), n_bytes, tuple(links))
    free = shutil.disk_usage(existing_parent(raw.root)).free
    return Fetch(
        source,
        n_sessions=len(ids),
        folder=raw.root,
        sessions=tuple(planned.values()),
        failed=failed,
        n_free=free,
        passes_through=raw.passes_through,
        by_ranges=reads_by_ranges(upstream),
    )


def _download(plan: Fetch, upstream: FetchingSource, jobs: int | None, on_progress: OnProgress) -> Fetch:
    wanted, failed = plan.to_fetch, dict(plan.failed)
    what = "the largest session" if plan.passes_through else counted(len(wanted), "session")
    upstream.raw_files().require_space(plan.n_room, f"{what} of {plan.source}")
    notes: dict[str, tuple[str, ...]] = {}
    count = CountedBytes(plan.source, plan.n_bytes, on_progress)
    for number, one in enumerate(wanted, start=1):
        session = one.files.session
        count.now = f"session {number} of {len(wanted)}: {session.subject} {session.session_id[:8]}"
        count(0)
        try:
            notes[session.session_id] = upstream.fetch(one.files, one.groups, count, jobs)
        except NhError as error:
            failed[session.session_id] = error
        except KeyboardInterrupt:
            raise Interrupted(
                f"{len(notes)} of {len(wanted)} sessions fetched, what came of the next is kept"
            ) from None
    count.now = f"{len(wanted) - len(set(failed) - set(plan.failed))} of {len(wanted)} sessions"
    count(0)
    return replace(plan, failed=failed, notes={session_id: said for session_id, said in notes.items() if said})
