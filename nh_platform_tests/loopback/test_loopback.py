"""The stand-ins serve the unmodified OneAlyx, and a history moves the timestamps that a real Alyx moves."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nh_platform.simulation import TINY, patch_wheel, write_ibl
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.loopback.object_store import moto_server

PROBE = "alf/probe00/pykilosort"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("loopback")
    write_ibl(root, 2, seed=1, size=TINY)
    return root


@pytest.fixture
def servers(written, tmp_path: Path) -> Iterator[Loopback]:
    shutil.copytree(written, tmp_path / "alf")
    with Loopback(tmp_path / "alf") as running:
        yield running


@pytest.fixture
def one(servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give an unmodified client, its parameters in a folder of the test."""
    monkeypatch.setenv("HOME", str(tmp_path))
    import one.params
    from one.api import OneAlyx

    url = servers.alyx.url
    one.params.setup(client=url, silent=True, cache_dir=tmp_path / "cache", make_default=True)
    parameters = one.params.get(client=url, silent=True)
    one.params.save(parameters.set("HTTP_DATA_SERVER", servers.files.data_server), url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield OneAlyx(
            base_url=url,
            username=servers.username,
            password=servers.password,
            silent=True,
            cache_dir=tmp_path / "cache",
            cache_rest=None,
        )


def eid_of(servers, subject="SWC_sim_001") -> str:
    return next(eid for eid, session in servers.state.sessions.items() if session["subject"] == subject)


def test_the_client_searches_and_converts_ids(servers, one) -> None:
    eid = eid_of(servers)
    assert [str(found) for found in one.search(subject="SWC_sim_001")] == [eid]
    assert len(one.search(project="brainwide", date_range=["2022-03-01", "2022-03-02"])) == 2
    assert len(one.search(laboratory="phantomlab", number=1)) == 1
    assert len(one.search(datasets=["spikes.times.npy", "licks.times.npy"])) == 2
    assert len(one.search(django="start_time__gt,2022-03-01T23:00:00")) == 1
    path = one.eid2path(eid)
    assert Path(path).parts[-3:] == ("SWC_sim_001", "2022-03-01", "001")
    assert str(one.path2eid(path)) == eid
    pids, names = one.eid2pid(eid)
    assert sorted(names) == ["probe00", "probe01"]
    assert [str(part) for part in one.pid2eid(pids[0])] == [eid, names[0]]
    assert one.pid2eid("11111111-1111-4111-8111-111111111111") == (None, None)
    assert sorted(map(str, one.search_insertions(session=eid))) == sorted(map(str, pids))
    assert one.get_details(eid)["subject"] == "SWC_sim_001"


def test_the_client_lists_and_loads(servers, one) -> None:
    eid = eid_of(servers)
    assert sorted(one.list_revisions(eid, filename="spikes.times.npy")) == ["", "2024-05-06"]
    assert PROBE in one.list_collections(eid)
    spikes = one.load_object(eid, "spikes", collection=PROBE)
    stated = servers.state.find(eid, f"{PROBE}/#2024-05-06#/spikes.times.npy")
    assert np.array_equal(spikes["times"], np.load(servers.state.local_path(stated)))
    old = one.load_dataset(eid, f"{PROBE}/spikes.times.npy")
    assert np.array_equal(old, np.load(servers.state.local_path(servers.state.find(eid, f"{PROBE}/spikes.times.npy"))))
    assert one.describe_revision("2024-05-06", full=True)["name"] == "2024-05-06"


def test_the_client_loads_the_tables_of_a_tag(servers, one) -> None:
    eid = eid_of(servers)
    ids = [d["id"] for d in servers.state.datasets.values() if d["session"] == eid]
    servers.state.add_tag("2026_Q3_Test", ids)
    one.load_cache(tag="2026_Q3_Test")
    assert len(one.list_datasets(query_type="local", details=True)) == len(ids)
    assert len(one.alyx.rest("datasets", "list", tag="2026_Q3_Test", limit=1000)) == len(ids)
    assert one.alyx.rest("tags", "list")[0]["name"] == "2026_Q3_Test"


def test_pages_are_followed(servers, one) -> None:
    listed = one.alyx.rest("datasets", "list", limit=50)
    assert len(listed) == len(servers.state.datasets)
    assert len({record["url"] for record in listed}) == len(servers.state.datasets)


def test_an_unknown_filter_fails_instead_of_selecting_everything(one) -> None:
    import requests

    with pytest.raises(requests.HTTPError, match="not played"):
        one.alyx.rest("sessions", "list", atlas_acronym="CA1")
    with pytest.raises(requests.HTTPError, match="no parameter"):
        one.alyx.rest("sessions", "list", colour="red")


def times(state) -> dict[str, dict[str, str]]:
    return {
        name: {key: record["auto_datetime"] for key, record in getattr(state, name).items()}
        for name in ("sessions", "insertions", "datasets")
    }


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (lambda s, eid: s.set_session_qc(eid, "CRITICAL"), {"sessions"}),
        (lambda s, eid: s.set_insertion(next(iter(s.insertions)), alignment_resolved=True), {"insertions"}),
        (lambda s, eid: s.add_alignment(next(iter(s.insertions)), "someone"), set()),
        (lambda s, eid: s.patch_file(eid, "alf/licks.times.npy", b"x"), {"datasets"}),
        (lambda s, eid: s.set_dataset_qc(eid, "alf/licks.times.npy", "FAIL"), {"datasets"}),
        (lambda s, eid: s.add_tag("T", list(s.datasets)), set()),
        (lambda s, eid: s.add_notice("wheel polarity"), set()),
        (lambda s, eid: s.delete_dataset(eid, "alf/licks.times.npy"), set()),
        (lambda s, eid: s.touch(eid), {"sessions", "insertions", "datasets"}),
    ],
)
def test_changes_move_the_timestamps_that_a_real_alyx_moves(servers, change, moved) -> None:
    before = times(servers.state)
    change(servers.state, eid_of(servers))
    after = times(servers.state)
    changed = {name for name in before if any(after[name].get(key, t) != t for key, t in before[name].items())}
    assert changed == moved


def test_a_patch_in_the_tree_is_taken_over(servers) -> None:
    eid = eid_of(servers)
    before = servers.state.find(eid, "alf/_ibl_wheel.position.npy").copy()
    patch_wheel(servers.state.root, 0, 1, size=TINY)
    session_time = servers.state.sessions[eid]["auto_datetime"]
    servers.state.sync_tree()
    after = servers.state.find(eid, "alf/_ibl_wheel.position.npy")
    assert after["id"] == before["id"]
    assert after["hash"] != before["hash"]
    assert after["auto_datetime"] > before["auto_datetime"]
    assert servers.state.sessions[eid]["auto_datetime"] == session_time


@pytest.mark.slow
def test_the_client_downloads_from_a_bucket_where_alyx_names_one(servers, one, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 first, as the client does on the public database; the file server is not asked."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    with moto_server("loopback-public", is_public=True) as (url, s3):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        servers.state.aws_bucket = "loopback-public"
        eid = eid_of(servers)
        dataset = servers.state.find(eid, f"{PROBE}/#2024-05-06#/spikes.times.npy")
        key = f"data/{servers.state.file_path(dataset)}"
        access = {"ACL": "public-read"}  # the client's requests to a public bucket are unsigned
        s3.upload_file(str(servers.state.local_path(dataset)), "loopback-public", key, ExtraArgs=access)
        loaded = one.load_dataset(eid, dataset["rel_path"])
        assert np.array_equal(loaded, np.load(servers.state.local_path(dataset)))
        assert servers.files.requests == []
