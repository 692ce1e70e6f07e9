"""Finding sessions: spreading over regions, sorting, and what may be asked for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nh_platform.history.manifest import Manifest
from nh_platform.reading.searching.session_search import SessionQuery, find_sessions
from nh_platform.session import ConfigError
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.store import Store


def manifest() -> Manifest:
    rows = [
        ("s1", "mouse1", "2020-01-01", 500.0, "VISp,CA1"),
        ("s2", "mouse1", "2020-01-02", 400.0, "VISp"),
        ("s3", "mouse2", "2020-01-03", 300.0, "MOs"),
        ("s4", "mouse3", "2020-01-04", None, None),
    ]
    sessions = pd.DataFrame(rows, columns=["session_id", "subject", "date", "n_units_released", "regions"])
    insertions = pd.DataFrame({"session_id": ["s1"], "insertion_id": ["p1"], "probe": ["probe00"]})
    return Manifest(
        source="ibl",
        release="test",
        sessions=SESSIONS.conform(sessions.assign(number=1)),
        insertions=INSERTIONS.conform(insertions),
        files=FILES.empty(),
    )


def ids(tmp_path: Path, query: SessionQuery | None = None, **how: object) -> list[str]:
    return find_sessions(manifest(), Store(tmp_path), query or SessionQuery(), **how)["session_id"].tolist()  # type: ignore[arg-type]


def test_what_upstream_states_is_searched_before_anything_is_made(tmp_path: Path) -> None:
    assert ids(tmp_path, SessionQuery(min_units=400)) == ["s1", "s2"]
    assert ids(tmp_path, SessionQuery(region="mos")) == ["s3"]
    assert ids(tmp_path, SessionQuery(subject="MOUSE1", date_from="2020-01-02")) == ["s2"]


def test_largest_first_and_unknown_last(tmp_path: Path) -> None:
    assert ids(tmp_path, sort="units") == ["s1", "s2", "s3", "s4"]
    assert ids(tmp_path, sort="date") == ["s1", "s2", "s3", "s4"]


def test_a_spread_set_has_every_region_once_before_any_twice(tmp_path: Path) -> None:
    assert ids(tmp_path, sort="units", spread="region", limit=2) == ["s1", "s3"]
    assert ids(tmp_path, sort="units", spread="subject", limit=3) == ["s1", "s3", "s4"]


@pytest.mark.parametrize("how", [{"sort": "colour"}, {"spread": "colour"}])
def test_an_unknown_order_is_refused_with_those_there_are(tmp_path: Path, how: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"colour.*Use"):
        ids(tmp_path, **how)
