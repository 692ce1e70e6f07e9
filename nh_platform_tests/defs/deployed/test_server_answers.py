"""`nh doctor` says where machines with workers wait for sessions that take much memory."""

from __future__ import annotations

import pytest
from dagster._core.test_utils import instance_for_test

pytest.importorskip("redis", reason="the extra `deploy` is not installed: uv sync --extra deploy")

from nh_platform.defs.deployed.server_answers import _large_sessions

QUEUE = {"module": "dagster", "class": "QueuedRunCoordinator"}


@pytest.mark.parametrize(
    ("limits", "n_machines", "said"),
    [
        ([{"key": "nh/memory", "value": "large", "limit": 1}], 1, None),
        (
            [{"key": "nh/memory", "value": "large", "limit": 1}],
            3,
            "1 session that takes 1.5 GB or more at a time, on 3 ",
        ),
        (
            [{"key": "nh/memory", "value": "large", "limit": 2}],
            3,
            "2 sessions that take 1.5 GB or more at a time, on 3 ",
        ),
        ([{"key": "nh/source", "value": "ibl", "limit": 1}], 3, None),
    ],
)
def test_fewer_large_sessions_at_a_time_than_machines_are_said(
    limits: list[dict[str, object]], n_machines: int, said: str | None
) -> None:
    runs = {"runs": {"tag_concurrency_limits": limits}}
    with instance_for_test(overrides={"run_coordinator": QUEUE, "concurrency": runs}) as instance:
        answers = list(_large_sessions(instance, n_machines))
    assert [one.text.startswith(said or "") for one in answers] == ([] if said is None else [True])
