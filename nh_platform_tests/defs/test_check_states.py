"""States of checks are counted once and hold until something is stored; none that could change is remembered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus as Status
from dagster._core.storage.asset_check_state import AssetCheckState, bulk_update_asset_check_state

from nh_platform.defs.event_log import PartitionCachingSqliteEventLogStorage
from nh_platform.defs.rules import check_states
from nh_platform.defs.rules.check_states import SETTLED_S, CheckStates
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance

ASSET, KEY = dg.AssetKey("a"), dg.AssetCheckKey(dg.AssetKey("a"), "c")
SESSIONS = dg.DynamicPartitionsDefinition(name="sessions")


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(check_states, "SETTLED_S", 0.0)  # what is asked for twice is settled
    with open_instance(load_settings(tmp_path)) as made:
        made.add_dynamic_partitions("sessions", ["s0", "s1"])
        for session in ("s0", "s1"):
            made_and_checked(made, session, passed=True)
        yield made


def made_and_checked(instance: dg.DagsterInstance, session: str, *, passed: bool) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, partition=session))
    (last,) = instance.fetch_materializations(dg.AssetRecordsFilter(ASSET, asset_partitions=[session]), limit=1).records
    of_output = AssetCheckEvaluationTargetMaterializationData(
        storage_id=last.storage_id, run_id=last.run_id, timestamp=last.timestamp
    )
    checked = dg.AssetCheckEvaluation(
        check_name="c", passed=passed, asset_key=ASSET, partition=session, target_materialization_data=of_output
    )
    instance.report_runless_asset_event(checked)


def states(instance: dg.DagsterInstance) -> AssetCheckState:
    """Return the state as a page is given it; held against a count that nobody remembers."""
    keys = [(KEY, SESSIONS)]
    with partition_loading_context(dynamic_partitions_store=instance):
        state = instance.event_log_storage.get_asset_check_state(keys)[KEY]
        counted = bulk_update_asset_check_state(instance, keys, {KEY: AssetCheckState.empty()})[KEY]
        assert of_state(state) == of_state(counted)
    return state


def of_state(state: AssetCheckState) -> dict[Status, set[str]]:
    return {status: set(subset.subset_value.get_partition_keys()) for status, subset in state.subsets.items()}


def test_what_is_stored_later_counts(instance: dg.DagsterInstance) -> None:
    assert of_state(states(instance))[Status.SUCCEEDED] == {"s0", "s1"}
    instance.add_dynamic_partitions("sessions", ["s2"])
    made_and_checked(instance, "s2", passed=False)
    assert of_state(states(instance))[Status.FAILED] == {"s2"}
    instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, partition="s0"))
    assert of_state(states(instance))[Status.SUCCEEDED] == {"s1"}, "the check of s0 is of the output before"
    instance.delete_dynamic_partition("sessions", "s1")
    assert of_state(states(instance))[Status.SUCCEEDED] == set()
    instance.add_dynamic_partitions("sessions", ["s3"])
    made_and_checked(instance, "s3", passed=True)
    states(instance)
    time.sleep(1.1)  # SQLite notes in whole seconds when a partition came; what is remembered is older than SETTLED_S
    instance.delete_dynamic_partition("sessions", "s3")
    instance.add_dynamic_partitions("sessions", ["s4"])  # SQLite gives it the id of the one that went
    assert of_state(states(instance))[Status.SUCCEEDED] == set()
    instance.wipe_assets([ASSET])
    states(instance)


def test_a_run_that_is_deleted_takes_its_outputs_along(instance: dg.DagsterInstance) -> None:
    @dg.asset(name="a", partitions_def=SESSIONS)
    def again() -> None: ...

    run = dg.materialize([again], instance=instance, partition_key="s0")
    instance.report_runless_asset_event(dg.AssetMaterialization("other"))
    assert of_state(states(instance))[Status.SUCCEEDED] == {"s1"}
    states(instance)
    instance.delete_run(run.run_id)
    assert of_state(states(instance))[Status.SUCCEEDED] == {"s0", "s1"}


def test_nothing_is_counted_where_nothing_was_stored(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    states(instance)
    first = states(instance)
    asked: list[object] = []
    monkeypatch.setattr(
        PartitionCachingSqliteEventLogStorage,
        "get_asset_check_partition_info",
        lambda _, keys, *others: asked.append(keys) or [],
    )
    keys = [(KEY, SESSIONS)]
    again = instance.event_log_storage.get_asset_check_state(keys)
    assert not asked
    assert again == {KEY: first}


def test_a_count_is_remembered_once_its_rows_are_all_there() -> None:
    now = [0.0]
    remembered = CheckStates(clock=lambda: now[0])
    assert not remembered.is_settled(7)
    now[0] = SETTLED_S - 0.1
    assert not remembered.is_settled(7)
    now[0] = SETTLED_S
    assert remembered.is_settled(7)
    assert not remembered.is_settled(8)


def test_a_state_with_a_run_that_goes_on_is_not_remembered() -> None:
    of_run = SerializableEntitySubset.empty(KEY, None)
    remembered, going_on = (
        CheckStates(),
        AssetCheckState(latest_storage_id=1, subsets={}, in_progress_runs={"r": of_run}),
    )
    ended = AssetCheckState.empty()
    remembered.remember({KEY: (1, going_on)})
    assert remembered.known({KEY: 1}) == {}
    remembered.remember({KEY: (1, ended)})
    assert remembered.known({KEY: 1}) == {KEY: ended}
    assert remembered.known({KEY: 2}) == {}
