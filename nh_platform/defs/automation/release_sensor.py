"""The release sensor: it notices a release and asks for exactly the sessions and assets that changed.

Add here what a tick must look at. What is decided stands in `nh_platform.planning.run_requests`, what is true in
`session_states`, how runs ended in `attempts`; here is the shell around them. Whatever is wrong, a tick ends with one
line that says so: a tick that fails is retried for ever, and nobody reads its traceback.
"""

import datetime as dt
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from nh_platform.assets.release_manifest import NAME as MANIFEST_ASSET
from nh_platform.defs.automation.attempts import in_progress, is_running, session_decision
from nh_platform.defs.automation.jobs import (
    UPSTREAM_ANSWERS,
    Job,
    inventory_job_name,
    release_job_name,
    session_job_name,
)
from nh_platform.defs.automation.loaded_rules import (
    LoadedRules,
    refuse_what_cannot_be_loaded,
    reload_code_location,
)
from nh_platform.defs.automation.observations import observe
from nh_platform.defs.partitions import register_again
from nh_platform.defs.run_tags import (
    BACKFILL_TAG,
    DOWN_SINCE_TAG,
    REASON_TAG,
    SIGNAL_TAG,
    SNAPSHOT_TAG,
    SOURCE_TAG,
    TARGET_TAG,
)
from nh_platform.home.alerts import load_alerts
from nh_platform.home.platform import Platform
from nh_platform.home.running_ui import read_running_ui
from nh_platform.home.settings import load_settings
from nh_platform.planning.run_requests import Decision, SessionRequest, open_backfills
from nh_platform.planning.session_states import SourceStates, source_states
from nh_platform.planning.source_standing import stale_catalogs
from nh_platform.session import NhError
from nh_platform.sources.entry import SourceEntry

SENSOR_INTERVAL_S = int(os.environ.get("NH_SENSOR_INTERVAL_S") or 120)
"""Seconds between two looks of the release sensor; a look costs four small requests."""
REQUESTS_PER_TICK = 20
"""Two runs go at a time; more in the queue would only make a release that follows wait behind them."""
RELEASE_ATTEMPTS = 3
"""Looks at the catalogue for one announcement; after that the daily one is waited for."""
CODE_LOCATION = "nh_platform"
_LINE_LENGTH = 600
_RELOADS = 3
"""How often a page that does not answer in time is asked to load the definitions again."""
_NAMED = 3
"""Sessions that a tick names of each kind."""

ASKED = "stale, asked for by the sensor"
ASKED_BY_A_PERSON = "nh backfill"
SESSIONS_WERE_MADE = "sessions were made or withdrawn"
ANNOUNCED = "upstream announced a release"


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
            return dg.SkipReason(_one_line(f"nothing is asked for until the settings are corrected: {error}"))
        origin = context.code_location_origin
        location = CODE_LOCATION if origin is None else origin.location_name
        return evaluate_release(context.instance, entry, now, context.cursor, loaded=loaded, location=location)

    return release_sensor


def current_platform(platform: Platform) -> Platform:
    """Return the platform with the settings as they are now: run processes read ``sources.yaml`` afresh as well."""
    settings = load_settings(platform.settings.home)
    return platform if settings == platform.settings else Platform(settings)


@dataclass
class _Memory:
    """Memory of a sensor from tick to tick; losing it repeats observations and nothing else.

    Parameters
    ----------
    signal
        The last announcement of upstream that was read.
    observed
        Digest of the versions that were reported last.
    reload
        Digest of the rules for which the definitions were loaded again last; empty once requests were made with them.
    down_since, down_said
        Since when upstream has not answered, and for which outage the check was asked to say so; empty where none.
    catalogs
        Digest of the sessions' standing when the catalogs were looked at last.
    """

    signal: str | None = None
    observed: str = ""
    reload: str = ""
    down_since: str = ""
    down_said: str = ""
    catalogs: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> "_Memory":
        try:
            stated = json.loads(cursor) if cursor else {}
            known = {name: stated[name] for name in cls.__dataclass_fields__ if isinstance(stated.get(name), str)}
        except (ValueError, AttributeError):
            known = {}
        return cls(**known)

    def cursor(self) -> str:
        return json.dumps(self.__dict__, sort_keys=True)


@dataclass
class _Tick:
    """What a tick comes to: requests, and the words in which it says so."""

    requests: list[dg.RunRequest] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


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
    memory, tick = _Memory.read(cursor), _Tick()
    # Before the store is read: a run that publishes and ends in between would else be neither in progress nor stored,
    # and its session would be made a second time.
    running = in_progress(instance, entry.name)
    try:
        now = LoadedRules.of(entry, platform)
        states = source_states(platform, entry.name)
    except NhError as error:
        return dg.SkipReason(_one_line(str(error)))
    _look_for_a_release(instance, entry, platform, memory, tick)
    is_idle = _follow_the_rules(platform, loaded or now, now, location, memory, tick)
    decision = session_decision(
        instance, platform.store, entry.name, states, running=running, cap=0 if is_idle else REQUESTS_PER_TICK
    )
    register_again(instance, entry.name, [state.session_id for state in states.sessions])
    for request in decision.requests:
        tick.requests.append(_session_request(entry, request, states, loaded or now, now))
    if not (is_idle or tick.requests or running or decision.in_progress or decision.waiting):
        _look_at_the_catalogs(instance, entry, platform, states, loaded or now, memory, tick)
    memory.observed, observations = observe(platform.settings.dagster_home, entry, states, memory.observed)
    words = _one_line("; ".join([*tick.words, *tick_words(entry.name, states, decision)]))
    return dg.SensorResult(
        run_requests=tick.requests,
        skip_reason=None if tick.requests else words,
        asset_events=observations,
        cursor=memory.cursor(),
    )


def _look_for_a_release(
    instance: dg.DagsterInstance, entry: SourceEntry, platform: Platform, memory: _Memory, tick: _Tick
) -> None:
    """Ask upstream whether something was released, and for a look at the catalogue where it was."""
    try:
        announced = platform.source(entry.name).signal()
    except NhError as error:
        memory.down_since = memory.down_since or dt.datetime.now(dt.UTC).isoformat(timespec="minutes")
        tick.words.append(f"upstream could not be asked since {memory.down_since} ({error})")
        if memory.down_said != memory.down_since and _is_down_for_long(platform, memory.down_since, tick):
            memory.down_said = memory.down_since
            tick.requests.append(_look_whether_upstream_answers(entry, memory.down_since, "upstream is down"))
        return
    if memory.down_said:
        tick.requests.append(
            _look_whether_upstream_answers(entry, f"{memory.down_said}, over", "upstream answers again")
        )
    memory.down_since = memory.down_said = ""
    if memory.signal is None or _is_read(instance, entry.name, announced):
        memory.signal = announced
    elif announced != memory.signal:
        tick.requests += _release_request(instance, entry.name, announced)


def _is_down_for_long(platform: Platform, since: str, tick: _Tick) -> bool:
    """Whether upstream has not answered for longer than the home's alerts allow."""
    try:
        allowed = dt.timedelta(hours=load_alerts(platform.settings.home).upstream_down_after_h)
    except NhError as error:
        tick.words.append(str(error))
        return False
    return dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(since) > allowed


def _look_whether_upstream_answers(entry: SourceEntry, since: str, reason: str) -> dg.RunRequest:
    """Ask for the check that says whether upstream answers: a sensor cannot evaluate it itself more than once."""
    return dg.RunRequest(
        run_key=f"{entry.name}:upstream:{since}",
        job_name=inventory_job_name(entry.name),
        asset_selection=[],
        asset_check_keys=[dg.AssetCheckKey(dg.AssetKey([entry.name, MANIFEST_ASSET]), UPSTREAM_ANSWERS)],
        tags={SOURCE_TAG: entry.name, DOWN_SINCE_TAG: since, REASON_TAG: reason},
    )


def _follow_the_rules(
    platform: Platform, loaded: LoadedRules, now: LoadedRules, location: str, memory: _Memory, tick: _Tick
) -> bool:
    """Have the definitions loaded again where rules or presets changed; return whether no session is asked for."""
    if loaded.digest == now.digest:
        was_reloaded, memory.reload = memory.reload.startswith(now.digest), ""
        if was_reloaded:
            tick.words.append(
                f"rules and presets are loaded, rulebook {now.rulebook}; sessions follow with the next tick"
            )
        return was_reloaded
    changed = f"rules or presets changed, rulebook {loaded.rulebook} → {now.rulebook}"
    running = read_running_ui(platform.settings.home)
    problem = "no `nh ui` serves this home" if running is None else ""
    if running is not None and memory.reload == now.digest:
        problem = f"{running.address} loaded the definitions again and they are the old ones"
    elif running is not None:
        try:
            refuse_what_cannot_be_loaded(platform)
        except NhError as error:
            problem = f"not loaded again, because then nothing could be: {error}"
        else:
            problem, is_idle = _load_again(running.address, location, now, memory)
            if is_idle:
                tick.words.append(f"{changed}; {problem}")
                return True
    lacking = loaded.lacking(now)
    rest = f"; until then the page lacks {', '.join(lacking)}" if lacking else ""
    tick.words.append(f"{changed}; {problem}: reload {location} under Deployment in the page{rest}")
    return False


def _load_again(address: str, location: str, now: LoadedRules, memory: _Memory) -> tuple[str, bool]:
    """Have a page load the definitions again; return in words what came of it, and whether no session is asked for.

    A page that does not answer in time may be loading them still: sessions that are asked for with the old ones would
    be made without the new checks, and keep lacking them. It is asked again, `_RELOADS` times at most.
    """
    try:
        problem = reload_code_location(address, location)
    except TimeoutError:
        late = f"{now.digest} late "
        n_late = memory.reload.count("+") if memory.reload.startswith(late) else 0
        memory.reload = late + "+" * (n_late + 1)
        words = f"{address} did not answer in time while it loads the definitions again"
        return (words, False) if n_late + 1 >= _RELOADS else (f"{words}; the next tick looks again", True)
    if problem:
        return problem, False
    memory.reload = now.digest
    return "the definitions are loaded again, sessions follow in two ticks", True


def _session_request(
    entry: SourceEntry, request: SessionRequest, states: SourceStates, loaded: LoadedRules, now: LoadedRules
) -> dg.RunRequest:
    """Return the request for a session, of what the loaded definitions have."""
    assets = [asset for asset in request.assets if asset in loaded.checks]
    backfill = {BACKFILL_TAG: request.backfill} if request.backfill else {}
    return dg.RunRequest(
        run_key=f"{entry.name}:{request.run_key}",
        job_name=session_job_name(entry.name),
        partition_key=request.session_id,
        asset_selection=[dg.AssetKey([entry.name, asset]) for asset in assets],
        asset_check_keys=loaded.checks_of(assets, now),
        tags={
            SOURCE_TAG: entry.name,
            TARGET_TAG: request.target,
            SNAPSHOT_TAG: str(states.snapshot),
            REASON_TAG: ASKED_BY_A_PERSON if backfill else ASKED,
            **backfill,
        },
    )


def _look_at_the_catalogs(
    instance: dg.DagsterInstance,
    entry: SourceEntry,
    platform: Platform,
    states: SourceStates,
    loaded: LoadedRules,
    memory: _Memory,
    tick: _Tick,
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


def tick_words(source: str, states: SourceStates, decision: Decision) -> list[str]:
    """Return the state of all sessions in words, as a tick says it."""
    words = [
        f"{len(decision.requests)} sessions asked for",
        f"{len(decision.waiting)} wait",
        f"{len(decision.in_progress)} in progress",
        f"{len(decision.failed)} failed{_of_each_kind(decision)}",
        f"{len(states.gated)} gated",
        f"{len(decision.not_loaded)} not loaded yet (`nh backfill {source}`)",
    ]
    words += [
        f"{number} of backfill {backfill} to go"
        for backfill, number in open_backfills(states.asked, decision.left).items()
    ]
    if states.held:
        words.append(states.held.text())
    mistakes = [words for _, words in sorted(states.mistakes.items())]
    if mistakes:
        more = f" and {len(mistakes) - _NAMED} more" if len(mistakes) > _NAMED else ""
        words.append(f"{len(mistakes)} review files with a mistake: {'; '.join(mistakes[:_NAMED])}{more}")
    if states.unreadable:
        words.append(f"{len(states.unreadable)} cannot be read: {next(iter(states.unreadable.values()))}")
    return [", ".join(words)]


def _of_each_kind(decision: Decision) -> str:
    kinds: dict[str, int] = {}
    for kind in decision.failed.values():
        kinds[kind] = kinds.get(kind, 0) + 1
    return f" ({', '.join(f'{number} {kind}' for kind, number in sorted(kinds.items()))})" if kinds else ""


def _one_line(text: str) -> str:
    """Return a text as one line that a list of ticks can show."""
    line = " ".join(text.split())
    return line if len(line) <= _LINE_LENGTH else f"{line[: _LINE_LENGTH - 1]}…"


def _is_read(instance: dg.DagsterInstance, source: str, announced: str) -> bool:
    """Whether the catalogue was read since ``announced`` was announced."""
    tags: dict[str, Any] = {SOURCE_TAG: source, SIGNAL_TAG: announced}
    return bool(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS], tags=tags), limit=1))


def _release_request(instance: dg.DagsterInstance, source: str, announced: str) -> list[dg.RunRequest]:
    """Ask for a look at the catalogue; once more after each failure, at most `RELEASE_ATTEMPTS` times."""
    tags = {SOURCE_TAG: source, SIGNAL_TAG: announced}
    runs = instance.get_runs(dg.RunsFilter(tags=tags))
    if len(runs) >= RELEASE_ATTEMPTS or any(map(is_running, runs)):
        return []
    return [
        dg.RunRequest(
            run_key=f"{source}:release:{announced}:{len(runs) + 1}",
            job_name=release_job_name(source),
            asset_selection=[dg.AssetKey([source, MANIFEST_ASSET])],
            asset_check_keys=[],
            tags={**tags, REASON_TAG: ANNOUNCED},
        )
    ]
