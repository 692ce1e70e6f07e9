"""Files of a history become smaller, and everything in them reads as before."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from nh_platform.defs.event_log import PartitionCachingSqliteEventLogStorage
from nh_platform.defs.packed_events import smaller_files
from nh_platform.defs.packed_events.smaller_files import make_smaller
from nh_platform_tests.defs.packed_events.histories import kinds_of_text, shown, stock_instance, units


def _storage(instance: dg.DagsterInstance) -> PartitionCachingSqliteEventLogStorage:
    storage = instance.event_log_storage
    assert isinstance(storage, PartitionCachingSqliteEventLogStorage)
    return storage


def test_text_of_earlier_versions_is_packed_and_reads_the_same(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    stock = stock_instance(instance)
    run_ids = [dg.materialize([units], instance=stock).run_id for _ in range(3)]
    before = [shown(instance, run_id) for run_id in run_ids]
    looked_at: list[tuple[str, int]] = []
    done = make_smaller(_storage(instance), [*run_ids[:2], "gone"], lambda name, total: looked_at.append((name, total)))
    assert looked_at == [(name, 5) for name in (*run_ids[:2], "gone", "events without a run", "index")]
    assert [shown(instance, run_id) for run_id in run_ids] == before
    assert kinds_of_text(tmp_path, run_ids[0]) == kinds_of_text(tmp_path, "index") == {"blob"}
    assert kinds_of_text(tmp_path, run_ids[2]) == {"text"}, "it was not named: it is not old"
    assert done.bytes_after < done.bytes_before
    assert done.held == ()
    again = make_smaller(_storage(instance), run_ids[:2])
    assert again.bytes_before == again.bytes_after


def test_a_killed_packing_leaves_a_history_that_reads(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = dg.materialize([units], instance=stock_instance(instance)).run_id
    before = shown(instance, run_id)
    monkeypatch.setattr(smaller_files, "_AT_A_TIME", 2)
    began = []

    def stop_at_the_third(*_: object) -> None:
        began.append(1)
        if len(began) == 3:
            raise KeyboardInterrupt

    sa.event.listen(sa.engine.Engine, "begin", stop_at_the_third)
    try:
        with pytest.raises(KeyboardInterrupt):
            make_smaller(_storage(instance), [run_id])
    finally:
        sa.event.remove(sa.engine.Engine, "begin", stop_at_the_third)
    assert shown(instance, run_id) == before


def test_what_another_process_writes_while_it_packs_stays(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """What was made last is written anew with each output: the text of the one before must not come back."""
    dg.materialize([units], instance=stock_instance(instance))
    index = tmp_path / "dagster" / "history" / "runs" / "index.db"
    writers: list[threading.Thread] = []

    def write() -> None:
        with closing(sqlite3.connect(index, timeout=30)) as other, other:
            other.execute("UPDATE asset_keys SET last_materialization = 'newer'")

    def begin_to_write(*given: Any) -> None:
        if not writers and given[2].startswith("SELECT asset_keys.id"):
            writers.append(threading.Thread(target=write))
            writers[0].start()
            writers[0].join(1)  # it is done then, or waits for the packing

    sa.event.listen(sa.engine.Engine, "after_cursor_execute", begin_to_write)
    try:
        make_smaller(_storage(instance), [])
    finally:
        sa.event.remove(sa.engine.Engine, "after_cursor_execute", begin_to_write)
    writers[0].join()
    with closing(sqlite3.connect(index)) as reader:
        assert reader.execute("SELECT last_materialization FROM asset_keys").fetchall() == [("newer",)]


def test_what_another_process_writes_is_left(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = dg.materialize([units], instance=stock_instance(instance)).run_id
    monkeypatch.setattr(smaller_files, "SQLITE_BUSY_TIMEOUT_SECONDS", 0.1)
    path = tmp_path / "dagster" / "history" / "runs" / f"{run_id}.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert make_smaller(_storage(instance), [run_id]).held == (path,)
    assert make_smaller(_storage(instance), [run_id]).held == ()
