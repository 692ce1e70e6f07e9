"""IBL's tables of a whole release: rows that are of no insertion are named, and no table is read with them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nh_platform.history.manifest import Manifest
from nh_platform.session import BadUpstreamData
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.sources.ibl.catalogue.aggregate_tables import read_aggregates

NOTHING = Manifest("ibl", "none", SESSIONS.empty(), INSERTIONS.empty(), FILES.empty())


def clusters(folder: Path, pids: list[str | None]) -> Path:
    table = pd.DataFrame({"pid": pids, "acronym": ["CA1"] * len(pids), "uuids": [f"u{n}" for n in range(len(pids))]})
    table.to_parquet(folder / "clusters.pqt")
    return folder


def test_units_are_read_with_their_insertion(tmp_path: Path) -> None:
    units = read_aggregates(clusters(tmp_path, ["p1", "p1", "p2"]), "tag", NOTHING).units
    assert units[["insertion_id", "unit_id"]].to_numpy().tolist() == [["p1", "u0"], ["p1", "u1"], ["p2", "u2"]]


@pytest.mark.parametrize("pid", [None, "", " "])
def test_a_row_without_an_insertion_is_named(tmp_path: Path, pid: str | None) -> None:
    text = (
        r"file clusters\.pqt: column pid has 1 row without an id, the first is row 1 \(from 0\)\. Get the table again"
    )
    with pytest.raises(BadUpstreamData, match=text):
        read_aggregates(clusters(tmp_path, ["p1", pid, "p2"]), "tag", NOTHING)
