"""Names of upstream that would lead out of a folder are left out with the reason, and the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from iblutil.io import parquet

from nh_platform import operations
from nh_platform.history.manifest import Manifest
from nh_platform.history.upstream_names import BAD_FILE, BAD_SESSION, without_unsafe_names
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import StoreError
from nh_platform.simulation import TINY, write_ibl
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.store import Store
from nh_platform.store.path_parts import MOST_BYTES, path_part_problem, relative_path_problem
from nh_platform_tests.homes import SEED

HOSTILE = ["..", "../../etc", "/etc/passwd", "a\x00b", "a\nb", "a" * 300, "a\\..\\b", ".", "é" * (MOST_BYTES // 2 + 1)]
FINE = [
    "probe00",
    "alf",
    "SWC_043",
    "2020-09-21",
    "a b",
    "ü",
    "_ibl_trials.table.pqt",
    "name.with.dots",
    "a" * MOST_BYTES,
]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("upstream")
    write_ibl(folder, 2, SEED, size=TINY)
    return IblSource(IblSettings(mode="local", root=folder)).manifest()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_no_part_of_a_path(name: str) -> None:
    assert path_part_problem(name)
    assert relative_path_problem(f"alf/{name}/probe00") if name != "/etc/passwd" else relative_path_problem(name)


@pytest.mark.parametrize("name", FINE)
def test_a_usual_name_is(name: str) -> None:
    assert path_part_problem(name) is None
    assert relative_path_problem(f"alf/{name}") is None


def test_a_usual_manifest_is_left_as_it_is(manifest: Manifest) -> None:
    assert without_unsafe_names(manifest) is manifest


@pytest.mark.parametrize("name", [*HOSTILE, "", "_source", "-rf", "a b"])
def test_a_session_with_a_hostile_id_is_left_out(manifest: Manifest, name: str) -> None:
    first, second = manifest.sessions["session_id"]
    named = {first: name}
    hostile = Manifest(
        manifest.source,
        manifest.release,
        *(table.assign(session_id=table["session_id"].replace(named)) for _, table in manifest.tables()[:3]),
    )
    found = without_unsafe_names(hostile)
    assert found.session_ids == [second]
    assert set(found.files["session_id"]) == set(found.insertions["session_id"]) == {second}
    (left_out,) = found.left_out.to_dict("records")
    assert left_out["reason"] == BAD_SESSION
    assert left_out["session_id"].isprintable()
    assert left_out["found"].startswith("session id")


@pytest.mark.parametrize(("table", "column"), [("sessions", "subject"), ("sessions", "lab"), ("insertions", "probe")])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_session_whose_folder_cannot_be_is_left_out(manifest: Manifest, table: str, column: str, name: str) -> None:
    first, second = manifest.sessions["session_id"]
    parts = {schema.name: rows.copy() for schema, rows in manifest.tables()[:3]}
    parts[table].loc[parts[table]["session_id"] == first, column] = name
    found = without_unsafe_names(Manifest(manifest.source, manifest.release, *parts.values()))
    assert found.session_ids == [second]
    (left_out,) = found.left_out.to_dict("records")
    assert (left_out["session_id"], left_out["reason"]) == (first, BAD_SESSION)
    assert left_out["found"].startswith(column)


@pytest.mark.parametrize("column", ["name", "collection", "revision"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_with_a_hostile_name_goes_alone(manifest: Manifest, column: str, name: str) -> None:
    files = manifest.files.copy()
    files.loc[3, column] = name
    found = without_unsafe_names(Manifest("ibl", manifest.release, manifest.sessions, manifest.insertions, files))
    assert found.session_ids == manifest.session_ids
    assert len(found.files) == len(files) - 1
    (left_out,) = found.left_out.to_dict("records")
    assert (left_out["session_id"], left_out["reason"]) == (files.loc[3, "session_id"], BAD_FILE)
    assert "the file is not read" in left_out["found"]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_store_makes_no_folder_of_a_hostile_name(tmp_path: Path, name: str) -> None:
    for parts in ((name, "s", "units"), ("ibl", name, "units"), ("ibl", "s", name)):
        with pytest.raises(StoreError, match="cannot be part of a path"):
            Store(tmp_path).asset_folder(*parts)


def test_a_sync_takes_the_others_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    upstream = tmp_path / "upstream"
    write_ibl(upstream, 2, SEED, size=TINY)
    table, facts = parquet.load(upstream / "sessions.pqt")
    table.loc[table.index[0], "subject"] = "../../../outside"
    parquet.save(upstream / "sessions.pqt", table, facts)
    (tmp_path / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: upstream}\n", encoding="utf-8")
    platform = Platform(load_settings(tmp_path))
    with open_instance(platform.settings) as instance:
        done = operations.sync(OpenHome(platform, instance), "ibl")
    assert done.n_sessions == 1
    assert done.reasons()[BAD_SESSION] == 1
