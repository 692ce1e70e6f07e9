"""Runs inside the torch_brain environment: what its own samplers and `bin_spikes` make of exported recordings.

``python peer_torch_brain_recordings.py FOLDER OUTPUT.npz``. FOLDER is one that `nh export torch-brain` wrote into.
OUTPUT has, by ``<source>/<sampler>/<reader>``, start and end of every window, the number, times and units of its
spikes, and its counts in bins of 20 ms; and by ``<source>/rewritten`` in what torch_brain's own file of the same
objects differs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch_brain.data import Data, Interval
from torch_brain.datasets.dataset import DatasetIndex
from torch_brain.samplers import RandomFixedWindowSampler, SequentialFixedWindowSampler, TrialSampler
from torch_brain.utils.binning import bin_spikes

BIN_S, WINDOW_S = 0.02, 1.0
BENCHMARK_TASKS = (
    ("choice", "choice", None),
    ("reward", "reward", None),
    ("stimulus_contrast", "stimulus_contrast", None),
    ("whisker_motion_energy", "movement_window", "whisker"),
    ("wheel_speed", "movement_window", "wheel"),
    ("licking_rate", "licking_window", "licks"),
)
"""Task, its window, and the signal that it needs (``get_ts1_readout_spec`` of ibl-bwb-eval 0.1.0)."""


def main() -> None:
    root, found = Path(sys.argv[1]), {}
    sys.path.insert(0, str(root))
    from nh_dataset import Recordings, target_of

    for source in sorted({path.parent.name for path in root.glob("*/*.h5")}):
        recordings = Recordings(root, source)
        (name,) = recordings.recording_ids
        path = root / source / f"{name}.h5"
        with h5py.File(path, "r") as handle:
            eager = Data.from_hdf5(handle, lazy=False)
        found[f"{source}/rewritten"] = np.array(differences_when_rewritten(path, eager), dtype=str)
        for sampler, indices in windows_of(recordings).items():
            for reader in ("lazy", "eager"):
                takes = recordings.__getitem__ if reader == "lazy" else partial(cut, eager)
                samples = [(one, takes(one)) for one in indices]
                found |= {f"{source}/{sampler}/{reader}/{key}": values for key, values in read(samples).items()}
        for split in ("train", "valid", "val", "test"):
            (stretches,) = recordings.get_sampling_intervals(split).values()
            found[f"{source}/split/{split}"] = np.column_stack([stretches.start, stretches.end])
        found |= {f"{source}/{key}": one for key, one in benchmark_windows(recordings.get_recording(name)).items()}
        fewer = Recordings(root, source, only=[])
        one = windows_of(recordings)["random"][0]
        same = np.array_equal(fewer[one].spikes.timestamps, recordings[one].spikes.timestamps)
        found[f"{source}/only"] = np.array([same, hasattr(fewer[one], "trials"), hasattr(recordings[one], "trials")])
        signal = recordings.get_recording(name).signals
        key = f"{signal.group[0]}.{signal.name[0]}"
        sizes = {len(target_of(recordings[one], key)[1]) for one in windows_of(recordings)["random"]}
        found[f"{source}/rows_of_a_second"] = np.array([signal.rate_hz[0], *sizes])
    np.savez(sys.argv[2], **found)


def cut(data: Data, index: DatasetIndex) -> Data:
    """Return the sample of a recording that is in memory."""
    return data.slice(index.start, index.end)


def windows_of(recordings: Any) -> dict[str, list[DatasetIndex]]:
    """Return windows of torch_brain's samplers, and those of whole seconds within the domain."""
    whole = recordings.get_sampling_intervals()
    (name,) = whole
    seconds = [
        DatasetIndex(name, float(second), second + WINDOW_S)
        for start, end in whole[name]
        for second in range(int(np.ceil(start)), int(end))
    ]
    trials = [one for one in ("trials", "presentations.natural_scenes") if has(recordings.get_recording(name), one)]
    within = recordings.get_sampling_intervals("train", within=trials[0])
    generator = torch.Generator().manual_seed(0)
    samplers: dict[str, Iterable[DatasetIndex]] = {
        "random": RandomFixedWindowSampler(
            sampling_intervals=recordings.get_sampling_intervals("train"), window_length=WINDOW_S, generator=generator
        ),
        "sequential": SequentialFixedWindowSampler(
            sampling_intervals=recordings.get_sampling_intervals("test"), window_length=WINDOW_S, step=0.5
        ),
        "trials": TrialSampler(sampling_intervals={key: first(one) for key, one in within.items()}),
        "seconds": seconds,
    }
    return {key: list(one) for key, one in samplers.items()}


def benchmark_windows(recording: Data) -> dict[str, np.ndarray]:
    """Return where BrainWideBench's data set of suite 1 draws windows from: of task, split and signal at once."""
    found = {}
    for task, window, domain in BENCHMARK_TASKS if hasattr(recording, "task_aligned_intervals") else ():
        windows = recording.task_aligned_intervals
        for split in ("train", "val", "test"):
            both = windows.domain & getattr(recording, f"ts1_{split}_domain") & getattr(windows, window)
            both = both & (getattr(windows, window) if domain is None else getattr(recording, domain).domain)
            found[f"bench/{task}/{split}"] = np.column_stack([both.start, both.end])
            if domain is not None and len(both):
                sample = recording.slice(float(both.start[0]), float(both.end[0]))
                found[f"bench/{task}/{split}/rows"] = np.array([len(getattr(sample, domain).timestamps)])
    return found


def has(data: Data, name: str) -> bool:
    try:
        return len(data.get_nested_attribute(name)) > 0
    except (AttributeError, KeyError):
        return False


def first(intervals: Interval) -> Interval:
    """Return the first of many: reading hundreds says no more."""
    return Interval(intervals.start[:60], intervals.end[:60])


def read(samples: list[tuple[DatasetIndex, Data]]) -> dict[str, np.ndarray]:
    """Return where windows lie, their spikes, and their counts where they last whole bins."""
    counts = [
        bin_spikes(sample.spikes, num_units=len(sample.units), bin_size=BIN_S)
        for one, sample in samples
        if abs(one.end - one.start - WINDOW_S) < 1e-9
    ]
    return {
        "start": np.array([one.start for one, _ in samples]),
        "end": np.array([one.end for one, _ in samples]),
        "n": np.array([len(sample.spikes) for _, sample in samples]),
        "times": np.concatenate([sample.spikes.timestamps for _, sample in samples]),
        "units": np.concatenate([sample.spikes.unit_index for _, sample in samples]),
        "counts": np.stack(counts) if counts else np.zeros((0, 50, 0)),
    }


def differences_when_rewritten(path: Path, data: Data) -> list[str]:
    """Return in what torch_brain's own file of what it read differs: names, types, bytes of arrays, attributes."""
    with tempfile.TemporaryDirectory() as folder:
        with h5py.File(Path(folder) / "own.h5", "w") as handle:
            data.to_hdf5(handle)
        with h5py.File(path, "r") as ours, h5py.File(Path(folder) / "own.h5", "r") as own:
            return list(differences(ours, own))


def differences(ours: Any, own: Any) -> Iterable[str]:
    if set(ours) != set(own) or set(ours.attrs) != set(own.attrs):
        yield f"{own.name}: {set(ours) ^ set(own)}, {set(ours.attrs) ^ set(own.attrs)}"
        return
    for name, one in ours.attrs.items():
        other = own.attrs[name]
        same = np.array_equal(np.sort(one), np.sort(other)) if isinstance(one, np.ndarray) else one == other
        if type(one) is not type(other) or not same:
            yield f"{own.name}, {name}: {one!r} and {other!r}"
    for name, one in ours.items():
        other = own[name]
        if isinstance(one, h5py.Group):
            yield from differences(one, other)
        elif (one.dtype, one.shape, one.chunks) != (other.dtype, other.shape, other.chunks):
            yield f"{other.name}: {one} and {other}"
        elif one[()].tobytes() != other[()].tobytes():
            yield f"{other.name}: other bytes"


if __name__ == "__main__":
    main()
