"""The catalogue of a source read, and its sessions registered; nothing is downloaded and nothing launched."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nh_platform.operations.opened_home import Home, open_home


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
    """

    source: str
    release: str
    n_sessions: int
    n_insertions: int
    n_files: int
    left_out: tuple[LeftOut, ...] = ()
    newer: str = ""

    def reasons(self) -> dict[str, int]:
        """Return how much is left out for each reason, the most frequent first."""
        return dict(Counter(sorted(one.reason for one in self.left_out)).most_common())


def sync(home: Home, source: str) -> SyncResult:
    """Read what upstream holds of a source and register its sessions as partitions.

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
    from nh_platform.history.releases.newer import newer_release
    from nh_platform.operations.in_process import materialize_one
    from nh_platform.session import BadUpstreamData
    from nh_platform.sources.registry import source_entry

    entry = source_entry(source)
    with open_home(home) as at:
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
    rows = zip(*(found.left_out[name] for name in ("session_id", "insertion_id", "reason", "found")))
    left_out = tuple(LeftOut(*row) for row in rows)
    counts = (len(found.sessions), len(found.insertions), len(found.files))
    return SyncResult(source, found.release, *counts, left_out, newer)
