"""What processes of the platform's own set for themselves, looked at in such processes."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from nh_platform.home.own_process import COLLECTED_AFTER, THREADS, no_trace_of_interruptions

SHOWN = """
import gc, json, numpy, threadpoolctl
pools = [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["internal_api"] == "openblas"]
print(json.dumps([pools, gc.get_threshold()]))
"""


def shown_after(code: str, home: Path, variables: dict[str, str]) -> tuple[list[int], list[int]]:
    """Return the threads of each linear algebra in a process that ran some code, and when it collects garbage."""
    environment = {k: v for k, v in os.environ.items() if k != THREADS and not k.startswith(("NH_", "DAGSTER_"))}
    environment |= {"NH_HOME": str(home), **variables}
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n{code}\n{SHOWN}"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    pools, thresholds = json.loads(done.stdout.splitlines()[-1])
    return pools, thresholds


@pytest.mark.parametrize(("variables", "threads"), [({}, 1), ({THREADS: "2"}, 2)], ids=["by default", "as asked for"])
def test_the_code_location_works_on_a_matrix_with_one_thread(
    tmp_path: Path, variables: dict[str, str], threads: int
) -> None:
    (tmp_path / "sources.yaml").write_text("ibl: {read: {mode: local, root: upstream}}\n", encoding="utf-8")
    pools, _ = shown_after("import nh_platform.definitions", tmp_path, variables)
    assert pools
    assert set(pools) == {threads}


def test_a_command_works_with_one_thread_and_collects_seldom(tmp_path: Path) -> None:
    code = """
from importlib import import_module
command = import_module("nh_platform.cli.app")
command._leave = lambda code: None
sys.argv = ["nh", "--no-such-option"]
try:
    command.main()
except SystemExit:
    pass
"""
    pools, thresholds = shown_after(code, tmp_path, {})
    assert set(pools) == {1}
    assert thresholds == list(COLLECTED_AFTER)


def test_a_library_leaves_both_alone(tmp_path: Path) -> None:
    code = "import gc; before = gc.get_threshold(); import nh_platform.operations; assert gc.get_threshold() == before"
    _, thresholds = shown_after(code, tmp_path, {})
    assert thresholds != list(COLLECTED_AFTER)


@pytest.mark.parametrize(
    ("error", "is_printed"),
    [(KeyboardInterrupt, False), (sqlite3.OperationalError, True)],
    ids=["interrupted", "broken"],
)
@pytest.mark.parametrize("pool", [sa.NullPool, sa.QueuePool])
def test_an_interruption_while_a_connection_is_closed_leaves_no_trace(
    pool: type[sa.Pool], error: type[BaseException], is_printed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    engine = sa.create_engine("sqlite://", poolclass=pool)

    def closed(_: object) -> None:
        raise error

    engine.dialect.do_close = closed
    with no_trace_of_interruptions():
        try:
            with engine.connect():
                pass
            engine.dispose()
        except KeyboardInterrupt:
            assert not is_printed
    assert ("Exception closing connection" in caplog.text) == is_printed
