"""The catalogue of a source read, and its sessions registered; nothing is downloaded and nothing launched."""

from __future__ import annotations

from dataclasses import dataclass

from nh_platform.operations.opened_home import Home, open_home


@dataclass(frozen=True)
class SyncResult:
    """What the catalogue of a source holds.

    Parameters
    ----------
    source, release
        The source, and the release or selection that was read.
    n_sessions, n_insertions, n_files
        Sessions, probe insertions and upstream files.
    """

    source: str
    release: str
    n_sessions: int
    n_insertions: int
    n_files: int


def sync(home: Home, source: str) -> SyncResult:
    """Read what upstream holds of a source and register its sessions as partitions.

    Raises
    ------
    ConfigError
        If there is no such source, or its settings cannot be used.
    BadUpstreamData
        If the catalogue cannot be read; the text says why.
    """
    from nh_platform.defs.release_manifest import build_release_manifest
    from nh_platform.operations.in_process import materialize_one
    from nh_platform.session import BadUpstreamData
    from nh_platform.sources.registry import source_entry

    entry = source_entry(source)
    with open_home(home) as at:
        at.platform.source(source)  # its settings are refused here, before anything is made
        materialize_one(
            at,
            build_release_manifest(entry, at.platform),
            f"source {source}",
            BadUpstreamData,
            "Run `nh doctor` to see what can be reached.",
        )
        found = at.platform.manifest(source)
    return SyncResult(source, found.release, len(found.sessions), len(found.insertions), len(found.files))
