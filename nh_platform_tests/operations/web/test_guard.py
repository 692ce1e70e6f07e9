"""The guard answers the page itself and programs, and refuses all that another web site makes a browser send."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from nh_platform.operations.web.guard import Guard
from nh_platform.operations.web.page_names import is_loopback, page_hosts

HOSTS = page_hosts("127.0.0.1", 3000, ["nh.lab.example", "nh.lab.example:8443"])
OWN, JSON = ("Host", "127.0.0.1:3000"), ("Content-Type", "application/json")
EVIL = ("Origin", "http://evil.example")
REPORT = "/report_asset_materialization/ibl/units"


async def behind(scope: Any, receive: Any, send: Any) -> None:
    """Answer everything, as Dagster's page does."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-behind", b"yes")]})
        await send({"type": "http.response.body", "body": b""})


def ask(method: str, path: str, *headers: tuple[str, str], type_: str = "http") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"} if type_ == "websocket" else {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": type_, "method": method, "path": path, "headers": raw, "query_string": b"query=mutation{x}"}
    asyncio.run(Guard(behind, HOSTS)(scope, receive, send))
    return sent


def status(method: str, path: str, *headers: tuple[str, str]) -> int:
    return int(ask(method, path, *headers)[0]["status"])


@pytest.mark.parametrize("name", ["127.0.0.1:3000", "LocalHost:3000", "[::1]:3000", "nh.lab.example:8443"])
def test_the_page_is_answered_under_each_of_its_names(name: str) -> None:
    assert status("GET", "/assets/ibl/units", ("Host", name)) == 200
    assert status("POST", "/graphql", ("Host", name), JSON, ("Origin", f"http://{name}")) == 200


def test_a_program_that_names_no_origin_is_answered() -> None:
    assert status("POST", "/graphql", OWN, ("Content-Type", "Application/JSON; charset=utf-8")) == 200


def test_a_reverse_proxy_speaks_for_the_name_that_was_allowed() -> None:
    proxied = ("Host", "nh.lab.example")
    assert status("POST", "/graphql", proxied, JSON, ("Origin", "https://nh.lab.example")) == 200
    assert status("GET", "/", ("Host", "nh.lab.example:1")) == 421


@pytest.mark.parametrize("host", ["evil.example:3000", "127.0.0.1", "127.0.0.1:3001", "127.0.0.1:3000.evil.example"])
def test_a_foreign_host_is_refused_everywhere(host: str) -> None:
    for method, path in (("GET", "/"), ("POST", "/graphql"), ("GET", "/logs/x/y.out")):
        assert status(method, path, ("Host", host), JSON) == 421


def test_no_host_and_two_hosts_are_refused() -> None:
    assert status("GET", "/") == 421
    assert status("GET", "/", OWN, ("Host", "evil.example")) == 421
    assert status("GET", "/", OWN, OWN) == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1:3001", "http://127.0.0.1:3000@evil.example"]
)
def test_a_foreign_origin_is_refused_everywhere(origin: str) -> None:
    for method, path in (("POST", "/graphql"), ("POST", REPORT), ("GET", "/logs/x/y.out"), ("GET", "/")):
        assert status(method, path, OWN, JSON, ("Origin", origin)) == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "DELETE"])
def test_graphql_is_asked_by_post_alone(method: str) -> None:
    assert status(method, "/graphql", OWN) == 405
    assert status(method, "/graphql", OWN, ("Accept", "text/html")) == 405


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "text/plain; application/json",  # Dagster looks for the word anywhere; a browser sends this unasked
        "application/jsonp",
    ],
)
def test_graphql_is_asked_in_json_alone(content_type: str | None) -> None:
    assert status("POST", "/graphql", OWN, *([("Content-Type", content_type)] if content_type else [])) == 415


@pytest.mark.parametrize("path", ["/graphql\n", "/graphql\r", "/\x00graphql"])
def test_a_path_that_a_route_takes_for_another_is_refused(path: str) -> None:
    """Routes end in ``$``, which matches before a last newline: ``/graphql%0A`` reached GraphQL by GET."""
    assert status("GET", path, OWN) == 400


@pytest.mark.parametrize("kind", ["materialization", "check", "observation"])
def test_reports_of_other_programs_are_refused(kind: str) -> None:
    assert status("POST", f"/report_asset_{kind}/ibl/units", OWN) == 405
    assert status("POST", f"/report_asset_{kind}/ibl/units", OWN, JSON) == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_on_another_site_leads_to_pages_but_not_to_data(site: str) -> None:
    fetched = ("Sec-Fetch-Site", site)
    for path in ("/logs/a/b.err", "/download_debug/1", "/notebook", "/dagit/notebook"):
        assert status("GET", path, OWN, fetched) == 403
        assert status("GET", path, OWN, ("Sec-Fetch-Site", "same-origin")) == 200
    assert status("POST", "/graphql", OWN, JSON, fetched) == 403
    assert status("GET", "/assets/ibl/units", OWN, fetched) == 200


def test_a_page_is_not_shown_in_the_frame_of_another() -> None:
    headers = dict(ask("GET", "/", OWN)[0]["headers"])
    assert headers == {b"x-behind": b"yes", b"x-frame-options": b"SAMEORIGIN"}


@pytest.mark.parametrize(
    "headers",
    [
        [OWN],
        [OWN, EVIL],
        [OWN, ("Origin", "null")],
        [("Host", "evil.example"), ("Origin", "http://127.0.0.1:3000")],
        [("Host", "evil.example"), EVIL],
    ],
)
def test_a_websocket_comes_from_the_page_itself(headers: list[tuple[str, str]]) -> None:
    assert ask("GET", "/graphql", *headers, type_="websocket") == [{"type": "websocket.close", "code": 1008}]


def test_a_websocket_of_the_page_is_accepted_at_graphql_alone() -> None:
    own = (OWN, ("Origin", "http://127.0.0.1:3000"))
    assert ask("GET", "/graphql", *own, type_="websocket") == [{"type": "websocket.accept"}]
    assert ask("GET", "/elsewhere", *own, type_="websocket")[0]["type"] == "websocket.close"


def test_the_start_of_the_application_passes() -> None:
    assert ask("GET", "/", type_="lifespan") == []


def test_a_refusal_says_what_to_do() -> None:
    assert b"--allowed-host" in ask("GET", "/", ("Host", "nh:3000"))[1]["body"]


def test_a_page_on_all_addresses_goes_by_those_of_this_machine() -> None:
    names = page_hosts("0.0.0.0", 3000)
    assert {"127.0.0.1:3000", "[::1]:3000", f"{socket.gethostname()}:3000"} <= names
    assert "0.0.0.0:3000" not in names
    assert "192.0.2.7:3000" in page_hosts("192.0.2.7", 3000)


def test_a_browser_leaves_port_80_out() -> None:
    assert {"localhost", "localhost:80", "[::1]"} <= page_hosts("127.0.0.1", 80)


def test_loopback_is_told() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.0.1.1", "localhost", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.0.2.7", "nh.lab.example")))
