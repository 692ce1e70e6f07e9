"""The platform's side, and the published steps, of the row on the binned Visual Coding set of the Mlynarski group.

``python -m benchmarks.jobs.stimulus_sets JOB FOLDER OUTPUT.npz``, started by the harness. FOLDER is AllenSDK's cache
folder with simulated sessions. Both sides begin with its NWB files and end with one HDF5 file per stimulus type. The
published steps are those that the parity tests follow, with AllenSDK, pandas and xarray alone. OUTPUT gets ``arrays``,
the name, type and hash of every array in the files.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.turns import take_turns

Job = Callable[[], object]
MODE, RULEBOOK = "mlynarski-compat", "allen-vc-default"


def export(root: Path, folder: Path) -> Job:
    """Read each session, bin every stimulus, and join the sessions into files."""
    from nh_platform.exports.stimulus import StoredTensors, plan_tensors, write_stimulus_files, write_tensors
    from nh_platform.exports.stimulus.unit_choice import tensor_good_units
    from nh_platform.qc.unit_table import build_units
    from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource

    def make() -> None:
        empty(folder)
        source = AllenVisualCodingSource(AllenVcSettings(root=root))
        manifest, stored = source.manifest(), []
        for session_id in manifest.session_ids:
            files = manifest.session(session_id)
            recording = source.read_spikes(files)
            annotation = source.read_annotation(files, recording.units, recording.channels)
            none = folder / "no_reviews.yaml"
            units = build_units(recording, annotation, rulebooks=(RULEBOOK,), reviews_file=none).table
            of = (source.read_events(files), source.read_signals(files))
            plan = plan_tensors(*of, units, tensor_good_units(units, MODE, RULEBOOK), MODE)
            target = folder / "sessions" / session_id
            target.mkdir(parents=True)
            write_tensors(target, recording.spikes, *of, [plan])
            stored.append(StoredTensors(target, session_id, MODE))
        tables = source.project_tables([manifest.session(session_id) for session_id in manifest.session_ids])
        write_stimulus_files(folder / "files", stored, MODE, tables)

    return make


def published_steps(root: Path, folder: Path) -> Job:
    """Follow the published steps, text files between them, and write what they end with."""
    import xarray as xr

    from nh_platform.sources.allen import sdk
    from nh_platform_tests.exports.stimulus import plain_binned_set

    sdk.restore_numpy_names()
    cache = folder.parent / "cache"
    shutil.copytree(root, cache, symlinks=True)  # AllenSDK writes its manifest into the folder
    units = sdk.warehouse_cache(cache / "manifest.json").get_units()
    ids = sorted(int(path.name.removeprefix("session_")) for path in root.glob("session_*") if path.is_dir())

    def make() -> None:
        empty(folder)
        sessions = {n: plain_binned_set.open_sdk_session(root / f"session_{n}" / f"session_{n}.nwb") for n in ids}
        (folder / "files").mkdir()
        for name, datasets in plain_binned_set.whole_set(sessions, units, folder).items():
            xr.DataTree.from_dict(datasets).to_netcdf(folder / "files" / f"{name}.h5", engine="h5netcdf")

    return make


def empty(folder: Path) -> None:
    """Leave nothing in the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


JOBS = {job.__name__: job for job in (export, published_steps)}


def arrays(files: Path) -> list[str]:
    """Return name, type, axes and hash of every array of every file."""
    import xarray as xr

    found = []
    for path in sorted(files.glob("*.h5")):
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            for node in tree.subtree:
                dataset: Any = node.to_dataset(inherit=False)
                for name, array in dataset.variables.items():
                    held = np.ascontiguousarray(array.values)
                    content = held.astype(str).tobytes() if held.dtype == object else held.tobytes()
                    words = f"{path.stem}{node.path}/{name} {array.dims} {held.dtype} {held.shape}"
                    found.append(f"{words} {hashlib.sha256(content).hexdigest()}")
    return sorted(found)


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "made"
        job = JOBS[name](Path(source), folder)
        job()
        held = arrays(folder / "files")
        n_bytes = sum(path.stat().st_size for path in Path(source).rglob("*.nwb"))
        words = f"{n_bytes / 1e6:,.0f} MB of NWB, {len(held):,} arrays"
        np.savez(target, arrays=held, input=words, bytes=n_bytes)
        take_turns(job, ("allensdk", "xarray", "numpy"))


if __name__ == "__main__":
    main()
