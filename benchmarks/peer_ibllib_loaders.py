"""Runs inside the ibllib environment: what brainbox's loaders return of one session of a local ALF tree.

``python peer_ibllib_loaders.py ROOT EID OUT``. Writes into the folder OUT one ``.npz`` per bunch of every probe (texts
as unicode) and one ``.parquet`` per table.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from brainbox.io.one import SessionLoader, SpikeSortingLoader
from iblatlas.regions import BrainRegions
from one.api import One


def save_bunch(path: Path, bunch: dict) -> None:
    """Write the arrays of a bunch; a table in it goes beside, its name last."""
    arrays = {}
    for name, values in bunch.items():
        if isinstance(values, pd.DataFrame):
            values.to_parquet(path.with_name(f"{path.stem}.{name}.parquet"))
            continue
        values = np.asarray(values)
        arrays[name] = values.astype(str) if values.dtype == object else values
    np.savez(path, **arrays)


def main() -> None:
    root, eid, out = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    one = One(cache_dir=root, mode="local")
    atlas = SimpleNamespace(regions=BrainRegions())  # without the volume, which is a download
    for collection in one.list_collections(eid, filename="spikes*"):
        probe = collection.split("/")[1]
        loader = SpikeSortingLoader(one=one, eid=eid, pname=probe, atlas=atlas)
        extra = ["clusters.amps", "clusters.peakToTrough"]
        spikes, clusters, channels = loader.load_spike_sorting(dataset_types=extra)
        for name, bunch in (("spikes", spikes), ("clusters", clusters), ("channels", channels)):
            save_bunch(out / f"{probe}.{name}.npz", bunch)
        save_bunch(out / f"{probe}.merged.npz", loader.merge_clusters(spikes, clusters, channels))
        (out / f"{probe}.txt").write_text(f"{loader.collection}\n{loader.histology}\n{loader.pid2ref}\n")
    loader = SessionLoader(one=one, eid=eid)
    loader.load_session_data(pawstates=False)
    loader.data_info.to_parquet(out / "data_info.parquet")
    for name in ("trials", "wheel", "pupil", "licks"):
        getattr(loader, name).to_parquet(out / f"{name}.parquet")
    loader.load_trials(style="tidy")
    loader.trials.to_parquet(out / "trials_tidy.parquet")
    for camera, table in loader.motion_energy.items():
        table.to_parquet(out / f"motion_energy.{camera}.parquet")
    for tracker in ("dlc", "lightningPose"):
        loader.load_pose(tracker=tracker)
        for camera, table in loader.pose.items():
            table.to_parquet(out / f"pose.{tracker}.{camera}.parquet")


if __name__ == "__main__":
    main()
