"""The served page, asked as other web sites, a rebound name and other programs would ask it: nothing changes."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from nh_platform_tests.services.servers import graphql, nh_ui, synced_home

pytestmark = pytest.mark.service

WIPE = """
mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["ibl", "release_manifest"]}}]) { __typename } }
"""
IN_URL = f"/graphql?{urllib.parse.urlencode({'query': WIPE})}"
IN_JSON = json.dumps({"query": WIPE})
EVIL = {"Origin": "http://evil.example"}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REPORT = "/report_asset_materialization/ibl/release_manifest"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synced_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with nh_ui(home, "--allowed-host", "nh.lab.example") as served:
        yield served


def ask(address: str, method: str, path: str, headers: dict[str, str], body: str | None = None) -> int:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    return answer.status


def n_materializations(address: str) -> int:
    query = """{ assetOrError(assetKey: {path: ["ibl", "release_manifest"]}) { __typename
        ... on Asset { assetMaterializations { runId } } } }"""
    return len(graphql(address, query)["assetOrError"].get("assetMaterializations", []))


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        pytest.param("GET", IN_URL, {}, None, 405, id="mutation by GET"),
        pytest.param("HEAD", IN_URL, {}, None, 405, id="mutation by HEAD"),
        pytest.param("GET", IN_URL.replace("/graphql", "/graphql%0A"), {}, None, 400, id="GET past the name"),
        pytest.param("POST", IN_URL, EVIL | FORM, "", 403, id="form of another site"),
        pytest.param("POST", IN_URL, FORM, "", 415, id="form without Origin"),
        pytest.param("POST", IN_URL, {"Content-Type": "text/plain"}, "", 415, id="plain text"),
        pytest.param("POST", IN_URL, {}, "", 415, id="no content type"),
        pytest.param(
            "POST", "/graphql", {"Content-Type": "text/plain; application/json"}, IN_JSON, 415, id="disguised"
        ),
        pytest.param("POST", "/graphql", {"Content-Type": "application/graphql"}, WIPE, 415, id="bare GraphQL"),
        pytest.param("POST", "/graphql", JSON | {"Host": "evil.example"}, IN_JSON, 421, id="rebound name"),
        pytest.param("POST", "/graphql", JSON | EVIL, IN_JSON, 403, id="foreign Origin"),
        pytest.param("POST", "/graphql", JSON | {"Origin": "null"}, IN_JSON, 403, id="sandboxed frame"),
        pytest.param("POST", "/graphql", JSON | {"Sec-Fetch-Site": "cross-site"}, IN_JSON, 403, id="cross-site fetch"),
        pytest.param(
            "OPTIONS", "/graphql", EVIL | {"Access-Control-Request-Method": "POST"}, None, 403, id="preflight"
        ),
        pytest.param("POST", REPORT, EVIL, None, 403, id="report of another site"),
        pytest.param("POST", REPORT, {}, None, 405, id="report without a body"),
        pytest.param("POST", REPORT.replace("materialization", "check"), JSON, "{}", 405, id="report of a check"),
        pytest.param("POST", REPORT.replace("materialization", "observation"), JSON, "{}", 405, id="of an observation"),
        pytest.param("GET", "/logs/a/compute_logs/b.err", {"Sec-Fetch-Site": "cross-site"}, None, 403, id="logs"),
        pytest.param("GET", "/", {"Host": "evil.example"}, None, 421, id="the page under another name"),
    ],
)
def test_nothing_of_it_is_answered_and_nothing_changed(
    address: str, method: str, path: str, headers: dict[str, str], body: str | None, status: int
) -> None:
    assert ask(address, method, path, headers, body) == status
    assert n_materializations(address) == 1


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", None),
        (None, None),
        ("null", None),
        ("http://127.0.0.1:1", None),
        ("OWN", "evil.example"),
    ],
)
def test_a_websocket_of_another_site_is_refused(address: str, origin: str | None, host: str | None) -> None:
    url = f"{address.replace('http', 'ws')}/graphql"
    headers = {"Host": host} if host else None
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(
            url, subprotocols=["graphql-ws"], origin=address if origin == "OWN" else origin, additional_headers=headers
        ),
    ):
        pass


def test_the_page_its_websocket_programs_and_the_allowed_name_are_answered(address: str) -> None:
    assert ask(address, "GET", "/overview", {}) == 200
    assert ask(address, "GET", "/overview", {"Host": "nh.lab.example"}) == 200
    query = json.dumps({"query": "{ version }"})
    proxied = {"Host": "nh.lab.example", "Origin": "https://nh.lab.example", "Sec-Fetch-Site": "same-origin"}
    assert ask(address, "POST", "/graphql", JSON | proxied, query) == 200
    with connect(f"{address.replace('http', 'ws')}/graphql", subprotocols=["graphql-ws"], origin=address) as page:
        page.send(json.dumps({"type": "connection_init"}))
        assert json.loads(page.recv(timeout=30))["type"] == "connection_ack"


def test_a_read_only_page_stands_beside_it_and_changes_nothing(home: Path, address: str) -> None:
    with nh_ui(home, "--read-only") as beside:
        assert n_materializations(beside) == 1
        assert graphql(beside, WIPE)["wipeAssets"]["__typename"] == "UnauthorizedError"
        reload = 'mutation { reloadRepositoryLocation(repositoryLocationName: "nh_platform") { __typename } }'
        assert graphql(beside, reload)["reloadRepositoryLocation"]["__typename"] == "UnauthorizedError"
    assert n_materializations(address) == 1


def test_the_page_itself_may_what_the_others_tried(address: str) -> None:
    """Last: it shows that the attacks above asked for something that works."""
    assert ask(address, "POST", "/graphql", JSON | {"Origin": address}, IN_JSON) == 200
    assert n_materializations(address) == 0
