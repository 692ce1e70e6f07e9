"""Runs inside the torch_brain environment: epochs of windows of 1 s through its sampler and a DataLoader with workers.

``python peer_torch_brain_loader.py KIND INPUT.npz OUTPUT.json``, KIND is counts or events. INPUT has times (s,
ascending), unit_index, n_units, the starts of the windows, stop (s), batch_size, n_workers, n_epochs. OUTPUT gets the
epochs, and by start of a window its number of spikes. Its files are kept open, so workers are forked: under spawn and
forkserver they cannot be pickled.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch_brain.batching import collate, pad, track_mask
from torch_brain.data import ArrayDict, Data, Interval, IrregularTimeSeries
from torch_brain.datasets import Dataset
from torch_brain.samplers import RandomFixedWindowSampler
from torch_brain.utils.binning import bin_spikes
from worker_epochs import timed_epochs


def main() -> None:
    kind, source, target = sys.argv[1:4]
    with np.load(source) as stored:
        given = {name: stored[name] for name in stored.files}
    n_units = int(given["n_units"])
    spikes = IrregularTimeSeries(
        timestamps=given["times"],
        unit_index=given["unit_index"].astype(np.int64),
        domain=Interval(0.0, float(given["stop"])),
    )
    names = np.array([f"u{row}" for row in range(n_units)])

    def counts(sample: Any) -> dict[str, Any]:
        binned = bin_spikes(sample.spikes, num_units=n_units, bin_size=0.02, max_spikes=255, dtype=np.uint8)
        return {"counts": torch.from_numpy(binned), "start": sample.absolute_start}

    def events(sample: Any) -> dict[str, Any]:
        times = sample.spikes.timestamps
        return {
            "times": pad(times),
            "unit_index": pad(sample.spikes.unit_index),
            "mask": track_mask(times),
            "start": sample.absolute_start,
        }

    with tempfile.TemporaryDirectory() as folder:
        with h5py.File(Path(folder) / "bench.h5", "w") as handle:
            Data(spikes=spikes, units=ArrayDict(id=names), domain=spikes.domain).to_hdf5(handle)
        dataset = Dataset(folder, transform=counts if kind == "counts" else events)
        # One interval for each window: its jitter has no room, so that windows are those of the other side.
        intervals = {"bench": Interval(given["starts"], given["starts"] + 1.0)}
        seeded = torch.Generator().manual_seed(0)
        chosen = list(RandomFixedWindowSampler(sampling_intervals=intervals, window_length=1.0, generator=seeded))
        loader = torch.utils.data.DataLoader(
            dataset,
            sampler=chosen,
            batch_size=int(given["batch_size"]),
            collate_fn=collate,
            num_workers=int(given["n_workers"]),
            persistent_workers=True,
            multiprocessing_context="fork",
        )
        epochs = timed_epochs(loader, int(given["n_epochs"]))
        found: dict[float, int] = {}
        for batch in loader:
            held = batch["counts"].sum((1, 2), dtype=torch.int64) if kind == "counts" else batch["mask"].sum(1)
            found |= dict(zip(batch["start"].tolist(), held.tolist(), strict=True))
    Path(target).write_text(json.dumps({"epochs": [asdict(one) for one in epochs], "n_spikes": list(found.items())}))


if __name__ == "__main__":
    main()
