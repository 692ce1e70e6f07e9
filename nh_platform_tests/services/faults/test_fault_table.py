"""The table of faults says what was lost, and what was not tried."""

from __future__ import annotations

import re

from nh_platform_tests.services.faults.fault_table import Injected, fault_table
from nh_platform_tests.services.faults.plans import FEW, WHOLE, Plan


def test_what_was_lost_is_counted_and_what_was_not_tried_says_why() -> None:
    rows = [
        Injected("worker killed", "s1", "units", 1.0, 40.4),
        Injected("run killed", "s2", "", 2.0, None),
        Injected("disk full", not_tried="mounting a small disk needs root"),
        Injected("Redis flushed", "s3", "", 3.0, 7.0),
    ]
    assert fault_table(rows).splitlines() == [
        "injected       at work  survived  lost  recovered after",
        "worker killed  units    yes       0                40 s",
        "run killed              no        1               never",
        "disk full      not tried: mounting a small disk needs root",
        "Redis flushed           yes       0                 7 s",
        "3 injected, 2 survived, 1 lost; recovered after 40 s (median), 40 s at most",
    ]


def test_plans_hold_the_kills_and_faults_that_they_are_to() -> None:
    def kills(plan: Plan) -> list[str]:
        return [name for name, _ in plan if re.search(r"(^|run |worker )killed( at| after| while|$)", name)]

    few = [name for name in kills(FEW) if name.startswith(("run", "worker"))]
    assert few == ["worker killed", "run killed while publishing", "run killed"]
    assert len(FEW) - len(few) >= 4
    assert len(kills(WHOLE)) >= 20
