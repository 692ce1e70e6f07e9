"""Sessions of monitors of 60 and 59.94 Hz: the filter takes the medians measured over those that are joined.

A refresh at 59.94 Hz is 0.1 % longer, so that the long stimuli of such a session (2 s, movies) lie further from the
medians of the release than the filter allows. Which of them are kept depends on the sessions beside it alone.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from nh_platform.exports.stimulus import StoredTensors, write_stimulus_files
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.sources.allen import sdk
from nh_platform.sources.project_tables import ProjectTables
from nh_platform.windows.presentations.conventions import PUBLISHED_MEDIAN_S
from nh_platform_tests.exports.stimulus import plain_binned_set
from nh_platform_tests.exports.stimulus.conftest import STRUCTURES, Made, make_tensors, project_tables

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

RATES_HZ = (60.0, 59.94, 59.94)
"""Of session 0 (brain observatory), 1 (functional connectivity) and 2 (brain observatory)."""
SETS = {"the session of 59.94 Hz alone": (2,), "both of 59.94 Hz": (1, 2), "all three": (0, 1, 2)}
SIZE = replace(TINY, allen_movie_three=True, allen_repeats=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two_rates")
    for number, monitor_hz in enumerate(RATES_HZ):
        write_allen_vc(folder, 1, seed=11, size=SIZE, first=number, monitor_hz=monitor_hz)
    return folder


@pytest.fixture(scope="module")
def numbered(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Made]:
    """Sessions with their tensors by number."""
    made = {int(one.session_id): one for one in make_tensors(root, tmp_path_factory.mktemp("tensors"))}
    dates = pd.read_csv(root / "sessions.csv").sort_values("date_of_acquisition")
    return {number: made[session_id] for number, session_id in enumerate(dates["id"])}


@pytest.fixture(scope="module")
def sdk_sessions(root: Path, numbered: dict[int, Made]) -> dict[int, object]:
    sdk.restore_numpy_names()
    ids = {number: one.session_id for number, one in numbered.items()}
    return {
        number: plain_binned_set.open_sdk_session(root / f"session_{session_id}" / f"session_{session_id}.nwb")
        for number, session_id in ids.items()
    }


def project_of(root: Path, ids: list[int]) -> ProjectTables:
    whole = project_tables(root)
    chosen = whole.units["ecephys_session_id"].isin(ids).to_numpy()
    return ProjectTables(whole.sessions.loc[ids], whole.units[chosen], whole.by_default[chosen])


def copied(root: Path, folder: Path) -> Path:
    """Copy the tables of a cache: AllenSDK writes its manifest into the folder."""
    (folder / "cache").mkdir()
    for path in root.glob("*.csv"):
        shutil.copy(path, folder / "cache")
    return folder / "cache"


@pytest.mark.parametrize("chosen", SETS.values(), ids=SETS)
def test_the_set_is_that_of_the_plain_steps_to_the_last_bit(
    chosen: tuple[int, ...],
    root: Path,
    numbered: dict[int, Made],
    sdk_sessions: dict[int, object],
    tmp_path: Path,
) -> None:
    ids = [int(numbered[number].session_id) for number in chosen]
    stored = [StoredTensors(numbered[n].tensors, numbered[n].session_id, "mlynarski-compat") for n in chosen]
    write_stimulus_files(tmp_path / "ours", stored, "mlynarski-compat", project_of(root, ids))

    cache = sdk.warehouse_cache(copied(root, tmp_path) / "manifest.json")
    units = cache.get_units()
    in_set = units[units["ecephys_session_id"].isin(ids)]
    for file, table in (("units.csv", in_set), ("sessions.csv", cache.get_session_table().loc[ids])):
        assert (tmp_path / "ours" / file).read_text() == table.to_csv(), file

    here = in_set[in_set["ecephys_structure_acronym"].isin(STRUCTURES)]
    plain = plain_binned_set.whole_set({int(numbered[n].session_id): sdk_sessions[n] for n in chosen}, here, tmp_path)
    assert {path.stem for path in (tmp_path / "ours").glob("*.h5")} == set(plain)
    compared = 0
    for name, expected in plain.items():
        tree = xr.open_datatree(tmp_path / "ours" / f"{name}.h5", engine="h5netcdf")
        leaves = {node.path: node.to_dataset(inherit=False) for node in tree.subtree if node.is_leaf}
        assert set(leaves) == set(expected), name
        for path, dataset in expected.items():
            xr.testing.assert_identical(dataset, leaves[path])
            for variable, array in dataset.variables.items():
                assert leaves[path][variable].dtype == array.dtype, (name, path, variable)
                compared += 1
    assert compared > 100
    for file, text in (
        ("presentations_median_durations.csv", plain_binned_set.medians_text(tmp_path)),
        ("presentations_filtered_summary.csv", plain_binned_set.summary_text(tmp_path)),
    ):
        assert (tmp_path / "ours" / file).read_text() == text


def test_a_set_of_one_slow_monitor_keeps_its_long_stimuli(numbered: dict[int, Made], tmp_path: Path) -> None:
    one = numbered[2]
    stored = [StoredTensors(one.tensors, one.session_id, "mlynarski-compat")]
    summary = write_stimulus_files(tmp_path / "files", stored, "mlynarski-compat")
    counts = pd.read_csv(tmp_path / "files" / "presentations_filtered_summary.csv").set_index("stimulus_name")
    assert counts.loc["natural_movie_three", "num_presentations_after"] == 1
    assert counts.loc["drifting_gratings", "num_presentations_after"] == 23  # 26, three of them with dropped frames
    for name in ("natural_movie_one", "natural_movie_three"):
        assert summary.medians[name] == pytest.approx(PUBLISHED_MEDIAN_S[name] * 60 / 59.94, abs=0.01)
    assert {note.subject for note in summary.notes} >= {"natural_movie_one", "natural_movie_three", "drifting_gratings"}
