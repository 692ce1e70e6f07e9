"""The QC site of a release of 1,000 sessions: CPU seconds to make it, and seconds until Chromium shows it.

    uv run python -m benchmarks.bench_site [--sessions 1000] [--units 700] [--repeat 5]

Fills a store with the units and unit embeddings of that many sessions (two insertions each), drawn from those of one
simulated session, and makes the asset `qc_site` of it as the daily inventory does. Then opens the index from disk in
headless Chromium and prints when it was first painted, when its figures stood, and how long filtering and sorting the
sessions take. Exit 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.aims import Aims
from nh_platform import operations
from nh_platform.assets.across_sessions.qc_site import ASSET
from nh_platform.assets.unit_embeddings import ASSET as EMBEDDINGS_ASSET
from nh_platform.assets.units import ASSET as UNITS_ASSET
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.making import make_source_asset
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.session.tables.units import UNITS
from nh_platform.simulation import TINY, write_ibl
from nh_platform.simulation.ibl.catalogue import PROBES, simulate_catalogue
from nh_platform.store import Provenance
from nh_platform.store.codecs.parquet import read_table, write_table

OPEN_AIM_S, MAKE_AIM_S = 2.0, 60.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--units", type=int, default=700)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    aims = Aims()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        template = _simulated_units(home / "one")
        platform = Platform(load_settings(home / "many"))
        _fill(platform, template, arguments.sessions, arguments.units)
        print(f"{arguments.sessions} sessions of {arguments.units} units")
        began, cpu = time.perf_counter(), time.process_time()
        made = make_source_asset(platform, "ibl", ASSET)
        seconds = time.process_time() - cpu
        print(f"made in {time.perf_counter() - began:.1f} s")
        aims.at_most("CPU seconds to make the site", seconds, MAKE_AIM_S, "s")
        index = made.folder / "index.html"
        print(f"index: {index.stat().st_size / 1e6:.2f} MB")
        _open(index, arguments.repeat, aims)
    aims.finish()


def _simulated_units(home: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the stored units of one simulated session, and their embeddings."""
    home.mkdir(parents=True)
    write_ibl(home / "upstream", 1, 7, size=TINY)
    (home / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: upstream}\n", encoding="utf-8")
    opened = OpenHome(Platform(load_settings(home)))
    operations.sync(opened, "ibl")
    operations.materialize(opened, "ibl", None, assets=("raw_spikes", "events", "units", "windows", "unit_embeddings"))
    (session_id,) = opened.platform.store.sessions("ibl")
    folders = [opened.platform.store.folder("ibl", session_id, name) for name in ("units", "unit_embeddings")]
    opened.close()
    units, embeddings = (read_table(folder / f"{folder.parent.name}.parquet") for folder in folders)
    return units, embeddings


def _fill(platform: Platform, template: tuple[pd.DataFrame, pd.DataFrame], n_sessions: int, n_units: int) -> None:
    """Store a catalogue, and units and embeddings of all its sessions."""
    tables = simulate_catalogue(n_sessions, files_per_session=84)
    manifest = Manifest("ibl", "simulated", tables.sessions, tables.insertions, tables.files)
    store_manifest(platform.store, manifest, "1")
    rng = np.random.default_rng(0)
    for number, session_id in enumerate(manifest.session_ids):
        rows = np.sort(rng.integers(0, len(template[0]), n_units))
        tables = zip((UNITS_ASSET, EMBEDDINGS_ASSET), (UNITS, UNIT_EMBEDDINGS), template)
        for asset, schema, of_one in tables:
            table = of_one.iloc[rows].reset_index(drop=True)
            table["unit_id"] = [f"{unit:05d}" for unit in range(n_units)]
            table["probe"] = np.where(np.arange(n_units) < n_units // 2, *PROBES)
            record = Provenance.make(
                asset=asset.name,
                source="ibl",
                session_id=session_id,
                code_version=asset.code_version,
                inputs={"number": str(number)},
                parameters={"reference_window": "whole-session"},
            )
            with platform.store.publish(record) as folder:
                write_table(folder / f"{asset.name}.parquet", table, schema)


def _open(index: Path, repeats: int, aims: Aims) -> None:
    """Open the index in Chromium, and print what a person waits for."""
    from nh_platform_tests.services.servers import chromium

    painted, stood, filtered, ordered = [], [], [], []
    with chromium() as driver:
        for _ in range(repeats):
            driver.get("about:blank")
            driver.get(index.as_uri())
            driver.set_script_timeout(60)
            stood.append(driver.execute_async_script(_WHEN_READY) / 1e3)
            paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
            painted.append(driver.execute_script(paint) / 1e3)
            filtered.append(driver.execute_async_script(_FILTER) / 1e3)
            ordered.append(driver.execute_async_script(_SORT) / 1e3)
    print(f"first painted: median {statistics.median(painted):.2f} s")
    aims.at_most("figures and table stand", statistics.median(stood), OPEN_AIM_S, "s")
    print(f"filter to painted: median {statistics.median(filtered):.3f} s")
    print(f"sort to painted: median {statistics.median(ordered):.3f} s")


_WHEN_READY = """
const done = arguments[0];
const look = () => document.documentElement.dataset.ready === undefined ? setTimeout(look, 5)
  : requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
look();
"""
_FILTER = """
const done = arguments[0], began = performance.now(), field = document.getElementById("find");
field.value = "lab";
field.dispatchEvent(new Event("input", { bubbles: true }));
requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
"""
_SORT = """
const done = arguments[0], began = performance.now();
document.querySelectorAll("#session-table th button")[8].click();
requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
"""

if __name__ == "__main__":
    main()
