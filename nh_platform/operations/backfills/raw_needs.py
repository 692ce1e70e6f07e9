"""Which bytes a backfill takes from upstream: those of whole files, or of the parts that assets read by ranges.

Contains the two counts behind the raw row of `nh backfill --dry-run`. What is written is `backfill_needs`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nh_platform.history.manifest import Manifest
    from nh_platform.home.platform import Platform
    from nh_platform.planning.session_sizes import SessionSize


def ranged_bytes(
    platform: Platform, source: str, stale: Mapping[str, Sequence[str]], every: Mapping[str, SessionSize]
) -> tuple[float, float, int]:
    """Return bytes that come by ranges, bytes of files that are there, and sessions of which nothing tells how many."""
    from nh_platform.planning.session_sizes import expected_bytes, measured_ranges
    from nh_platform.planning.versions import SourcePlan
    from nh_platform.sources.fetching import FetchingSource

    plan, upstream, manifest = SourcePlan(platform, source), platform.source(source), platform.manifest(source)
    ranges = measured_ranges(source)
    assert isinstance(upstream, FetchingSource)
    come, held, n_unstated = 0.0, 0.0, 0
    for session_id, assets in stale.items():
        groups = sorted({group for name in assets for group in plan.assets[name].groups})
        wanted = upstream.raw_requests(manifest.session(session_id), groups)
        if all(file.is_there for file in wanted):
            held += sum(file.size or 0 for file in wanted)
            continue
        whole = sum(file.size or math.inf for file in wanted)
        parts = [expected_bytes(ranges, name, [every[session_id]]) for name in assets if name in ranges]
        come += math.fsum(min(part, whole) for part in parts if not math.isnan(part))
        n_unstated += any(map(math.isnan, parts))
    return come, held, n_unstated


def raw_bytes(
    platform: Platform, source: str, manifest: Manifest, stale: Mapping[str, Sequence[str]], *, keeps: bool
) -> tuple[float, float, int, float]:
    """Return bytes to download and bytes that are there, files without a stated size, and the largest session."""
    from nh_platform.history.identity import read_by
    from nh_platform.planning.versions import SourcePlan
    from nh_platform.sources.fetching import FetchingSource, WantedFile

    plan, upstream = SourcePlan(platform, source), platform.source(source)
    seen: set[str] = set()
    to_fetch, held, n_unstated, most = 0.0, 0.0, 0, 0.0
    for session_id, assets in stale.items():
        groups = sorted({group for name in assets for group in plan.assets[name].groups})
        files = manifest.session(session_id)
        if keeps:
            assert isinstance(upstream, FetchingSource)
            wanted = upstream.raw_requests(files, groups)
        else:
            rows = files.files[read_by(files.files, groups)]
            named = rows["md5"].fillna(rows["collection"] + "/" + rows["name"])
            sizes = rows["size"].where(rows["size"].notna(), None)
            wanted = [WantedFile(one, size, is_there=False) for one, size in zip(named, sizes)]
        of_session = 0.0
        for file in wanted:
            n_bytes = file.size or 0
            of_session += 0 if file.is_there else n_bytes
            if file.identity in seen:
                continue
            seen.add(file.identity)
            n_unstated += file.size is None
            held += n_bytes if file.is_there else 0
            to_fetch += 0 if file.is_there else n_bytes
        most = max(most, of_session)
    return to_fetch, held, n_unstated, most
