"""The release sensor: it notices a release and asks for exactly the sessions and assets that changed.

Add here what a tick must look at. What is decided stands in `nh_platform.planning.run_requests`, what is true in
`session_states`, how runs ended in `attempts`; here is the shell around them. Whatever is wrong, a tick ends with one
line that says so: a tick that fails is retried for ever, and nobody reads its traceback.
"""

import os
import time
from collections.abc import Mapping, Sequence

import dagster as dg

from nh_platform.defs.automation.attempts import in_backfills, n_made_since, queued_or_running, session_decision
from nh_platform.defs.automation.jobs import (
    Job,
    inventory_job_name,
    session_job_name,
)
from nh_platform.defs.automation.loaded_rules import (
    LoadedRules,
)
from nh_platform.defs.automation.observations import observe
from nh_platform.defs.automation.rule_changes import follow_the_rules
from nh_platform.defs.automation.ticks import Memory, Tick, one_line, tick_words
from nh_platform.defs.automation.unchecked import Checks, with_checks
from nh_platform.defs.automation.upstream_looks import look_for_a_release
from nh_platform.defs.partitions import register_again
from nh_platform.defs.queue.run_coordinator import size_tags
from nh_platform.defs.run_tags import (
    BACKFILL_TAG,
    REASON_TAG,
    SNAPSHOT_TAG,
    SOURCE_TAG,
    TARGET_TAG,
)
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.run_requests import SessionRequest
from nh_platform.planning.session_states import SourceStates, source_states
from nh_platform.planning.source_standing import stale_catalogs
from nh_platform.planning.versions import SourcePlan
from nh_platform.session import NhError
from nh_platform.sources.entry import SourceEntry

SENSOR_INTERVAL_S = int(os.environ.get("NH_SENSOR_INTERVAL_S") or 120)
"""Seconds between two looks of the release sensor; a look costs four small requests."""
LEAST_QUEUED = 20
"""Sessions that the sensor has in the queue or running at least, if so many lack something."""
QUEUED_LOOKS = 2
"""For how many looks what it has queued lasts, by what was made since the last one: small sessions are made by the
hundred between two looks, and more in the queue would only make a release that follows wait behind it."""
CODE_LOCATION = "nh_platform"

ASKED = "stale, asked for by the sensor"
ASKED_FOR_CHECKS = "checks not current, asked for by the sensor"
ASKED_BY_A_PERSON = "nh backfill"
SESSIONS_WERE_MADE = "sessions were made or withdrawn"


def release_sensor_name(source: str) -> str:
    """Return the name of the sensor of a source."""
    return f"{source}_release_sensor"


def build_release_sensor(entry: SourceEntry, platform: Platform, jobs: Sequence[Job]) -> dg.SensorDefinition:
    """Return the sensor of a source; its runs go through ``jobs``."""
    loaded = LoadedRules.of(entry, platform)

    @dg.sensor(
        name=release_sensor_name(entry.name),
        jobs=jobs,
        minimum_interval_seconds=SENSOR_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Asks {entry.title} whether something was released; then asks for runs of the sessions whose upstream "
            "files, rules or reviews changed, heavy sessions first."
        ),
    )
    def release_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            now = current_platform(platform)
        except NhError as error:
            return dg.SkipReason(one_line(f"nothing is asked for until the settings are corrected: {error}"))
        origin = context.code_location_origin
        location = CODE_LOCATION if origin is None else origin.location_name
        return evaluate_release(context.instance, entry, now, context.cursor, loaded=loaded, location=location)

    return release_sensor


def current_platform(platform: Platform) -> Platform:
    """Return the platform with the settings as they are now: run processes read ``sources.yaml`` afresh as well."""
    settings = load_settings(platform.settings.home)
    return platform if settings == platform.settings else Platform(settings)


def evaluate_release(
    instance: dg.DagsterInstance,
    entry: SourceEntry,
    platform: Platform,
    cursor: str | None,
    *,
    loaded: LoadedRules | None = None,
    location: str = CODE_LOCATION,
) -> dg.SensorResult | dg.SkipReason:
    """Do one tick of the release sensor.

    Parameters
    ----------
    instance, entry, platform
        Where runs are, the source, and the platform with the settings as they are now.
    cursor
        What the tick before remembered.
    loaded
        What the definitions were loaded with; as the settings are now where None.
    location
        Name of the code location that is loaded again where rules or presets changed.
    """
    memory, tick = Memory.read(cursor), Tick()
    # Before the store is read: a run that publishes and ends in between would else be neither in progress nor stored,
    # and its session would be made a second time.
    queued = queued_or_running(instance, entry.name)
    running = [*queued, *in_backfills(instance, entry.name)]
    try:
        now = LoadedRules.of(entry, platform)
        states = source_states(platform, entry.name)
    except NhError as error:
        return dg.SkipReason(one_line(str(error)))
    look_for_a_release(instance, entry, platform, memory, tick)
    is_idle = follow_the_rules(platform, loaded or now, now, location, memory, tick)
    checks = (loaded or now).stated_in(now)
    states = with_checks(instance, platform, entry.name, states, checks)
    cap = 0 if is_idle else n_to_ask_for(instance, entry.name, len({one.session_id for one in queued}))
    decision = session_decision(instance, platform.store, entry.name, states, running=running, cap=cap)
    register_again(instance, entry.name, [state.session_id for state in states.sessions])
    if decision.requests:
        spike_bytes = platform.manifest(entry.name).spike_bytes()
        made = SourcePlan(platform, entry.name).assets
    for request in decision.requests:
        assets = [made[name] for name in request.assets if name in made]
        size = size_tags(assets, float(spike_bytes.get(request.session_id, 0.0)))
        tick.requests.append(_session_request(entry, request, states, checks, size))
    if not (is_idle or tick.requests or running or decision.in_progress or decision.waiting):
        _look_at_the_catalogs(instance, entry, platform, states, loaded or now, memory, tick)
    memory.observed, observations = observe(platform, entry, states, memory.observed)
    words = one_line("; ".join([*tick.words, *tick_words(entry.name, states, decision)]))
    return dg.SensorResult(
        run_requests=tick.requests,
        skip_reason=None if tick.requests else words,
        asset_events=observations,
        cursor=memory.cursor(),
    )


def n_to_ask_for(instance: dg.DagsterInstance, source: str, n_running: int) -> int:
    """Return how many sessions to ask for, so that those who make them have work until the look after the next."""
    made = n_made_since(instance, source, time.time() - SENSOR_INTERVAL_S)
    return max(0, max(LEAST_QUEUED, QUEUED_LOOKS * made) - n_running)


def _session_request(
    entry: SourceEntry,
    request: SessionRequest,
    states: SourceStates,
    checks: Checks,
    size: Mapping[str, str],
) -> dg.RunRequest:
    """Return the request for a session, of assets that have ``checks``, with the tags of its ``size``."""
    assets = [asset for asset in request.assets if asset in checks]  # the loaded definitions may lack others
    checked = [*assets, *(asset for asset in request.checked if asset in checks)]
    backfill = {BACKFILL_TAG: request.backfill} if request.backfill else {}
    return dg.RunRequest(
        run_key=f"{entry.name}:{request.run_key}",
        job_name=session_job_name(entry.name),
        partition_key=request.session_id,
        asset_selection=[dg.AssetKey([entry.name, asset]) for asset in assets],
        asset_check_keys=[key for asset in checked for key in checks[asset]],
        tags={
            SOURCE_TAG: entry.name,
            TARGET_TAG: request.target,
            SNAPSHOT_TAG: str(states.snapshot),
            REASON_TAG: ASKED_BY_A_PERSON if backfill else ASKED if assets else ASKED_FOR_CHECKS,
            **size,
            **backfill,
        },
    )


def _look_at_the_catalogs(
    instance: dg.DagsterInstance,
    entry: SourceEntry,
    platform: Platform,
    states: SourceStates,
    loaded: LoadedRules,
    memory: Memory,
    tick: Tick,
) -> None:
    """Ask for the catalogs once nothing runs any more: a backfill with one failed session leaves out what joins all.

    Looked at where a standing is another than at the last look: to read what each was made of took 4 of 6 s of
    a tick of 459 sessions.
    """
    standing = states.digest()
    if memory.catalogs == standing or not platform.store.sessions(entry.name):
        return
    try:
        names, digest = stale_catalogs(platform, entry.name)
    except NhError:
        return  # a session went meanwhile; the next tick sees it whole
    memory.catalogs = standing
    key = f"{entry.name}:catalogs:{digest}"
    names = tuple(name for name in names if name in loaded.source_assets)
    if names and not instance.get_runs(_of_key(key), limit=1):
        tick.requests.append(
            dg.RunRequest(
                run_key=key,
                job_name=inventory_job_name(entry.name),
                asset_selection=[dg.AssetKey([entry.name, name]) for name in names],
                asset_check_keys=[],
                tags={SOURCE_TAG: entry.name, REASON_TAG: SESSIONS_WERE_MADE},
            )
        )


def _of_key(key: str) -> dg.RunsFilter:
    return dg.RunsFilter(tags={"dagster/run_key": key})
