"""Old runs go where newer ones tell all that they told, and never the last that made an asset or evaluated a check."""

from __future__ import annotations

import pytest

from nh_platform.planning.superseded_runs import EndedRun, superseded

CHECK = ("ibl/units", "presence_ratio")


def run(number: int, *assets: str, partition: str = "s1", succeeded: bool = True, **given: object) -> EndedRun:
    """Return run ``r<number>``, which ended at that time."""
    facts = {"job": "ibl_session", "assets": frozenset(assets), "checks": None, **given}
    return EndedRun(f"r{number}", partition=partition, succeeded=succeeded, ended_at=float(number), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("runs", "gone"),
    [
        ([run(1, "units"), run(2, "units")], ["r1"]),
        ([run(1, "units"), run(2, "units", partition="s2")], []),
        ([run(1, "units"), run(2, "units", succeeded=False)], []),
        ([run(1, "units", succeeded=False), run(2, "units")], ["r1"]),
        ([run(1, "units", "windows"), run(2, "units")], []),
        ([run(1, "units", "windows"), run(2, "units"), run(3, "windows")], ["r1"]),
        ([run(1, "units"), run(2, "units"), run(3, "units")], ["r2", "r1"]),
        ([run(1, "units"), run(2, "units", checks=frozenset())], []),
        ([run(1, checks=frozenset({CHECK})), run(2, "ibl/units")], ["r1"]),
        ([run(1, checks=frozenset({CHECK})), run(2, checks=frozenset({CHECK}))], ["r1"]),
        ([run(1, "ibl/units"), run(2, checks=frozenset({CHECK}))], []),
        ([run(1, assets=None, partition=""), run(2, assets=None, partition="")], ["r1"]),
        ([run(1, assets=None, partition=""), run(2, assets=None, partition="", job="ibl_inventory")], []),
        ([run(1, checks=frozenset())], []),
    ],
)
def test_a_run_goes_where_newer_ones_tell_all_of_it(runs: list[EndedRun], gone: list[str]) -> None:
    assert superseded(runs, before=99.0) == gone
    assert superseded(runs[::-1], before=99.0) == gone


def test_a_young_run_stays() -> None:
    runs = [run(1, "units"), run(5, "units"), run(9, "units")]
    assert superseded(runs, before=5.0) == ["r1"]
