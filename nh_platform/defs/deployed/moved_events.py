"""Events of the embedded history in one row, with ids of their own: as a server keeps them.

SQLite has a file of events for each run, and an index with those of assets, checks and starts of all runs. A server has
one table, whose ids order the page of a run. Contains how the files become that table, and how what names an event by
its id (check results, records of assets, backfills) names it by its new one. Who writes it is
`nh_platform.operations.upkeep.history_move`.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.definitions.data_version import INPUT_EVENT_POINTER_TAG_PREFIX
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME

_NAMED_BY_ID = {"AssetCheckEvaluationTargetMaterializationData", "EventLogRecord"}
"""Records whose ``storage_id`` is that of an event."""
_READ_UP_TO = "latest_storage_id"
"""Field of a backfill: the id of the last event that it has seen, which need not be one of the index."""
_MENTIONS = (f'"{INPUT_EVENT_POINTER_TAG_PREFIX}', '"storage_id"', f'"{_READ_UP_TO}"')
_AT_A_TIME = 1000


class MovedEvents:
    """Events of all runs in the order in which a server would have stored them.

    Those of the index keep its order, and each event that it lacks follows those before it in the file of its run. Both
    differ where several processes write at once, as daemon and sensors do events without a run. The same history gives
    the same ids, so that a move that was stopped can go on.

    Parameters
    ----------
    storage
        The embedded event log. Nothing may write to it meanwhile.
    """

    def __init__(self, storage: SqliteEventLogStorage) -> None:
        self._storage = storage
        self._ids: list[int] = []  # of the index, ascending
        self._new_ids: list[int] = []

    def count(self) -> int:
        """Return how many events there are, without reading them."""
        table = SqlEventLogStorageTable
        lacking = 0
        with self._engine(INDEX_SHARD_NAME).connect() as index:
            indexed = _by_run(index)
        for run_id in self._run_ids():
            with self._engine(run_id).connect() as shard:
                of_run = shard.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            lacking += max(0, of_run - indexed[run_id])
        return sum(indexed.values()) + lacking

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each event as a row with its new id, ascending; afterwards `rewritten` and `new_id` know all of them."""
        self._ids, self._new_ids = [], []
        for number, (old_id, row) in enumerate(self._merged(), 1):
            if old_id is not None:
                self._ids.append(old_id)
                self._new_ids.append(number)
            yield {**row, "id": number, "event": self.rewritten(row["event"])}

    def known(self) -> MovedEvents:
        """Return the events with all new ids known; a move that goes on may have written them before."""
        if not self._ids:
            deque(self.rows(), maxlen=0)
        return self

    def new_id(self, old_id: int) -> int:
        """Return the new id of an event of the index; of an id that no event has, that of the last one before it."""
        at = bisect_right(self._ids, old_id)
        return self._new_ids[at - 1] if at else 0

    def rewritten(self, text: str) -> str:
        """Return a stored record with the new ids of the events that it names, else as it is."""
        if not any(one in text for one in _MENTIONS):
            return text
        return json.dumps(self._renamed(json.loads(text)), sort_keys=True)  # as Dagster writes it

    def _renamed(self, part: Any) -> Any:
        if isinstance(part, list):
            return [self._renamed(one) for one in part]
        if not isinstance(part, dict):
            return part
        names_event = part.get("__class__") in _NAMED_BY_ID
        return {key: self._renamed_field(key, value, names_event=names_event) for key, value in part.items()}

    def _renamed_field(self, key: str, value: Any, *, names_event: bool) -> Any:
        if isinstance(value, int) and (key == _READ_UP_TO or (names_event and key == "storage_id")):
            return self.new_id(value)
        if key.startswith(INPUT_EVENT_POINTER_TAG_PREFIX) and isinstance(value, str) and value.isdecimal():
            return str(self.new_id(int(value)))
        return self._renamed(value)

    def _merged(self) -> Iterator[tuple[int | None, dict[str, Any]]]:
        """Give the events in their order, each with its id of the index where it is there."""
        table = SqlEventLogStorageTable
        engine = self._engine(INDEX_SHARD_NAME)
        with engine.connect() as index, engine.connect() as beside:
            left = _by_run(index)
            unread = self._run_ids()
            open_runs: dict[str, _RunFile] = {}
            found = index.execution_options(yield_per=_AT_A_TIME).execute(sa.select(table).order_by(table.c.id))
            for row in found.mappings():
                run_id = row["run_id"]
                if run_id in unread:
                    unread.discard(run_id)
                    texts = beside.execute(sa.select(table.c.event).where(table.c.run_id == run_id)).scalars()
                    open_runs[run_id] = _RunFile(self._of_run(run_id), texts)
                if of_run := open_runs.get(run_id):
                    yield from ((None, one) for one in of_run.before(row["event"]))
                yield row["id"], dict(row)
                left[run_id] -= 1
                if not left[run_id] and (of_run := open_runs.pop(run_id, None)):
                    yield from ((None, one) for one in of_run.rest())
        for run_id in sorted(unread):  # runs that were asked for and did not begin
            for one in self._of_run(run_id):
                yield None, one

    def _of_run(self, run_id: str) -> list[dict[str, Any]]:
        table = SqlEventLogStorageTable
        with self._engine(run_id).connect() as shard:
            return [dict(row) for row in shard.execute(sa.select(table).order_by(table.c.id)).mappings()]

    def _run_ids(self) -> set[str]:
        """Return the runs that have a file; that of events without a run has no name before its suffix."""
        folder = Path(self._storage.path_for_shard(INDEX_SHARD_NAME)).parent
        names = {path.name.removesuffix(".db") for path in folder.iterdir() if path.name.endswith(".db")}
        return names - {INDEX_SHARD_NAME}

    def _engine(self, shard: str) -> sa.Engine:
        """Return a way to read a file; Dagster's own looks at the version of each first, 20 ms a run."""
        return sa.create_engine(self._storage.conn_string_for_shard(shard), poolclass=sa.pool.NullPool)


class _RunFile:
    """Events in the file of a run that the index lacks, and where the others stand in it.

    Parameters
    ----------
    rows
        Events of the file, in its order.
    indexed
        Texts of those that the index has.
    """

    def __init__(self, rows: Iterable[dict[str, Any]], indexed: Iterable[str]) -> None:
        in_index = Counter(map(_digest, indexed))
        self._lacking: deque[tuple[int, dict[str, Any]]] = deque()
        self._places: dict[bytes, deque[int]] = {}
        for place, row in enumerate(rows):
            digest = _digest(row["event"])
            if in_index[digest]:
                in_index[digest] -= 1
                self._places.setdefault(digest, deque()).append(place)
            else:
                self._lacking.append((place, row))

    def before(self, text: str) -> Iterator[dict[str, Any]]:
        """Give what the index lacks and the file has before an event of the index, once."""
        places = self._places.get(_digest(text))
        end = places.popleft() if places else 0
        while self._lacking and self._lacking[0][0] < end:
            yield self._lacking.popleft()[1]

    def rest(self) -> Iterator[dict[str, Any]]:
        """Give what the index lacks and was not given yet."""
        while self._lacking:
            yield self._lacking.popleft()[1]


def _digest(text: str) -> bytes:
    """Return what stands for a text: those of all events without a run would be 100 MB."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _by_run(index: sa.Connection) -> Counter[str]:
    run_id = SqlEventLogStorageTable.c.run_id
    counts: Counter[str] = Counter()
    for name, number in index.execute(sa.select(run_id, sa.func.count()).group_by(run_id)):
        counts[name] = number
    return counts
