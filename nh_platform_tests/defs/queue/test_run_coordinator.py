"""Every run that waits says what memory it takes, whoever launched it; the queue limits and orders runs by that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
import yaml
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.storage.tags import PRIORITY_TAG

from nh_platform import operations
from nh_platform.defs.build import build_defs
from nh_platform.defs.queue.run_coordinator import SizingRunCoordinator, expected_tags
from nh_platform.defs.run_tags import MEMORY_TAG
from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform_tests.history.releases import edit
from nh_platform_tests.homes import make_home

ROOT = Path(__file__).resolve().parents[3]


class Queue:
    """A home with a session of 59 million spikes by its manifest and a small one."""

    def __init__(self, platform: Platform, instance: dg.DagsterInstance, large: str, small: str) -> None:
        self.platform, self.instance, self.large, self.small = platform, instance, large, small

    def submitted(self, session_id: str, *assets: str, **tags: str) -> dg.DagsterRun:
        """Submit a run as the page does: of the assets that a person chose, or of the whole job."""
        job = build_defs(self.platform).resolve_job_def("ibl_session")
        keys = {dg.AssetKey(["ibl", name]) for name in assets}
        run = self.instance.create_run_for_job(
            job.get_subset(asset_selection=keys) if keys else job,
            asset_selection=frozenset(keys) or None,
            tags={"dagster/partition": session_id, **tags},
        )
        return self.instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    home = tmp_path_factory.mktemp("queue")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NH_HOME", str(home))
        patch.delenv("DAGSTER_HOME", raising=False)
        platform = make_home(home, ("ibl",), n_sessions=2)
        with open_instance(platform.settings) as instance:
            operations.sync(OpenHome(platform, instance), "ibl")
            large, small = platform.manifest("ibl").session_ids
            _state_bytes(platform, large, 1.8e9)
            yield Queue(platform, instance, large, small)


def _state_bytes(platform: Platform, session_id: str, size: float) -> None:
    """Store a manifest that states another size of the spikes of a session; upstream's sizes are of tiny sessions."""

    def of_spikes(files: pd.DataFrame) -> pd.Series:
        return (files["session_id"] == session_id) & files["name"].str.startswith("spikes.times")

    manifest = platform.manifest("ibl")
    store_manifest(
        platform.store, edit(manifest, of_spikes, size=size / of_spikes(manifest.files).sum(), md5="0" * 32), "1"
    )


def test_both_configurations_name_it_and_the_limits_stay(queue: Queue) -> None:
    assert isinstance(queue.instance.run_coordinator, SizingRunCoordinator)
    limits = queue.instance.get_concurrency_config().run_queue_config
    assert limits is not None
    assert limits.tag_concurrency_limits == [{"key": MEMORY_TAG, "value": "large", "limit": 1}]
    named = [yaml.safe_load((ROOT / name / "dagster.yaml").read_text())["run_coordinator"] for name in (".", "deploy")]
    own = {"module": SizingRunCoordinator.__module__, "class": SizingRunCoordinator.__name__}
    assert named == [{**own, "config": {"dequeue_interval_seconds": 2}}] * 2


def test_a_large_session_of_the_page_says_so_and_comes_first(queue: Queue) -> None:
    first, second = queue.submitted(queue.small, "raw_spikes"), queue.submitted(queue.large, "raw_spikes", "events")
    assert (first.status, second.status) == (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.QUEUED)
    assert (first.tags[MEMORY_TAG], second.tags[MEMORY_TAG]) == ("small", "large")
    assert int(second.tags[PRIORITY_TAG]) > int(first.tags[PRIORITY_TAG])
    assert queue.submitted(queue.large, "events").tags[MEMORY_TAG] == "small"  # what is cheap to make of it


def test_the_job_of_a_session_is_of_all_its_assets(queue: Queue) -> None:
    assert queue.submitted(queue.large).tags[MEMORY_TAG] == "large"
    assert queue.submitted(queue.small).tags[MEMORY_TAG] == "small"


def test_what_is_stated_already_stays(queue: Queue) -> None:
    assert queue.submitted(queue.large, "events", **{MEMORY_TAG: "large"}).tags[MEMORY_TAG] == "large"
    assert queue.submitted(queue.large, "raw_spikes", **{PRIORITY_TAG: "-5"}).tags[PRIORITY_TAG] == "-5"


def test_a_session_that_cannot_be_looked_up_is_queued_and_said(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    assert MEMORY_TAG in queue.submitted("nobody", "raw_spikes").tags  # nothing is known of it: as a small one
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    run = queue.submitted(queue.large, "raw_spikes")
    assert run.status is dg.DagsterRunStatus.QUEUED
    assert MEMORY_TAG not in run.tags
    assert "is queued without its expected memory" in caplog.text
    assert "nh sync ibl" in caplog.text


def test_a_run_without_a_session_has_no_such_tag(queue: Queue) -> None:
    run = queue.instance.create_run_for_job(build_defs(queue.platform).resolve_job_def("ibl_release"))
    assert expected_tags(run) == {}
