"""Full-size sessions by one Celery worker and by more, in turns: how much sooner more are done.

    uv run python -m benchmarks.rehearsal.workers --workers 1 2 --sessions 8 [--turns 2] [--result FILE]

Simulates the sessions once. Each turn has a deployment of its own (PostgreSQL, Redis, code server, daemon, page, and
workers of one process each), an empty store and an empty history; its time goes from the beginning of the first run to
the end of the last. Run it on a machine with nothing else to do, and with more cores than workers, since the servers
take their part.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.rehearsal.record import stamp, write_json
from benchmarks.rehearsal.served import LAST_ASSET, SOURCE
from benchmarks.rehearsal.watching import Load, Tree, timed
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform_tests.services.deployment import Deployment

_LONGEST_S = 4 * 3600.0


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers that take turns")
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--size", default="benchmark", help="benchmark: 11.5 million spikes; tiny: to try the script")
    parser.add_argument("--turns", type=int, default=1, help="of each number of workers")
    parser.add_argument("--result", type=Path, help="JSON file for python -m benchmarks.scale")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers that it started end with it
    turns: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="nh-workers-") as name:
        folder = Path(name)
        upstream = folder / "upstream"
        simulate = [sys.executable, "-m", "benchmarks.rehearsal.simulate", str(upstream), "--size", arguments.size]
        timed("simulate", arguments.sessions, [*simulate, "--until", str(arguments.sessions)])
        for number in range(arguments.turns * len(arguments.workers)):
            found = turn(folder / f"turn{number}", upstream, arguments.workers[number % len(arguments.workers)])
            turns.append(found)
            print(found, flush=True)
            shutil.rmtree(folder / f"turn{number}")
    if arguments.result:
        write_json(
            arguments.result, {**stamp(), "n_sessions": arguments.sessions, "size": arguments.size, "turns": turns}
        )


def turn(home: Path, upstream: Path, n_workers: int) -> dict[str, Any]:
    """Make every session by so many workers, and return what it took."""
    from nh_platform_tests.services.deployment import deployment

    home.mkdir()
    text = f"{SOURCE}:\n  read: {{mode: local, root: {upstream}}}\n"
    (home / "sources.yaml").write_text(text, encoding="utf-8")
    with deployment(home, workers=n_workers) as made:
        made.nh("sync", SOURCE)
        with _instance(made) as instance:
            instance.event_log_storage.set_concurrency_slots("sessions", n_workers)
        cpu_s = _cpu_s(made)
        with Load() as load:
            made.nh("backfill", SOURCE)
            sessions = Platform(load_settings(home)).manifest(SOURCE).session_ids
            made.wait_until("the end of every run", lambda: _are_made(made, sessions), _LONGEST_S)
        with _instance(made) as instance:
            runs = [record for record in instance.get_run_records() if record.dagster_run.tags.get("dagster/partition")]
        return {
            "workers": n_workers,
            "wall_s": max(run.end_time or 0.0 for run in runs) - min(run.start_time or 0.0 for run in runs),
            "cpu_s": _cpu_s(made) - cpu_s,
            "load": load.mean,
            "runs": len(runs),
        }


def _are_made(made: Deployment, sessions: list[str]) -> bool:
    store = Platform(load_settings(made.home)).store
    if not all(LAST_ASSET in store.assets(SOURCE, one) for one in sessions):
        return False
    with _instance(made) as instance:
        runs = instance.get_runs()
    return all(run.is_finished for run in runs if run.tags.get("dagster/partition"))


def _cpu_s(made: Deployment) -> float:
    """Return CPU seconds of all servers but PostgreSQL."""
    return sum(Tree(server.process.pid).cpu_s() for server in made.servers.values() if server.process)


@contextmanager
def _instance(made: Deployment) -> Iterator[dg.DagsterInstance]:
    from nh_platform.operations.instance import open_instance

    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        with open_instance(load_settings(made.home)) as instance:
            yield instance


if __name__ == "__main__":
    main()
