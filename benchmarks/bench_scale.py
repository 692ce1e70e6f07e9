"""How the platform feels with 1,000 sessions: a sensor tick, and the pages of the web server.

    uv run python -m benchmarks.bench_scale [--sessions 1000] [--stock] [--own-instance]

Makes a catalogue of 1,000 sessions (210,000 files, nothing behind them), registers them, stores one materialization of
`units` and one evaluation of every check per session, and measures: one tick of the release sensor, and the GraphQL
answers that the asset page, the partitions page and the page of every check ask for, each after the web server was
asked for nothing else of it (first) and four times more (median). ``--stock`` uses Dagster's own event log in place of
ours, for the comparison. ``--own-instance`` fills and measures the instance of ``DAGSTER_HOME``, which should be empty
before: that of ``deploy/dagster.yaml`` for Postgres. Exit 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import dagster as dg

from benchmarks.aims import Aims
from benchmarks.graphql_pages import ASSET_PAGE, CHECK_PAGE, PARTITIONS_PAGE, ask
from nh_platform.defs.automation import evaluate_release
from nh_platform.defs.checks import session_checks
from nh_platform.defs.partitions import register_sessions
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance, prepare_instance
from nh_platform.simulation.ibl.catalogue import simulate_catalogue
from nh_platform.sources.registry import source_entry

REPEATS = 5
_POSTGRES = "nh_platform.defs.deployed.postgres_storage\n  class: PartitionCachingPostgresEventLogStorage"
_STOCK = {
    "nh_platform.defs.event_log": "dagster._core.storage.event_log",
    "PartitionCachingSqliteEventLogStorage": "SqliteEventLogStorage",
    _POSTGRES: "dagster_postgres.event_log\n  class: PostgresEventLogStorage",
}
"""Storages of ``dagster.yaml`` and of ``deploy/dagster.yaml``, and Dagster's own in their place."""
TICK_AIM_S, PAGE_AIM_S = 10.0, 1.0


class CatalogueSource:
    """A source that lists a simulated catalogue and has no files."""

    name = "ibl"
    title = "simulated catalogue"

    def signal(self) -> str:
        """Return the same text always: nothing is announced."""
        return "same"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--stock", action="store_true", help="Dagster's own SQLite event log")
    parser.add_argument("--own-instance", action="store_true", help="the instance of DAGSTER_HOME")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if not arguments.own_instance:
            os.environ.pop("DAGSTER_HOME", None)
        settings = load_settings(home)
        dagster_home = prepare_instance(settings)
        if arguments.stock:
            _use_stock_event_log(dagster_home / "dagster.yaml")
        platform = Platform(settings)
        platform._sources["ibl"] = CatalogueSource()  # type: ignore[assignment]
        tables = simulate_catalogue(arguments.sessions)
        manifest = Manifest("ibl", "simulated", tables.sessions, tables.insertions, tables.files)
        store_manifest(platform.store, manifest, "1")
        with open_instance(settings) as instance:
            register_sessions(instance, "ibl", manifest.session_ids)
            aims = Aims()
            _tick(instance, platform, aims)
            checks = _fill(instance, platform, manifest.session_ids)
        _pages(home, dagster_home, checks, aims)
    aims.finish()


def _tick(instance: dg.DagsterInstance, platform: Platform, aims: Aims) -> None:
    entry = source_entry("ibl")
    cursor, seconds = None, []
    for _ in range(REPEATS):
        began = time.perf_counter()
        result = evaluate_release(instance, entry, platform, cursor)
        seconds.append(time.perf_counter() - began)
        cursor = result.cursor  # type: ignore[union-attr]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"sensor tick: first {seconds[0]:.2f} s, then {statistics.median(seconds[1:]):.2f} s (median); {peak:.0f} MiB"
    )
    aims.at_most("slowest sensor tick", max(seconds), TICK_AIM_S, "s")


def _fill(instance: dg.DagsterInstance, platform: Platform, sessions: list[str]) -> list[str]:
    key = dg.AssetKey(["ibl", "units"])
    names = [check.name for check in session_checks(source_entry("ibl"), platform)["units"]]
    began = time.perf_counter()
    for session in sessions:
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=session))
        for name in names:
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(asset_key=key, check_name=name, passed=True, partition=session, metadata={})
            )
    print(f"{len(sessions)} sessions x {len(names)} checks written in {time.perf_counter() - began:.0f} s")
    return names


def _pages(home: Path, dagster_home: Path, checks: list[str], aims: Aims) -> None:
    environment = {**os.environ, "NH_HOME": str(home), "DAGSTER_HOME": str(dagster_home)}
    port = 3977
    command = [sys.executable, "-m", "dagster_webserver", "-m", "nh_platform.definitions", "-p", str(port)]
    log = (home / "webserver.log").open("wb")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        key = {"key": {"path": ["ibl", "units"]}}
        pages = [("asset page, all checks", ASSET_PAGE, key), ("partitions page", PARTITIONS_PAGE, key)]
        pages += [(f"check {name}", CHECK_PAGE, {**key, "name": name}) for name in checks]
        for name, query, variables in pages:
            seconds = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                ask(address, query, variables)
                seconds.append(time.perf_counter() - began)
            print(f"{name}: first {seconds[0]:.2f} s, median {statistics.median(seconds):.2f} s")
            aims.at_most(f"  {name}", statistics.median(seconds), PAGE_AIM_S, "s")
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait(address: str) -> None:
    for _ in range(1200):
        try:
            ask(address, "query { version }", {})
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError("the web server did not answer")


def _use_stock_event_log(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for ours, stock in _STOCK.items():
        text = text.replace(ours, stock)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
