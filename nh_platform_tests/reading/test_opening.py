"""A store opens by its home folder, lists its sessions, and names what could have been meant."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nh_platform
from nh_platform.history.manifest import Manifest
from nh_platform.history.snapshots import write_manifest
from nh_platform.reading.searching.session_search import SessionQuery
from nh_platform.session import StoreError, UnknownSession
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.store import Store
from nh_platform.store.names import SOURCE_WIDE
from nh_platform_tests.reading.conftest import GATED, LISTED, WHOLE, publish


def test_home_and_store_folder_open_the_same(home) -> None:
    for folder in (home, home / "store", str(home)):
        assert nh_platform.open_store(folder).sources() == ["ibl"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere: there is no such folder"):
        nh_platform.open_store(tmp_path / "nowhere")


def test_without_a_path_the_home_of_nh_opens(home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", str(home))
    assert nh_platform.open_store().store.root == home / "store"
    monkeypatch.setenv("NH_HOME", "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="data: there is no such folder"):
        nh_platform.open_store()
    (tmp_path / "data" / "demo" / "store").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"neither a home folder nor a store. Open .*data/demo"):
        nh_platform.open_store()  # `nh` has the same default, and says the same of the demo
    (tmp_path / "data" / "store").mkdir()
    assert nh_platform.open_store().store.root == tmp_path / "data" / "store"


def test_ids_that_are_numbers_are_taken_as_such(home, tmp_path: Path) -> None:
    (tmp_path / "allen_vc").mkdir()
    (tmp_path / "allen_vc" / "715093703").symlink_to(home / "store" / "ibl" / WHOLE)
    store = nh_platform.open_store(tmp_path)
    for asked in (715093703, np.int64(715093703), "715093703"):
        assert store.session("allen_vc", asked).session_id == "715093703"
    with pytest.raises(UnknownSession, match="allen_vc session 99"):
        store.session("allen_vc", 99)
    for wrong in (715093703.0, True, None, ["715093703"]):
        with pytest.raises(UnknownSession, match="ids are text or whole numbers"):
            store.session("allen_vc", wrong)


def test_notebooks_show_a_store_and_a_session_as_small_tables(home) -> None:
    store = nh_platform.open_store(home)
    assert "<td>ibl</td><td>2</td>" in store._repr_html_()
    shown = store.session("ibl", WHOLE)._repr_html_()
    assert "<th>subject</th><td>m1</td>" in shown
    assert "events, raw_spikes" in shown
    assert "<th>assets</th><td>none</td>" in store.session("ibl", LISTED)._repr_html_()


def test_sessions_come_from_the_manifest_with_what_is_stored(home) -> None:
    table = nh_platform.open_store(home).sessions("ibl")
    assert table["session_id"].tolist() == [WHOLE, GATED, LISTED]
    assert table["assets"].tolist() == [6, 1, 0]
    of_m2 = nh_platform.open_store(home).sessions("ibl", SessionQuery(subject="m2"))
    assert of_m2["session_id"].tolist() == [LISTED]


def test_a_store_without_manifest_lists_its_folders(home, tmp_path: Path) -> None:
    (tmp_path / "ibl").mkdir()
    (tmp_path / "ibl" / WHOLE).symlink_to(home / "store" / "ibl" / WHOLE)
    store = nh_platform.open_store(tmp_path)
    assert store.sessions("ibl")["session_id"].tolist() == [WHOLE]
    assert len(store.session("ibl", WHOLE).trials) == 5
    with pytest.raises(UnknownSession):
        store.session("ibl", LISTED)


@pytest.mark.parametrize("asked", [WHOLE, WHOLE[:4], WHOLE[:8]])
def test_a_session_opens_by_its_id_or_a_unique_beginning_of_it(home, asked) -> None:
    assert nh_platform.open_store(home).session("ibl", asked).session_id == WHOLE


def test_a_beginning_counts_as_unique_among_listed_sessions_too(home, tmp_path: Path) -> None:
    twin = WHOLE[:6] + "-not-made"
    (tmp_path / "ibl").mkdir()
    for folder in (home / "store" / "ibl").iterdir():
        if folder.name != SOURCE_WIDE:
            (tmp_path / "ibl" / folder.name).symlink_to(folder)
    sessions = pd.DataFrame({"session_id": [WHOLE, twin], "subject": "m1", "number": np.uint16(1)})
    manifest = Manifest("ibl", "test", SESSIONS.conform(sessions), INSERTIONS.empty(), FILES.empty())
    with publish(Store(tmp_path), SOURCE_WIDE, "release_manifest") as target:
        write_manifest(target, manifest)
    store = nh_platform.open_store(tmp_path)
    with pytest.raises(UnknownSession, match=f"2 sessions begin with it: {twin}, {WHOLE}"):
        store.session("ibl", WHOLE[:6])
    assert store.session("ibl", WHOLE[:8]).session_id == WHOLE


@pytest.mark.parametrize("asked", [WHOLE + "x", WHOLE.replace("1", "7", 1)])
def test_an_unknown_session_gets_close_ones(home, asked) -> None:
    with pytest.raises(UnknownSession, match=f"Did you mean {WHOLE}"):
        nh_platform.open_store(home).session("ibl", asked)


def test_nothing_close_gets_the_command_that_lists(home) -> None:
    with pytest.raises(UnknownSession, match="nh sessions --source ibl"):
        nh_platform.open_store(home).session("ibl", "zzz")


def test_an_unknown_source_is_named(home) -> None:
    with pytest.raises(UnknownSession, match=r"source allen_vc: the store .* has nothing of it"):
        nh_platform.open_store(home).sessions("allen_vc")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, nh_platform; print(sorted({'numpy', 'pandas', 'numba', 'h5py', 'dagster'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="opn_store"):
        nh_platform.opn_store  # noqa: B018


def test_a_folder_that_is_no_store_is_named_with_the_homes_in_it(home, tmp_path: Path) -> None:
    (tmp_path / "data" / "demo" / "store" / "ibl").mkdir(parents=True)
    (tmp_path / "data" / "reviews").mkdir()
    with pytest.raises(StoreError, match=r"neither a home folder nor a store. Open .*data/demo\."):
        nh_platform.open_store(tmp_path / "data")
    (tmp_path / "other" / "pictures").mkdir(parents=True)
    with pytest.raises(StoreError, match="neither a home folder nor a store"):
        nh_platform.open_store(tmp_path / "other")
