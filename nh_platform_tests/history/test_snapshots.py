"""Every state of a source that differed stays readable, whatever happens while the next one is stored."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.history import publishing
from nh_platform.history.catalogue_facts import catalogue_versions
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import StoredRelease, store_manifest
from nh_platform.history.snapshots import ASSET, Snapshot, find_snapshot, list_snapshots, read_manifest
from nh_platform.history.tombstones import withdrawn_sessions
from nh_platform.session import BadUpstreamData, StoreError, UnknownSession
from nh_platform.store import Store
from nh_platform.store.names import SOURCE_WIDE
from nh_platform_tests.history.releases import a_manifest, edit, ids, of, with_notice, without_probe, without_sessions
from nh_platform_tests.store.resealing import reseal

ALL = a_manifest()
FIRST, SECOND = ids(ALL)[:2]
LESS = without_sessions(ALL, FIRST)
PATCHED = edit(ALL, of(SECOND, "licks"), md5="0" * 32)


def play(store: Store, *manifests: Manifest) -> list[StoredRelease]:
    return [store_manifest(store, manifest, "1") for manifest in manifests]


def home(store: Store) -> Path:
    return store.asset_folder("ibl", SOURCE_WIDE, ASSET)


def content(store: Store) -> dict[str, bytes]:
    """Every stored byte but for the records, which name the commit."""
    files = (path for path in home(store).rglob("*") if path.is_file() and path.suffix in ("", ".parquet", ".txt"))
    return {str(path.relative_to(store.root)): path.read_bytes() for path in files if "lock" not in path.name}


def test_every_state_that_differed_stays_readable(tmp_path: Path) -> None:
    store = Store(tmp_path)
    done = play(store, ALL, ALL, LESS, PATCHED)
    assert [release.is_new for release in done] == [True, False, True, True]
    assert [snapshot.number for snapshot in list_snapshots(store, "ibl")] == [1, 2, 3]
    assert [snapshot.is_current for snapshot in list_snapshots(store, "ibl")] == [False, False, True]
    for number, manifest in enumerate((ALL, LESS, PATCHED), 1):
        stored = read_manifest(store, "ibl", number)
        assert stored.version() == manifest.version() == find_snapshot(store, "ibl", number).version
        assert find_snapshot(store, "ibl", number).rows("sessions") == len(manifest.sessions)
    assert read_manifest(store, "ibl").version() == PATCHED.version()


def test_each_table_survives_storing(tmp_path: Path) -> None:
    store, manifest = Store(tmp_path), with_notice(ALL, "probe00 was mislabelled")
    play(store, manifest)
    for (schema, written), (_, read) in zip(manifest.tables(), read_manifest(store, "ibl").tables()):
        ordered = written.sort_values(list(schema.key), ignore_index=True)
        pd.testing.assert_frame_equal(read, ordered)


def test_a_state_that_returns_is_a_snapshot_of_its_own_with_the_same_id(tmp_path: Path) -> None:
    store = Store(tmp_path)
    done = play(store, ALL, PATCHED, ALL)
    assert [release.is_new for release in done] == [True, True, True]
    first, _, third = list_snapshots(store, "ibl")
    assert (first.id, first.folder) == (third.id, third.folder)
    assert find_snapshot(store, "ibl", first.version[:8]).number == 3
    assert third.is_current


def test_snapshots_are_found_by_number_id_release_and_place(tmp_path: Path) -> None:
    store = Store(tmp_path)
    play(store, Manifest("ibl", "2022_Q4", *(t for _, t in LESS.tables())), ALL)
    first, last = list_snapshots(store, "ibl")
    for name in (1, "1", first.version, first.id, "2022_Q4", "previous"):
        assert find_snapshot(store, "ibl", name).number == 1
    for name in (None, 2, last.id, "follow_default", "latest"):
        assert find_snapshot(store, "ibl", name).number == 2
    for name in ("3", "abcdef0123", "nothing", ""):
        with pytest.raises(UnknownSession, match="snapshots 1 to 2"):
            find_snapshot(store, "ibl", name)
    with pytest.raises(UnknownSession, match="nh sync allen_vc"):
        read_manifest(store, "allen_vc")
    assert list_snapshots(store, "allen_vc") == []


def test_a_renamed_release_of_the_same_content_is_a_snapshot_without_changes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    play(store, ALL)
    (release,) = play(store, Manifest("ibl", "pinned 2024-05-06", *(t for _, t in ALL.tables())))
    assert release.is_new
    assert release.diff.is_empty
    assert read_manifest(store, "ibl").release == "pinned 2024-05-06"


def test_the_selection_is_stored_and_another_one_is_a_snapshot_although_nothing_differs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    chosen = [dataclasses.replace(ALL, selection=text) for text in ("", "public, tag X", "public", "public")]
    done = play(store, *chosen)
    assert [release.is_new for release in done] == [True, True, True, False]
    assert [snapshot.selection for snapshot in list_snapshots(store, "ibl")] == ["", "public, tag X", "public"]
    assert read_manifest(store, "ibl").selection == "public"
    assert {snapshot.release for snapshot in list_snapshots(store, "ibl")} == {"follow_default"}
    assert [release.diff.selection_changed for release in done] == [False, False, True, False]


def test_what_upstream_withdraws_is_recorded_for_ever(tmp_path: Path) -> None:
    store = Store(tmp_path)
    done = play(store, ALL, LESS, without_probe(LESS, SECOND, "probe00"), ALL, LESS)
    assert [len(withdrawn_sessions(release.tombstones)) for release in done] == [0, 1, 1, 0, 1]
    assert (done[3].diff.added, done[3].diff.returned) == ([], [FIRST])
    assert len(done[3].diff.insertions_returned) == 3
    stones = find_snapshot(store, "ibl").tombstones()
    sessions = stones[stones["insertion_id"] == ""]
    assert sessions["session_id"].tolist() == [FIRST, FIRST]
    assert sessions["last_seen"].tolist() == [1, 4]
    assert sessions["gone_since"].tolist() == [2, 5]
    np.testing.assert_array_equal(sessions["returned_in"], [4.0, np.nan])
    gone_probe = stones[stones["session_id"] == SECOND]
    assert gone_probe[["probe", "last_seen", "returned_in"]].to_numpy().tolist() == [["probe00", 2, 4.0]]


def test_a_catalogue_that_is_suddenly_empty_is_refused_and_withdraws_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    play(store, ALL)
    before = content(store)
    with pytest.raises(BadUpstreamData, match=r"ibl.*lists no session, the snapshot before lists 4.*mounted"):
        play(store, without_sessions(ALL, *ids(ALL)))
    assert content(store) == before


def test_the_same_history_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        play(Store(tmp_path / name), ALL, LESS, PATCHED, LESS)
    assert content(Store(tmp_path / "a")) == content(Store(tmp_path / "b"))
    assert len(content(Store(tmp_path / "a"))) > 20


@pytest.mark.parametrize("table", ["sessions", "files", "tombstones"])
def test_a_damaged_snapshot_does_not_stand_in_the_way(tmp_path: Path, table) -> None:
    store = Store(tmp_path)
    play(store, ALL, LESS)
    path = store.folder("ibl", SOURCE_WIDE, ASSET) / f"{table}.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(StoreError, match=f"{table}.parquet"):
        (Snapshot.manifest if table != "tombstones" else Snapshot.tombstones)(find_snapshot(store, "ibl"))
    (release,) = play(store, LESS)
    assert release.unreadable == (2,)
    assert release.diff.withdrawn == [FIRST]
    assert read_manifest(store, "ibl").version() == LESS.version()
    assert withdrawn_sessions(find_snapshot(store, "ibl").tombstones())["session_id"].tolist() == [FIRST]
    assert not play(store, LESS)[0].is_new


def test_a_snapshot_whose_folder_was_removed_keeps_its_number_free(tmp_path: Path) -> None:
    import shutil

    store = Store(tmp_path)
    play(store, ALL, LESS, PATCHED)
    shutil.rmtree(list_snapshots(store, "ibl")[1].folder)
    assert [snapshot.number for snapshot in list_snapshots(store, "ibl")] == [1, 3]
    assert play(store, LESS)[0].snapshot.number == 4


def test_a_store_of_before_there_was_a_history_begins_one(tmp_path: Path) -> None:
    """The version that counts is number 1, and tables that were not written then are empty."""
    store = Store(tmp_path)
    play(store, ALL)
    folder = store.folder("ibl", SOURCE_WIDE, ASSET)
    for name in ("notices.parquet", "tombstones.parquet"):
        (folder / name).unlink()
    for name in ("history", "history.copy"):
        (home(store) / name).unlink()
    sessions = pd.read_parquet(folder / "sessions.parquet").drop(columns="qc")
    sessions.to_parquet(folder / "sessions.parquet")
    reseal(folder)
    assert read_manifest(store, "ibl").version() == ALL.version()
    (release,) = play(store, LESS)
    assert (release.snapshot.number, release.diff.withdrawn) == (2, [FIRST])
    assert read_manifest(store, "ibl", 1).version() == ALL.version()


def test_a_full_disk_leaves_the_history_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    play(store, ALL)

    def no_space(*_) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "write_manifest", no_space)
        with pytest.raises(StoreError, match="disk is full"):
            play(store, LESS)
    assert [snapshot.number for snapshot in list_snapshots(store, "ibl")] == [1]
    assert play(store, LESS)[0].snapshot.number == 2


KILLED = """
    import os, signal, sys
    from nh_platform.store import Store, layout, version_folders
    from nh_platform.history.publishing import store_manifest
    from nh_platform_tests.history.releases import a_manifest, ids, without_sessions

    manifest = a_manifest()
    room = layout if sys.argv[2] == "sync_tree" else version_folders
    real = getattr(room, sys.argv[2])

    def killed(*arguments, **named):
        if sys.argv[3] == "after":
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    store = Store(sys.argv[1])
    store_manifest(store, manifest, "1")
    setattr(room, sys.argv[2], killed)
    store_manifest(store, without_sessions(manifest, ids(manifest)[0]), "1")
"""


@pytest.mark.parametrize(
    ("step", "when", "numbers"),
    [
        ("sync_tree", "before", [1]),
        ("replace_pointer", "before", [1]),
        ("replace_pointer", "after", [1, 2]),
        ("_remove_superseded", "before", [1, 2]),
    ],
)
def test_killed_while_publishing_the_history_is_the_old_or_the_new_one(tmp_path: Path, step, when, numbers) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), step, when]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store(tmp_path)
    assert [snapshot.number for snapshot in list_snapshots(store, "ibl")] == numbers
    assert read_manifest(store, "ibl").version() == (ALL if numbers == [1] else LESS).version()
    (release,) = play(store, LESS)
    assert release.is_new == (numbers == [1])
    assert play(store, PATCHED)[0].snapshot.number == 3
    assert [s.version for s in list_snapshots(store, "ibl")] == [m.version() for m in (ALL, LESS, PATCHED)]
    assert not [path for path in home(store).iterdir() if path.name.startswith(".staging")]


def test_the_rows_of_one_session_are_read_alone_and_are_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path)
    play(store, ALL)
    snapshot = find_snapshot(store, "ibl")
    whole, part = snapshot.manifest(), snapshot.part(SECOND)
    assert part.session_ids == [SECOND]
    assert part.release == whole.release
    expected, found = whole.session(SECOND), part.session(SECOND)
    assert found.session == expected.session
    pd.testing.assert_frame_equal(found.files, expected.files)
    pd.testing.assert_frame_equal(found.insertions, expected.insertions)
    assert found.version("spikes") == expected.version("spikes")
    assert catalogue_versions(part) == {SECOND: catalogue_versions(whole)[SECOND]}
    assert snapshot.part("nobody").session_ids == []
