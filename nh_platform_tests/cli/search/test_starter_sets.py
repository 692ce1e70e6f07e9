"""The starter sets of the docs: each search runs as it stands there, and its ids are sessions of the catalogue."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import nh_platform
from nh_platform.cli.app import app
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.history.released_tables import ReleasedTables, store_released
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.store import Store

PAGE = Path(nh_platform.__file__).parents[1] / "docs" / "examples" / "starter-sets.md"
SEARCHES = re.findall(r"nh backfill (\w+) \$\(nh ([^)]*)\)", PAGE.read_text(encoding="utf-8"))
REGIONS = ("VISp", "CA1", "LP", "MOs")


def manifest(source: str) -> Manifest:
    number = np.arange(40)
    types = np.where(number % 2 == 0, "brain_observatory_1.1", "functional_connectivity")
    sessions = pd.DataFrame(
        {
            "session_id": [f"{source}-{one:03d}" for one in number],
            "subject": [f"mouse{one % 13}" for one in number],
            "lab": [f"lab{one % 5}" for one in number],
            "number": 1,
            "task_protocol": types if source == "allen_vc" else "task",
            "n_units_released": 290.0 + 3.0 * number,
            "regions": [REGIONS[one % 4] for one in number],
        }
    )
    ids = sessions["session_id"]
    insertions = pd.DataFrame({"session_id": ids, "insertion_id": "p-" + ids, "probe": "probe00"})
    return Manifest(source, "test", SESSIONS.conform(sessions), INSERTIONS.conform(insertions), FILES.empty())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sources of 40 sessions each that were synced, with tables of the release, and a freeze of the first."""
    folder = tmp_path_factory.mktemp("home")
    store = Store(folder / "store")
    for source in ("ibl", "allen_vc", "allen_vbn"):
        listed = manifest(source)
        store_manifest(store, listed, "1")
        ids = listed.sessions["session_id"]
        level = np.where(np.arange(len(ids)) % 3 == 0, "Novel", "Familiar")
        sessions = pd.DataFrame({"session_id": ids, "experience_level": level})
        units = listed.insertions[["session_id", "insertion_id", "probe"]].assign(
            unit_id="1", acronym="LGd-co", beryl="LGd", cosmos="TH"
        )
        store_released(store, source, ReleasedTables("test", (), sessions=sessions, units=units), "1")
    return folder


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", "")


def test_the_page_has_the_sets_of_the_guide() -> None:
    assert [source for source, _ in SEARCHES].count("ibl") >= 4
    assert {source for source, _ in SEARCHES} == {"ibl", "allen_vc", "allen_vbn"}


@pytest.mark.parametrize(("source", "search"), SEARCHES)
def test_a_search_of_the_page_gives_ids_of_the_catalogue(home: Path, source: str, search: str) -> None:
    if "2023_12_bwm_release" in search:  # a list of real insertions; one of ours stands for it here
        (home / "freezes").mkdir(exist_ok=True)
        (home / "freezes" / "ours.csv").write_text("pid,eid\np-ibl-003,ibl-003\np-ibl-005,ibl-005\n")
        search = search.replace("2023_12_bwm_release", "ours")
    result = CliRunner().invoke(app, ["--home", str(home), *shlex.split(search)])
    assert result.exit_code == 0, (result.output, result.stderr)
    listed = manifest(source)
    found = [listed.session_named(one) for one in result.stdout.split()]
    assert len(found) == len(set(found)) > 0
    if source == "allen_vc":
        assert 5 <= len(found) <= 10
        rows = listed.sessions.set_index("session_id").loc[found]
        assert (rows["task_protocol"] == "brain_observatory_1.1").all()
        assert (rows["n_units_released"] > 300).all()


def test_the_sessions_of_ibl_are_ten_to_twenty_of_several_regions(home: Path) -> None:
    searches = [search for source, search in SEARCHES if source == "ibl" and search.startswith("sessions")]
    found: list[str] = []
    for search in searches:
        found += CliRunner().invoke(app, ["--home", str(home), *shlex.split(search)]).stdout.split()
    assert 10 <= len(set(found)) <= 20
    assert 3 <= len(searches) <= 5
    assert manifest("ibl").sessions.set_index("session_id").loc[found, "lab"].nunique() >= 3
