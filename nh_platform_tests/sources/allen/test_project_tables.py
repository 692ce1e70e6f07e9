"""Sessions and units as AllenSDK's project cache tabulates them: its own tables byte for byte, or NWB files and NaN."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import BadUpstreamData
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource, sdk
from nh_platform.sources.allen.coding.project_tables import COLUMNS, HIDDEN_OF_SESSIONS, TABLES
from nh_platform.sources.project_tables import ProjectTables, TabulatesProject

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache") / "cache"
    write_allen_vc(folder, 3, seed=11, size=TINY)
    return folder


def tables(root: Path, *session_ids: str) -> ProjectTables:
    source = AllenVisualCodingSource(AllenVcSettings(root=root))
    assert isinstance(source, TabulatesProject)
    manifest = source.manifest()
    return source.project_tables([manifest.session(one) for one in session_ids or sorted(manifest.session_ids)])


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    shutil.copytree(root, tmp_path / "cache")
    return tmp_path / "cache"


def test_units_and_sessions_are_those_of_allensdk_to_the_byte(copy: Path) -> None:
    sdk.restore_numpy_names()
    cache = sdk.warehouse_cache(copy / "manifest.json")
    ours = tables(copy)
    assert ours.notes == ()
    units = cache.get_units()
    assert ours.units[ours.by_default].to_csv() == units.to_csv()
    sessions = cache.get_session_table()
    counted = ours.sessions.copy()
    counted.insert(6, "unit_count", ours.units.loc[ours.by_default, "ecephys_session_id"].value_counts())
    assert counted.to_csv() == sessions.to_csv()
    assert list(sessions.reset_index().columns) == [
        "id", "published_at", "specimen_id", "session_type", "age_in_days", "sex", "full_genotype", "unit_count",
        "channel_count", "probe_count", "ecephys_structure_acronyms",
    ]  # fmt: skip


def test_only_the_sessions_that_were_asked_for_are_in(root: Path) -> None:
    wanted = sorted(path.name.removeprefix("session_") for path in root.glob("session_*"))[1]
    ours = tables(root, wanted)
    assert ours.sessions.index.tolist() == [int(wanted)]
    assert ours.units["ecephys_session_id"].unique().tolist() == [int(wanted)]
    assert len(ours.units) == len(ours.by_default) == 24


def test_without_the_tables_the_files_say_what_they_can_and_the_rest_is_nan(root: Path, copy: Path) -> None:
    for name in TABLES:
        (copy / f"{name}.csv").unlink()
    whole, ours = tables(root), tables(copy)
    assert {note.text for note in ours.notes} == {
        "not in sessions.csv, probes.csv, channels.csv, units.csv: taken from its NWB file; what is not there is NaN"
    }
    assert set(ours.units.columns) == set(whole.units.columns)
    assert list(ours.sessions.columns) == list(whole.sessions.columns)
    # Written and read as CSV, so that a text and a number that look alike are alike.
    found, expected = (pd.read_csv(io.StringIO(one.units.sort_index().to_csv())) for one in (ours, whole))
    unknown = {"published_at", "specimen_id", "phase", "left_right_ccf_coordinate", "ecephys_structure_id"}
    assert set(found.columns[found.isna().all()]) == unknown
    # The file has structures with their layer.
    same = [name for name in expected if name not in {*unknown, "ecephys_structure_acronym"}]
    pd.testing.assert_frame_equal(found[same], expected[same], check_dtype=False)
    np.testing.assert_array_equal(ours.by_default, whole.by_default)
    assert ours.sessions["session_type"].tolist() == whole.sessions["session_type"].tolist()
    assert ours.sessions[["published_at", "specimen_id"]].isna().all(axis=None)


@pytest.mark.parametrize("gone", TABLES)
def test_a_table_that_is_missing_is_replaced_alone(copy: Path, gone: str) -> None:
    whole = tables(copy)
    (copy / f"{gone}.csv").unlink()
    ours = tables(copy)
    assert all(note.text.startswith(f"not in {gone}.csv: ") for note in ours.notes)
    assert len(ours.notes) == 3
    assert set(ours.units.index) == set(whole.units.index)
    if gone != "channels":
        coordinate = "left_right_ccf_coordinate"
        assert ours.units[coordinate].sort_index().equals(whole.units[coordinate].sort_index())


def test_a_column_that_upstream_adds_comes_along(copy: Path) -> None:
    units = pd.read_csv(copy / "units.csv")
    units.insert(3, "new_metric", 1.5)
    units.to_csv(copy / "units.csv", index=False)
    assert (tables(copy).units["new_metric"] == 1.5).all()
    assert list(tables(copy).units.columns)[2] == "new_metric"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_whose_rows_have_more_fields_than_its_header_is_refused(copy: Path, name: str) -> None:
    source = AllenVisualCodingSource(AllenVcSettings(root=copy))
    manifest = source.manifest()
    path = copy / f"{name}.csv"
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *(f"{line}," for line in lines)]) + "\n")
    with pytest.raises(BadUpstreamData, match=rf"{name}\.csv: .*its rows have 1 field more"):
        source.project_tables([manifest.session(one) for one in manifest.session_ids])


def test_the_version_moves_with_the_tables_alone(copy: Path) -> None:
    def version() -> str:
        return AllenVisualCodingSource(AllenVcSettings(root=copy)).project_tables_version()

    before = version()
    assert before == version()
    with (copy / "probes.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert version() != before
    (copy / "probes.csv").unlink()
    assert version() != before


def test_columns_of_the_release_are_what_the_simulation_writes(root: Path) -> None:
    for name in TABLES:
        written = set(pd.read_csv(root / f"{name}.csv", index_col="id").columns)
        assert set(COLUMNS[name]) <= written | {"isi_experiment_id"}, name
    assert set(HIDDEN_OF_SESSIONS) <= set(COLUMNS["sessions"])
