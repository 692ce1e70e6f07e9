"""The file format: index columns, text, and files that cannot be opened."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nh_platform.session import BadUpstreamData
from nh_platform.sources.nwb.nwb_file import open_nwb, ragged_columns, ragged_offsets
from nh_platform.sources.nwb.nwb_table import read_table


def _table(path: Path, index_dtype: str) -> None:
    with h5py.File(path, "w") as handle:
        table = handle.create_group("t")
        table["id"] = np.arange(3)
        table["local_index"] = np.array([7, 8, 9])
        table["name"] = np.array(["good", "N/A", "µ"], dtype=h5py.string_dtype())
        table["reference"] = np.array([table.ref] * 3, dtype=h5py.ref_dtype)
        table["spike_times"] = np.arange(300.0)
        table["spike_times_index"] = np.array([200, 200, 300]).astype(index_dtype)
        table["spike_times_index"].attrs["neurodata_type"] = "VectorIndex"
        table["spike_times_index"].attrs["target"] = table["spike_times"].ref


@pytest.mark.parametrize("dtype", ["int64", "uint16", "uint32"])
def test_offsets_do_not_wrap_whatever_the_dtype_of_the_index(tmp_path: Path, dtype: str) -> None:
    _table(tmp_path / "a.nwb", dtype)
    with open_nwb(tmp_path / "a.nwb") as nwb:
        offsets = ragged_offsets(nwb, "t", "spike_times", 3)
    assert offsets.dtype == np.int64
    assert offsets.tolist() == [0, 200, 200, 300]


def test_a_column_that_is_only_named_like_an_index_is_a_plain_column(tmp_path: Path) -> None:
    _table(tmp_path / "a.nwb", "int64")
    with open_nwb(tmp_path / "a.nwb") as nwb:
        assert ragged_columns(nwb.group("t")) == {"spike_times": "spike_times_index"}
        columns = read_table(nwb, "t", "things").columns
    assert set(columns) == {"id", "local_index", "name"}
    assert columns["name"].tolist() == ["good", "N/A", "µ"]


def test_an_index_that_ends_elsewhere_is_refused(tmp_path: Path) -> None:
    _table(tmp_path / "a.nwb", "int64")
    with h5py.File(tmp_path / "a.nwb", "r+") as handle:
        handle["t/spike_times_index"][2] = 299
    with (
        open_nwb(tmp_path / "a.nwb") as nwb,
        pytest.raises(BadUpstreamData, match=r"ends at 299 but .* has 300 values"),
    ):
        ragged_offsets(nwb, "t", "spike_times", 3)


def test_a_truncated_file_is_called_so(tmp_path: Path) -> None:
    _table(tmp_path / "a.nwb", "int64")
    whole = (tmp_path / "a.nwb").read_bytes()
    (tmp_path / "a.nwb").write_bytes(whole[: len(whole) // 2])
    text = r"NWB file a.nwb: it cannot be read.*truncated.*download it again"
    with pytest.raises(BadUpstreamData, match=text), open_nwb(tmp_path / "a.nwb"):
        pass


def test_a_file_that_is_not_hdf5_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nwb").write_text("<html>504 Gateway Time-out</html>")
    with pytest.raises(BadUpstreamData, match="cannot be read"), open_nwb(tmp_path / "a.nwb"):
        pass
    with pytest.raises(BadUpstreamData, match="is not there"), open_nwb(tmp_path / "b.nwb"):
        pass


def test_a_link_that_leads_in_a_circle_is_no_object(tmp_path: Path) -> None:
    _table(tmp_path / "a.nwb", "int64")
    with h5py.File(tmp_path / "a.nwb", "r+") as handle:
        handle["t/round"] = h5py.SoftLink("/t/round")
        handle["t/gone"] = h5py.ExternalLink("elsewhere.h5", "/a")
    with open_nwb(tmp_path / "a.nwb") as nwb:
        for name in ("t/round", "t/round/data", "t/gone"):
            assert not nwb.has(name)
            with pytest.raises(BadUpstreamData, match=f"dataset {name} is missing"):
                nwb.array(name)
        assert ragged_columns(nwb.group("t")) == {"spike_times": "spike_times_index"}
        assert set(read_table(nwb, "t", "things").columns) == {"id", "local_index", "name"}


def test_one_short_column_is_left_out_and_named_with_its_path(tmp_path: Path) -> None:
    _table(tmp_path / "a.nwb", "int64")
    with h5py.File(tmp_path / "a.nwb", "r+") as handle:
        del handle["t/name"]
        handle["t/name"] = np.array(["good"], dtype=h5py.string_dtype())
    with open_nwb(tmp_path / "a.nwb") as nwb:
        table = read_table(nwb, "t", "things")
        assert set(table.columns) == {"id", "local_index"}
        assert table.texts("name") == [None] * 3
        assert [(note.subject, note.text) for note in nwb.notes] == [("things", "t/name: 1 rows, expected 3; left out")]


def test_a_key_that_most_columns_contradict_costs_the_table(tmp_path: Path) -> None:
    _table(tmp_path / "a.nwb", "int64")
    with h5py.File(tmp_path / "a.nwb", "r+") as handle:
        del handle["t/id"]
        handle["t/id"] = np.arange(2)
    with open_nwb(tmp_path / "a.nwb") as nwb, pytest.raises(BadUpstreamData, match="t/id has 2 rows, and 4 other"):
        read_table(nwb, "t", "things")
