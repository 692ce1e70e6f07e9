"""Sex, age and genotype of IBL's animals: one request in a sync, search terms of `nh sessions`, absent without Alyx."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.reading import open_store
from nh_platform_tests.cli.commands import nh, rows
from nh_platform_tests.loopback import Loopback


def found(home: Path, *arguments: str) -> list[dict[str, str]]:
    result = nh(home, "sessions", "--source", "ibl", *arguments, "--format", "csv")
    return rows(result)


def test_sessions_are_found_by_what_alyx_states_of_the_animal(servers: Loopback, tmp_path: Path) -> None:
    first, second = (session["subject"] for session in servers.state.sessions.values())
    servers.state.subjects[first] |= {"sex": "M", "genotype": ["Sst-IRES-Cre", "Ai32"], "line": "Sst x Ai32"}
    servers.state.subjects[second] |= {"sex": "U", "birth_date": None}
    nh(tmp_path, "sync", "ibl")
    asked = [path for _, path in servers.alyx.requests if path.startswith("/subjects")]
    assert asked == ["/subjects?limit=1000"] * len(asked)
    assert len(asked) == 1
    (one,) = found(tmp_path, "--sex", "M", "--genotype", "sst-ires")
    assert (one["subject"], one["genotype"], float(one["age_in_days"])) == (first, "Sst-IRES-Cre, Ai32", 100)
    assert [row["subject"] for row in found(tmp_path, "--min-age", "90", "--max-age", "110")] == [first]
    assert "There are: M." in nh(tmp_path, "sessions", "--source", "ibl", "--sex", "F", code=1).stderr
    table = open_store(tmp_path).released("ibl").sessions().set_index("subject")
    assert table.loc[first, "line"] == "Sst x Ai32"
    assert table.loc[second, ["sex", "genotype"]].isna().all()
    assert "sync ibl --tables" in nh(tmp_path, "units", "--source", "ibl", code=1).stderr
    servers.state.subjects[second] |= {"sex": "F"}
    nh(tmp_path, "sync", "ibl")
    assert [row["subject"] for row in found(tmp_path, "--sex", "F")] == [second]


def test_animals_of_one_name_are_told_apart_by_their_lab_and_those_of_others_change_nothing(
    servers: Loopback, tmp_path: Path
) -> None:
    session, other = list(servers.state.sessions.values())
    name, elsewhere = session["subject"], {"lab": "lab_elsewhere", "sex": "M", "genotype": ["wt"]}
    servers.state.subjects[name] |= {"lab": session["lab"], "sex": "F"}
    servers.state.subjects["of_the_same_name"] = servers.state.subjects[name] | elsewhere
    nh(tmp_path, "sync", "ibl")
    assert name in [row["subject"] for row in found(tmp_path, "--sex", "F")]
    version = open_store(tmp_path).released("ibl").provenance.data_version
    servers.state.subjects["of_no_session"] = servers.state.subjects[name] | {"nickname": "of_no_session"}
    nh(tmp_path, "sync", "ibl")
    assert open_store(tmp_path).released("ibl").provenance.data_version == version
    servers.state.subjects[name] |= {"lab": "lab_third"}
    nh(tmp_path, "sync", "ibl")
    table = open_store(tmp_path).released("ibl").sessions().set_index("subject")
    assert table.loc[name, ["sex", "genotype"]].isna().all(), "two animals, neither of the session's lab"
    assert table.loc[other["subject"], "sex"] == "F"


def test_without_alyx_nothing_is_known_of_the_animals_and_that_is_said(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sources.yaml").write_text(f"ibl:\n  read: {{mode: local, root: {tree}}}\n")
    nh(tmp_path, "sync", "ibl")
    said = nh(tmp_path, "sessions", "--source", "ibl", "--sex", "F", code=1).stderr
    assert "ibl states no sex of its sessions" in " ".join(said.split())


def test_an_alyx_that_does_not_give_the_animals_costs_nothing_else_and_is_asked_again(
    servers: Loopback, tmp_path: Path
) -> None:
    (first, _) = (session["subject"] for session in servers.state.sessions.values())
    servers.state.subjects[first] |= {"sex": "M"}
    servers.alyx.faults.add("/subjects", "status", status=404)
    synced = nh(tmp_path, "sync", "ibl", code=1)
    assert "ibl: 2 sessions" in synced.output
    assert "subjects" in synced.stderr
    assert "404" in synced.stderr
    assert len(found(tmp_path)) == 2
    servers.alyx.faults.clear()
    assert "error" not in nh(tmp_path, "sync", "ibl").stderr
    assert [row["subject"] for row in found(tmp_path, "--sex", "M")] == [first]
