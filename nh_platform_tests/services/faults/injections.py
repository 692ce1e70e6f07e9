"""Faults that happen to parts of a deployment: each is a function that lets it happen.

Add here a fault that hits servers or the bucket while sessions are made. When they happen, `rehearsal` says.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import psutil

from nh_platform_tests.loopback.serving import Reply
from nh_platform_tests.services.deployment import CODE_SERVER, DAEMON, Deployment
from nh_platform_tests.services.faults.machines import Machines

AIM_S = 300.0
"""How long is waited for the moment that a kill is aimed at."""
_TROUBLE_S = 4.0
"""How long the bucket answers with each kind of trouble, at least."""


_TASK = re.compile(
    r"Task execute_job\[(?P<task>[0-9a-f-]{36})\] received|Task \S+ succeeded|raised error|exited with| ready\."
)
"""Lines of a worker's log by which a task begins or ends."""
_RUN_OF_TASK = """
select r.run_id, p.value, string_agg(distinct e.step_key, ', ')
from run_tags t join runs r on r.run_id = t.run_id and r.status = 'STARTED'
join run_tags p on p.run_id = r.run_id and p.key = 'dagster/partition'
join event_logs e on e.run_id = r.run_id and e.dagster_event_type = 'STEP_START'
where t.key = 'dagster-celery/task_id' and t.value = '{task}' and not exists (select 1 from event_logs d
where d.run_id = e.run_id and d.step_key = e.step_key and d.dagster_event_type in ('STEP_SUCCESS', 'STEP_FAILURE'))
group by 1, 2
"""


class NotPossible(Exception):
    """A fault cannot be injected on this machine; the text says why."""


class AtWork(NamedTuple):
    """What a worker makes: the run, its session, and the assets that have begun and not ended."""

    worker: str
    run: str
    session: str
    assets: str


@dataclass
class Site:
    """What can be hit: the servers of a deployment, and the ways to its bucket.

    Attributes
    ----------
    spared
        Sessions that aimed kills leave alone.
    """

    at: Deployment
    machines: Machines
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    spared: set[str] = field(default_factory=set)

    def kill_runs(self, worker: str) -> None:
        """Kill -9 the processes of a worker's runs."""
        process = self.at.servers[worker].process
        assert process is not None
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()

    def keep_running(self) -> None:
        """Start again what ended, as systemd does."""
        for server in self.at.servers.values():
            server.keep_running()

    def workers(self) -> list[str]:
        """Return the names of the workers."""
        return [name for name in self.at.servers if re.fullmatch(r"w\d+", name)]

    def at_work(self, worker: str) -> AtWork | None:
        """Return what a worker makes, None where it makes nothing yet."""
        task = None
        log = self.at.servers[worker].log.read_text(encoding="utf-8", errors="replace")
        for line in _TASK.finditer(log):
            task = line["task"]  # of an end it is none
        if task is None:
            return None
        found = self.at.postgres.query(_RUN_OF_TASK.format(task=task))
        return AtWork(worker, *found.split("|")) if found else None


Injection = Callable[[Site, AtWork], AtWork | None]
"""Lets a fault happen while something is being made, and returns what it hit where that is another thing."""


def kill_worker(site: Site, hit: AtWork) -> None:
    """Kill -9 a worker with its processes: a machine that goes down."""
    site.at.servers[hit.worker].kill()


def kill_run(site: Site, hit: AtWork) -> None:
    """Kill -9 the process of a run: out of memory."""
    site.kill_runs(hit.worker)


def kill_at(request: str, *, after_s: float = 0.0) -> Injection:
    """Return the kill -9 of the process that asks the bucket for something, before or after it is done there.

    Parameters
    ----------
    request
        Pattern of ``METHOD path``, the path from the session's folder on.
    after_s
        Up to which time after that request the process is killed [s]; the request itself is done then.
    """

    def inject(site: Site, seen: AtWork) -> AtWork:
        hit: list[AtWork] = []
        done = threading.Event()

        def aimed(worker: str) -> Callable[[re.Match[str]], bool]:
            def happens(found: re.Match[str]) -> bool:
                if hit or found["session"] in site.spared:
                    return bool(hit)
                hit.append(AtWork(worker, "", found["session"], found["asset"]))
                if after_s:  # by then it makes the next
                    threading.Timer(site.chance.uniform(0, after_s), lambda: _kill_later(worker)).start()
                    return True
                _kill(worker)
                if site.chance.random() < 0.5:
                    raise Reply(503, b"", "application/xml")  # it did not come as far as the bucket
                return True

            return happens

        def _kill(worker: str) -> None:
            site.kill_runs(worker)
            done.set()

        def _kill_later(worker: str) -> None:
            now = site.at_work(worker)
            site.kill_runs(worker)
            if now is not None:
                hit[0] = now
            done.set()

        verb, _, path = request.partition(" ")
        asset, _, rest = path.partition("/")
        for worker in site.workers():
            site.machines.ways[worker].when_asked(
                rf"^{verb} .*/(?P<session>[^/]+)/(?P<asset>{asset})/{rest}", aimed(worker)
            )
        until = time.monotonic() + AIM_S
        while not done.wait(1) and time.monotonic() < until:
            site.keep_running()
        for worker in site.workers():
            site.machines.ways[worker].forget_asked()
        if not hit:
            raise NotPossible(f"no run asked for {request!r} within {AIM_S:.0f} s")
        return hit[0]

    return inject


def bucket_in_trouble(site: Site, hit: AtWork) -> None:
    """Let the bucket answer 500, then 503, then slowly, for all machines; each until a run met it."""
    for kind, details in (("status", {"status": 500}), ("status", {"status": 503}), ("hang", {"seconds": 2.0})):
        faults = {name: way.faults.add(".", kind, **details) for name, way in site.machines.ways.items()}
        began = time.monotonic()
        while time.monotonic() < began + _TROUBLE_S or not any(faults[one].hits for one in site.workers()):
            assert time.monotonic() < began + AIM_S, "no run asks the bucket"
            site.keep_running()
            time.sleep(0.5)
        for way in site.machines.ways.values():
            way.faults.clear()


def flush_redis(site: Site, hit: AtWork) -> None:
    """Empty Redis: what was queued is gone, and what became of tasks."""
    import redis

    with redis.Redis.from_url(site.at.environment["NH_REDIS_URL"]) as client:
        client.flushall()


def restart_postgres(site: Site, hit: AtWork) -> None:
    """Let PostgreSQL crash, and start it again."""
    site.at.postgres.stop("immediate")
    time.sleep(2)
    site.at.postgres.start()


def kill_daemon(site: Site, hit: AtWork) -> None:
    """Kill -9 the daemon."""
    site.at.servers[DAEMON].kill()


def kill_code_server(site: Site, hit: AtWork) -> None:
    """Kill -9 the code server."""
    site.at.servers[CODE_SERVER].kill()
