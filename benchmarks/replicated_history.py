"""The history of many sessions, copied from runs that a home really made: every event, run, tag and check of them.

    uv run python -m benchmarks.replicated_history HOME [--sessions 1000]

For measuring pages: the events are those of real runs, with their metadata, under other ids of sessions and runs. The
store of the home gets nothing. HOME is one of `benchmarks.bench_runs --home HOME` that nobody serves meanwhile.
"""

from __future__ import annotations

import argparse
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import schema as events
from dagster._core.storage.runs import schema as runs

from nh_platform.defs.partitions import register_sessions
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance

_STORAGE_ID = re.compile(r'(?P<name>"storage_id": )(?P<id>\d+)')
_POINTER = re.compile(r'(?P<name>"dagster/input_event_pointer/[\w/]+": ")(?P<id>\d+)')
_Row = dict[str, Any]


def main() -> None:
    """Copy and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--source", default="ibl")
    arguments = parser.parse_args()
    began = time.perf_counter()
    with open_instance(load_settings(arguments.home), embedded=True) as instance:
        n_made = replicate(instance, arguments.source, arguments.sessions)
    print(f"{n_made} sessions copied in {time.perf_counter() - began:.0f} s")


def replicate(instance: dg.DagsterInstance, source: str, n_sessions: int) -> int:
    """Copy the runs of sessions until the history has ``n_sessions``; return how many were copied."""
    made = [
        (run.run_id, run.tags["dagster/partition"])
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
        if "dagster/partition" in run.tags
    ]
    templates = [_Template(instance, run_id, session) for run_id, session in made]
    copies = [uuid.uuid5(uuid.NAMESPACE_URL, f"session {number}") for number in range(n_sessions - len(made))]
    register_sessions(instance, source, [str(one) for one in copies])
    for number, session in enumerate(copies):
        templates[number % len(templates)].copy(str(session), str(uuid.uuid5(session, "run")))
    return len(copies)


class _Template:
    """What one run left behind, to be written again under other names."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str, session: str) -> None:
        self._log, self._runs = instance.event_log_storage, instance.run_storage
        self._run_id, self._session = run_id, session
        log, checks, tags = events.SqlEventLogStorageTable, events.AssetCheckExecutionsTable, events.AssetEventTagsTable
        with self._log.index_connection() as index:  # type: ignore[attr-defined]
            of_session = sa.or_(log.c.run_id == run_id, sa.and_(log.c.run_id == "", log.c.partition == session))
            self._events = _rows(index, sa.select(log).where(of_session).order_by(log.c.id))
            self._checks = _rows(index, sa.select(checks).where(checks.c.run_id == run_id))
            ids = [one["id"] for one in self._events]
            self._tags = _rows(index, sa.select(tags).where(tags.c.event_id.in_(ids)))
        with self._runs.connect() as connection:  # type: ignore[attr-defined]
            self._run = _rows(connection, sa.select(runs.RunsTable).where(runs.RunsTable.c.run_id == run_id))
            of_run = runs.RunTagsTable.c.run_id == run_id
            self._run_tags = _rows(connection, sa.select(runs.RunTagsTable).where(of_run))

    def copy(self, session: str, run_id: str) -> None:
        """Write the run again, of another session."""
        log, checks, tags = events.SqlEventLogStorageTable, events.AssetCheckExecutionsTable, events.AssetEventTagsTable
        with self._log.index_connection() as index:  # type: ignore[attr-defined]
            first = (index.execute(sa.select(sa.func.max(log.c.id))).scalar() or 0) + 1
            ids = {one["id"]: first + number for number, one in enumerate(self._events)}
            renamed = _Renamed({self._session: session, self._run_id: run_id}, ids)
            index.execute(sa.insert(log), renamed.rows(self._events, keep="id"))
            index.execute(sa.insert(tags), renamed.rows(self._tags))
            index.execute(sa.insert(checks), renamed.rows(self._checks))
        shard, copied = (Path(self._log.path_for_shard(one)) for one in (self._run_id, run_id))  # type: ignore[attr-defined]
        shutil.copyfile(shard, copied)
        with self._log.run_connection(run_id) as connection:  # type: ignore[attr-defined]
            stored = _rows(connection, sa.select(log).order_by(log.c.id))
            connection.execute(sa.delete(log))
            connection.execute(sa.insert(log), renamed.rows(stored))
        with self._runs.connect() as connection:  # type: ignore[attr-defined]
            connection.execute(sa.insert(runs.RunsTable), renamed.rows(self._run))
            connection.execute(sa.insert(runs.RunTagsTable), renamed.rows(self._run_tags))


class _Renamed:
    """Rows under other names and ids."""

    def __init__(self, names: Mapping[str, str], ids: Mapping[int, int]) -> None:
        self._names, self._ids = names, ids

    def rows(self, rows: Iterable[_Row], keep: str = "") -> list[_Row]:
        """Return rows that the database gives ids of its own, unless one is kept."""
        return [
            {name: self._value(name, value) for name, value in row.items() if name != "id" or keep == "id"}
            for row in rows
        ]

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, int):
            is_id = name == "id" or name.endswith(("event_id", "storage_id"))
            return self._ids.get(value, value) if is_id else value
        if not isinstance(value, str):
            return value
        for old, new in self._names.items():
            value = value.replace(old, new)
        for pattern in (_STORAGE_ID, _POINTER):
            value = pattern.sub(
                lambda found: f"{found['name']}{self._ids.get(int(found['id']), int(found['id']))}", value
            )
        return value


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[_Row]:
    return [dict(one) for one in connection.execute(query).mappings()]


if __name__ == "__main__":
    main()
