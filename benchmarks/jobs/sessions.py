"""Whole sessions in one process that has made one before: with Dagster, without it, and their report.

``python -m benchmarks.jobs.sessions JOB FOLDER OUTPUT.npz``, started by the harness. FOLDER has upstream files of one
IBL session. OUTPUT gets ``assets``, ``n_spikes`` and ``n_units`` of what was made; of the report ``figure_page_mb``.
Add a job here for what is done with a session in a process that stays.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.homes import SOURCE, new_home
from benchmarks.turns import take_turns
from nh_platform import open_store, operations
from nh_platform.home.platform import Platform
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.versions import SourcePlan

REPORT = "session_report"
ON_REQUEST = {"report": ("mean_waveforms",)}


def with_dagster(platform: Platform, session_id: str) -> Callable[[], object]:
    """Make every asset in a Dagster run, checks included."""
    home = OpenHome(platform, open_instance(platform.settings, embedded=True).__enter__())
    operations.sync(home, SOURCE)
    return lambda: operations.materialize(home, SOURCE, [session_id], only_stale=False)


def without_dagster(platform: Platform, session_id: str) -> Callable[[], object]:
    """Make every asset by the same functions, one after the other; no check and no event."""
    names = list(SourcePlan(platform, SOURCE).assets)

    def make() -> None:
        for name in names:
            make_session_asset(platform, SOURCE, session_id, name)

    return make


def report(platform: Platform, session_id: str) -> Callable[[], object]:
    """Make the report of a session whose other assets are made, mean waveforms among them."""
    for name in SourcePlan(platform, SOURCE).assets:
        if name != REPORT:
            make_session_asset(platform, SOURCE, session_id, name)
    return lambda: make_session_asset(platform, SOURCE, session_id, REPORT)


JOBS = {job.__name__: job for job in (with_dagster, without_dagster, report)}


def found(home: Path, made: Path, session_id: str) -> dict[str, Any]:
    """Return what is stored of a session."""
    view = open_store(home).session(SOURCE, session_id)
    assets = sorted(path.name for path in made.iterdir() if path.is_dir())
    values: dict[str, Any] = {"assets": assets, "n_spikes": len(view.spikes.times), "n_units": view.spikes.n_units}
    for page in (made / REPORT).rglob("report.html"):
        values["figure_page_mb"] = page.stat().st_size / 1e6
    return values


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    warnings.simplefilter("ignore")
    os.environ.pop("DAGSTER_HOME", None)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        platform = new_home(Path(folder), Path(source), ON_REQUEST.get(name, ()))
        (session_id,) = platform.manifest(SOURCE).session_ids
        made = platform.store.root / SOURCE / session_id
        job = JOBS[name](platform, session_id)
        job()
        values = found(Path(folder), made, session_id)
        words = f"{values['n_spikes']:,} spikes of {values['n_units']:,} units, {len(values['assets'])} assets"
        np.savez(target, input=words, **values)
        before = None if name == "report" else lambda: shutil.rmtree(made, ignore_errors=True)
        take_turns(job, ("dagster", "numpy", "numba"), before)


if __name__ == "__main__":
    main()
