"""CPU seconds and peak memory of comparing and storing the catalogue of a large release.

Contains three releases of a simulated catalogue of 1,000 sessions and 210,000 dataset rows: nothing changed, a usual
release, and one that moves every row. Add a step here when the way from catalogue to diff gains one. The figures that
are aimed at (a full diff in 5 s and 1 GB) are printed beside; exit 1 where one is missed.

``python benchmarks/bench_release_diff.py`` prints a table.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from aims import Aims

from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.identity import group_versions
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.history.snapshots import read_manifest
from nh_platform.simulation.ibl.catalogue import simulate_catalogue
from nh_platform.store import Store

T = TypeVar("T")

N_SESSIONS = 1000
FILES_PER_SESSION = 210
AIM_S, AIM_MB = 5.0, 1000


def measured(name: str, work: Callable[[], T], aims: Aims | None = None) -> T:
    """Run ``work``; print its CPU seconds and the most memory the process ever held, held against ``aims`` if given."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:44s} {cpu:6.2f} s CPU  {wall:6.2f} s  peak {peak:5.0f} MB")
    if aims is not None:
        aims.at_most(f"   {name}, wall", wall, AIM_S, "s")
        aims.at_most(f"   {name}, memory", peak, AIM_MB, "MB")
    return result


def usual_release(before: Manifest) -> Manifest:
    """Return the manifest with 50 sessions less, wheel patches in 62, other QC in 100 and a tag on 200."""
    ids = list(before.sessions["session_id"])
    gone, patched, judged, tagged = ids[:50], ids[50:112], ids[112:212], ids[212:412]
    files = before.files[~before.files["session_id"].isin(gone)].reset_index(drop=True)
    wheel = files["session_id"].isin(patched) & files["name"].str.startswith("_ibl_wheel.")
    files.loc[wheel, "md5"] = files.loc[wheel, "md5"].str[::-1]
    files.loc[files["session_id"].isin(judged) & (files["group"] == "spikes"), "qc"] = "CRITICAL"
    files.loc[files["session_id"].isin(tagged), "tags"] = "2022_Q4_IBL_et_al_BWM,2026_Q3_New"
    kept = [table[~table["session_id"].isin(gone)] for table in (before.sessions, before.insertions)]
    tables = [table.reset_index(drop=True) for table in kept]
    return replace(before, sessions=tables[0], insertions=tables[1], files=files)


def everything_moves(before: Manifest) -> Manifest:
    """Return the manifest with another md5, tag and QC in every row."""
    files = before.files.assign(
        md5=before.files["md5"].str[::-1],
        tags="2026_Q3_New",
        qc=np.where(before.files["qc"] == "PASS", "WARNING", "PASS").astype(object),
    )
    return replace(before, files=files)


def main() -> None:
    """Print the table."""
    print(f"{N_SESSIONS:,} sessions, {N_SESSIONS * FILES_PER_SESSION:,} dataset rows; aim {AIM_S:.0f} s, {AIM_MB} MB")
    aims = Aims()
    tables = simulate_catalogue(N_SESSIONS, FILES_PER_SESSION)
    before = measured("manifest from tables", lambda: Manifest("ibl", "x", *vars(tables).values()))
    same = replace(before, files=before.files.copy())
    usual, all_rows = usual_release(before), everything_moves(before)

    measured(
        "versions of every session and group",
        lambda: group_versions(before.sessions, before.insertions, before.files),
    )
    measured(
        "the same, session by session",
        lambda: [before.session(name).version("spikes") for name in before.session_ids],
    )
    measured("diff, nothing changed", lambda: diff_manifests(before, same), aims)
    diff = measured("diff, usual release", lambda: diff_manifests(before, usual), aims)
    print("   " + "; ".join([*(f"{kind}: {number}" for kind, number in diff.counts().items()), *diff.summary()]))
    diff = measured("diff, every row moved", lambda: diff_manifests(before, all_rows), aims)
    print("   " + "; ".join([*(f"{kind}: {number}" for kind, number in diff.counts().items()), *diff.summary()]))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        measured("store the first snapshot", lambda: store_manifest(store, before, "1"))
        measured("the same again, nothing to store", lambda: store_manifest(store, same, "1"))
        done = measured("compare with it, store the second", lambda: store_manifest(store, usual, "1"), aims)
        measured("read a snapshot", lambda: read_manifest(store, "ibl", 1))
        size = sum(path.stat().st_size for path in done.snapshot.folder.iterdir())
        print(f"a snapshot is {size / 1e6:.1f} MB on disk")
    aims.finish()


if __name__ == "__main__":
    main()
