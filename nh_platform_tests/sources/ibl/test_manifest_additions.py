"""What Alyx states of each dataset and session: release tags, addresses and extended QC, page by page."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.identity import GROUPS, read_by
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.history.release_lookup import find_state, tag_counts
from nh_platform.history.snapshots import read_manifest
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.sources.ibl.server.paginated_lists import id_queries
from nh_platform.store import Store
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.release_history import tag_only
from nh_platform_tests.sources.ibl.conftest import Tree

BWM, SITE = "2022_Q4_IBL_et_al_BWM", "2022_Q2_IBL_et_al_RepeatedSite"


@pytest.fixture
def servers(tree: Tree) -> Iterator[Loopback]:
    with Loopback(tree.root) as running:
        yield running


def remote(servers, **settings) -> IblSource:
    return IblSource(IblSettings.model_validate({**servers.settings, **settings}))


def public(servers, monkeypatch, **settings) -> IblSource:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in servers.bucket.environment.items():
        monkeypatch.setenv(name, value)
    return IblSource(IblSettings.model_validate({**servers.public_settings, **settings}))


def of_session(servers, eid) -> list[str]:
    return [d["id"] for d in servers.state.datasets.values() if d["session"] == eid]


# release tags ---------------------------------------------------------------------------------------------------------


def test_a_tag_is_told_and_asks_for_no_run_but_the_first_ones_page(servers, tmp_path: Path) -> None:
    """The step `tag_only` of the scripted history."""
    source, store = remote(servers), Store(tmp_path)
    before = store_manifest(store, source.manifest(), "1")
    assert list(tag_only(servers.state).values()) == [("session_report",)]
    after = store_manifest(store, source.manifest(), "1")
    assert after.is_new
    assert after.diff.counts() == {"tag changed": len(set(after.diff.changes["session_id"]))}
    assert after.diff.changes["n_files"].sum() == 5
    assert after.diff.changes["what"].str.fullmatch(r"\d files?: \+2026_Q1_Test").all()
    assert len(after.diff.affected) == 0
    assert before.snapshot.id != after.snapshot.id
    assert tag_counts(read_manifest(store, "ibl"))["files"].tolist() == [5]
    assert not store_manifest(store, source.manifest(), "1").is_new


def test_a_session_is_one_with_several_memberships(servers, tree: Tree, tmp_path: Path) -> None:
    own, other = (of_session(servers, eid) for eid in (tree.eid, tree.other))
    servers.state.add_tag(BWM, [*own, *other])
    servers.state.add_tag(SITE, own[:7])
    manifest = remote(servers).manifest()
    assert manifest.session(tree.eid).memberships() == {SITE: 7, BWM: len(own)}
    assert manifest.session(tree.other).memberships() == {BWM: len(other)}
    assert set(manifest.files["tags"]) == {BWM, f"{SITE},{BWM}"}
    store = Store(tmp_path)
    store_manifest(store, manifest, "1")
    assert find_state(store, "ibl", SITE, tmp_path).manifest.session_ids == [tree.eid]
    servers.state.datasets[own[0]]["tags"].clear()
    diff = diff_manifests(manifest, remote(servers).manifest())
    assert diff.changes["what"].tolist() == [f"1 file: −{SITE}, −{BWM}"]
    assert len(diff.affected) == 0


@pytest.mark.parametrize("mode", ["remote", "public"])
def test_several_tags_select_what_any_of_them_has(servers, tree: Tree, mode, monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = (of_session(servers, eid) for eid in (tree.eid, tree.other))
    servers.state.add_tag(BWM, own)
    servers.state.add_tag(SITE, [*own[:3], *other])
    servers.state.add_tag("Unasked", other)
    source = remote(servers, tag=[SITE, BWM]) if mode == "remote" else public(servers, monkeypatch, tag=[SITE, BWM])
    manifest = source.manifest()
    assert manifest.release == f"{SITE}+{BWM}, follow_default"
    assert manifest.selection.endswith(f"tag {SITE}, tag {BWM}")
    assert manifest.session(tree.eid).memberships() == {SITE: 3, BWM: len(own)}
    unasked = {"Unasked": len(other)} if mode == "remote" else {}
    assert manifest.session(tree.other).memberships() == {SITE: len(other), **unasked}
    assert not manifest.files.duplicated(["session_id", "collection", "revision", "name"]).any()
    before = source.signal()
    servers.state.add_notice("something")
    assert source.signal() != before
    missing = {"remote": "release tag 'No_Such'", "public": r"No_Such/cache\.zip does not exist"}[mode]
    again = remote(servers, tag=[BWM, "No_Such"]) if mode == "remote" else None
    with pytest.raises(ConfigError, match=missing):
        (again or public(servers, monkeypatch, tag=[BWM, "No_Such"])).manifest()


# addresses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["remote", "public"])
def test_the_manifest_states_the_addresses_that_fetch_prints(
    servers, tree: Tree, mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = remote(servers) if mode == "remote" else public(servers, monkeypatch)
    manifest = source.manifest()
    assert manifest.files["url"].notna().all()
    session = manifest.session(tree.eid)
    links = {link.path: link.url for link in source.links(session, GROUPS)}
    rows = session.files[read_by(session.files, GROUPS)]
    assert len(rows) == len(links) > 40
    path = rows["collection"] + "/" + rows["revision"].map(lambda r: f"#{r}#/" if r else "") + rows["name"]
    assert dict(zip(path, rows["url"])) == links
    assert all(url.startswith(servers.files.data_server) and "#" not in url for url in links.values())


def test_a_file_that_only_the_bucket_has_is_addressed_there(
    servers, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nh_platform_tests.loopback.payloads import Payloads

    servers.state.aws_bucket = "ibl-brain-wide-map-public"
    monkeypatch.setattr(Payloads, "_data_url", lambda self, dataset: None)
    manifest = remote(servers).manifest()
    row = manifest.files[manifest.files["name"] == "licks.times.npy"].iloc[0]
    place = servers.state.file_path(servers.state.datasets[row["dataset_id"]])
    assert row["url"] == f"s3://ibl-brain-wide-map-public/data/{place}"


def test_files_that_are_read_in_place_have_no_address(pristine: Tree) -> None:
    assert pristine.source().manifest().files["url"].isna().all()


# extended QC ----------------------------------------------------------------------------------------------------------


def test_a_changed_extended_qc_moves_the_qc_of_its_session_alone(servers, tree: Tree) -> None:
    source = remote(servers)
    states = [source.manifest()]
    for extended in ({"task": "PASS", "_task_wheel": 0.98}, {"task": "FAIL", "_task_wheel": 0.98, "videoLeft": None}):
        servers.state.sessions[tree.eid]["extended_qc"] |= extended
        states.append(source.manifest())
    servers.state.touch(tree.eid)
    states.append(source.manifest())
    diffs = [diff_manifests(before, after) for before, after in pairwise(states)]
    assert [diff.affected[["session_id", "group"]].to_numpy().tolist() for diff in diffs] == [
        [[tree.eid, "qc"]],
        [[tree.eid, "qc"]],
        [],
    ]
    assert [diff.changes["kind"].tolist() for diff in diffs] == [["QC changed"], ["QC changed"], []]
    assert diffs[0].changes["what"][0] == "session extended QC: _task_wheel none → 0.98; task none → PASS"
    assert diffs[1].changes["what"][0] == "session extended QC: task PASS → FAIL"
    assert json.loads(states[2].session(tree.eid).extended_qc or "") == {"_task_wheel": 0.98, "task": "FAIL"}
    assert states[2].session(tree.other).extended_qc is None


def sessions_asked(servers, source, before=None) -> tuple[Manifest, list[str]]:
    """Return a manifest, and the sessions that were asked for by themselves for it."""
    first = len(servers.alyx.requests)
    manifest = source.manifest() if before is None else source.manifest_after(before)
    paths = [path for _, path in servers.alyx.requests[first:]]
    return manifest, sorted(path.removeprefix("/sessions/") for path in paths if path.startswith("/sessions/"))


def test_only_sessions_that_were_touched_are_asked_for_again(servers, tree: Tree) -> None:
    servers.state.set_session_qc(tree.eid, "PASS", task="PASS")
    servers.state.set_session_qc(tree.other, "PASS", task="PASS")
    servers.state.pass_days(3)
    source = remote(servers)
    first, asked = sessions_asked(servers, source)
    assert len(asked) == 2
    again, asked = sessions_asked(servers, source, first)
    assert asked == []
    assert again.version() == first.version()
    servers.state.set_session_qc(tree.other, "PASS", task="FAIL")
    changed, asked = sessions_asked(servers, source, again)
    assert asked == [tree.other]
    assert changed.version() == source.manifest().version()
    assert changed.session(tree.eid).extended_qc == '{"task":"PASS"}'
    assert diff_manifests(again, changed).affected[["session_id", "group"]].to_numpy().tolist() == [[tree.other, "qc"]]


def test_what_is_not_known_for_sure_is_asked_for_again(servers, tree: Tree) -> None:
    servers.state.set_session_qc(tree.eid, "PASS", task="PASS")
    servers.state.pass_days(3)
    unasked = remote(servers, extended_qc=False).manifest()
    assert unasked.facts_as_of == ""
    full, asked = sessions_asked(servers, remote(servers), unasked)
    assert len(asked) == 2
    elsewhere = replace(full, selection="remote, server elsewhere")
    assert len(sessions_asked(servers, remote(servers), elsewhere)[1]) == 2
    new = replace(full, sessions=full.sessions[full.sessions["session_id"] == tree.eid].reset_index(drop=True))
    assert sessions_asked(servers, remote(servers), new)[1] == [tree.other]
    servers.alyx.faults.add(f"/sessions/{tree.other}", "status", status=404)
    withdrawn, asked = sessions_asked(servers, remote(servers))
    assert withdrawn.facts_as_of == ""


def test_what_was_known_is_stored_with_the_snapshot(servers, tree: Tree, tmp_path: Path) -> None:
    servers.state.pass_days(3)
    store, manifest = Store(tmp_path), remote(servers).manifest()
    assert manifest.facts_as_of
    store_manifest(store, manifest, "1")
    assert read_manifest(store, "ibl").facts_as_of == manifest.facts_as_of
    assert sessions_asked(servers, remote(servers), read_manifest(store, "ibl"))[1] == []
    servers.state.pass_days(1)
    assert not store_manifest(store, remote(servers).manifest(), "1").is_new


def test_extended_qc_can_be_left_unasked(servers, tree: Tree) -> None:
    servers.state.set_session_qc(tree.eid, "FAIL", task="FAIL")
    manifest = remote(servers, extended_qc=False).manifest()
    assert manifest.session(tree.eid).qc == "FAIL"
    assert manifest.sessions["extended_qc"].isna().all()
    assert servers.alyx.asked(f"/sessions/{tree.eid}") == []


def test_a_session_that_goes_while_it_is_asked_for_states_nothing(servers, tree: Tree) -> None:
    servers.state.set_session_qc(tree.other, "NOT_SET", task="PASS")
    servers.alyx.when(r"/sessions/", lambda: servers.state.delete_session(tree.eid))
    manifest = remote(servers).manifest()
    assert manifest.session(tree.eid).extended_qc is None
    assert manifest.session(tree.other).extended_qc == '{"task":"PASS"}'


# pages ----------------------------------------------------------------------------------------------------------------


def test_what_is_asked_for_a_manifest_grows_with_sessions_and_pages_alone(servers) -> None:
    """The count that docs/releases.md gives for 459 sessions."""
    servers.alyx.max_page_size = 50
    n_datasets = len(servers.state.datasets)
    remote(servers).manifest()
    asked = [path.partition("?")[0] for _, path in servers.alyx.requests]
    assert {path: asked.count(path) for path in sorted(set(asked))} == {
        "/auth-token": 1,
        "/cache.zip": 1,
        "/cache/info": 1,
        "/data-notices": 1,
        "/datasets": -(-n_datasets // 50),
        "/insertions": 1,
        "/sessions": 4,
        **{f"/sessions/{eid}": 1 for eid in servers.state.sessions},
    }


def test_sessions_are_asked_for_in_addresses_that_are_short_enough(servers, tree: Tree) -> None:
    """Of a hundred ids the request line was 4,655 bytes, and gunicorn takes 4,094."""
    for number in range(150):
        eid = f"{number:08d}-0000-4000-8000-000000000000"
        servers.state.sessions[eid] = {**servers.state.sessions[tree.eid], "id": eid, "number": number + 2}
        servers.state.add_insertion(eid, "probe00")
    servers.state.add_tag(BWM, list(servers.state.datasets))
    manifest = remote(servers, extended_qc=False).manifest()
    assert len(manifest.sessions) == 152
    assert set(manifest.files["tags"]) == {BWM}
    assert len(servers.alyx.asked("/datasets")) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://alyx.example.org/" + "a" * 200])
def test_request_lines_are_as_long_as_servers_take(url) -> None:
    ids = [str(uuid.UUID(int=number, version=4)) for number in range(1000)]
    queries = list(id_queries("/datasets?exists=True", "session", ids, url))
    lines = [f"GET {url}{query}&limit=1000&offset=1000000 HTTP/1.1" for query in queries]
    assert max(map(len, lines)) <= 4094
    assert len(queries) == 11 if len(url) < 100 else 12
    assert [one for query in queries for one in re.findall(r"[0-9a-f-]{36}", unquote(query))] == ids


@pytest.mark.parametrize("where", [r"/datasets.*offset=100", r"/insertions.*offset=3", r"/sessions/", "/data-notices"])
def test_a_token_revoked_in_the_middle_of_the_catalogue_is_renewed(servers, pristine: Tree, where) -> None:
    expected = remote(servers).manifest()
    servers.alyx.max_page_size = 50 if "datasets" in where else 3
    servers.alyx.when(where, servers.state.revoke_tokens)
    logins, pages = len(servers.alyx.asked("auth-token")), len(servers.alyx.asked("/datasets"))
    assert remote(servers).manifest().version() == expected.version()
    # ONE asks once without the password, which it does not keep, before we log in anew; of two requests beside each
    # other both may.
    again = len(servers.alyx.asked("auth-token")) - logins - logins
    assert again in ((2, 3) if where == "/sessions/" else (2,))
    if "datasets" in where:  # only the page is asked for again
        n_pages = -(-len(servers.state.datasets) // 50)
        assert len(servers.alyx.asked("/datasets")) == pages + n_pages + 1


def test_a_revoked_token_that_cannot_be_renewed_is_named(servers) -> None:
    token = servers.state.issue_token("reader")
    servers.alyx.max_page_size = 50
    servers.alyx.when(r"/datasets.*offset=100", servers.state.revoke_tokens)
    with pytest.raises(ConfigError, match="tokens change after a release"):
        remote(servers, username=None, password=None, token=token).manifest()


def test_a_list_that_changes_while_it_is_read_is_read_again(servers, tree: Tree) -> None:
    servers.alyx.max_page_size = 50
    servers.state.add_tag(BWM, list(servers.state.datasets))

    def withdraw() -> None:
        servers.state.delete_dataset(tree.eid, "alf/licks.times.npy")

    servers.alyx.when(r"/datasets.*offset=100", withdraw)
    manifest = remote(servers).manifest()
    gone = (manifest.files["session_id"] == tree.eid) & (manifest.files["name"] == "licks.times.npy")
    assert set(manifest.files["tags"][~gone]) == {BWM}


def test_a_list_that_never_holds_still_is_named(servers, tree: Tree) -> None:
    servers.alyx.max_page_size = 50

    def withdraw_and_so_on() -> None:
        del servers.state.datasets[next(iter(servers.state.datasets))]
        servers.alyx.when(r"/datasets.*offset=50", withdraw_and_so_on)

    withdraw_and_so_on()
    with pytest.raises(BadUpstreamData, match=r"datasets of .*changed while it was read, in 3 tries"):
        remote(servers).manifest()
