"""What was seen on a real Alyx 3.6.1 and in released catalogues, played by the stand-in for the unmodified client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.session import BadUpstreamData, ConfigError, UnknownSession
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.sources.ibl.session.verified_files import open_files
from nh_platform.sources.registry import source_entry
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import Tree


@pytest.fixture
def servers(tree: Tree) -> Iterator[Loopback]:
    with Loopback(tree.root) as running:
        yield running


def remote(servers, **settings) -> IblSource:
    return IblSource(IblSettings.model_validate({**servers.settings, **settings}))


# the choice of a sorting ----------------------------------------------------------------------------------------------


def test_a_folder_that_a_sorter_left_behind_does_not_stand_for_a_sorting(servers, tree: Tree) -> None:
    before = remote(servers).manifest().session(tree.eid).version("spikes")
    tree.write("alf/probe00/iblsorter/clusters.channels.npy", np.arange(3))
    tree.write("alf/probe00/iblsorter/clusters.metrics.pqt", b"not read")
    servers.state.sync_tree()
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    assert session.version("spikes") == before
    assert source.read_spikes(session).probes["collection"].tolist() == [
        "alf/probe00/pykilosort",
        "alf/probe01/pykilosort",
    ]


def test_a_pin_reads_the_sorting_of_its_day(servers, tree: Tree) -> None:
    for name in ("spikes.times", "spikes.clusters", "clusters.channels"):
        content = tree.load(f"alf/probe00/pykilosort/#2024-05-06#/{name}.npy")
        tree.write(f"alf/probe00/iblsorter/#2026-01-01#/{name}.npy", content)
    servers.state.sync_tree()
    sorters = {}
    for revision in ("2024-06-01", "2026-01-01"):
        source = remote(servers, revision=revision)
        sorters[revision] = source.read_spikes(source.manifest().session(tree.eid)).probes["sorter"].tolist()
    assert sorters == {"2024-06-01": ["pykilosort", "pykilosort"], "2026-01-01": ["iblsorter", "pykilosort"]}


# the tables -----------------------------------------------------------------------------------------------------------


def test_the_order_in_which_projects_are_joined_is_no_change(servers, tree: Tree) -> None:
    servers.state.sessions[tree.eid]["projects"] = ["ibl_neuropixel_brainwide_01", "churchlandlab_learninglifespan"]
    manifests = [remote(servers).manifest()]
    servers.state.reversed_projects = True
    manifests.append(remote(servers).manifest())
    assert manifests[0].version() == manifests[1].version()
    joined = "churchlandlab_learninglifespan,ibl_neuropixel_brainwide_01"
    assert manifests[0].session(tree.eid).session.projects == joined
    sessions = manifests[0].sessions.replace(joined, ",".join(joined.split(",")[::-1]))
    stored_before = replace(manifests[0], sessions=sessions)
    assert diff_manifests(stored_before, manifests[1]).is_empty


def test_tables_written_under_pandas_3_are_read_as_without_revision(servers, tree: Tree) -> None:
    expected = remote(servers).manifest()
    servers.state.pandas_3 = True
    source = remote(servers)
    manifest = source.manifest()
    assert manifest.version() == expected.version()
    assert source.read_events(manifest.session(tree.eid)).tables["licks"] is not None


def test_local_tables_written_under_pandas_3_are_read_too(tree: Tree) -> None:
    expected = tree.source().manifest()
    tree.edit(lambda table: table.assign(rel_path=[with_nan(path) for path in table["rel_path"]]))
    source, session = tree.session()
    assert source.manifest().version() == expected.version()
    assert len(source.read_events(session).tables["licks"]) > 0
    assert source.read_spikes(session).spikes.n_units == 24


def with_nan(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return path if "#" in path else f"{folder}/#nan#/{name}"


# notices and insertions -----------------------------------------------------------------------------------------------


def test_a_notice_is_kept_with_what_it_concerns_and_an_edit_is_told(servers, tree: Tree) -> None:
    wheel = servers.state.find(tree.eid, "alf/_ibl_wheel.position.npy")["id"]
    record = servers.state.add_notice("turned around", name="wheel", importance=30, datasets=[wheel])
    states = [remote(servers).manifest()]
    assert states[0].notices.drop(columns="notice_id").to_numpy().tolist() == [
        ["2024-01-01", "turned around", "wheel", "MINOR", None, None, wheel]
    ]
    record.update(importance=50, description="turned around; patched")
    states.append(remote(servers).manifest())
    diff = diff_manifests(*states)
    assert diff.counts() == {"notice edited": 1}
    assert "importance MINOR → CRITICAL" in diff.changes["what"][0]
    assert "(1 dataset, 1 listed session)" in diff.changes["what"][0]


def test_an_insertion_without_data_makes_nothing_anew(servers, tree: Tree) -> None:
    states = [remote(servers).manifest()]
    pid = servers.state.add_insertion(tree.eid, "probe07", qc="FAIL", alignment_resolved=True)
    states.append(remote(servers).manifest())
    del servers.state.insertions[pid]
    states.append(remote(servers).manifest())
    for diff in (diff_manifests(*states[:2]), diff_manifests(*states[1:])):
        assert len(diff.changes) == 1
        assert len(diff.affected) == 0


# the login and the queries --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_of", ["/datasets", r"/sessions\?qc=PASS", "/insertions", "/cache/info"])
def test_a_query_that_is_not_taken_is_no_refused_login(servers, request_of) -> None:
    fault = servers.alyx.faults.add(request_of, "status", status=400)
    logins = len(servers.alyx.asked("/auth-token"))
    with pytest.raises(BadUpstreamData, match=r"does not take the query /.*HTTP 400: fault") as error:
        remote(servers).manifest()
    assert request_of.partition("\\")[0] in str(error.value)
    assert "login" not in str(error.value)
    assert fault.hits == 1
    assert len(servers.alyx.asked("/auth-token")) == logins + 1


def test_an_address_that_is_too_long_is_not_waited_for(servers) -> None:
    servers.alyx.max_request_line = 100
    with pytest.raises(
        ConfigError, match=r"takes no request line of \d+ bytes \(HTTP 414\).*limit_request_line"
    ) as error:
        remote(servers).manifest()
    assert "Waiting does not help" in str(error.value)


@pytest.mark.parametrize("serves_me", [True, False])
def test_a_token_alone_is_a_login(servers, tree: Tree, serves_me, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the environment variables of the docs; Alyx 3.6.1 has no ``/me``, which ONE asks whose a token is."""
    servers.alyx.serves_me = serves_me
    for name in ("NH_ONE_USERNAME", "NH_ONE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NH_ONE_URL", servers.alyx.url)
    monkeypatch.setenv("NH_ONE_DATA_SERVER", servers.files.data_server)
    monkeypatch.setenv("NH_ONE_TOKEN", servers.state.issue_token("reader"))
    source = source_entry("ibl").open({}, tree.root)
    session = source.manifest().session(tree.eid)
    assert source.read_spikes(session).spikes.n_units == 24
    assert servers.alyx.asked("auth-token") == []
    servers.state.revoke_tokens()
    with pytest.raises(ConfigError, match="refused the login"):
        source.manifest()


@pytest.mark.parametrize("tag", [None, "2022_Q4_IBL_et_al_BWM"])
def test_a_login_that_is_refused_at_the_tables_is_named_so(servers, tag) -> None:
    servers.state.add_tag("2022_Q4_IBL_et_al_BWM", list(servers.state.datasets))
    servers.alyx.faults.add("/cache/info", "status", status=403)
    with pytest.raises(ConfigError, match=r"refused the login \(HTTP 403\)") as error:
        remote(servers, tag=tag).manifest()
    assert "Check `tag`" not in str(error.value)


# what went before the tables were built anew --------------------------------------------------------------------------

OPTIONAL = "alf/_ibl_wheel.position.npy"


def withdrawn_after_the_tables(servers, tree: Tree, how: str, rel_path: str) -> None:
    """Let a dataset go upstream while the manifest still lists it."""
    dataset = servers.state.find(tree.eid, rel_path)
    if how == "record":
        servers.state.delete_dataset(tree.eid, rel_path)
    elif how == "moved":
        dataset["rel_path"] = rel_path.replace("alf/", "alf/old/")
    else:
        name = rel_path.rpartition("/")[2].rpartition(".")[0]
        servers.files.faults.add(f"{servers.state.session_path(tree.eid)}/.*{name}", "status", status=404)


@pytest.mark.parametrize("how", ["record", "moved", "file"])
def test_an_optional_dataset_that_went_is_left_out_with_a_note(servers, tree: Tree, how) -> None:
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    amplitudes = "alf/probe00/pykilosort/#2024-05-06#/spikes.amps.npy"
    for rel_path in (OPTIONAL, amplitudes):
        withdrawn_after_the_tables(servers, tree, how, rel_path)
    recording = source.read_spikes(session)
    assert recording.spikes.n_units == 24
    notes = {note.subject: note.text for note in recording.notes}
    assert notes[amplitudes].startswith("the catalogue lists it, and ")
    assert notes[amplitudes].endswith("reads it once it is back")
    with open_files(source._files, session, "signals") as files:
        assert not files.has("alf", "_ibl_wheel.position.npy")
        assert files.has("alf", "_ibl_wheel.timestamps.npy")
        assert OPTIONAL in {note.subject for note in files.notes}


@pytest.mark.parametrize("how", ["record", "file"])
@pytest.mark.parametrize("name", ["spikes.times", "spikes.clusters", "clusters.channels"])
def test_a_required_dataset_that_went_is_named(servers, tree: Tree, how, name) -> None:
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    withdrawn_after_the_tables(servers, tree, how, f"alf/probe00/pykilosort/#2024-05-06#/{name}.npy")
    with pytest.raises(BadUpstreamData, match=rf"{name}\.npy: required, and .*Run `nh sync ibl`"):
        source.read_spikes(session)
    assert source.read_spikes(source.manifest().session(tree.other)).spikes.n_units == 24


def test_the_only_file_of_a_group_that_went_is_no_withdrawn_session(servers, tree: Tree) -> None:
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    rows = session.of_group("events")
    one = rows[rows["name"] == "licks.times.npy"]
    servers.state.delete_dataset(tree.eid, "alf/licks.times.npy")
    with source._files.verified_files(session.session, one) as given:
        assert given == {}
        assert given.gone == {"alf/licks.times.npy": "upstream does not list it any more"}
    servers.state.delete_session(tree.eid)
    with pytest.raises(UnknownSession), source._files.verified_files(session.session, one):
        pass


def test_a_local_file_that_went_is_left_out_with_a_note(tree: Tree) -> None:
    source, session = tree.session()
    tree.path("alf/probe00/pykilosort/#2024-05-06#/spikes.amps.npy").unlink()
    notes = {note.subject: note.text for note in source.read_spikes(session).notes}
    assert (
        "is not there; not read, `nh materialize ibl " in notes["alf/probe00/pykilosort/#2024-05-06#/spikes.amps.npy"]
    )
