"""The history of a session's checks is one list, whatever the checks were called when they were evaluated."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.defs.partitions import session_partitions
from nh_platform.defs.run_tags import SOURCE_TAG
from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import UnknownSession
from nh_platform_tests.homes import make_home, materialize

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def evaluate_as_before(instance: dg.DagsterInstance, session: str) -> None:
    """Evaluate a check under the name that checks had up to version 0.2."""
    key, partitions = dg.AssetKey(["ibl", "units"]), session_partitions("ibl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec = dg.AssetCheckSpec("ibl_2022_10__noise_cutoff", asset=key, partitions_def=partitions)

        @dg.asset(key=key, partitions_def=partitions, check_specs=[spec])
        def units() -> dg.MaterializeResult:
            outcome = dg.AssetCheckResult(passed=False, check_name=spec.name, description="1 of 20 units pass")
            return dg.MaterializeResult(check_results=[outcome])

        tags = {SOURCE_TAG: "ibl"}
        assert dg.materialize([units], instance=instance, partition_key=session, run_config=QUIET, tags=tags).success


def test_old_names_and_new_ones_stand_in_one_list(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    platform = make_home(tmp_path, ("ibl",))
    session = platform.source("ibl").manifest().session_ids[0]
    home = OpenHome(platform, instance)
    operations.sync(home, "ibl")
    evaluate_as_before(instance, session)
    materialize(platform, instance, "ibl", [session], assets=["raw_spikes", "units"])
    new, old = operations.check_history(home, "ibl", session[:8], "noise_cutoff")
    assert (old.rule, old.rulebook, old.passed, old.found) == (
        "noise_cutoff",
        "ibl-2022-10",
        False,
        "1 of 20 units pass",
    )
    assert (new.rulebook, len(new.digest)) == ("ibl-2022-10", 12)
    assert new.evaluated >= old.evaluated
    assert operations.check_history(home, "ibl", session, "ibl_2022_10__noise_cutoff") == [new, old]
    assert {one.rule for one in operations.check_history(home, "ibl", session)} >= {"units_usable", "amp_median"}
    with pytest.raises(UnknownSession, match=r"Name one of .*noise_cutoff"):
        operations.check_history(home, "ibl", session, "nois_cutoff")
