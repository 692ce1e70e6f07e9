"""The jobs of a source, through which its runs go, and the daily look at what upstream holds.

Add a job or schedule here that every source gets. The job of all sessions together is `nh_platform.defs.inventory`.
"""

from collections.abc import Iterable

import dagster as dg

from nh_platform.assets.release_manifest import NAME as MANIFEST_ASSET
from nh_platform.defs.run_tags import REASON_TAG, SOURCE_TAG
from nh_platform.history.snapshots import list_snapshots
from nh_platform.home.platform import Platform
from nh_platform.sources.entry import SourceEntry

RELEASE_CRON = "15 5 * * *"

UPSTREAM_ANSWERS = "upstream_answers"
"""Check of `release_manifest`: daily, and when the sensor has had no answer for longer than is allowed."""

Job = dg.JobDefinition
"""What `dagster.define_asset_job` returns is resolved when the definitions are; sensors and schedules take either."""


def session_job_name(source: str) -> str:
    """Return the name of the job that materializes every asset of one session."""
    return f"{source}_session"


def release_job_name(source: str) -> str:
    """Return the name of the job that reads what upstream holds."""
    return f"{source}_release"


def inventory_job_name(source: str) -> str:
    """Return the name of the job that looks over all sessions of a source."""
    return f"{source}_inventory"


def build_session_job(entry: SourceEntry, assets: Iterable[str]) -> Job:
    """Return the job of one session with its per-session ``assets``."""
    keys = (dg.AssetKey([entry.name, asset]) for asset in assets)
    return dg.define_asset_job(  # type: ignore[return-value]  # an unresolved one
        session_job_name(entry.name),
        selection=dg.AssetSelection.assets(*keys),
        description=f"Every asset and check of one session of {entry.title}.",
        tags={SOURCE_TAG: entry.name},
    )


def build_release_job(entry: SourceEntry) -> Job:
    """Return the job that reads what upstream holds."""
    manifest = dg.AssetSelection.assets(dg.AssetKey([entry.name, MANIFEST_ASSET]))
    return dg.define_asset_job(  # type: ignore[return-value]  # an unresolved one
        release_job_name(entry.name),
        selection=manifest.without_checks(),
        description=f"Reads what upstream holds of {entry.title}; downloads no session data.",
        tags={SOURCE_TAG: entry.name},
    )


def build_release_schedule(entry: SourceEntry, platform: Platform) -> dg.ScheduleDefinition:
    """Return the daily look at what upstream holds; it skips a source that nobody set up."""

    def look(_: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return not_synced(platform, entry) or dg.RunRequest(tags={REASON_TAG: "daily look at the catalogue"})

    return dg.ScheduleDefinition(
        name=f"{entry.name}_release_schedule",
        job_name=release_job_name(entry.name),
        cron_schedule=RELEASE_CRON,
        execution_fn=look,
        description=f"Reads the whole catalogue of {entry.title} once a day and writes what changed.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def not_synced(platform: Platform, entry: SourceEntry) -> dg.SkipReason | None:
    """Return why nothing is to be done for a source of which no catalogue was ever read, else None."""
    if list_snapshots(platform.store, entry.name):
        return None
    return dg.SkipReason(f"{entry.title} was never synced here; `nh sync {entry.name}` begins with it.")
