"""The catalogs follow the sessions: asked for once nothing runs, once for each state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.defs.automation import evaluate_release
from nh_platform.defs.automation.jobs import inventory_job_name
from nh_platform.defs.build import build_defs
from nh_platform.home.platform import Platform
from nh_platform.planning.source_standing import stale_catalogs
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import make_home, materialize

SOURCE = "allen_vc"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def requests(instance: dg.DagsterInstance, home: Platform) -> list[dg.RunRequest]:
    result = evaluate_release(instance, source_entry(SOURCE), home, None)
    assert isinstance(result, dg.SensorResult)
    return list(result.run_requests or [])


def test_once_nothing_runs_the_catalogs_are_made_of_what_was_made(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    home = make_home(tmp_path, (SOURCE,), n_sessions=2)
    session = home.source(SOURCE).manifest().session_ids[0]
    materialize(home, instance, SOURCE, [session])
    (asked,) = requests(instance, home)
    assert asked.job_name == inventory_job_name(SOURCE)
    names = [key.path[-1] for key in asked.asset_selection or ()]
    assert sorted(names) == ["qc_site", "session_catalog", "unit_catalog"]
    job = build_defs(home).resolve_job_def(inventory_job_name(SOURCE))
    tags = {**asked.tags, "dagster/run_key": str(asked.run_key)}
    part = job.get_subset(asset_selection=set(asked.asset_selection or ()), asset_check_selection=set())
    assert part.execute_in_process(instance=instance, tags=tags, run_config=QUIET).success
    assert stale_catalogs(home, SOURCE)[0] == ()
    assert requests(instance, home) == []


def test_a_state_whose_catalogs_failed_is_asked_for_once_and_none_while_a_session_runs(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    home = make_home(tmp_path, (SOURCE,), n_sessions=2)
    first, second = home.source(SOURCE).manifest().session_ids
    materialize(home, instance, SOURCE, [first], assets=["raw_spikes", "units", "windows", "events", "signals"])
    materialize(home, instance, SOURCE, [first])
    (asked,) = requests(instance, home)
    running = {"nh/source": SOURCE, "dagster/partition": second}
    run = dg.DagsterRun(job_name="any", status=dg.DagsterRunStatus.STARTED, tags=running)
    instance.add_run(run)
    assert requests(instance, home) == []
    instance.delete_run(run.run_id)
    failed = {**asked.tags, "dagster/run_key": str(asked.run_key)}
    instance.add_run(dg.DagsterRun(job_name="any", status=dg.DagsterRunStatus.FAILURE, tags=failed))
    assert requests(instance, home) == []
