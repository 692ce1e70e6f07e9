"""`nh backfill`: queues a Dagster backfill, which the daemon works off; and `nh status`: how far everything is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nh_platform.cli import console
from nh_platform.cli.console import Format

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.defs.platform import Platform


def backfill(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc, …")],
    session: Annotated[list[str] | None, typer.Argument(help="Sessions; all that lack something if none.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many sessions, heavy ones first; 0 for all.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be queued, and queue nothing.")] = False,
) -> None:
    """Queue a backfill of a source's sessions for the daemon: the first load, or what is missing or stale.

    Every asset of a queued session is made, also what is current. The daemon of `nh ui` (or of your own deployment)
    launches the runs, one per session; `nh materialize --missing` runs here and now, and only what is stale.

    **Examples**

        nh backfill ibl --limit 10 --dry-run

        nh backfill allen_vc
    """
    from nh_platform.cli.instance import open_instance
    from nh_platform.defs.platform import Platform
    from nh_platform.defs.registry import source_entry
    from nh_platform.defs.session_states import source_states
    from nh_platform.defs.settings import load_settings
    from nh_platform.session import UnknownSession

    source_entry(source)
    settings = load_settings()
    platform = Platform(settings)
    states = {state.session_id: state for state in source_states(platform, source).sessions}
    for name in session or []:
        if name not in states:
            raise UnknownSession(f"session {name}", f"the manifest of {source} does not list it", "See `nh sessions`.")
    wanted = [s.session_id for s in states.values() if s.stale and (not session or s.session_id in session)]
    wanted = wanted[: limit or None]
    if dry_run or not wanted:
        for name in wanted:
            console.say(f"{source} {name}: lacks {', '.join(states[name].stale)}")
        console.say(f"{len(wanted)} of {len(states)} sessions {'would be queued' if wanted else 'lack something'}.")
        return
    with open_instance(settings) as instance:
        backfill_id = queue_backfill(instance, platform, source, wanted)
    console.say(f"{source}: {len(wanted)} sessions queued as backfill {backfill_id}.")
    console.say("The daemon works it off: `nh ui` runs one; follow it under Runs, Backfills.")


def queue_backfill(instance: dg.DagsterInstance, platform: Platform, source: str, session_ids: list[str]) -> str:
    """Queue an asset backfill of every per-session asset of the given sessions and return its id.

    Dagster offers no public call for this outside its web server; a test drives the real daemon over what is queued.
    """
    import time
    import uuid

    import dagster as dg
    from dagster._core.execution.backfill import PartitionBackfill

    from nh_platform.defs.build import build_defs
    from nh_platform.defs.planning import steps_of

    backfill_id = uuid.uuid4().hex[:8]
    graph = build_defs(platform).resolve_asset_graph()
    queued = PartitionBackfill.from_asset_partitions(
        backfill_id=backfill_id,
        asset_graph=graph,
        partition_names=session_ids,
        asset_selection=[dg.AssetKey([source, asset]) for asset in steps_of(source)],
        backfill_timestamp=time.time(),
        tags={"nh/source": source},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=f"{source}: {len(session_ids)} sessions",
        description="Queued by nh backfill.",
        run_config=None,
    )
    instance.add_backfill(queued)
    return backfill_id


def status(
    format_: Annotated[Format, typer.Option("--format", help="Form of the output.")] = Format.table,
) -> None:
    """Show per source how many sessions are ingested, stale, failed, gated or withdrawn, and the disk they take.

    **Examples**

        nh status

        nh --home /data/neuropixels status --format json
    """
    from nh_platform.cli.instance import open_instance
    from nh_platform.defs.platform import Platform
    from nh_platform.defs.registry import SOURCES
    from nh_platform.defs.settings import load_settings
    from nh_platform.session import UnknownSession

    settings = load_settings()
    platform = Platform(settings)
    rows: list[dict[str, Any]] = []
    with open_instance(settings) as instance:
        for source in SOURCES:
            try:
                rows.append(_status_row(instance, platform, source))
            except UnknownSession:
                rows.append({"source": source, "release": f"never synced: nh sync {source}"})
    columns = (
        *("source", "release", "snapshot", "sessions", "ingested", "stale", "not loaded", "failed", "gated"),
        *("withdrawn", "GB"),
    )
    console.print_rows(rows, columns, format_, title=str(settings.home))


def _status_row(instance: dg.DagsterInstance, platform: Platform, source: str) -> dict[str, Any]:
    from nh_platform.defs.automation import failed_sessions
    from nh_platform.defs.session_states import source_states, withdrawn

    states = source_states(platform, source)
    stored = set(platform.store.sessions(source))
    complete = [state for state in states.sessions if not state.stale and state.session_id not in states.gated]
    files = (path for path in (platform.store.root / source).rglob("*") if path.is_file())
    return {
        "source": source,
        "release": platform.manifest(source).release,
        "snapshot": states.snapshot,
        "sessions": len(states.sessions),
        "ingested": len(complete),
        "stale": sum(bool(state.stale) and state.session_id in stored for state in states.sessions),
        "not loaded": sum(state.session_id not in stored for state in states.sessions),
        "failed": len(failed_sessions(instance, source, states)),
        "gated": len(states.gated),
        "withdrawn": len(withdrawn(platform, source)),
        "GB": round(sum(path.stat().st_size for path in files) / 1e9, 3),
    }
