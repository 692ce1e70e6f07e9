"""Sessions queued for the daemon: one Dagster backfill for each set of stale assets, which the daemon works off."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nh_platform.operations.opened_home import Home, OpenHome, open_home


@dataclass(frozen=True)
class Backfill:
    """Sessions of a source that are to be queued, or were.

    Parameters
    ----------
    source, n_sessions
        The source, and how many of its sessions were asked for.
    stale
        Stale assets by session, heavy sessions first.
    gated
        Sessions that cannot be used and why; nothing of them is queued.
    ids
        Dagster's ids of the backfills; empty where nothing was queued.
    """

    source: str
    n_sessions: int
    stale: Mapping[str, tuple[str, ...]]
    gated: Mapping[str, tuple[str, ...]]
    ids: tuple[str, ...] = ()


def backfill(
    home: Home, source: str, sessions: Sequence[str] | None = None, *, limit: int = 0, dry_run: bool = False
) -> Backfill:
    """Queue the stale assets of some sessions, and nothing else, for the daemon.

    Sessions with the same stale assets share a backfill. In one backfill of unlike sessions Dagster starts an asset
    with its parent only where both concern the same sessions (`_get_cant_run_because_of_parent_reason` of 1.13.27), so
    that the chain of each session would go over several runs, each of which costs some 5 s of process start.

    Dagster offers no public call for this outside its web server; a test drives the real daemon over what is queued.

    Parameters
    ----------
    home
        Home folder.
    source
        Source name.
    sessions
        Sessions, the first characters of an id will do; all that lack something where None.
    limit
        At most this many sessions, heavy ones first; 0 for all.
    dry_run
        Plan, and queue nothing.

    Raises
    ------
    ConfigError
        If there is no such source.
    UnknownSession
        If the source was never synced, or has no such session.
    """
    from nh_platform.history.wanted import want
    from nh_platform.planning.session_states import source_states

    with open_home(home) as at:
        found, manifest = source_states(at.platform, source), at.platform.manifest(source)
        named = None if sessions is None else {manifest.session_named(name) for name in sessions}
        asked = [state for state in found.sessions if named is None or state.session_id in named]
        # A session that is named is a person's decision on it; of all others, what a held release changes waits.
        waits = frozenset(found.held.sessions) if found.held and named is None else frozenset()
        lacking = [state for state in asked if state.stale and state.session_id not in waits]
        stale = {state.session_id: state.stale for state in lacking[: limit or None]}
        names = (state.session_id for state in asked if state.session_id not in stale)
        gated = {name: found.gated[name] for name in names if name in found.gated}
        plan = Backfill(source, len(asked), stale, gated)
        if dry_run:
            return plan
        sessions_of: dict[tuple[str, ...], list[str]] = {}
        for session_id, assets in stale.items():
            sessions_of.setdefault(assets, []).append(session_id)
        ids = tuple(_queue(at, source, assets, session_ids) for assets, session_ids in sessions_of.items())
        want(at.platform.store, source, stale, "nh backfill")
    return replace(plan, ids=ids)


def _queue(home: OpenHome, source: str, assets: tuple[str, ...], session_ids: list[str]) -> str:
    import dagster as dg
    from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
    from dagster._core.execution.backfill import PartitionBackfill

    from nh_platform.defs.partitions import register_again, session_partitions
    from nh_platform.defs.run_tags import run_tags

    register_again(home.instance, source, home.platform.manifest(source).session_ids)
    subset = session_partitions(source).subset_with_partition_keys(session_ids)
    queued = PartitionBackfill.from_asset_graph_subset(
        backfill_id=uuid.uuid4().hex[:8],
        backfill_timestamp=time.time(),
        tags=run_tags(home.platform.store, source, "nh backfill"),
        dynamic_partitions_store=home.instance,
        asset_graph_subset=AssetGraphSubset(  # type: ignore[call-arg]  # its decorator hides the fields
            partitions_subsets_by_asset_key={dg.AssetKey([source, asset]): subset for asset in assets}
        ),
        title=f"{source}: {len(session_ids)} sessions",
        description=f"Queued by nh backfill: {', '.join(assets)}.",
        run_config=None,
    )
    home.instance.add_backfill(queued)
    return queued.backfill_id
