"""Arrays of stimulus files, written by several workers at once into a folder that they share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from nh_platform.exports.stimulus.npy import _save


def test_workers_that_write_the_same_file_at_once_leave_a_whole_one_of_one_of_them(tmp_path: Path) -> None:
    path, arrays = tmp_path / "gabors-responses.npy", [np.full(500_000, number) for number in range(8)]
    with ThreadPoolExecutor(len(arrays)) as workers:
        list(workers.map(lambda array: _save(path, array), arrays))  # one process id, as of containers
    found = np.load(path)
    assert found.tobytes() in {array.tobytes() for array in arrays}
    assert list(tmp_path.iterdir()) == [path]
