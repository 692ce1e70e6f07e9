"""Objects are read back as they were written, and a file that is none of torch_brain's is refused."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nh_platform.exports.torch_brain.layout import first_difference
from nh_platform.exports.torch_brain.objects import array_dict, data, interval, irregular, regular
from nh_platform.exports.torch_brain.recording_file import INDEX, read_recording, second_index, write_recording
from nh_platform.session import StoreError

RECORDING = data(
    {"lab": "a lab", "count": 3, "share": 0.5},
    {
        "units": array_dict({"id": np.array(["a", "bcd"]), "good": np.array([True, False])}),
        "spikes": irregular(np.array([0.5, 1.7, 3.0]), np.array([[0.5, 3.2]]), {"unit_index": np.array([0, 1, 1])}),
        "wheel": regular(0.5, 50.0, {"speed": np.array([1.0, np.nan], dtype=np.float32)}),
        "trials": interval(np.array([[1.0, 2.0]]), {"kind": np.array(["go"])}),
        "nothing": interval(np.zeros((0, 2))),
    },
    domain=np.array([[0.5, 1.0], [2.0, 3.2]]),
)


def test_what_is_written_is_read_back_and_twice_the_same_bytes(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.h5", RECORDING)
    write_recording(tmp_path / "b.h5", RECORDING)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert first_difference(RECORDING, read_recording(tmp_path / "a.h5")) == ""
    with h5py.File(tmp_path / "a.h5") as handle:
        assert handle["units/id"].dtype == "S3"
        assert handle["spikes"].attrs["timekeys"].tolist() == [b"timestamps"]
        assert handle[f"spikes/{INDEX}"][()].tolist() == [0, 1, 2, 3]
        assert all(one.chunks is None for one in handle["spikes"].values() if isinstance(one, h5py.Dataset))


def test_the_index_has_the_first_row_of_every_second_of_the_domain() -> None:
    times = np.array([0.5, 0.9, 1.5, 4.0])
    assert second_index(times, np.array([[0.5, 4.2]])).tolist() == [0, 2, 3, 3, 4]
    assert second_index(np.zeros(0), np.array([[0.0, 1.0]])).tolist() == [0, 0]


def test_another_bit_another_index_and_another_file_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_recording(path, RECORDING)
    with h5py.File(path, "r+") as handle:
        handle["wheel/speed"][0] = 2.0
    assert first_difference(RECORDING, read_recording(path)) == "wheel.speed"
    with h5py.File(path, "r+") as handle:
        handle[f"spikes/{INDEX}"][1] = 0
    with pytest.raises(StoreError, match="index by the second"):
        read_recording(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(StoreError, match="no recording of torch_brain"):
        read_recording(path)
