"""The guard of the review desk: who writes states origin, content type and this start's token; others are refused."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from nh_platform.operations.web.entrance import Entrance, desk_entrance
from nh_platform.operations.web.guard import Guard
from nh_platform.operations.web.page_names import page_hosts

HOST, TOKEN, SECRET = "127.0.0.1:3100", "form-token", "access-tøken"
DESK = desk_entrance(TOKEN)
CLOSED = desk_entrance(TOKEN, SECRET)
OWN = {"host": HOST}
WRITE = {**OWN, "origin": f"http://{HOST}", "content-type": "application/json", "x-nh-token": TOKEN}
POST = "/api/sessions/ibl/a/reviews"


def ask(
    method: str, path: str, headers: dict[str, str], entrance: Entrance = DESK, body: Iterable[bytes] = (b"{}",)
) -> tuple[int, dict[str, str], bytes]:
    """Return status and headers of the answer, and the body that the application behind was given."""
    parts, sent, read = list(body), [], bytearray()

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        if method == "POST":
            message = await receive()
            read.extend(message["body"])
            assert not message["more_body"]
        own = [(b"content-security-policy", b"own")] if path == "/own" else []
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(Guard(behind, page_hosts("127.0.0.1", 3100), entrance)(scope, receive, send))
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, bytes(read)


@pytest.mark.parametrize("origin", ["http://[", "http://]", "http://[::1", "[", ""])
def test_an_origin_that_is_none_is_refused_in_words(origin: str) -> None:
    assert ask("GET", "/", {**OWN, "origin": origin})[0] == 403
    assert ask("POST", POST, {**WRITE, "origin": origin})[0] == 403


@pytest.mark.parametrize("stated", ["Basic \xff", "Basic A", "Basic /w==", "Bearer \xff", "Basic"])
def test_a_token_that_is_no_text_is_asked_for_again(stated: str) -> None:
    assert ask("GET", "/", {**OWN, "authorization": stated}, CLOSED)[0] == 401


def test_the_desk_s_own_page_writes() -> None:
    assert ask("POST", POST, WRITE)[::2] == (200, b"{}")
    assert ask("POST", POST, {**WRITE, "sec-fetch-site": "same-origin"})[0] == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"origin": f"http://{HOST}.evil.example"}, 403),
        ({"origin": None}, 403),
        ({"host": "evil.example:3100", "origin": "http://evil.example:3100"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": f"{HOST}.evil.example"}, 421),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "text/plain; application/json"}, 415),
        ({"content-type": None}, 415),
        ({"x-nh-token": None}, 403),
        ({"x-nh-token": ""}, 403),
        ({"x-nh-token": "form-tokem"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
    ],
)
def test_what_does_not_come_from_the_page_is_refused(changed: dict[str, str | None], status: int) -> None:
    headers = {name: value for name, value in {**WRITE, **changed}.items() if value is not None}
    assert ask("POST", POST, headers)[0] == status


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_but_get_and_post_is_answered(method: str) -> None:
    assert ask(method, POST, WRITE)[0] == 405


def test_a_view_takes_no_post() -> None:
    assert ask("POST", "/sessions/ibl/a", WRITE)[0] == 405
    assert ask("POST", "/api", WRITE)[0] == 405


def test_a_link_leads_to_a_view_and_a_foreign_script_gets_no_data() -> None:
    assert ask("GET", "/sessions/ibl/a", {**OWN, "sec-fetch-site": "cross-site"})[0] == 200
    assert ask("GET", "/api/queue", {**OWN, "sec-fetch-site": "cross-site"})[0] == 403
    assert ask("GET", "/api/queue", {**OWN, "sec-fetch-site": "same-site"})[0] == 403
    assert ask("GET", "/api/queue", {"host": "evil.example:3100"})[0] == 421


@pytest.mark.parametrize("answer", [ask("GET", "/", OWN), ask("GET", "/", {"host": "evil.example"})])
def test_every_answer_is_closed_to_other_sites(answer: tuple[int, dict[str, str], bytes]) -> None:
    headers = answer[1]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control-")]


def test_a_view_states_its_own_policy() -> None:
    assert ask("GET", "/own", OWN)[1]["content-security-policy"] == "own"


def test_a_body_that_is_too_long_is_refused_as_stated_and_as_it_comes() -> None:
    small = replace(DESK, body_bytes=10)
    assert ask("POST", POST, {**WRITE, "content-length": "11"}, small)[0] == 413
    assert ask("POST", POST, {**WRITE, "content-length": "9" * 6000}, small)[0] == 413
    assert ask("POST", POST, {**WRITE, "content-length": "-1"}, small)[0] == 413
    assert ask("POST", POST, WRITE, small, [b"x" * 6, b"x" * 6])[0] == 413
    assert ask("POST", POST, WRITE, small, [b"x" * 6, b"x" * 4])[2] == b"x" * 10


def test_a_body_that_does_not_come_is_refused() -> None:
    slow = replace(DESK, body_s=0.05)
    assert ask("POST", POST, WRITE, slow, [])[0] == 408


def basic(text: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_behind_a_token_nothing_is_answered_without_it() -> None:
    status, headers, _ = ask("GET", "/", OWN, CLOSED)
    assert (status, headers["www-authenticate"].split()[0]) == (401, "Basic")
    for wrong in (
        basic("ada:other"),
        basic(f"{SECRET}:"),
        basic(SECRET),
        {"authorization": "Bearer x"},
        {"authorization": "Basic ###"},
        {"authorization": f"Digest {SECRET}".encode().decode("latin-1")},
        {"authorization": ""},
    ):
        assert ask("GET", "/", OWN | wrong, CLOSED)[0] == 401
        assert ask("POST", POST, WRITE | wrong, CLOSED)[0] == 401


def test_with_the_token_it_is_answered_and_a_write_still_needs_the_page() -> None:
    assert ask("GET", "/", OWN | basic(f"ada:{SECRET}"), CLOSED)[0] == 200
    ascii_secret = desk_entrance(TOKEN, "plain")
    assert ask("GET", "/", OWN | {"authorization": "Bearer plain"}, ascii_secret)[0] == 200
    assert ask("POST", POST, WRITE | basic(f"ada:{SECRET}"), CLOSED)[0] == 200
    forged = {**OWN, "content-type": "application/json"} | basic(f"ada:{SECRET}")
    assert ask("POST", POST, forged, CLOSED)[0] == 403
