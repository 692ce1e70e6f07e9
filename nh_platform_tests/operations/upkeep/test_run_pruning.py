"""Old runs of a real home go with their events, and the page knows every asset and check as before."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.run_tags import PARTITION_TAG
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.session import ConfigError
from nh_platform_tests.homes import make_home


def test_the_last_run_of_each_asset_stays_and_older_ones_are_gone(tmp_path: Path) -> None:
    platform = make_home(tmp_path, ("ibl",), n_sessions=1)
    home = platform.settings.home
    operations.sync(home, "ibl")
    (session_id,) = platform.manifest("ibl").session_ids
    for assets in ((), ("units",), ()):
        operations.materialize(home, "ibl", [session_id], assets=assets, only_stale=False)
    with open_instance(load_settings(home)) as instance:
        last, middle, first = (run.run_id for run in instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: session_id})))
        history = Path(instance.event_log_storage.path_for_shard(first)).parent  # type: ignore[attr-defined]
    assert (history / f"{last}.db").stat().st_size < 80_000, "it was 193 kB before events were packed"
    before = operations.status(home).sources["ibl"], operations.check_history(home, "ibl", session_id)
    assert operations.prune_runs(home, 1, dry_run=True).run_ids == ()
    planned = operations.prune_runs(home, 1e-9, dry_run=True)
    assert {middle, first} <= set(planned.run_ids)
    said = CliRunner().invoke(app, ["--home", str(home), "prune", "--runs", "1e-9"])
    assert f"{len(planned.run_ids)} of {planned.n_old} runs older than 1e-09 days" in said.output
    with open_instance(load_settings(home)) as instance:
        left = [run.run_id for run in instance.get_runs()]
        assert last in left
        assert len(left) == planned.n_old - len(planned.run_ids)
        assert not list(history.glob(f"{first}*"))
    after = operations.status(home).sources["ibl"], operations.check_history(home, "ibl", session_id)
    assert after[0] == before[0]
    assert after[1] == [one for one in before[1] if one.run_id == last]
    assert operations.materialize(home, "ibl", [session_id]).n_assets == 0


@pytest.mark.parametrize("days", [0.0, -1.0, float("nan")])
def test_days_are_above_zero(tmp_path: Path, days: float) -> None:
    with pytest.raises(ConfigError, match="no number of days above 0"):
        operations.prune_runs(tmp_path, days)
