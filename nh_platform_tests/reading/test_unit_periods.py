"""An interval of one unit that reviewers agree on: stored with `units`, explained, and respected around events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform import open_store
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session.tables.units import UNIT_INVALID_TIMES
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import home_with_unit_interval

INTERVAL = (10.0, 20.0)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Home in which two reviewers agree on an interval of one unit, and one alone names an interval of another."""
    return home_with_unit_interval(tmp_path_factory.mktemp("home"), INTERVAL)


@pytest.fixture
def session(platform: Platform) -> SessionView:
    return open_store(platform.settings.home).session("ibl", platform.manifest("ibl").session_ids[0])


def row_of(session: SessionView, unit: str) -> int:
    probe, cluster = unit.split("/")
    units = session.units
    return int(np.flatnonzero((units["probe"] == probe) & (units["cluster_id"].astype(str) == cluster))[0])


def test_the_interval_is_stored_with_units_and_the_unit_stays_good_or_not(session: SessionView) -> None:
    table = session.unit_invalid_times
    UNIT_INVALID_TIMES.validate(table)
    unit = session.units["unit_id"].iloc[row_of(session, "probe00/0")]
    assert table.to_numpy().tolist() == [[unit, *INTERVAL, "review: fail by ada, bea: drifts in"]]
    assert set(session.units["review"]) == {"none"}


def test_valid_periods_leave_it_out(session: SessionView) -> None:
    reviewed, other = (row_of(session, unit) for unit in ("probe00/0", "probe00/1"))
    without = session.valid_periods(other)
    found = session.valid_periods(session.units["unit_id"].iloc[reviewed])
    assert np.diff(without).sum() - np.diff(found).sum() == pytest.approx(10)
    assert not ((found[:, 0] < INTERVAL[1]) & (found[:, 1] > INTERVAL[0])).any()


def test_events_around_it_are_left_out_for_the_unit_alone(session: SessionView) -> None:
    reviewed, other = (row_of(session, unit) for unit in ("probe00/0", "probe00/1"))
    times = np.array([9.4, 9.6, 15.0, 20.4, 20.6])
    around = session.windows_around(times, -0.5, 0.5, units=[reviewed, other])
    assert around.valid[:, 0].tolist() == [True, False, False, False, True]
    assert around.valid[:, 1].all()
    psth = session.psth(times, units=[reviewed, other])
    assert psth.n_events.tolist() == [2, 5]
    alone = session.psth(times[[0, 4]], units=[reviewed])
    np.testing.assert_array_equal(psth.rate[0], alone.rate[0])
    assert psth.left_out == {"probe00": 0}


def test_explain_names_it_and_what_waits(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_REVIEWS", "")
    home: Path = platform.settings.home
    session_id = platform.manifest("ibl").session_ids[0]
    said = nh(home, "qc", "explain", "ibl", session_id, "probe00/0").output
    assert "not valid in interval 10-20 s of unit" in said
    assert "fail by ada, bea: drifts in" in said
    waits = nh(home, "qc", "explain", "ibl", session_id, "probe00/1").output
    assert "pending: fail by ada; 1 of 2 reviewers needed" in waits
