"""Runs inside the torch_brain environment: random windows of 1 s from its own file, kept open, and their bins.

``python peer_torch_brain_windows.py INPUT.npz OUTPUT.npz``. INPUT has times (s, ascending), unit_index, n_units, the
starts of the windows, and how many runs. OUTPUT has CPU seconds of each run, and counts of the compared windows.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from torch_brain.data import ArrayDict, Data, IrregularTimeSeries
from torch_brain.datasets import Dataset
from torch_brain.datasets.dataset import DatasetIndex
from torch_brain.utils.binning import bin_spikes

N_COMPARED = 50


def main() -> None:
    with np.load(sys.argv[1]) as stored:
        times, units, starts = stored["times"], stored["unit_index"], stored["starts"]
        n_units, n_runs = int(stored["n_units"]), int(stored["n_runs"])
    spikes = IrregularTimeSeries(timestamps=times, unit_index=units.astype(np.int64), domain="auto")
    names = np.array([f"u{row}" for row in range(n_units)])
    with tempfile.TemporaryDirectory() as folder:
        with h5py.File(Path(folder) / "bench.h5", "w") as handle:
            Data(spikes=spikes, units=ArrayDict(id=names), domain=spikes.domain).to_hdf5(handle)
        dataset = Dataset(folder)
        windows = [DatasetIndex("bench", float(start), float(start) + 1.0) for start in starts]

        def taken(index: DatasetIndex) -> tuple[np.ndarray, np.ndarray]:
            sample = dataset[index]
            return sample.spikes.timestamps, sample.spikes.unit_index  # lazy until they are touched

        def binned(index: DatasetIndex) -> np.ndarray:
            return bin_spikes(dataset[index].spikes, num_units=n_units, bin_size=0.02)

        found = {"counts": np.stack([binned(index) for index in windows[:N_COMPARED]])}
        for name, read in (("events_s", taken), ("counts_s", binned)):
            seconds = []
            for _ in range(n_runs):
                began = time.process_time()
                for index in windows:
                    read(index)
                seconds.append(time.process_time() - began)
            found[name] = np.array(seconds)
    np.savez(sys.argv[2], **found)


if __name__ == "__main__":
    main()
