"""Postgres, Celery on Redis, a bucket, code server, daemon and page, for real: what they make and what they survive."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.defs.checks import session_checks
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.store import Store
from nh_platform.store.durable import read_regular
from nh_platform.store.file_hashes import stored_hashes, verified
from nh_platform.store.names import PROVENANCE
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.services.deployment import Deployment
from nh_platform_tests.services.faults.machines import PREFIX
from nh_platform_tests.services.faults.plans import FEW, FEW_SESSIONS, MANY_SESSIONS, WHOLE, Plan
from nh_platform_tests.services.faults.rehearsal import SESSION_S, SOURCE, Rehearsal, rehearsal
from nh_platform_tests.services.faults.secret_search import secrets_found

pytestmark = pytest.mark.service

CHECKED_S = 900.0
"""A run that was killed is tried again after 5 min; its checks alone take some seconds then."""


@pytest.mark.parametrize(
    ("n_sessions", "plan"),
    [(FEW_SESSIONS, FEW), pytest.param(MANY_SESSIONS, WHOLE, marks=pytest.mark.soak)],
    ids=["few", "whole"],
)
def test_whatever_fails_every_session_is_made_as_on_one_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_sessions: int, plan: Plan
) -> None:
    """Sessions through Celery and Postgres into a bucket, while parts are killed; one crashes all that read it."""
    # The patch within the rehearsal, which restores the environment too: the other way round NH_STORE would stay set.
    with rehearsal(tmp_path, n_sessions, small_disk=plan is WHOLE) as made, monkeypatch.context() as patch:
        servers_are_named(made.at)
        made.ask()
        made.inject(plan)
        made.wait_until_made()
        assert [one for one in made.injected if one.at and one.recovered_s is None] == []
        assert plan is WHOLE or [one for one in made.injected if one.not_tried] == []
        nothing_is_half(made)
        assert secrets_found_of(made) == []
        # Another machine reads it: its cache is empty, and its way to the bucket never failed.
        for name, value in made.site.machines.direct("reader").items():
            patch.setenv(name, value)
        in_bucket = {path: hashed(made.site.machines.server.get(key)) for path, key in keys_of(made).items()}
        store = Platform(load_settings(made.home)).store
        read, stated = stored(store, list(made.made_at)), commits(store, made)
        is_told_that_postgres_is_down(made.at)
    for name in ("DAGSTER_HOME", "NH_STORE"):
        monkeypatch.setenv(name, "")
    alone = make_home(tmp_path / "alone", (SOURCE,), n_sessions=n_sessions + 1)
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(alone, instance, SOURCE, list(made.made_at))
    on_disk = {
        path.relative_to(alone.store.root).as_posix(): hashed(path.read_bytes())
        for session in made.made_at
        for path in (alone.store.root / SOURCE / session).rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }
    assert len(stated | commits(alone.store, made)) == 1, "provenance states a commit made meanwhile: run it again"
    assert in_bucket == on_disk
    assert read == stored(alone.store, list(made.made_at))


def servers_are_named(at: Deployment) -> None:
    """Hold `nh doctor` against what runs."""
    said = at.nh("doctor")
    for server in ("PostgreSQL", "Redis", "workers", "daemon", "code server"):
        assert re.search(rf"^ok +{server}: ", said, re.MULTILINE), said
    assert re.search(r"w1@localhost \(1 process\),\s+w2@localhost \(1 process\)", said), said
    assert at.postgres.password not in said


def nothing_is_half(made: Rehearsal) -> None:
    """See that every pointer leads somewhere, every hash is that of its file, and store and database agree."""
    at, platform = made.at, Platform(load_settings(made.home))
    assert made.poisoned not in made.made_at
    assert "all as they were published" in at.nh("verify", SOURCE)

    def is_listed_as_failed() -> bool:
        # It is tried again and again, ever later: while it is, it is no failed one.
        status = next(one for one in json.loads(at.nh("status", "--format", "json")) if one["source"] == SOURCE)
        assert status["ingested"] == made.n_sessions
        return status["failed"] == 1 and "killed, or crashed" in at.nh("show", SOURCE, made.poisoned)

    at.wait_until("the session that crashes to be listed as failed", is_listed_as_failed, SESSION_S)
    with instance_of(at) as instance:
        assert type(instance.event_log_storage).__name__ == "PartitionCachingPostgresEventLogStorage"
        checks = [key for keys in session_checks(platform.entry(SOURCE), platform).values() for key in keys]
        wanted = {(key, session) for key in checks for session in made.made_at}

        def are_evaluated() -> bool:
            keyed = instance.event_log_storage.get_asset_check_partition_info(checks)
            return wanted <= {(one.check_key, one.partition_key) for one in keyed if one.is_current}

        # Of a run that was killed between an output and its checks they are asked for some minutes later.
        at.wait_until("the checks of every session", are_evaluated, CHECKED_S)
        status = next(one for one in json.loads(at.nh("status", "--format", "json")) if one["source"] == SOURCE)
        assert status["checks not current"] == 0
        left = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.QUEUED]))
        assert {run.tags["dagster/partition"] for run in left} <= {made.poisoned}


def is_told_that_postgres_is_down(at: Deployment) -> None:
    """Hold what `nh` says without its database against what a person needs."""
    at.postgres.stop("immediate")
    said = at.nh("status", status=1)
    assert "Connection refused" in said
    assert "Start its database" in said
    assert "Traceback" not in said
    at.postgres.start()


@contextmanager
def instance_of(at: Deployment) -> Iterator[dg.DagsterInstance]:
    """Give Dagster's instance of a deployment, opened as its processes open it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in at.environment.items():
            patch.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            yield instance


def hashed(content: bytes) -> str:
    """Return the sha256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def keys_of(made: Rehearsal) -> dict[str, str]:
    """Return the keys of the objects of all sessions that were made, by their path below the store."""
    keys = (key for session in made.made_at for key in made.site.machines.server.keys(f"{PREFIX}/{SOURCE}/{session}/"))
    return {key.removeprefix(f"{PREFIX}/"): key for key in keys}


def commits(store: Store, made: Rehearsal) -> set[str | None]:
    """Return the commits of the platform that the records of a store state."""
    records = (store.provenance(SOURCE, one, asset) for one in made.made_at for asset in store.assets(SOURCE, one))
    return {record.git_commit for record in records if record is not None}


def stored(store: Store, sessions: Sequence[str]) -> dict[str, str]:
    """Return the sha256 of every file that counts of some sessions, read through the store, by its path below it."""
    found = {}
    for session in sessions:
        for asset in store.assets(SOURCE, session):
            version = store.folder(SOURCE, session, asset)
            record = read_regular(version / PROVENANCE)
            files = {name: verified(version / name).read_bytes() for name in stored_hashes(version)}
            for name, content in {**files, PROVENANCE: record}.items():
                found[(version / name).relative_to(store.root).as_posix()] = hashed(content)
    return found


def secrets_found_of(made: Rehearsal) -> list[str]:
    """Return where passwords and keys stand in clear: files, database, Redis, bucket, caches of machines."""
    at, around = made.at, made.site.machines
    urls = (at.environment["NH_POSTGRES_URL"], at.environment["NH_REDIS_URL"])
    words = [url.rpartition("@")[0].rpartition(":")[2] for url in urls]
    folders = (made.home, around.folder)
    known = secrets_found([next(iter(made.made_at)), "celery-task-meta"], at, around.server, folders)
    for place in ("/", "database", "redis ", "object "):  # where words do stand, they are found
        assert any(name.startswith(place) for name in known), place
    return secrets_found([*words, *around.keys.values()], at, around.server, folders)
