"""Tables of a task that has its own: bad numbers refused, seed and permutations passed on, and files that say whose."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from nh_platform import operations
from nh_platform.operations.tasks.table_files import write_tables
from nh_platform.operations.tasks.task_records import SessionTables
from nh_platform.session import ConfigError
from nh_platform.tasks.named_tasks import tasks
from nh_platform_tests.homes import make_home, materialize

NAME = "psth-forecast"


def test_numbers_that_cannot_be_are_refused_before_the_store_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Give 1 or more"):
        operations.task_tables(tmp_path / "none", NAME, permutations=0)
    with pytest.raises(ConfigError, match="must not be reported"):
        operations.task_tables(tmp_path / "none", NAME, seed=42)


def test_the_rows_of_all_sessions_are_written_with_their_origins(tmp_path: Path) -> None:
    tables = {one: pd.DataFrame({"unit_id": ["u", "v"], "r2": [0.1 + 0.2, None]}) for one in ("s1", "s2")}
    write_tables(tmp_path, SessionTables(tasks()[NAME], tables, {}), [{"session_id": one} for one in tables])
    read = pd.read_csv(tmp_path / f"{NAME}.csv", float_precision="round_trip")
    assert read["session_id"].tolist() == ["s1", "s1", "s2", "s2"]
    assert read["r2"][0] == 0.1 + 0.2
    assert [one["session_id"] for one in json.loads((tmp_path / "origin.json").read_text())] == ["s1", "s2"]


@pytest.mark.slow
def test_a_forecast_is_made_with_the_asked_seed_and_permutations_and_written_whole(tmp_path: Path) -> None:
    platform = make_home(tmp_path / "home", ("allen_vc",))
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "allen_vc", assets=("raw_spikes", "events", "units"))
    out = tmp_path / "out"
    found = operations.task_tables(platform.settings.home, NAME, source="allen_vc", seed=44, permutations=9, folder=out)
    assert found.lacking == {}
    assert sorted(path.name for path in out.iterdir()) == ["origin.json", f"{NAME}.csv"]
    written = pd.read_csv(out / f"{NAME}.csv")
    assert len(written) == len(found.joined())
    assert written["p"].min() >= 0.1
    (origin,) = json.loads((out / "origin.json").read_text())
    assert origin["data_versions"].keys() >= {"raw_spikes", "units", "events"}
    assert origin["terms"]
