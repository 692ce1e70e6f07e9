"""Allen's analysis metrics as a released table: columns and conditions in `nh units`, and what is said without."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from nh_platform import operations
from nh_platform.reading import open_store
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.sources.allen.coding.analysis_metrics import NAMES, SESSION_TYPES, fetch_analysis_metrics
from nh_platform_tests.cli.commands import nh, rows
from nh_platform_tests.sources.allen import warehouse_server

OBSERVATORY = "brain_observatory_1.1_analysis_metrics.csv"
CONNECTIVITY = "functional_connectivity_analysis_metrics.csv"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with two Visual Coding sessions, one of each type, whose analysis has a p-value and texts."""
    write_allen_vc(tmp_path / "vc", 2, seed=3, size=TINY)
    (tmp_path / "sources.yaml").write_text("allen_vc:\n  read: {mode: local, root: vc}\n")
    for name in (OBSERVATORY, CONNECTIVITY):
        path = tmp_path / "vc" / name
        table = pd.read_csv(path)
        table["p_value_rf"] = [0.001 * number for number in range(len(table))]
        table["pref_ori_dg"] = [45.0 * (number % 4) for number in range(len(table))]
        table.to_csv(path, index=False)
    return tmp_path


def stated(home: Path) -> pd.DataFrame:
    tables = [pd.read_csv(home / "vc" / name, dtype={"ecephys_unit_id": str}) for name in (OBSERVATORY, CONNECTIVITY)]
    return pd.concat(tables).set_index("ecephys_unit_id")


def test_the_metrics_are_stored_as_they_stand_with_where_each_unit_is(home: Path) -> None:
    assert "48 analysis_metrics" in nh(home, "sync", "allen_vc").stdout
    released = open_store(home).released("allen_vc")
    table, theirs = released.analysis_metrics().set_index("unit_id"), stated(home)
    assert sorted(table.index) == sorted(theirs.index)
    for name in theirs:
        pd.testing.assert_series_equal(table[name], theirs.loc[table.index, name], check_names=False)
    assert set(table["session_type"]) == {"brain_observatory_1.1", "functional_connectivity"}
    units = released.units().set_index("unit_id").loc[table.index]
    assert table["insertion_id"].equals(units["insertion_id"])
    inside = released.analysis_metrics(["unit_id", "pref_ori_dg"], region="V1")
    assert sorted(inside["unit_id"]) == sorted(units.index[units["acronym"] == "VISp"])
    with pytest.raises(ConfigError, match="Did you mean pref_ori_dg"):
        released.analysis_metrics(["pref_ori_gd"])


def test_a_file_of_the_other_session_type_gives_no_unit_answers_and_a_unit_counts_once(home: Path) -> None:
    own = pd.read_csv(home / "vc" / OBSERVATORY)
    pd.concat([own, own.iloc[:3]]).to_csv(home / "vc" / OBSERVATORY, index=False)
    own.to_csv(home / "vc" / CONNECTIVITY, index=False)
    said = " ".join(nh(home, "sync", "allen_vc").output.split())
    assert f"{OBSERVATORY}: 3 rows of a unit that the file has before" in said
    assert f"{CONNECTIVITY}: {len(own)} rows of units of sessions that are not functional_connectivity" in said
    table = open_store(home).released("allen_vc").analysis_metrics()
    assert sorted(table["unit_id"]) == sorted(own["ecephys_unit_id"].astype(str))
    assert set(table["session_type"]) == {"brain_observatory_1.1"}


def test_sessions_of_visual_coding_have_their_facts_and_counts(home: Path) -> None:
    nh(home, "sync", "allen_vc")
    found = {row["session_id"]: row for row in rows(nh(home, "sessions", "--source", "allen_vc", "--format", "csv"))}
    probes = pd.read_csv(home / "vc" / "probes.csv").set_index("id")["ecephys_session_id"]
    channels = pd.read_csv(home / "vc" / "channels.csv")["ecephys_probe_id"].map(probes)
    for row in pd.read_csv(home / "vc" / "sessions.csv").itertuples():
        one = found[str(row.id)]
        assert (one["sex"], one["genotype"], float(one["age_in_days"])) == (row.sex, row.genotype, row.age_in_days)
        assert int(one["probes"]) == (probes == row.id).sum() > 0
        assert float(one["channel_count"]) == (channels == row.id).sum() > 0


def test_units_are_chosen_and_listed_by_them(home: Path) -> None:
    nh(home, "sync", "allen_vc")
    theirs = stated(home)
    chosen = theirs[(theirs["p_value_rf"] < 0.01) & (theirs["pref_ori_dg"] == 90)]
    where = ("--where", "p_value_rf<0.01", "--where", "pref_ori_dg=90")
    found = rows(nh(home, "units", "--source", "allen_vc", *where, "--format", "csv"))
    assert sorted(row["unit_id"] for row in found) == sorted(chosen.index)
    assert {"snr", "p_value_rf", "pref_ori_dg"} <= set(found[0])
    columns = ("--column", "unit_id", "--column", "pref_ori_dg", "--column", "snr", "--format", "csv")
    listed = rows(nh(home, "units", "--source", "allen_vc", *columns))
    assert list(listed[0]) == ["unit_id", "pref_ori_dg", "snr"]
    assert {row["unit_id"]: float(row["pref_ori_dg"]) for row in listed} == theirs["pref_ori_dg"].to_dict()
    counted = rows(nh(home, "units", "--source", "allen_vc", "--by", "pref_ori_dg", *where, "--format", "csv"))
    assert [(float(row["pref_ori_dg"]), int(row["units"])) for row in counted] == [(90.0, len(chosen))]
    few = rows(nh(home, "channels", "--source", "allen_vc", "--where", "local_index < 2", "--format", "csv"))
    assert {row["local_index"] for row in few} == {"0", "1"}


def test_units_are_chosen_and_listed_by_facts_of_their_sessions(home: Path) -> None:
    nh(home, "sync", "allen_vc")
    asked = ("units", "--source", "allen_vc", "--where", "session_type=functional_connectivity", "--format", "csv")
    theirs = pd.read_csv(home / "vc" / CONNECTIVITY, dtype=str)["ecephys_unit_id"]
    assert sorted(row["unit_id"] for row in rows(nh(home, *asked))) == sorted(theirs)
    sexes = pd.read_csv(home / "vc" / "sessions.csv", dtype=str).set_index("id")["sex"]
    listed = rows(nh(home, *asked, "--where", "snr>0", "--column", "session_id", "--column", "sex"))
    assert len(listed) == len(theirs)
    assert all(list(row) == ["session_id", "sex"] and row["sex"] == sexes[row["session_id"]] for row in listed)
    counted = rows(nh(home, *asked, "--by", "beryl"))
    assert sum(int(row["units"]) for row in counted) == len(theirs)
    channels = rows(nh(home, "channels", *asked[1:], "--column", "sex"))
    assert len(channels) > 0


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("p_value_fr<0.01", "Did you mean p_value_rf"),
        ("p_value_rf<small", "has numbers"),
        ("quality>good", "has texts"),
        ("p_value_rf", "it is no comparison"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(home: Path, condition: str, said: str) -> None:
    nh(home, "sync", "allen_vc")
    assert said in " ".join(nh(home, "units", "--source", "allen_vc", "--where", condition, code=1).stderr.split())


def test_a_missing_file_is_said_and_all_else_goes_on(home: Path) -> None:
    (home / "vc" / CONNECTIVITY).unlink()
    synced = nh(home, "sync", "allen_vc").stdout
    assert f"{CONNECTIVITY}: not in the folder" in synced
    assert "24 analysis_metrics" in synced
    # As people save what AllenSDK's call returns.
    (home / "vc" / OBSERVATORY).rename(home / "vc" / "unit_analysis_metrics_by_session_type_brain_observatory_1.1.csv")
    assert "24 analysis_metrics" in nh(home, "sync", "allen_vc").stdout
    (home / "vc" / "unit_analysis_metrics_by_session_type_brain_observatory_1.1.csv").unlink()
    assert "48 units" in nh(home, "sync", "allen_vc").stdout
    with pytest.raises(UnknownSession, match=f"none are stored; {OBSERVATORY}: not in the folder"):
        open_store(home).released("allen_vc").analysis_metrics()


def test_a_file_that_does_not_name_units_is_refused_with_the_nearest_column(home: Path) -> None:
    path = home / "vc" / OBSERVATORY
    pd.read_csv(path).rename(columns={"ecephys_unit_id": "ecephys_units_id"}).to_csv(path, index=False)
    found = operations.sync(home, "allen_vc")
    assert found.n_sessions == 2
    assert f"{OBSERVATORY}: columns missing: ecephys_unit_id" in str(found.problem)
    assert found.problem is not None
    assert "Did you mean ecephys_units_id" in found.problem.action


@contextmanager
def synced_from_a_warehouse(home: Path) -> Iterator[warehouse_server.Warehouse]:
    """Serve a release from a warehouse of AllenSDK's, and sync a home from it."""
    write_allen_vc(home / "upstream", 1, seed=3, size=TINY)
    with warehouse_server.serve(home / "upstream") as warehouse:
        read = f"{{mode: warehouse, root: vc, address: '{warehouse.address}'}}"
        (home / "sources.yaml").write_text(f"allen_vc:\n  read: {read}\n")
        nh(home, "sync", "allen_vc")
        yield warehouse


def test_allensdk_fetches_them_from_the_warehouse_on_request(tmp_path: Path) -> None:
    with synced_from_a_warehouse(tmp_path) as warehouse:
        assert warehouse.asked("EcephysUnitMetricBundle") == 0
        assert "24 analysis_metrics" in nh(tmp_path, "sync", "allen_vc", "--tables").stdout
        asked = warehouse.asked("EcephysUnitMetricBundle")
        nh(tmp_path, "sync", "allen_vc", "--tables")
        assert warehouse.asked("EcephysUnitMetricBundle") == asked > 0
    (path,) = (tmp_path / "upstream").glob("*_analysis_metrics.csv")
    theirs = pd.read_csv(path, dtype={"ecephys_unit_id": str}).set_index("ecephys_unit_id")["pref_ori_dg"]
    ours = open_store(tmp_path).released("allen_vc").analysis_metrics().set_index("unit_id")["pref_ori_dg"]
    assert ours.to_dict() == theirs.to_dict()


def test_two_who_fetch_them_at_once_take_turns(tmp_path: Path) -> None:
    with synced_from_a_warehouse(tmp_path) as warehouse, ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda _: fetch_analysis_metrics(tmp_path / "vc", warehouse.address), range(2)))
    (path,) = (tmp_path / "upstream").glob("*_analysis_metrics.csv")
    assert found == [(tmp_path / "vc" / path.name,)] * 2
    assert not list((tmp_path / "vc").glob("*.part"))


def test_where_all_are_there_nothing_is_written_and_nobody_asked(tmp_path: Path) -> None:
    there = tuple(tmp_path / NAMES[0].format(session_type) for session_type in SESSION_TYPES)
    for path in there:
        path.write_text("ecephys_unit_id\n")
    assert fetch_analysis_metrics(tmp_path, "http://127.0.0.1:1") == there
    assert sorted(tmp_path.iterdir()) == sorted(there)  # it may be another user's folder


def test_units_of_a_release_are_counted_and_chosen_by_the_type_of_their_waveform(home: Path) -> None:
    nh(home, "sync", "allen_vc")
    released = open_store(home).released("allen_vc")
    durations = released.units(["unit_id", "duration"]).set_index("unit_id")["duration"]
    narrow = durations.index[durations <= 0.4]
    counted = rows(nh(home, "units", "--source", "allen_vc", "--by", "nh.waveform_type@1", "--format", "csv"))
    assert {row["nh.waveform_type@1"]: int(row["units"]) for row in counted} == {
        "narrow": len(narrow),
        "broad": len(durations) - len(narrow),
    }
    asked = ("units", "--source", "allen_vc", "--where", "nh.waveform_type@1=narrow", "--column", "unit_id")
    found = rows(nh(home, *asked, "--format", "csv"))
    assert {row["unit_id"] for row in found} == set(narrow.astype(str))
