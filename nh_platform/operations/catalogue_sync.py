"""The catalogue of a source read, and its sessions registered; nothing is downloaded and nothing launched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, Progress, open_home, unwatched
from nh_platform.session import NhError

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform


@dataclass(frozen=True)
class LeftOut:
    """A session or insertion that upstream lists and the catalogue does not take.

    Parameters
    ----------
    session_id
        The session, or its folder where a local tree has no id of it; empty for an insertion of no session.
    insertion_id
        The insertion; empty for a whole session.
    reason, found
        Why it is not taken, in a few words, and what was found of it.
    """

    session_id: str
    insertion_id: str
    reason: str
    found: str


@dataclass(frozen=True)
class SyncResult:
    """Content of the catalogue of a source.

    Parameters
    ----------
    source, release
        The source, and the release or selection that was read.
    n_sessions, n_insertions, n_files
        Sessions, probe insertions and upstream files.
    left_out
        What upstream lists and the catalogue does not take, in the order of sessions.
    newer
        That a newer release is out than the one that was read, in a sentence; empty where none is known.
    held
        That this release waits to be accepted, in a sentence; empty where it does not.
    released
        Rows of each table of the whole release that is stored (`open_store(home).released(source)`), by its name.
    not_tabulated
        What those tables lack of upstream's, in words.
    problem
        Why the tables of the release could not be taken; the catalogue was. None where nothing is wrong.
    """

    source: str
    release: str
    n_sessions: int
    n_insertions: int
    n_files: int
    left_out: tuple[LeftOut, ...] = ()
    newer: str = ""
    held: str = ""
    released: Mapping[str, int] = field(default_factory=dict)
    problem: NhError | None = None
    not_tabulated: tuple[str, ...] = ()

    def reasons(self) -> dict[str, int]:
        """Return how much is left out for each reason, the most frequent first."""
        return dict(Counter(sorted(one.reason for one in self.left_out)).most_common())


def sync(home: Home, source: str, *, with_tables: bool = False, on_progress: OnProgress = unwatched) -> SyncResult:
    """Read what upstream holds of a source and register its sessions as partitions.

    Parameters
    ----------
    home, source
        Home folder and source.
    with_tables
        Fetch the tables of the whole release too, where they are so large that a sync does not.
    on_progress
        Called with the bytes of the tables that came.

    Raises
    ------
    ConfigError
        If there is no such source, or its settings cannot be used.
    BadUpstreamData
        If the catalogue cannot be read; the text says why.
    """
    from nh_platform.defs.automation.jobs import release_job_name
    from nh_platform.defs.release_manifest import build_release_manifest
    from nh_platform.defs.run_tags import run_tags
    from nh_platform.history.released_tables import left_out_of_tables
    from nh_platform.history.releases.newer import newer_release
    from nh_platform.operations.in_process import materialize_one
    from nh_platform.session import BadUpstreamData

    with open_home(home) as at:
        entry = at.platform.entry(source)
        at.platform.source(source)  # its settings are refused here, before anything is made
        materialize_one(
            at,
            build_release_manifest(entry, at.platform),
            release_job_name(source),
            run_tags(at.platform.store, source, "nh sync"),
            f"source {source}",
            BadUpstreamData,
            "Run `nh doctor` to see what can be reached.",
        )
        found, newer = at.platform.manifest(source), newer_release(at.platform.store, source)
        if with_tables:
            _fetch_tables(at.platform, source, on_progress)
        released, problem = _released(at.platform, source)
        not_tabulated = left_out_of_tables(at.platform.store, source)
        held = _held(at.platform, source)
    rows = zip(*(found.left_out[name] for name in ("session_id", "insertion_id", "reason", "found")))
    left_out = tuple(LeftOut(*row) for row in rows)
    counts = (len(found.sessions), len(found.insertions), len(found.files))
    return SyncResult(source, found.release, *counts, left_out, newer, held, released, problem, not_tabulated)


def _held(platform: Platform, source: str) -> str:
    from nh_platform.planning.session_states import source_states

    if platform.settings.source(source).on_release != "hold":
        return ""  # what every session should have is worked out for this alone
    held = source_states(platform, source).held
    return held.text() if held else ""


def _fetch_tables(platform: Platform, source: str, on_progress: OnProgress) -> None:
    from nh_platform.sources.source import FetchesTables

    upstream, came = platform.source(source), 0

    def count(n_bytes: int) -> None:
        nonlocal came
        came += n_bytes
        on_progress(Progress(f"tables of {source}", came, came))

    if isinstance(upstream, FetchesTables):  # of the others every sync fetches them
        upstream.fetch_tables(count)


def _released(platform: Platform, source: str) -> tuple[dict[str, int], NhError | None]:
    """Return the rows of the stored tables of the release, and why those of upstream could not be taken.

    Storing them with the snapshot says nothing of what is wrong, so that the catalogue goes on; here it is tried again.
    """
    from nh_platform.assets.release_manifest import store_released_tables
    from nh_platform.history.released_tables import row_counts

    try:
        store_released_tables(platform, source)
    except NhError as error:
        return row_counts(platform.store, source), error
    return row_counts(platform.store, source), None
