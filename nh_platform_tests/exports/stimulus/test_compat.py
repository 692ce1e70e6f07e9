"""`mlynarski-compat` against a plain second computation with AllenSDK and xarray: identical trees, to the last bit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from nh_platform.sources.allen import sdk
from nh_platform_tests.exports.stimulus import plain_binned_set
from nh_platform_tests.exports.stimulus.conftest import STRUCTURES, Made

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def plain(root: Path, made: list[Made], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, xr.Dataset]]:
    sdk.restore_numpy_names()
    cache = tmp_path_factory.mktemp("cache") / "cache"
    shutil.copytree(root, cache)  # AllenSDK writes its manifest into the folder
    units = sdk.warehouse_cache(cache / "manifest.json").get_units()
    units = units[units["ecephys_structure_acronym"].isin(STRUCTURES)]
    ids = sorted(int(session.session_id) for session in made)
    sessions = {n: plain_binned_set.open_sdk_session(root / f"session_{n}" / f"session_{n}.nwb") for n in ids}
    return plain_binned_set.whole_set(sessions, units, tmp_path_factory.mktemp("plain"))


def test_every_file_is_the_same_tree_with_the_same_bits(plain: dict[str, dict[str, xr.Dataset]], files: Path) -> None:
    ours = {path.stem: path for path in (files / "mlynarski-compat").glob("*.h5")}
    assert set(plain) == set(ours)
    assert len(ours) == 9
    for name, expected in plain.items():
        found = xr.open_datatree(ours[name], engine="h5netcdf")
        leaves = {node.path: node.to_dataset(inherit=False) for node in found.subtree if node.is_leaf}
        assert set(leaves) == set(expected), name
        assert all(not node.attrs for node in found.subtree)
        for path, dataset in expected.items():
            xr.testing.assert_identical(dataset, leaves[path])
            for variable, array in dataset.variables.items():
                assert leaves[path][variable].dtype == array.dtype, (name, path, variable)
                assert leaves[path][variable].dims == array.dims, (name, path, variable)


def test_statistics_count_what_is_in_the_trees(plain: dict[str, dict[str, xr.Dataset]], files: Path) -> None:
    rows = []
    for name, datasets in plain.items():
        for path, dataset in datasets.items():
            _, session, structure, kind = path.split("/")
            if kind == "spike_data":
                has_gaze = f"/{session}/{structure}/gaze_data" in datasets
                sizes = dataset.sizes
                number = int(session.removeprefix("session_"))
                rows.append((name, number, structure, sizes["presentation_id"], sizes["unit_id"], has_gaze))
    table = pd.read_csv(files / "mlynarski-compat" / "combined_statistics.csv")
    columns = ["stimulus_type", "session_id", "brain_structure", "n_presentations", "n_units", "has_gaze_data"]
    assert list(table.columns) == columns
    assert sorted(map(tuple, table.to_numpy().tolist())) == sorted(rows)


def test_sessions_and_units_are_the_tables_of_allensdk_to_the_byte(root: Path, files: Path, tmp_path: Path) -> None:
    """As that data set writes them: `get_session_table` and `get_units`, nothing left out."""
    sdk.restore_numpy_names()
    shutil.copytree(root, tmp_path / "cache")
    cache = sdk.warehouse_cache(tmp_path / "cache" / "manifest.json")
    folder = files / "mlynarski-compat"
    assert (folder / "sessions.csv").read_text() == cache.get_session_table().to_csv()
    assert (folder / "units.csv").read_text() == cache.get_units().to_csv()
