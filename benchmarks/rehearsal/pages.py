"""Pages, commands and ticks of a home with many materialized sessions, on SQLite or after a move to PostgreSQL.

    uv run python -m benchmarks.rehearsal.pages --home FOLDER [--postgres] [--only TEXT] [--result FILE] [--slow FILE]

Opens every page of Dagster that people wait for in a real Chromium, by its address and from another page, until its
content stands; then runs the commands that read the history, and ticks of the sensor. With ``--postgres``, the history
goes into a PostgreSQL server of its own by `nh move-history` first. ``--slow`` lists pages above 1 s with the questions
to the server that took longest. The home is read: nothing of it changes, but serve no `nh ui` of it meanwhile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.rehearsal.dagster_pages import DagsterPage, dagster_pages
from benchmarks.rehearsal.page_times import PageTimes, page_times
from benchmarks.rehearsal.record import stamp, write_json
from benchmarks.rehearsal.served import SOURCE, nh
from benchmarks.rehearsal.watching import Load, timed
from benchmarks.scale.measured_tables import PAGE_AIM_S
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.sources.registry import source_entry

_CHECK = "noise_cutoff"
_TICKS = 4


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--postgres", action="store_true", help="move the history into a PostgreSQL server first")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="pages whose name has this; no commands and no ticks then")
    parser.add_argument("--result", type=Path, help="JSON file for python -m benchmarks.scale")
    parser.add_argument("--slow", type=Path, help="text file of pages above 1 s; what stands there stays")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers that it started end with it
    for name in ("DAGSTER_HOME", "NH_STORE"):
        os.environ.pop(name, None)
    home = arguments.home.absolute()
    with _history(home, is_moved=arguments.postgres) as (database, variables, moved), Load() as load:
        os.environ.update(variables)
        pages = _pages(home, variables, arguments.repeats, arguments.only)
        commands = moved if arguments.only else [*moved, *_commands(home, arguments.repeats), *_ticks(home)]
        result = {
            "database": database,
            **stamp(),
            "load": round(load.mean, 2),
            "n_sessions": len(_made(home)),
            "repeats": arguments.repeats,
            "pages": [asdict(page) for page in pages],
            "commands": commands,
        }
    if arguments.result:
        write_json(arguments.result, result)
    if arguments.slow:
        _write_slow(arguments.slow, result)


@contextmanager
def _history(home: Path, *, is_moved: bool) -> Iterator[tuple[str, Mapping[str, str], list[dict[str, Any]]]]:
    """Give the database, the variables that lead to it, and what the move took."""
    if not is_moved:
        yield "SQLite", {}, []
        return
    from nh_platform_tests.services.deployment import CONFIGURATION
    from nh_platform_tests.services.postgres import Postgres

    folder = Path(tempfile.mkdtemp(prefix="nh-pages-"))
    folder.chmod(0o711)  # the user of the database goes through it
    try:
        (folder / "postgres").mkdir()
        postgres = Postgres(folder / "postgres", "measured")
        postgres.start()
        try:
            shutil.copy(CONFIGURATION / "dagster.yaml", folder)
            variables = {
                "DAGSTER_HOME": str(folder),
                "NH_HOME": str(home),
                "NH_POSTGRES_URL": postgres.url,
                "NH_REDIS_URL": "redis://127.0.0.1:1/0",  # nothing is launched
                "NH_COMPUTE_LOGS": str(folder / "compute_logs"),
            }
            command = nh(home, "move-history")
            stage = timed("nh move-history", 1, command, {**os.environ, **variables}, home / "pages.log")
            moved = {"name": "nh move-history", "wall_s": [stage.wall_s], "cpu_s": [stage.cpu_s]}
            print(f"nh move-history: {stage.wall_s:.1f} s, {stage.cpu_s:.1f} CPU s", flush=True)
            postgres.query("vacuum analyze")  # what the server does by itself in the minutes after a move
            yield f"PostgreSQL {postgres.query('show server_version').split()[0]}", variables, [moved]
        finally:
            postgres.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pages(home: Path, variables: Mapping[str, str], repeats: int, only: str) -> list[PageTimes]:
    from nh_platform_tests.services.servers import chromium, nh_ui

    found = []
    with nh_ui(home, "--read-only", variables=variables) as address, chromium() as driver:
        for page in (page for page in _pages_of(home) if only in page.name):
            times = page_times(driver, address, page, repeats)
            found.append(times)
            said = f"never shown: {' '.join(times.missing.split())[:300]}" if times.missing else (
                f"opened {times.opened_s}, from another page {times.within_s} s; {_slowest(times)}"
            )  # fmt: skip
            print(f"{page.name}: {said}", flush=True)
    return found


def _pages_of(home: Path) -> list[DagsterPage]:
    """Return the pages of a home, with the session and run that were made last."""
    import dagster as dg

    with open_instance(load_settings(home)) as instance:
        key = dg.AssetKey([SOURCE, "units"])
        (last,) = instance.fetch_materializations(key, limit=1).records
        backfills = instance.get_backfills(limit=1)
    return dagster_pages(SOURCE, last.partition_key or "", last.run_id, _CHECK, has_backfills=bool(backfills))


def _commands(home: Path, repeats: int) -> list[dict[str, Any]]:
    session = _made(home)[0]
    asked = {
        "nh status": ["status"],
        "nh metrics": ["metrics"],
        "nh backfill --dry-run": ["backfill", SOURCE, "--dry-run"],
        "nh show (one session)": ["show", SOURCE, session],
    }
    found = []
    for name, arguments in asked.items():
        stages = [timed(name, 1, nh(home, *arguments), log=home / "pages.log") for _ in range(repeats)]
        one = {"name": name, "wall_s": [stage.wall_s for stage in stages], "cpu_s": [stage.cpu_s for stage in stages]}
        print(f"{name}: {one['wall_s']} s, {one['cpu_s']} CPU s", flush=True)
        found.append(one)
    return found


def _ticks(home: Path) -> list[dict[str, Any]]:
    """Return what ticks of the sensor take in a process that has done one before."""
    from nh_platform.defs.automation import evaluate_release

    settings = load_settings(home)
    wall, cpu, cursor = [], [], None
    with open_instance(settings) as instance:
        for number in range(_TICKS):
            began, began_cpu = time.monotonic(), time.process_time()
            result = evaluate_release(instance, source_entry(SOURCE), Platform(settings), cursor)
            cursor = getattr(result, "cursor", cursor)
            if number:
                wall.append(time.monotonic() - began)
                cpu.append(time.process_time() - began_cpu)
    print(f"tick of the sensor: {wall} s, {cpu} CPU s", flush=True)
    return [{"name": "tick of the sensor", "wall_s": wall, "cpu_s": cpu}]


def _made(home: Path) -> list[str]:
    store = Platform(load_settings(home)).store
    return [one for one in store.sessions(SOURCE) if "units" in store.assets(SOURCE, one)]


def _slowest(times: PageTimes, most: int = 3) -> str:
    slow = sorted(times.answers.items(), key=lambda item: -item[1])[:most]
    return ", ".join(f"{name} {took:.2f} s ({times.answer_bytes[name] / 1e3:.0f} kB)" for name, took in slow)


def _write_slow(path: Path, result: Mapping[str, Any]) -> None:
    """Add the pages above the aim to a text file."""
    head = (
        f"{result['database']}, {result['n_sessions']} sessions, load {result['load']}, commit {result['commit'][:12]}"
    )
    lines = [head]
    for found in result["pages"]:
        times = PageTimes(**found)
        slowest = max([*times.opened_s, *times.within_s], default=float("inf"))
        if slowest > PAGE_AIM_S:
            took = f"opened {times.opened_s}, from another page {times.within_s} s"
            lines.append(f"  {times.name} ({times.path}): {took}; {_slowest(times, 5)}{times.missing}")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
