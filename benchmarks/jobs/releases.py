"""The platform's side of rows on releases: two catalogues compared, and the second stored.

``python -m benchmarks.jobs.releases JOB INPUT.npz OUTPUT.npz``, started by the harness. INPUT has n_sessions and
files_per_session of a simulated catalogue. OUTPUT gets ``kinds`` of changes and ``n_files`` that each concerns, or
sessions where a whole one is gone. Add a job here when the way from catalogue to diff gains a step.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.turns import take_turns
from nh_platform.history.comparison.release_diff import ReleaseDiff, diff_manifests
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.simulation.ibl.catalogue import simulate_catalogue
from nh_platform.store import Store

Job = tuple[Callable[[], object], Callable[[], ReleaseDiff], Callable[[], object] | None]
"""What is timed, what returns the changes, and what comes before a run."""


def catalogue(n_sessions: int, files_per_session: int) -> Manifest:
    """Return the first catalogue."""
    return Manifest("ibl", "x", *vars(simulate_catalogue(n_sessions, files_per_session)).values())


def everything_moves(before: Manifest) -> Manifest:
    """Return the catalogue with another md5, tag and QC in every row."""
    files = before.files.assign(
        md5=before.files["md5"].str[::-1],
        tags="2026_Q3_New",
        qc=np.where(before.files["qc"] == "PASS", "WARNING", "PASS").astype(object),
    )
    return replace(before, files=files)


def usual_release(before: Manifest) -> Manifest:
    """Return the catalogue with a twentieth of sessions gone and wheels patched in another sixteenth."""
    ids = list(before.sessions["session_id"])
    gone, patched = ids[: len(ids) // 20], ids[len(ids) // 20 : len(ids) // 20 + len(ids) // 16]
    files = before.files[~before.files["session_id"].isin(gone)].reset_index(drop=True)
    wheel = files["session_id"].isin(patched) & files["name"].str.startswith("_ibl_wheel.")
    files.loc[wheel, "md5"] = files.loc[wheel, "md5"].str[::-1]
    kept = [table[~table["session_id"].isin(gone)] for table in (before.sessions, before.insertions)]
    tables = [table.reset_index(drop=True) for table in kept]
    return replace(before, sessions=tables[0], insertions=tables[1], files=files)


def diff(before: Manifest, folder: Path) -> Job:
    """Compare two catalogues in memory, every row of which moved."""
    compare = partial(diff_manifests, before, everything_moves(before))
    return compare, compare, None


def compare_and_store(before: Manifest, folder: Path) -> Job:
    """Compare a usual release with the stored catalogue, and store it."""
    after, first, store = usual_release(before), folder / "first", folder / "store"
    store_manifest(Store(first), before, "1")

    def again() -> None:
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(first, store)

    again()
    return lambda: store_manifest(Store(store), after, "1"), lambda: diff_manifests(before, after), again


JOBS = {job.__name__: job for job in (diff, compare_and_store)}


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    with np.load(source) as stored:
        before = catalogue(int(stored["n_sessions"]), int(stored["files_per_session"]))
    with tempfile.TemporaryDirectory() as made:
        job, found, again = JOBS[name](before, Path(made))
        job()
        changes = found().changes.groupby("kind")["n_files"].agg(["sum", "size"])
        n_files = np.where(changes["sum"] > 0, changes["sum"], changes["size"])
        words = f"{len(before.sessions):,} sessions, {len(before.files):,} files"
        np.savez(target, kinds=changes.index.to_numpy(str), n_files=n_files, input=words)
        take_turns(job, ("pandas", "numpy", "pyarrow"), again)


if __name__ == "__main__":
    main()
