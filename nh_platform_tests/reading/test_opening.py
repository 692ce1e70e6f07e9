"""A store opens by its home folder, lists its sessions, and names what could have been meant."""

import subprocess
import sys

import pytest

import nh_platform
from nh_platform.reading.search import SessionQuery
from nh_platform.session import StoreError, UnknownSession
from nh_platform_tests.reading.conftest import GATED, LISTED, WHOLE


def test_home_and_store_folder_open_the_same(home):
    for folder in (home, home / "store", str(home)):
        assert nh_platform.open_store(folder).sources() == ["ibl"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StoreError, match="nowhere: there is no such folder"):
        nh_platform.open_store(tmp_path / "nowhere")


def test_sessions_come_from_the_manifest_with_what_is_stored(home):
    table = nh_platform.open_store(home).sessions("ibl")
    assert table["session_id"].tolist() == [WHOLE, GATED, LISTED]
    assert table["assets"].tolist() == [5, 1, 0]
    of_m2 = nh_platform.open_store(home).sessions("ibl", SessionQuery(subject="m2"))
    assert of_m2["session_id"].tolist() == [LISTED]


def test_a_store_without_manifest_lists_its_folders(home, tmp_path):
    (tmp_path / "ibl").mkdir()
    (tmp_path / "ibl" / WHOLE).symlink_to(home / "store" / "ibl" / WHOLE)
    store = nh_platform.open_store(tmp_path)
    assert store.sessions("ibl")["session_id"].tolist() == [WHOLE]
    assert len(store.session("ibl", WHOLE).trials) == 5
    with pytest.raises(UnknownSession):
        store.session("ibl", LISTED)


@pytest.mark.parametrize("asked", [WHOLE[:8], WHOLE + "x", WHOLE.replace("1", "7", 1)])
def test_an_unknown_session_gets_close_ones(home, asked):
    with pytest.raises(UnknownSession, match=f"Did you mean {WHOLE}"):
        nh_platform.open_store(home).session("ibl", asked)


def test_nothing_close_gets_the_command_that_lists(home):
    with pytest.raises(UnknownSession, match="nh sessions --source ibl"):
        nh_platform.open_store(home).session("ibl", "zzz")


def test_an_unknown_source_is_named(home):
    with pytest.raises(UnknownSession, match=r"source allen_vc: the store .* has nothing of it"):
        nh_platform.open_store(home).sessions("allen_vc")


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, nh_platform; print(sorted({'numpy', 'pandas', 'numba', 'h5py', 'dagster'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="opn_store"):
        nh_platform.opn_store  # noqa: B018
