"""The platform's side, and that of plain files, of rows on spikes that come in, are stored and are read back.

``python -m benchmarks.jobs.stored_spikes JOB FOLDER OUTPUT.npz``, started by the harness. FOLDER has upstream files of
one IBL session. OUTPUT gets ``spike_trains``, a hash of each unit's times and amplitudes, ``bytes`` of the input and
``figure_stored_share``, what is stored over what the spikes take as arrays of ALF. Add a way of storing here.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.homes import SOURCE, new_home
from benchmarks.turns import take_turns
from nh_platform.planning.making import make_session_asset
from nh_platform.session import RawRecording, Spikes
from nh_platform.store.codecs.recording_files import read_recording, read_spikes, write_recording

ARRAYS = ("times", "amplitudes", "depths")
BYTES_OF_SPIKE = 36
"""Of a spike as ALF has it: times, samples, amps and depths of 8 bytes, and clusters of 4."""


@dataclass(frozen=True)
class Ready:
    """What a job begins with: a folder to write into, the recording, and how `raw_spikes` is made."""

    folder: Path
    recording: RawRecording
    make: Callable[[], Path]


Job = tuple[Callable[[], object], Callable[[], Spikes], Callable[[], Path]]
"""What is timed; what reads the spikes back afterwards; what returns the folder that they lie in."""


def alf_in(ready: Ready) -> Job:
    """Make `raw_spikes` from upstream's files: verified, read, grouped by unit, judged, stored and recorded."""
    made = ready.make()
    return ready.make, lambda: read_spikes(made), lambda: made


def write(ready: Ready) -> Job:
    """Write a recording as `raw_spikes` is stored."""
    return (
        lambda: write_recording(ready.folder, ready.recording),
        lambda: read_spikes(ready.folder),
        lambda: ready.folder,
    )


def read(ready: Ready) -> Job:
    """Read stored spikes back."""
    write_recording(ready.folder, ready.recording)
    return lambda: read_spikes(ready.folder), lambda: read_spikes(ready.folder), lambda: ready.folder


def npy_write(ready: Ready) -> Job:
    """Write the same arrays as one npy each."""
    spikes = ready.recording.spikes

    def save() -> None:
        for name in (*ARRAYS, "offsets"):
            np.save(ready.folder / f"{name}.npy", getattr(spikes, name))

    return save, lambda: _npy(ready.folder), lambda: ready.folder


def npy_read(ready: Ready) -> Job:
    """Read the same arrays from one npy each."""
    npy_write(ready)[0]()
    return lambda: _npy(ready.folder), lambda: _npy(ready.folder), lambda: ready.folder


def gzip_write(ready: Ready) -> Job:
    """Write the same arrays to HDF5 as is usual in the field: gzip, shuffled."""
    import h5py

    spikes, path = ready.recording.spikes, ready.folder / "spikes.h5"

    def save() -> None:
        with h5py.File(path, "w") as handle:
            for name in (*ARRAYS, "offsets"):
                handle.create_dataset(name, data=getattr(spikes, name), compression="gzip", shuffle=True)

    return save, lambda: _gzip(path), lambda: ready.folder


def gzip_read(ready: Ready) -> Job:
    """Read the same arrays from HDF5 with gzip."""
    gzip_write(ready)[0]()
    path = ready.folder / "spikes.h5"
    return lambda: _gzip(path), lambda: _gzip(path), lambda: ready.folder


def _npy(folder: Path) -> Spikes:
    held = {name: np.load(folder / f"{name}.npy") for name in (*ARRAYS, "offsets")}
    return Spikes(held["times"], held["offsets"], held["amplitudes"], held["depths"])


def _gzip(path: Path) -> Spikes:
    import h5py

    with h5py.File(path, "r") as handle:
        held = {name: handle[name][:] for name in (*ARRAYS, "offsets")}
    return Spikes(held["times"], held["offsets"], held["amplitudes"], held["depths"])


JOBS = {job.__name__: job for job in (alf_in, write, read, npy_write, npy_read, gzip_write, gzip_read)}


def hashes(trains: list[tuple[Any, Any]]) -> list[str]:
    """Return the hash of times and amplitudes (V, float32) of each unit."""
    return [
        hashlib.sha256(times.tobytes() + np.asarray(amps, dtype=np.float32).tobytes()).hexdigest()
        for times, amps in trains
    ]


def by_unit(spikes: Spikes) -> list[tuple[Any, Any]]:
    """Return times and amplitudes of each unit."""
    parts = [slice(*spikes.offsets[row : row + 2]) for row in range(spikes.n_units)]
    return [(spikes.times[part], spikes.amplitudes[part]) for part in parts]


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as made:
        home, folder = Path(made) / "home", Path(made) / "written"
        home.mkdir()
        folder.mkdir()
        platform = new_home(home, Path(source))
        (session_id,) = platform.manifest(SOURCE).session_ids
        make = lambda: make_session_asset(platform, SOURCE, session_id, "raw_spikes").folder  # noqa: E731
        recording = read_recording(make())
        job, back, where = JOBS[name](Ready(folder, recording, make))

        def clear() -> None:
            for path in folder.iterdir():
                path.unlink()

        before = clear if name.endswith("write") else None
        job()
        spikes = back()
        n_bytes = BYTES_OF_SPIKE * len(spikes.times)
        stored = sum(path.stat().st_size for path in where().iterdir())
        words = f"{len(spikes.times):,} spikes of {spikes.n_units:,} units"
        np.savez(
            target,
            spike_trains=hashes(by_unit(spikes)),
            bytes=n_bytes,
            figure_stored_share=stored / n_bytes,
            input=f"{words}: {n_bytes / 1e6:,.0f} MB, stored {stored / 1e6:,.0f} MB",
            probe=recording.units["probe"].to_numpy(str),
            cluster=recording.units["cluster_id"].to_numpy(np.int64),
        )
        take_turns(job, ("numpy", "h5py"), before)


if __name__ == "__main__":
    main()
