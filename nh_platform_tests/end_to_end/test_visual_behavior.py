"""Visual Behavior sessions through every asset: two partitions, one flagged, whose abnormal times mark its windows."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform.reading import open_store
from nh_platform_tests.homes import make_home, materialize

pytestmark = pytest.mark.filterwarnings("ignore")


def test_two_sessions_are_made_and_behaviour_alone_is_no_partition(tmp_path: Path) -> None:
    platform = make_home(tmp_path, ("allen_vbn",), n_sessions=2)
    with dg.DagsterInstance.ephemeral() as instance:
        outcomes = materialize(platform, instance, "allen_vbn")
        assert [outcome.errors for outcome in outcomes] == [(), ()]
        partitions = instance.get_dynamic_partitions("allen_vbn_sessions")
    manifest = platform.manifest("allen_vbn")
    assert sorted(partitions) == sorted(manifest.session_ids)
    assert len(manifest.behavior_sessions) == 5
    assert manifest.behavior_sessions["session_id"].isna().sum() == 3

    flagged = manifest.sessions.set_index("session_id")["qc"].notna()
    for session_id in partitions:
        session = open_store(tmp_path).session("allen_vbn", session_id)
        assert len(session.units) == 24
        assert 0 < session.units["pass.allen-vbn-recommended"].sum() < 24
        assert session.task_parameters["response_window_sec"] == [0.15, 0.75]
        assert session.metadata["mouse_id"] == session.info.subject
        index = session.windows("stim-halves-500ms").index
        assert len(index) == 593  # 2 × 160 flashes, 243 gabors, 30 full-field flashes
        assert index["valid"].all() != flagged[session_id]
    assert flagged.sum() == 1


def test_nothing_is_made_again_while_nothing_changed(tmp_path: Path) -> None:
    platform = make_home(tmp_path, ("allen_vbn",), n_sessions=1)
    with dg.DagsterInstance.ephemeral() as instance:
        assert len(materialize(platform, instance, "allen_vbn")) == 1
        assert materialize(platform, instance, "allen_vbn") == ()
