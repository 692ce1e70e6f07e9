"""What is made of all sessions of a source together, and the daily inventory that makes it.

Contains the list of those assets, which of them are old, the standing check that no session is left failed, and the
job and schedule of both. Add an asset here that joins sessions. No session depends on any of them.
"""

from typing import Any

import dagster as dg

from nh_platform.defs.automation import not_synced
from nh_platform.defs.catalogs import CATALOGS, build_catalogs, expected_catalog
from nh_platform.defs.partitions import session_partitions
from nh_platform.defs.reconciliation import ASSET as RECONCILIATION
from nh_platform.defs.reconciliation import CHECK as COUNTS_RECONCILE
from nh_platform.defs.reconciliation import build_reconciliation
from nh_platform.defs.stimulus_files import ASSET as STIMULUS_FILES
from nh_platform.defs.stimulus_files import CHECK as EVERY_SESSION_IS_IN
from nh_platform.defs.stimulus_files import TENSORS, build_stimulus_files, expected_stimulus_files
from nh_platform.history.snapshots import ASSET as MANIFEST_ASSET
from nh_platform.home.platform import Platform
from nh_platform.planning.session_states import SourceStates, source_states
from nh_platform.planning.versions import steps_of
from nh_platform.sources.registry import SourceEntry
from nh_platform.store import Provenance
from nh_platform.store.layout import SOURCE_WIDE

CRON = "45 6 * * *"
INVENTORY = "no_partitions_left_failed"
_KEYS_SHOWN = 20


def inventory_job_name(source: str) -> str:
    """Return the name of the job that looks over all sessions of a source."""
    return f"{source}_inventory"


def build_across_sessions(entry: SourceEntry, platform: Platform) -> list[dg.AssetsDefinition]:
    """Return the assets that join all sessions of a source."""
    files = [build_stimulus_files(entry, platform)] if TENSORS in entry.extra_steps else []
    return [build_reconciliation(entry, platform), *build_catalogs(entry, platform), *files]


def across_sessions(entry: SourceEntry) -> tuple[str, ...]:
    """Return the names of the assets that join all sessions of a source."""
    return (RECONCILIATION, *CATALOGS, *((STIMULUS_FILES,) if TENSORS in entry.extra_steps else ()))


def old_across_sessions(platform: Platform, entry: SourceEntry) -> list[str]:
    """Return those of `across_sessions` that are not made of what the store holds now; reconciliation always is one.

    It is small and also depends on the day's published counts, so it is made anew at every look.
    """
    return [
        name
        for name in across_sessions(entry)
        if name == RECONCILIATION
        or platform.store.data_version(entry.name, SOURCE_WIDE, name)
        != _expected(platform, entry.name, name).data_version
    ]


def _expected(platform: Platform, source: str, name: str) -> Provenance:
    return (
        expected_stimulus_files(platform, source)
        if name == STIMULUS_FILES
        else expected_catalog(platform, source, name)
    )


def inventory_selection(platform: Platform, entry: SourceEntry) -> tuple[list[dg.AssetKey], list[dg.AssetCheckKey]]:
    """Return the assets and checks of an inventory now: the standing ones, and the tables and files that are old."""
    assets = [dg.AssetKey([entry.name, name]) for name in old_across_sessions(platform, entry)]
    checks = [
        dg.AssetCheckKey(dg.AssetKey([entry.name, MANIFEST_ASSET]), INVENTORY),
        dg.AssetCheckKey(dg.AssetKey([entry.name, RECONCILIATION]), COUNTS_RECONCILE),
    ]
    files = dg.AssetKey([entry.name, STIMULUS_FILES])
    if files in assets:
        checks.append(dg.AssetCheckKey(files, EVERY_SESSION_IS_IN))
    return assets, checks


def build_inventory_job(entry: SourceEntry) -> Any:
    """Return the job of all of `across_sessions` and the standing check."""
    inventory = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey([entry.name, MANIFEST_ASSET]), INVENTORY))
    assets = (dg.AssetKey([entry.name, name]) for name in across_sessions(entry))
    return dg.define_asset_job(
        inventory_job_name(entry.name),
        selection=inventory | dg.AssetSelection.assets(*assets),
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
        assets, checks = inventory_selection(platform, entry)
        return dg.RunRequest(asset_selection=assets, asset_check_keys=checks)

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
        asset=dg.AssetKey([entry.name, MANIFEST_ASSET]),
        name=INVENTORY,
        description=(
            "No session is left failed. Counts failed sessions apart from gated ones, whose upstream data cannot be "
            "used, and says how to recover."
        ),
    )
    def no_partitions_left_failed(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        states = source_states(platform, entry.name)
        failed = failed_sessions(context.instance, entry.name, states)
        gated = sorted(states.gated)
        shown = ", ".join(failed[:_KEYS_SHOWN])
        return dg.AssetCheckResult(
            passed=not failed,
            severity=dg.AssetCheckSeverity.WARN,
            description=(
                f"{len(failed)} sessions are left failed, {len(gated)} are gated."
                + (
                    f" Run `nh materialize {entry.name} --missing`, or correct what the runs name. {shown}"
                    * bool(failed)
                )
            ),
            metadata={
                "failed": len(failed),
                "gated": len(gated),
                "failed sessions": dg.MetadataValue.json(failed[:_KEYS_SHOWN]),
                "gated sessions": dg.MetadataValue.json(
                    {session: list(states.gated[session]) for session in gated[:_KEYS_SHOWN]}
                ),
            },
        )

    return no_partitions_left_failed


def failed_sessions(instance: dg.DagsterInstance, source: str, states: SourceStates) -> list[str]:
    """Return the sessions with a stale asset whose last run failed, apart from gated ones; sorted."""
    stale = {state.session_id: state.stale for state in states.sessions if state.stale}
    failed = set()
    for asset in steps_of(source):
        wanted = [session for session, assets in stale.items() if asset in assets and session not in states.gated]
        if not wanted:
            continue
        key = dg.AssetKey([source, asset])
        found = instance.get_status_by_partition(key, wanted, session_partitions(source)) or {}
        failed |= {session for session, status in found.items() if status is not None and status.name == "FAILED"}
    return sorted(failed)
