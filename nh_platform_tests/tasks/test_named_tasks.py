"""The registry of tasks: every name once, and a session that lacks what a task predicts is told so by that task."""

from __future__ import annotations

import shutil

import pytest

from nh_platform.reading import open_store
from nh_platform.tasks.named_tasks import tasks
from nh_platform.tasks.task import TargetMissing
from nh_platform_tests.tasks.visual.shown_sessions import all_over, shown, stored_session

OF_EVERY_SOURCE = "psth-forecast"


def test_the_tasks_of_brain_wide_bench_and_the_visual_ones_are_named() -> None:
    names = list(tasks())
    assert len(names) == 14
    assert names[:2] == ["ts1-choice", "ts1-reward"]
    assert names[-3:] == ["vc-natural_scene", "vb-image_change", OF_EVERY_SOURCE]
    assert {name for name, task in tasks().items() if task.table is not None} == {OF_EVERY_SOURCE}


@pytest.mark.parametrize("name", list(tasks()))
def test_a_session_that_lacks_the_target_is_named(tmp_path, name) -> None:
    task = tasks()[name]
    source = next((other for other in ("allen_vc", "ibl") if other not in task.sources), "ibl")
    table = shown("spontaneous", [1.0], 2.0)
    session = stored_session(tmp_path, [all_over(30.0)], table, source)
    with pytest.raises(TargetMissing, match=f"{source} session 900000001") as raised:
        task.make(session)
    assert raised.value.found
    assert raised.value.action


@pytest.mark.parametrize("asset", ["events", "units", "raw_spikes"])
@pytest.mark.parametrize("name", ["vc-natural_scene", "psth-forecast"])
def test_an_asset_that_was_not_made_is_named_with_the_command_that_makes_it(tmp_path, name, asset) -> None:
    table = shown("natural_scenes", [1.0, 2.0, 3.0, 4.0], 0.25, frame=1.0)
    session = stored_session(tmp_path, [all_over(30.0)], table)
    shutil.rmtree(session.folder(asset).parent)
    task = tasks()[name]
    for make in filter(None, (task.make, task.table)):
        with pytest.raises(
            TargetMissing, match=f"900000001.*no {asset} in the store.*nh materialize allen_vc 900000001"
        ):
            make(open_store(tmp_path).session("allen_vc", "900000001"))
