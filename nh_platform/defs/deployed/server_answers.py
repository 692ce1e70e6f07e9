"""What the servers of a deployment answer: Postgres, Redis, workers, daemon and code server.

Contains the questions and what to do where there is no answer, for `nh doctor`. Add a server here when runs need it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import dagster as dg
import redis
import sqlalchemy as sa
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from nh_platform.defs.deployed.celery_launcher import WorkerAskingCeleryRunLauncher
from nh_platform.defs.deployed.celery_settings import REDIS_VARIABLE
from nh_platform.defs.partitions import SESSIONS_POOL
from nh_platform.defs.run_tags import MEMORY_TAG
from nh_platform.planning.peak_memory import LARGE_GB
from nh_platform.session import ConfigError
from nh_platform.session.display import counted

WORKER_COMMAND = "celery -A nh_platform.defs.deployed.celery_worker worker --concurrency 2"
DAEMON_COMMAND = "dagster-daemon run -w $DAGSTER_HOME/workspace.yaml"
CODE_VARIABLES = ("NH_CODE_HOST", "NH_CODE_PORT")
_ANSWER_S = 5
_HEARTBEAT_S = 120.0
"""A daemon writes that it lives every 30 s."""


_MEANWHILE = "runs that would begin fail meanwhile, and are asked for again 5 min later"
"""What becomes of work: Dagster marks a run as failed that cannot be launched."""


@dataclass(frozen=True)
class ServerAnswer:
    """What one server answers; ``ok`` is None where nothing depends on it."""

    server: str
    ok: bool | None
    text: str


def server_answers(instance: dg.DagsterInstance) -> Iterator[ServerAnswer]:
    """Ask each server of a deployment whether it does its part; one that does not answer stops no other question.

    Parameters
    ----------
    instance
        Dagster's instance, which means that Postgres answered once.
    """
    yield _postgres(instance)
    try:
        launcher = instance.run_launcher
    except ConfigError as error:
        launcher = None
        yield ServerAnswer("Redis", False, f"{error.found}. {error.action}")
    if isinstance(launcher, WorkerAskingCeleryRunLauncher):
        answered = _redis(launcher)
        yield answered
        if answered.ok:
            yield from _workers(instance, launcher)
    daemon = _daemon(instance)
    # Who reads a history and launches nothing needs none.
    yield daemon if isinstance(launcher, WorkerAskingCeleryRunLauncher) or daemon.ok else replace(daemon, ok=None)
    yield _code_server()


def _postgres(instance: dg.DagsterInstance) -> ServerAnswer:
    storage = instance.event_log_storage
    began = time.perf_counter()
    with storage.index_connection() as connection:  # type: ignore[attr-defined]
        (version,) = connection.execute(sa.text("show server_version")).one()
    took_ms = (time.perf_counter() - began) * 1e3
    return ServerAnswer("PostgreSQL", True, f"{version} answers in {took_ms:.0f} ms")


def _redis(launcher: WorkerAskingCeleryRunLauncher) -> ServerAnswer:
    try:
        with redis.Redis.from_url(
            launcher.broker, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S
        ) as client:
            version = client.info("server")["redis_version"]
            waiting = client.llen(launcher.default_queue)
    except redis.AuthenticationError as error:
        said = str(error).rstrip(".")
        return ServerAnswer("Redis", False, f"{said}. Correct user or password in {REDIS_VARIABLE}; {_MEANWHILE}")
    except redis.RedisError as error:
        said = str(error).rstrip(".")
        return ServerAnswer("Redis", False, f"{said}. Start it, or correct {REDIS_VARIABLE}; {_MEANWHILE}")
    except ValueError:  # its text has what stands where a port should, and that may be the password
        return ServerAnswer("Redis", False, f"{REDIS_VARIABLE} is no address; redis://:PASSWORD@HOST:6379/0 is one")
    return ServerAnswer("Redis", True, f"{version}, {counted(int(waiting), 'run')} in the queue")


def _workers(instance: dg.DagsterInstance, launcher: WorkerAskingCeleryRunLauncher) -> Iterator[ServerAnswer]:
    found = launcher.celery.control.inspect(timeout=_ANSWER_S).stats() or {}
    if not found:
        yield ServerAnswer("workers", False, f"none answers; start one: {WORKER_COMMAND}")
        return
    processes = {name: int(one["pool"]["max-concurrency"]) for name, one in found.items()}
    each = ", ".join(f"{name} ({counted(number, 'process')})" for name, number in sorted(processes.items()))
    yield ServerAnswer("workers", True, each)
    yield from _large_sessions(instance, len({name.rpartition("@")[2] for name in found}))
    limit = instance.event_log_storage.get_concurrency_info(SESSIONS_POOL).slot_count
    limit = limit or instance.global_op_concurrency_default_limit or 0
    total = sum(processes.values())
    text = f"{counted(limit, 'session')} at a time, and workers have {counted(total, 'process')}"
    if limit == total:
        yield ServerAnswer(f"pool {SESSIONS_POOL}", None, text)
    else:
        change = f"dagster instance concurrency set {SESSIONS_POOL} {total}"
        why = "the rest wait for work" if limit < total else "what is launched and not begun in 5 minutes is given up"
        yield ServerAnswer(f"pool {SESSIONS_POOL}", None, f"{text}: {why}; {change}")


def _large_sessions(instance: dg.DagsterInstance, n_machines: int) -> Iterator[ServerAnswer]:
    """Say how many sessions that take much memory go at a time, where more machines wait for them."""
    queue = instance.get_concurrency_config().run_queue_config
    limits = queue.tag_concurrency_limits if queue else ()
    limit = next((one["limit"] for one in limits if one.get("key") == MEMORY_TAG and one.get("value") == "large"), None)
    if limit is None or limit >= n_machines:
        return
    text = (
        f"{counted(limit, 'session')} that {'takes' if limit == 1 else 'take'} {LARGE_GB:g} GB or more at a time, on "
        f"{counted(n_machines, 'machine')} with workers: raise limit at {MEMORY_TAG} in dagster.yaml to what their "
        "memory holds, and start the daemon again"
    )
    yield ServerAnswer("large sessions", None, text)


def _daemon(instance: dg.DagsterInstance) -> ServerAnswer:
    seen = [one.timestamp for one in instance.get_daemon_heartbeats().values()]
    if not seen:
        text = f"none ever ran here; start one where runs are made: {DAEMON_COMMAND}, or nh ui"
        return ServerAnswer("daemon", False, text)
    age_s = time.time() - max(seen)
    if age_s > _HEARTBEAT_S:
        text = f"silent for {age_s:.0f} s; nothing is launched meanwhile. Start it: {DAEMON_COMMAND}"
        return ServerAnswer("daemon", False, text)
    return ServerAnswer("daemon", True, f"alive {max(age_s, 0.0):.0f} s ago")


def _code_server() -> ServerAnswer:
    host, port = (os.environ.get(name) for name in CODE_VARIABLES)
    if not host or not port:
        return ServerAnswer("code server", None, f"{' and '.join(CODE_VARIABLES)} are not set; nh ui brings its own")
    start = f"dagster code-server start -m nh_platform.definitions --location-name nh_platform -h {host} -p {port}"
    try:
        found = DagsterGrpcClient(host=host, port=int(port)).ping("nh doctor")
    except (DagsterUserCodeUnreachableError, ValueError) as error:
        said = str(error).splitlines()[0]
        return ServerAnswer("code server", False, f"{host}:{port} does not answer ({said}). Start it: {start}")
    return ServerAnswer("code server", bool(found), f"{host}:{port} answers")
