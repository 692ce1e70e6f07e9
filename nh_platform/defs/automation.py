"""Automation of sessions: the daily look at a release, and the sensor that asks for runs.

The sensor is the one place that launches runs; automation conditions are not used (docs/decisions/0005 says why). Add
a schedule or sensor here that every source gets. What is decided stands in `run_requests`, what is true in
`session_states`; here is the shell around them. What is made of all sessions together is `inventory`.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from nh_platform.assets.record import REVIEWED_INTERVALS, REVIEWS, UPSTREAM_FILES
from nh_platform.assets.release_manifest import NAME as MANIFEST_ASSET
from nh_platform.defs.checks import session_checks
from nh_platform.defs.metadata import OWNERS
from nh_platform.defs.partitions import session_partitions
from nh_platform.defs.session_assets import TROUBLE_TAG, UNUSABLE_TAG
from nh_platform.history.identity import GROUPS
from nh_platform.history.snapshots import list_snapshots
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.run_requests import Attempt, AttemptState, changed_versions, decide
from nh_platform.planning.session_states import SourceStates, source_states
from nh_platform.session import NhError
from nh_platform.sources.entry import SourceEntry

SENSOR_INTERVAL_S = int(os.environ.get("NH_SENSOR_INTERVAL_S") or 120)
"""Seconds between two looks of the release sensor; a look costs four small requests."""
REQUESTS_PER_TICK = 20
"""Two runs go at a time; more in the queue would only make a release that follows wait behind them."""
RELEASE_CRON = "15 5 * * *"
RELEASE_ATTEMPTS = 3
"""Looks at the catalogue for one announcement; after that the daily one is waited for."""
SOURCE_TAG, TARGET_TAG, SNAPSHOT_TAG, SIGNAL_TAG = "nh/source", "nh/target", "nh/snapshot", "nh/signal"

_IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_ENDED = {
    dg.DagsterRunStatus.FAILURE: AttemptState.failed,
    dg.DagsterRunStatus.CANCELED: AttemptState.failed,
    dg.DagsterRunStatus.SUCCESS: AttemptState.succeeded,
}
PARTITION_TAG = "dagster/partition"


def session_job_name(source: str) -> str:
    """Return the name of the job that materializes every asset of one session."""
    return f"{source}_session"


def release_job_name(source: str) -> str:
    """Return the name of the job that reads what upstream holds."""
    return f"{source}_release"


def external_specs(entry: SourceEntry) -> list[dg.AssetSpec]:
    """Return what is outside: the upstream files of a session, one asset per group, and the reviews of it."""
    partitions = session_partitions(entry.name)
    specs = [
        dg.AssetSpec(
            dg.AssetKey([entry.name, UPSTREAM_FILES, group]),
            description=f"What upstream holds of a session: {words}. Versions are observed by the sensor.",
            partitions_def=partitions,
            group_name=entry.name,
            kinds={entry.upstream_format},
            owners=OWNERS,
        )
        for group, words in GROUPS.items()
    ]
    of_reviews = {
        REVIEWS: "People's recorded decisions on a session, from the reviews folder.",
        REVIEWED_INTERVALS: "The stretches of a session that counted reviews call invalid, and nothing else of them.",
    }
    return specs + [
        dg.AssetSpec(
            dg.AssetKey([entry.name, name]),
            description=description,
            partitions_def=partitions,
            group_name=entry.name,
            kinds={"yaml"},
            owners=OWNERS,
        )
        for name, description in of_reviews.items()
    ]


def build_release_schedule(entry: SourceEntry, platform: Platform) -> dg.ScheduleDefinition:
    """Return the daily look at what upstream holds; it skips a source that nobody set up."""

    def look(_: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return not_synced(platform, entry) or dg.RunRequest()

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


def build_release_sensor(entry: SourceEntry, platform: Platform) -> dg.SensorDefinition:
    """Return the sensor that notices a release and asks for exactly the sessions and assets that changed."""

    @dg.sensor(
        name=f"{entry.name}_release_sensor",
        asset_selection=dg.AssetSelection.groups(entry.name),
        minimum_interval_seconds=SENSOR_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Asks {entry.title} whether something was released; then asks for runs of the sessions whose upstream "
            "files, rules or reviews changed, heavy sessions first."
        ),
    )
    def release_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return evaluate_release(context.instance, entry, current_platform(platform), context.cursor)

    return release_sensor


def current_platform(platform: Platform) -> Platform:
    """Return the platform with the settings as they are now: run processes read ``sources.yaml`` afresh as well."""
    settings = load_settings(platform.settings.home)
    return platform if settings == platform.settings else Platform(settings)


def evaluate_release(
    instance: dg.DagsterInstance, entry: SourceEntry, platform: Platform, cursor: str | None
) -> dg.SensorResult | dg.SkipReason:
    """Do one tick of the release sensor.

    The cursor holds the last announcement of upstream and the observed versions; losing it repeats observations and
    nothing else, because the run keys depend on the state alone.
    """
    memory = json.loads(cursor) if cursor else {}
    # Before the store is read: a run that publishes and ends in between would else be neither in progress nor stored,
    # and its session would be made a second time.
    running = [*_in_progress(instance, entry.name), *_in_backfills(instance, entry.name)]
    try:
        states = source_states(platform, entry.name)
    except NhError as error:
        return dg.SkipReason(str(error))
    requests: list[dg.RunRequest] = []
    known: str | None = memory.get("signal")
    try:
        announced = platform.source(entry.name).signal()
    except NhError as error:
        words = f"upstream could not be asked ({error}); "
    else:
        words = ""
        if known is None or _is_read(instance, entry.name, announced):
            known = announced
        elif announced != known:
            requests += _release_request(instance, entry.name, announced)
    attempts = [*running, *_in_progress(instance, entry.name), *_ended(instance, entry.name, states)]
    unusable = _unusable(instance, entry.name, states)
    decision = decide(states.sessions, attempts, snapshot=states.snapshot, cap=REQUESTS_PER_TICK, unusable=unusable)
    checks = session_checks(entry, platform)
    for request in decision.requests:
        requests.append(
            dg.RunRequest(
                run_key=f"{entry.name}:{request.run_key}",
                partition_key=request.session_id,
                asset_selection=[dg.AssetKey([entry.name, asset]) for asset in request.assets],
                asset_check_keys=[key for asset in request.assets for key in checks.get(asset, ())],
                tags={SOURCE_TAG: entry.name, TARGET_TAG: request.target, SNAPSHOT_TAG: str(states.snapshot)},
            )
        )
    observed, observations = _observe(entry, states, memory.get("observed", {}))
    context_words = (
        f"{words}{len(decision.requests)} sessions asked for, {len(decision.waiting)} wait, "
        f"{len(decision.in_progress)} in progress, {len(decision.exhausted)} failed, {len(states.gated)} gated, "
        f"{len(decision.unusable)} unusable until upstream changes, "
        f"{len(decision.not_loaded)} not loaded yet (`nh backfill {entry.name}`)"
    )
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else context_words,
        asset_events=observations,
        cursor=json.dumps({"signal": known, "observed": observed}, sort_keys=True),
    )


def _is_read(instance: dg.DagsterInstance, source: str, announced: str) -> bool:
    """Whether the catalogue was read since ``announced`` was announced."""
    tags = {SOURCE_TAG: source, SIGNAL_TAG: announced}
    return bool(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS], tags=tags), limit=1))


def _release_request(instance: dg.DagsterInstance, source: str, announced: str) -> list[dg.RunRequest]:
    """Ask for a look at the catalogue; once more after each failure, at most `RELEASE_ATTEMPTS` times."""
    tags = {SOURCE_TAG: source, SIGNAL_TAG: announced}
    runs = instance.get_runs(dg.RunsFilter(tags=tags))
    if len(runs) >= RELEASE_ATTEMPTS or any(run.status in _IN_PROGRESS for run in runs):
        return []
    return [
        dg.RunRequest(
            run_key=f"{source}:release:{announced}:{len(runs) + 1}",
            asset_selection=[dg.AssetKey([source, MANIFEST_ASSET])],
            asset_check_keys=[],
            tags=tags,
        )
    ]


def _observe(
    entry: SourceEntry, states: SourceStates, before: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, dict[str, str]], list[dg.AssetObservation]]:
    """Return what to remember (short versions) and an observation for every version that is new."""
    remembered: dict[str, dict[str, str]] = {}
    observations = []
    for asset, versions in sorted(states.observed.items()):
        short = {session: version[:12] for session, version in versions.items()}
        for session in changed_versions(before.get(asset, {}), short):
            observations.append(
                dg.AssetObservation(
                    asset_key=dg.AssetKey([entry.name, *asset.split("/")]),
                    partition=session,
                    tags={"dagster/data_version": versions[session]},
                )
            )
        remembered[asset] = short
    return remembered, observations


def _in_progress(instance: dg.DagsterInstance, source: str) -> list[Attempt]:
    """Return the session runs of a source that did not end yet, launched by whomever."""
    attempts = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_IN_PROGRESS)):
        session = run.tags.get(PARTITION_TAG)
        if session and _is_of(run, source):
            attempts.append(Attempt(session, run.tags.get(TARGET_TAG, ""), AttemptState.in_progress))
    return attempts


def _in_backfills(instance: dg.DagsterInstance, source: str) -> list[Attempt]:
    """Return the sessions of backfills that Dagster still works off: it will launch their runs itself."""
    sessions: set[str] = set()
    for backfill in instance.get_backfills(filters=BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])):
        data = backfill.asset_backfill_data
        for key, subset in data.target_subset.partitions_subsets_by_asset_key.items() if data else ():
            sessions |= set(subset.get_partition_keys()) if key.path[0] == source else set()
    return [Attempt(session, "", AttemptState.in_progress) for session in sorted(sessions)]


def _ended(instance: dg.DagsterInstance, source: str, states: SourceStates) -> list[Attempt]:
    """Return the session runs that ended since this snapshot was taken, oldest first."""
    attempts = []
    tags = {SOURCE_TAG: source, SNAPSHOT_TAG: str(states.snapshot)}
    for run in reversed(instance.get_runs(dg.RunsFilter(statuses=list(_ENDED), tags=tags))):
        attempts.append(Attempt(run.tags[PARTITION_TAG], run.tags.get(TARGET_TAG, ""), _ENDED[run.status]))
    return attempts


def _unusable(instance: dg.DagsterInstance, source: str, states: SourceStates) -> set[tuple[str, str]]:
    """Return (session, target) of the runs that failed on upstream's data alone, whenever that was.

    Only runs for a state that is wanted now are read: over the years a source has thousands of others.
    """
    targets = sorted({state.target for state in states.sessions if state.stale and state.is_wanted})
    if not targets:
        return set()
    tags = {SOURCE_TAG: source, UNUSABLE_TAG: "yes", TARGET_TAG: targets}
    runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags=tags))
    return {(r.tags[PARTITION_TAG], r.tags[TARGET_TAG]) for r in runs if TROUBLE_TAG not in r.tags}


def _is_of(run: dg.DagsterRun, source: str) -> bool:
    """Whether a run, launched by whomever, is of a source: by tag, or by the assets that it makes."""
    if run.tags.get(SOURCE_TAG) == source:
        return True
    return any(key.path[0] == source for key in run.asset_selection or ()) or run.job_name == session_job_name(source)


def iter_jobs(entry: SourceEntry, assets: Iterable[str]) -> Iterator[Any]:
    """Yield the jobs of a source: one session with its per-session ``assets``, and the release."""
    yield dg.define_asset_job(
        session_job_name(entry.name),
        selection=dg.AssetSelection.assets(*(dg.AssetKey([entry.name, asset]) for asset in assets)),
        description=f"Every asset and check of one session of {entry.title}.",
    )
    manifest = dg.AssetSelection.assets(dg.AssetKey([entry.name, MANIFEST_ASSET]))
    yield dg.define_asset_job(
        release_job_name(entry.name),
        selection=manifest.without_checks(),
        description=f"Reads what upstream holds of {entry.title}; downloads no session data.",
    )
