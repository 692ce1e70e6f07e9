"""Why the last run of a session failed is known, of one that could not be launched too."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.test_utils import create_run_for_test
from dagster._utils.error import serializable_error_info_from_exc_info

from nh_platform.defs.run_tags import PARTITION_TAG
from nh_platform.defs.session_history import failed_assets

SESSION, REFUSED = "s1", "Error 111 connecting to redis:6379. Connection refused."


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def a_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTING) -> dg.DagsterRun:
    return create_run_for_test(instance, "ibl_session", tags={PARTITION_TAG: SESSION}, status=status)


def not_launched(instance: dg.DagsterInstance) -> None:
    """Do what Dagster does where its launcher raises."""
    run = a_run(instance)
    try:
        raise ConnectionError(REFUSED)
    except ConnectionError:
        error = serializable_error_info_from_exc_info(sys.exc_info())
    instance.report_engine_event(error.message, run, EngineEventData.engine_error(error))
    instance.report_run_failed(run)


def test_a_run_that_could_not_be_launched_says_why(instance: dg.DagsterInstance) -> None:
    not_launched(instance)
    failed, (reason,) = failed_assets(instance, "ibl", SESSION, ["units"])
    assert failed == []
    assert reason == f"its run could not begin: ConnectionError: {REFUSED}"


def test_of_other_sources_and_of_a_session_that_was_made_since_nothing_is_said(instance: dg.DagsterInstance) -> None:
    not_launched(instance)
    assert failed_assets(instance, "allen_vc", SESSION, ["units"]) == ([], ())
    assert failed_assets(instance, "ibl", SESSION, []) == ([], ())
    a_run(instance, dg.DagsterRunStatus.SUCCESS)
    assert failed_assets(instance, "ibl", SESSION, ["units"]) == ([], ())
