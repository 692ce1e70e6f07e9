"""The daily inventory: what joins all sessions is made anew where it is old, and failed sessions are counted.

Contains which assets across sessions are old, the standing check that no session is left failed, and the job and
schedule of both. Add here what is looked at once a day. What the assets are is `nh_platform.assets.across_sessions`.
"""

from typing import Any

import dagster as dg

from nh_platform.assets.registry import source_assets
from nh_platform.assets.release_manifest import NAME as MANIFEST
from nh_platform.defs.automation.attempts import session_decision
from nh_platform.defs.automation.jobs import UPSTREAM_ANSWERS, inventory_job_name, not_synced
from nh_platform.defs.automation.recent_work import KINDS, EndedRuns, ended_runs, stored_bytes
from nh_platform.defs.automation.unchecked import with_checks
from nh_platform.defs.run_tags import DOWN_SINCE_TAG, REASON_TAG, SOURCE_TAG, name_warned
from nh_platform.defs.stored_files import STORED_FILES
from nh_platform.home.platform import Platform
from nh_platform.planning.session_states import source_states
from nh_platform.planning.source_standing import is_current
from nh_platform.session import NhError
from nh_platform.session.display import counted
from nh_platform.sources.entry import SourceEntry

CRON = "45 6 * * *"
INVENTORY = "no_partitions_left_failed"
_KEYS_SHOWN = 20
_DAY_S = 86_400.0


def old_source_assets(platform: Platform, source: str) -> list[str]:
    """Return the assets across sessions that an inventory makes: those not made of what the store holds now.

    One that also depends on something without a version, as reconciliation does on the published counts, is always one.
    """
    return [
        name
        for name, asset in source_assets(source).items()
        if asset.is_remade_daily or not is_current(platform, source, asset)
    ]


def inventory_selection(platform: Platform, source: str) -> tuple[list[dg.AssetKey], list[dg.AssetCheckKey]]:
    """Return the assets and checks of an inventory now: the standing checks, and what is old with its checks."""
    records = source_assets(source)
    old = [records[name] for name in old_source_assets(platform, source)]
    checks = [dg.AssetCheckKey(dg.AssetKey([source, MANIFEST]), name) for name in (INVENTORY, STORED_FILES)]
    checks += [dg.AssetCheckKey(dg.AssetKey([source, one.name]), check.name) for one in old for check in one.checks]
    return [dg.AssetKey([source, one.name]) for one in old], checks


def build_inventory_job(entry: SourceEntry) -> Any:
    """Return the job of all assets across sessions and the standing check."""
    manifest = dg.AssetKey([entry.name, MANIFEST])
    names = (INVENTORY, STORED_FILES, UPSTREAM_ANSWERS)
    inventory = dg.AssetSelection.checks(*(dg.AssetCheckKey(manifest, name) for name in names))
    assets = (dg.AssetKey([entry.name, name]) for name in source_assets(entry.name))
    return dg.define_asset_job(
        inventory_job_name(entry.name),
        selection=inventory | dg.AssetSelection.assets(*assets),
        tags={SOURCE_TAG: entry.name},
        description=(
            "Counts the sessions that are left failed, holds our counts against the published ones, and makes the "
            "tables and files of all sessions anew."
        ),
    )


def build_inventory_schedule(entry: SourceEntry, platform: Platform) -> dg.ScheduleDefinition:
    """Return the daily inventory; it skips a source that nobody set up, and what is current."""

    def look(_: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        skipped = not_synced(platform, entry)
        if skipped:
            return skipped
        assets, checks = inventory_selection(platform, entry.name)
        checks.append(dg.AssetCheckKey(dg.AssetKey([entry.name, MANIFEST]), UPSTREAM_ANSWERS))
        return dg.RunRequest(asset_selection=assets, asset_check_keys=checks, tags={REASON_TAG: "daily inventory"})

    return dg.ScheduleDefinition(
        name=f"{entry.name}_inventory_schedule",
        job_name=inventory_job_name(entry.name),
        cron_schedule=CRON,
        execution_fn=look,
        description=(
            "Counts the sessions that are left failed or gated and says how to recover them; makes the tables and "
            "files of all sessions anew where a session is new or was remade."
        ),
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def build_inventory_check(entry: SourceEntry, platform: Platform) -> dg.AssetChecksDefinition:
    """Return the standing check that no session is left failed."""

    @dg.asset_check(
        asset=dg.AssetKey([entry.name, MANIFEST]),
        name=INVENTORY,
        description=(
            "No session is left failed. Counts failed sessions apart from gated ones, whose upstream data cannot be "
            "used, and says how to recover."
        ),
    )
    def no_partitions_left_failed(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        states = with_checks(context.instance, platform, entry.name, source_states(platform, entry.name))
        decision = session_decision(context.instance, platform.store, entry.name, states)
        failed, gated = sorted(decision.failed), sorted(states.gated)
        shown = ", ".join(failed[:_KEYS_SHOWN])
        is_failed, is_gated = (counted(len(one), "session is", "sessions are") for one in (failed, gated))
        mistaken = counted(len(states.mistakes), "review file has", "review files have")
        name_warned(context, [INVENTORY] if failed or states.mistakes else [])
        return dg.AssetCheckResult(
            passed=not failed and not states.mistakes,
            severity=dg.AssetCheckSeverity.WARN,
            description=(
                f"{is_failed} left failed, {is_gated} gated."
                + (
                    f" Run `nh materialize {entry.name} --missing`, or correct what the runs name. {shown}"
                    * bool(failed)
                )
                + f" {mistaken} a mistake; `nh review list {entry.name}` names them." * bool(states.mistakes)
            ),
            metadata={
                **_last_day(context.instance, platform, entry.name),
                "failed": len(failed),
                "gated": len(gated),
                "review files with a mistake": len(states.mistakes),
                "failed sessions": dg.MetadataValue.json(
                    {name: decision.failed[name] for name in failed[:_KEYS_SHOWN]}
                ),
                "mistakes": dg.MetadataValue.json(dict(sorted(states.mistakes.items())[:_KEYS_SHOWN])),
                "gated sessions": dg.MetadataValue.json(
                    {session: list(states.gated[session]) for session in gated[:_KEYS_SHOWN]}
                ),
            },
        )

    return no_partitions_left_failed


def _last_day(instance: dg.DagsterInstance, platform: Platform, source: str) -> dict[str, int]:
    """Return what was made and what failed since the inventory of the day before, as `nh metrics` counts an hour."""
    ended = ended_runs(instance, _DAY_S).get(source, EndedRuns())
    return {
        "sessions made in 24 h": len(ended.sessions),
        "bytes stored in 24 h": stored_bytes(instance, platform, source, _DAY_S),
        **{f"runs failed in 24 h, {kind}": ended.failures[kind] for kind in KINDS},
    }


def build_upstream_check(entry: SourceEntry, platform: Platform) -> dg.AssetChecksDefinition:
    """Return the check that upstream answers; a failure where it has not for longer than `alerts.yaml` allows."""

    @dg.asset_check(
        asset=dg.AssetKey([entry.name, MANIFEST]),
        name=UPSTREAM_ANSWERS,
        description=(
            f"{entry.title} answers when asked whether something was released. Looked at daily, and by the sensor "
            "where it had no answer for longer than `upstream_down_after_h` of alerts.yaml allows (6 hours)."
        ),
    )
    def upstream_answers(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        since = context.op_execution_context.run.tags.get(DOWN_SINCE_TAG, "")
        try:
            platform.source(entry.name).signal()
        except NhError as error:
            name_warned(context, [UPSTREAM_ANSWERS])
            started = f"has not answered since {since}" if since else "does not answer now"
            return dg.AssetCheckResult(
                passed=False,
                severity=dg.AssetCheckSeverity.ERROR if since else dg.AssetCheckSeverity.WARN,
                description=(
                    f"{entry.title} {started}: {error} What is stored is not concerned; runs that need it are tried "
                    "again later."
                ),
            )
        return dg.AssetCheckResult(passed=True, description=f"{entry.title} answers.")

    return upstream_answers
