"""`mlynarski-compat` against a plain second computation with AllenSDK and xarray: identical trees, to the last bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from nh_platform.sources.allen import sdk
from nh_platform_tests.exports.stimulus import plain_binned_set
from nh_platform_tests.exports.stimulus.conftest import Made

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def plain(root: Path, made: list[Made], tmp_path_factory: pytest.TempPathFactory) -> Path:
    sdk.restore_numpy_names()
    folder = tmp_path_factory.mktemp("plain")
    cache = tmp_path_factory.mktemp("cache") / "cache"
    shutil.copytree(root, cache)  # AllenSDK writes its manifest into the folder
    units = sdk.warehouse_cache(cache / "manifest.json").get_units()
    ids = sorted(int(session.session_id) for session in made)
    sessions = {n: plain_binned_set.open_sdk_session(root / f"session_{n}" / f"session_{n}.nwb") for n in ids}
    plain_binned_set.write_set(sessions, units, folder)
    return folder


def test_every_file_is_the_same_tree_with_the_same_bits(plain: Path, files: Path) -> None:
    theirs = sorted(path.name for path in plain.glob("*.h5"))
    assert theirs == sorted(path.name for path in (files / "mlynarski-compat").glob("*.h5"))
    assert len(theirs) == 9
    for name in theirs:
        expected = xr.open_datatree(plain / name, engine="h5netcdf")
        found = xr.open_datatree(files / "mlynarski-compat" / name, engine="h5netcdf")
        assert [node.path for node in expected.subtree if node.has_data] and expected.groups
        assert sorted(expected.groups) == sorted(found.groups), name
        for node in expected.subtree:
            ours = found[node.path].to_dataset()
            xr.testing.assert_identical(node.to_dataset(), ours)
            for variable, array in node.to_dataset().variables.items():
                assert ours[variable].dtype == array.dtype, (name, node.path, variable)
                assert ours[variable].dims == array.dims, (name, node.path, variable)


def test_statistics_count_what_is_in_the_trees(plain: Path, files: Path) -> None:
    rows = []
    for path in sorted(plain.glob("*.h5")):
        tree = xr.open_datatree(path, engine="h5netcdf")
        for session, node in tree.children.items():
            for structure, data in node.children.items():
                sizes = data["spike_data"].to_dataset().sizes
                rows.append(
                    (path.stem, int(session.removeprefix("session_")), structure, sizes["presentation_id"],
                     sizes["unit_id"], "gaze_data" in data.children)
                )  # fmt: skip
    table = pd.read_csv(files / "mlynarski-compat" / "combined_statistics.csv")
    assert list(table.columns) == [
        "stimulus_type", "session_id", "brain_structure", "n_presentations", "n_units", "has_gaze_data"
    ]  # fmt: skip
    assert sorted(map(tuple, table.to_numpy().tolist())) == sorted(rows)
