"""What pages cost the web server with the history of many sessions: CPU seconds and statements.

    uv run python -m benchmarks.bench_pages HOME [--own-instance]

HOME has a history, of real runs or of `benchmarks.replicated_history`; ``--own-instance`` asks the instance of
``DAGSTER_HOME``, into which `nh move-history` brought it. Each page is asked for in one process, the median of five.
Exit 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_graphql.test.utils import execute_dagster_graphql

from benchmarks.aims import Aims
from benchmarks.graphql_pages import ASSET_PAGE, CHECK_PAGE, EVENTS_PAGE, PARTITIONS_PAGE
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance

REPEATS = 5
PAGE_AIM_CPU_S = 1.0


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--own-instance", action="store_true", help="the instance of DAGSTER_HOME")
    parser.add_argument("--asset", default="ibl/units")
    parser.add_argument("--check", default="amp_median")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["NH_HOME"] = str(arguments.home.absolute())
    key = {"key": {"path": arguments.asset.split("/")}}
    pages = {
        "asset page, all checks": (ASSET_PAGE, key),
        "partitions page": (PARTITIONS_PAGE, key),
        "events tab, 100 events": (EVENTS_PAGE, key),
        f"check {arguments.check}": (CHECK_PAGE, {**key, "name": arguments.check}),
    }
    aims = Aims()
    with open_instance(load_settings(arguments.home), embedded=not arguments.own_instance) as instance:
        print(f"{instance.get_runs_count()} runs in {type(instance.event_log_storage).__name__}")
        for name, cpu_s, n_statements in _costs(instance, pages):
            print(f"{name}: {n_statements} statements")
            aims.at_most(f"  CPU s of {name}", cpu_s, PAGE_AIM_CPU_S, "s")
    aims.finish()


def _costs(
    instance: dg.DagsterInstance, pages: dict[str, tuple[str, dict[str, object]]]
) -> list[tuple[str, float, int]]:
    statements: list[str] = []
    sa.event.listen(sa.engine.Engine, "before_cursor_execute", lambda *sent: statements.append(str(sent[2])))
    target = ModuleTarget(
        "nh_platform.definitions", working_directory=None, attribute=None, location_name="nh_platform"
    )
    costs = []
    with WorkspaceProcessContext(instance, target) as context, partition_loading_context(None, instance):
        for name, (query, variables) in pages.items():
            seconds = []
            for _ in range(REPEATS):
                statements.clear()
                began = time.process_time()
                answer = execute_dagster_graphql(context.create_request_context(), query, variables=variables)
                seconds.append(time.process_time() - began)
                if answer.errors:
                    raise RuntimeError(str(answer.errors)[:1000])
            costs.append((name, statistics.median(seconds), len(statements)))
    return costs


if __name__ == "__main__":
    main()
