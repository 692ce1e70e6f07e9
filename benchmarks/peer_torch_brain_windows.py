"""Runs inside the torch_brain environment: random windows of 1 s from its own file, kept open, and their bins.

``python peer_torch_brain_windows.py JOB FOLDER OUTPUT.npz``, started by the harness; JOB is counts or events, one of
these with ``_cold``, for which the system's cache has nothing of the file, or one behind ``batched_``: an epoch of
batches in random order from its dataset and `collate` in a `DataLoader` without workers. FOLDER has input.npz with
times (s, ascending), unit of every spike, n_units, and the starts of the windows. OUTPUT gets counts (n_windows,
n_units, n_bins), or offsets, times and units of the spikes of every window.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch_brain.batching import collate, pad, track_mask
from torch_brain.data import ArrayDict, Data, IrregularTimeSeries
from torch_brain.datasets import Dataset
from torch_brain.datasets.dataset import DatasetIndex
from torch_brain.utils.binning import bin_spikes
from turns import forget_pages, take_turns

BATCH_SIZE = 32


def main() -> None:
    name, source, target = sys.argv[1:4]
    with np.load(Path(source) / "input.npz") as stored:
        times, units, starts = stored["times"], stored["unit"], stored["starts"]
        n_units = int(stored["n_units"])
    spikes = IrregularTimeSeries(timestamps=times, unit_index=units.astype(np.int64), domain="auto")
    names = np.array([f"u{row}" for row in range(n_units)])
    with tempfile.TemporaryDirectory(dir=source) as folder:
        path = Path(folder) / "bench.h5"
        with h5py.File(path, "w") as handle:
            Data(spikes=spikes, units=ArrayDict(id=names), domain=spikes.domain).to_hdf5(handle)
        dataset = Dataset(folder)
        windows = [DatasetIndex("bench", float(start), float(start) + 1.0) for start in starts]

        def taken(index: DatasetIndex) -> tuple[np.ndarray, np.ndarray]:
            sample = dataset[index]
            return sample.spikes.timestamps, sample.spikes.unit_index  # lazy until they are touched

        def binned(index: DatasetIndex) -> np.ndarray:
            return bin_spikes(dataset[index].spikes, num_units=n_units, bin_size=0.02)

        found: dict[str, Any]
        if name.startswith("batched_"):
            job, found = batched(Path(folder), name.removeprefix("batched_"), windows, n_units)
            np.savez(target, **found)
            take_turns(job, ("torch-brain", "torch", "h5py"))
            return
        if name.startswith("counts"):
            read = binned
            found = {"counts": np.stack([in_order(binned(index), n_units).astype(np.uint8) for index in windows])}
        else:
            read, held = taken, [taken(index) for index in windows]
            found = {"offsets": np.cumsum([0, *(len(at) for at, _ in held)])}
            found |= {"times": np.concatenate([at for at, _ in held]), "units": np.concatenate([of for _, of in held])}
        np.savez(target, **found)

        def job() -> None:
            for index in windows:
                read(index)

        before = (lambda: forget_pages(path)) if name.endswith("_cold") else None
        take_turns(job, ("torch-brain", "torch", "h5py"), before)


def batched(
    folder: Path, kind: str, windows: list[DatasetIndex], n_units: int
) -> tuple[Callable[[], None], dict[str, Any]]:
    """Return a job that takes an epoch of batches of windows, and what they hold in their order."""

    def counts(sample: Any) -> dict[str, Any]:
        binned = bin_spikes(sample.spikes, num_units=n_units, bin_size=0.02, max_spikes=255, dtype=np.uint8)
        return {"counts": torch.from_numpy(in_order(binned, n_units))}

    def events(sample: Any) -> dict[str, Any]:
        times = sample.spikes.timestamps
        return {"times": pad(times), "units": pad(sample.spikes.unit_index), "mask": track_mask(times)}

    dataset = Dataset(folder, transform=counts if kind == "counts" else events)

    def loader(indices: list[DatasetIndex]) -> Any:
        return torch.utils.data.DataLoader(dataset, sampler=indices, batch_size=BATCH_SIZE, collate_fn=collate)

    taken = list(loader(windows))
    if kind == "counts":
        found = {"counts": torch.cat([one["counts"] for one in taken]).numpy()}
    else:
        held = [(row[there], of[there]) for one in taken for row, of, there in zip(*one.values())]
        found = {"offsets": np.cumsum([0, *(len(times) for times, _ in held)])}
        found |= {"times": torch.cat([times for times, _ in held]).numpy()}
        found |= {"units": torch.cat([units for _, units in held]).numpy()}
    shuffled = loader([windows[i] for i in np.random.default_rng(0).permutation(len(windows))])

    def job() -> None:
        for _ in shuffled:
            pass

    return job, found


def in_order(counts: np.ndarray, n_units: int) -> np.ndarray:
    """Return (n_units, n_bins), whichever way round the library has it."""
    return counts if counts.shape[0] == n_units and counts.shape[1] != n_units else counts.T


if __name__ == "__main__":
    main()
