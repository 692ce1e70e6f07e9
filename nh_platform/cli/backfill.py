"""`nh backfill`: queues a Dagster backfill, which the daemon works off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli import console

if TYPE_CHECKING:
    import dagster as dg


def backfill(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc, …")],
    session: Annotated[list[str] | None, typer.Argument(help="Sessions; all that lack something if none.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many sessions, heavy ones first; 0 for all.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be queued, and queue nothing.")] = False,
) -> None:
    """Queue a backfill of a source's sessions for the daemon: the first load, or what is missing or stale.

    Exactly what is missing or stale is made of each queued session, with the checks of what is made. The daemon of
    `nh ui` (or of your own deployment) launches the runs, one per session; `nh materialize --missing` runs here and
    now. A session whose gate says that its data cannot be used is named and not queued.

    **Examples**

        nh backfill ibl --limit 10 --dry-run

        nh backfill allen_vc
    """
    from nh_platform.cli.runs import print_gated
    from nh_platform.history.wanted import want
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import open_instance
    from nh_platform.planning.session_states import source_states
    from nh_platform.sources.registry import source_entry

    source_entry(source)
    settings = load_settings()
    platform = Platform(settings)
    found = source_states(platform, source)
    manifest = platform.manifest(source)
    named = {manifest.session_named(name) for name in session or []}
    asked = [state for state in found.sessions if not named or state.session_id in named]
    stale = {state.session_id: state.stale for state in [state for state in asked if state.stale][: limit or None]}
    gated = {state.session_id: found.gated[state.session_id] for state in asked if state.session_id in found.gated}
    print_gated(source, {name: reasons for name, reasons in gated.items() if name not in stale})
    if dry_run or not stale:
        for name, assets in stale.items():
            console.say(f"{source} {name}: lacks {', '.join(assets)}")
        console.say(f"{len(stale)} of {len(asked)} sessions {'would be queued' if stale else 'lack something'}.")
        return
    with open_instance(settings) as instance:
        ids = queue_backfills(instance, source, stale)
    want(platform.store, source, stale, "nh backfill")
    what = f"backfill {ids[0]}" if len(ids) == 1 else f"backfills {', '.join(ids)}, one for each set of stale assets"
    console.say(f"{source}: {len(stale)} sessions queued as {what}.")
    console.say("The daemon works it off: `nh ui` runs one; follow it under Runs, Backfills.")


def queue_backfills(instance: dg.DagsterInstance, source: str, stale: Mapping[str, Sequence[str]]) -> list[str]:
    """Queue the stale assets of some sessions, and nothing else, and return the ids of the backfills.

    Sessions with the same stale assets share a backfill. In one backfill of unlike sessions Dagster starts an asset
    with its parent only where both concern the same sessions (`_get_cant_run_because_of_parent_reason` of 1.13.27), so
    that the chain of each session would go over several runs, each of which costs some 5 s of process start.

    Dagster offers no public call for this outside its web server; a test drives the real daemon over what is queued.

    Parameters
    ----------
    instance
        The Dagster instance.
    source
        Source of the sessions.
    stale
        Stale assets by session.
    """
    import time
    import uuid

    import dagster as dg
    from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
    from dagster._core.execution.backfill import PartitionBackfill

    from nh_platform.defs.partitions import session_partitions

    sessions_of: dict[tuple[str, ...], list[str]] = {}
    for session_id, assets in stale.items():
        sessions_of.setdefault(tuple(assets), []).append(session_id)
    ids = []
    for assets, session_ids in sessions_of.items():
        subset = session_partitions(source).subset_with_partition_keys(session_ids)
        queued = PartitionBackfill.from_asset_graph_subset(
            backfill_id=uuid.uuid4().hex[:8],
            backfill_timestamp=time.time(),
            tags={"nh/source": source},
            dynamic_partitions_store=instance,
            asset_graph_subset=AssetGraphSubset(  # type: ignore[call-arg]  # its decorator hides the fields
                partitions_subsets_by_asset_key={dg.AssetKey([source, asset]): subset for asset in assets}
            ),
            title=f"{source}: {len(session_ids)} sessions",
            description=f"Queued by nh backfill: {', '.join(assets)}.",
            run_config=None,
        )
        instance.add_backfill(queued)
        ids.append(queued.backfill_id)
    return ids
