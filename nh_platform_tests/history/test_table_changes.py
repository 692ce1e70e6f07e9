"""Tables of a release: a row more, another column, other values, and tables that came or went are told by name."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.comparison.table_changes import compare_tables
from nh_platform.history.publishing import store_manifest
from nh_platform.history.snapshots import find_snapshot
from nh_platform.session.tables.catalogue.releases import RELEASE_TABLES
from nh_platform.store import Store
from nh_platform_tests.history.releases import a_manifest


def tables(*rows: tuple[str, str, float | None, str | None]) -> pd.DataFrame:
    return RELEASE_TABLES.conform(pd.DataFrame(rows, columns=RELEASE_TABLES.names))


OLD = tables(("channels.csv", "a", 4, "id,x"), ("probes.csv", "b", 2, "id"), ("units.csv", "c", 3, "id,snr"))


def test_each_kind_of_change_is_a_line() -> None:
    new = tables(
        ("channels.csv", "A", 4, "id,x"), ("sessions.csv", "d", 1, "id"), ("units.csv", "C", 4, "id,snr,quality")
    )
    assert [(str(one.kind), one.what) for one in compare_tables(OLD, new)] == [
        ("table changed", "channels.csv; 4 rows, other values"),
        ("table withdrawn", "probes.csv, 2 rows"),
        ("table added", "sessions.csv, 1 rows"),
        ("table changed", "units.csv; 3 → 4 rows; new: quality"),
    ]
    assert compare_tables(OLD, OLD) == []
    assert compare_tables(RELEASE_TABLES.empty(), OLD) == []
    gone = tables(("channels.csv", "A", None, None))
    assert "its content (it is not at hand)" in compare_tables(OLD, gone)[0].what


def test_a_changed_table_is_a_snapshot_of_its_own_and_makes_no_session_stale(tmp_path) -> None:
    store, manifest = Store(tmp_path), a_manifest()
    store_manifest(store, replace(manifest, release_tables=OLD), "1")
    new = tables(*OLD.itertuples(index=False, name=None))
    new.loc[2, ["md5", "rows"]] = ["C", 4.0]
    stored = store_manifest(store, replace(manifest, release_tables=new), "1")
    assert stored.is_new
    assert len(stored.diff.affected) == 0
    assert stored.diff.summary()[0] == "tables: 1 changed"
    assert stored.diff.changed_sessions == []
    read = find_snapshot(store, "ibl").manifest()
    pd.testing.assert_frame_equal(read.release_tables, new)
    counted = new.assign(rows=None, columns=None).pipe(RELEASE_TABLES.conform)
    assert replace(read, release_tables=counted).version() == read.version()
    assert diff_manifests(read, read).is_empty
