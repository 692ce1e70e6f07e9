"""Postgres, Celery on Redis, code server, daemon and page, for real: what they make, and what they survive."""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import psutil
import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.defs.checks import session_checks
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.services.deployment import CODE_SERVER, DAEMON, Deployment, deployment

pytestmark = pytest.mark.service

SOURCE = "ibl"
LOAD_S = 1500.0
"""For all sessions; one takes 10 s of process start and work on two idle cores, 40 to 130 s at a load of 12."""
_RUN_AT_WORK = """
select r.run_id, t.value from runs r join run_tags t on t.run_id = r.run_id and t.key = 'dagster/partition'
where r.status = 'STARTED'
and exists (select 1 from event_logs e where e.run_id = r.run_id and e.dagster_event_type = 'STEP_START')
"""


@dataclass
class Fault:
    """A fault, and what became of the session that was made when it was injected."""

    name: str
    inject: Callable[[Deployment], None]
    session: str = ""
    at: float = 0.0


@dataclass
class Progress:
    """Sessions of a home in the order in which they were found made, with the times [s]."""

    home: Path
    made_at: dict[str, float] = field(default_factory=dict)

    def look(self) -> list[str]:
        """Return the sessions of which every asset is made."""
        platform = Platform(load_settings(self.home))
        for session in platform.manifest(SOURCE).session_ids:
            if all(platform.store.current(SOURCE, session, asset) for asset in session_assets(SOURCE)):
                self.made_at.setdefault(session, time.monotonic())
        return list(self.made_at)


def kill_worker(at: Deployment) -> None:
    """Kill -9 the worker that is busy, with its processes: a machine that goes down."""
    at.servers[busy_worker(at)].kill()


def kill_run(at: Deployment) -> None:
    """Kill -9 the process of a run: out of memory."""
    process = at.servers[busy_worker(at)].process
    assert process is not None
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()


def busy_worker(at: Deployment) -> str:
    """Return the name of a worker whose process of runs works."""

    def of_pool(name: str) -> float:
        process = at.servers[name].process
        assert process is not None
        children = psutil.Process(process.pid).children(recursive=True)
        return sum(sum(child.cpu_times()[:2]) for child in children)

    workers = [name for name in at.servers if re.fullmatch(r"w\d+", name)]
    before = {name: of_pool(name) for name in workers}
    time.sleep(0.5)
    return max(workers, key=lambda name: of_pool(name) - before[name])


def flush_redis(at: Deployment) -> None:
    """Empty Redis: what was queued is gone, and what became of tasks."""
    import redis

    with redis.Redis.from_url(at.environment["NH_REDIS_URL"]) as client:
        client.flushall()


def restart_postgres(at: Deployment) -> None:
    """Let PostgreSQL crash, and start it again."""
    at.postgres.stop("immediate")
    time.sleep(2)
    at.postgres.start()


def kill_daemon(at: Deployment) -> None:
    """Kill -9 the daemon."""
    at.servers[DAEMON].kill()


def kill_code_server(at: Deployment) -> None:
    """Kill -9 the code server."""
    at.servers[CODE_SERVER].kill()


KILLS = (kill_worker, kill_run, kill_worker)
FAULTS = (flush_redis, restart_postgres, kill_daemon, kill_code_server)


def stored(home: Path, sessions: list[str]) -> dict[str, str]:
    """Return the sha256 of every file of some sessions of a home, by its path below the store."""
    store = Platform(load_settings(home)).store.root
    files = (path.relative_to(store) for session in sessions for path in (store / SOURCE / session).rglob("*"))
    whole = [
        path for path in files if (store / path).is_file() and not any(part.startswith(".") for part in path.parts)
    ]
    return {str(path): hashlib.sha256((store / path).read_bytes()).hexdigest() for path in sorted(whole)}


@contextmanager
def instance_of(at: Deployment) -> Iterator[dg.DagsterInstance]:
    """Give Dagster's instance of a deployment, opened as its processes open it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in at.environment.items():
            patch.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            yield instance


@pytest.mark.parametrize(
    ("n_sessions", "rounds"), [(5, 1), pytest.param(20, 7, marks=pytest.mark.soak)], ids=["few", "many"]
)
def test_whatever_fails_every_session_is_made_as_on_one_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_sessions: int, rounds: int
) -> None:
    """Sessions through Celery and Postgres while parts are killed, one of which crashes every process that reads it."""
    home, alone = tmp_path / "home", tmp_path / "alone"
    platform = make_home(home, (SOURCE,), n_sessions=n_sessions + 1)
    crash_at = sorted((home / "upstream").rglob("spikes.times*.npy"))[0]
    progress, hit = Progress(home), set[str]()
    faults = [Fault(one.__name__.replace("_", " "), one) for one in (*KILLS, *FAULTS) * rounds]
    waits = random.Random(7)
    with deployment(home, crash_at=crash_at) as at:
        at.nh("sync", SOURCE)
        said = at.nh("doctor")
        for server in ("PostgreSQL", "Redis", "workers", "daemon", "code server"):
            assert re.search(rf"^ok +{server}: ", said, re.MULTILINE), said
        assert re.search(r"w1@localhost \(1 process\),\s+w2@localhost \(1 process\)", said), said
        assert at.postgres.password not in said
        sessions, parts = platform.manifest(SOURCE).sessions, set(crash_at.parts)
        poisoned = next(row.session_id for row in sessions.itertuples() if {row.subject, str(row.date)} <= parts)
        assert re.search(rf"{n_sessions + 1} sessions queued as backfill \w+", at.nh("backfill", SOURCE))
        for fault in faults:

            def is_at_work(fault: Fault = fault) -> bool:
                progress.look()
                at_work = dict(line.split("|") for line in at.postgres.query(_RUN_AT_WORK).splitlines())
                fresh = {run: one for run, one in at_work.items() if run not in hit and one != poisoned}
                for run, fault.session in fresh.items():
                    hit.add(run)
                    return True
                return len(progress.made_at) == n_sessions

            at.wait_until(f"a run to be hit by '{fault.name}'", is_at_work, LOAD_S)
            if len(progress.made_at) == n_sessions:
                break
            time.sleep(waits.uniform(0, 4))
            fault.at = time.monotonic()
            fault.inject(at)
        at.wait_until("the backfill", lambda: len(progress.look()) == n_sessions, LOAD_S)
        assert poisoned not in progress.made_at

        def is_left_failed() -> bool:
            # Dagster tries three times, twice where its daemon is killed at that moment; the sensor asks again later.
            runs = f"select count(*) from run_tags where key = 'dagster/partition' and value = '{poisoned}'"
            open_runs = "select count(*) from runs where status in ('QUEUED', 'NOT_STARTED', 'STARTING', 'STARTED')"
            return int(at.postgres.query(runs)) >= 2 and at.postgres.query(open_runs) == "0"

        at.wait_until("the end of the session that crashes", is_left_failed, LOAD_S)
        print_table(faults, progress)
        # Nothing is half: every pointer leads somewhere, every hash is that of its file, and the databases agree.
        assert "all as they were published" in at.nh("verify", SOURCE)
        status = next(one for one in json.loads(at.nh("status", "--format", "json")) if one["source"] == SOURCE)
        assert (status["ingested"], status["failed"]) == (n_sessions, 1)
        assert "killed, or crashed" in at.nh("show", SOURCE, poisoned)
        with instance_of(at) as instance:
            assert type(instance.event_log_storage).__name__ == "PartitionCachingPostgresEventLogStorage"
            checks = [key for keys in session_checks(platform.entry(SOURCE), platform).values() for key in keys]
            keyed = instance.event_log_storage.get_asset_check_partition_info(checks)
            evaluated = {(one.check_key, one.partition_key) for one in keyed if one.is_current}
            assert evaluated >= {(key, session) for key in checks for session in progress.made_at}
            left = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED]))
            assert not left
        assert secrets_found(at) == []
        at.postgres.stop("immediate")
        said = at.nh("status", status=1)
        assert "Connection refused" in said
        assert "Start its database" in said
        assert "Traceback" not in said
        at.postgres.start()
    monkeypatch.setenv("DAGSTER_HOME", "")
    alone_at = make_home(alone, (SOURCE,), n_sessions=n_sessions + 1)
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(alone_at, instance, SOURCE, list(progress.made_at))
    assert len(commits(home) | commits(alone)) == 1, (
        "a commit was made meanwhile, which provenance states: run it again"
    )
    assert stored(home, list(progress.made_at)) == stored(alone, list(progress.made_at))


def commits(home: Path) -> set[str | None]:
    """Return the commits of the platform that the records of a home state."""
    records = (home / "store" / SOURCE).rglob("provenance.json")
    return {json.loads(path.read_bytes())["git_commit"] for path in records}


def secrets_found(at: Deployment) -> list[str]:
    """Return where the passwords of the database and of Redis stand in clear: files, events, runs, queued tasks."""
    import redis

    urls = (at.environment["NH_POSTGRES_URL"], at.environment["NH_REDIS_URL"])
    words = [url.rpartition("@")[0].rpartition(":")[2] for url in urls]
    files = (path for folder in (at.folder, at.home) for path in folder.rglob("*") if path.is_file())
    found = [str(path) for path in files if any(word.encode() in path.read_bytes() for word in words)]
    for word in words:
        for table, column in (("event_logs", "event"), ("runs", "run_body"), ("run_tags", "value")):
            if at.postgres.query(f"select count(*) from {table} where {column} like '%{word}%'") != "0":
                found.append(table)
    with redis.Redis.from_url(at.environment["NH_REDIS_URL"]) as client:
        kept = (client.get(key) for key in client.keys("celery-task-meta-*"))
        found += ["redis" for value in kept if value and any(word.encode() in value for word in words)]
    return found


def print_table(faults: list[Fault], progress: Progress) -> None:
    """Print what was injected, and how long after it the session that it hit was made."""
    print(f"\n{'injected':<18} {'survived':<9} {'session made after':>18}")
    for fault in faults:
        if fault.at:
            after = f"{progress.made_at[fault.session] - fault.at:.0f} s"
            print(f"{fault.name:<18} {'yes':<9} {after:>18}")
    print(f"{sum(1 for one in faults if one.at)} injected, 0 sessions lost")
