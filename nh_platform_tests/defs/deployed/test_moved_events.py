"""Events of the embedded history become rows of one table: each once, in whatever order processes wrote them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from nh_platform.defs.deployed.moved_events import MovedEvents
from nh_platform.defs.packed_events.packed_text import unpacked
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance


@dg.asset
def made() -> None: ...


def history(home: Path) -> list[str]:
    """Make events without a run and those of a run; return their texts in the order of their files."""
    with open_instance(load_settings(home), embedded=True) as instance:
        for number in range(6):
            instance.report_runless_asset_event(dg.AssetObservation("looked", metadata={"number": number}))
        dg.materialize([made], instance=instance)
    files = (path for path in sorted((home / "dagster" / "history" / "runs").glob("*.db")) if path.stem != "index")
    return [
        unpacked(text)
        for path in files
        for (text,) in sqlite3.connect(path).execute("select event from event_logs order by id")
    ]


@pytest.mark.parametrize("swapped", [(), (2,), (1, 3), (1, 2, 3, 4)])
def test_each_event_is_there_once_where_two_processes_wrote_in_another_order(
    tmp_path: Path, swapped: tuple[int, ...]
) -> None:
    """A daemon and its sensors did: "210 of 208 rows of event_logs are there", and no such history could be moved."""
    texts = history(tmp_path)
    index = tmp_path / "dagster" / "history" / "runs" / "index.db"
    with sqlite3.connect(index) as connection:
        ids = [one for (one,) in connection.execute("select id from event_logs where run_id = '' order by id")]
        assert len(ids) == 6
        for at in swapped:
            for old, new in ((ids[at], -1), (ids[at + 1], ids[at]), (-1, ids[at + 1])):
                connection.execute("update event_logs set id = ? where id = ?", (new, old))
        indexed = [unpacked(text) for (text,) in connection.execute("select event from event_logs order by id")]
    with open_instance(load_settings(tmp_path), embedded=True) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, SqliteEventLogStorage)
        moved = MovedEvents(storage)
        rows = list(moved.rows())
        assert moved.count() == len(rows) == len(texts)
    assert [one["id"] for one in rows] == list(range(1, len(rows) + 1))
    assert sorted(one["event"] for one in rows) == sorted(texts)
    kept = [one["event"] for one in rows]
    assert [one for one in kept if one in set(indexed)] == indexed
