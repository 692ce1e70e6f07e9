"""The desk behind its guard: what is posted lies in the file, the rest is refused in words, and nothing is lost."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nh_platform.home.platform import Platform
from nh_platform.qc.reviews.review_files import read_reviews
from nh_platform_tests.reports.desk.served import TOKEN, Client, served_desk

SOURCE = "ibl"


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return tmp_path / "reviews"


@pytest.fixture
def desk(three_sources: Platform, reviews: Path) -> Iterator[Client]:
    with served_desk(three_sources, reviews) as client:
        yield client


@pytest.fixture
def blind_desk(three_sources: Platform, reviews: Path) -> Iterator[Client]:
    with served_desk(three_sources, reviews, blind=True) as client:
        yield client


@pytest.fixture(scope="session")
def session(three_sources: Platform) -> str:
    return three_sources.store.sessions(SOURCE)[0]


@pytest.fixture(scope="session")
def units(three_sources: Platform, session: str) -> list[str]:
    from nh_platform.store.codecs.parquet import read_table

    folder = three_sources.store.folder(SOURCE, session, "units")
    return [str(unit) for unit in read_table(folder / "units.parquet")["unit_id"]]


def decision(unit: str, word: str = "fail", reason: str = "two neurons", **more: Any) -> dict[str, Any]:
    return {"unit": unit, "decision": word, "reason": reason, **more}


def post_of(reviewer: str, *reviews: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"reviewer": reviewer, "reviews": list(reviews), **more}


def outcome(state: Any, about: str) -> Any:
    return next(one for one in state["outcomes"] if one["about"] == about)


def test_a_decision_lies_in_the_file_with_evidence_and_is_told_back(
    desk: Client, session: str, units: list[str], reviews: Path
) -> None:
    shown = {"units": "abc", "rulebook": "ibl-2022-10", "rules": {units[0]: {"noise_cutoff": [7.5, "fail"]}}}
    status, saved = desk.post(SOURCE, session, post_of("ada", decision(units[0], shown=shown)))
    assert status == 200, saved
    (written,) = read_reviews(reviews / SOURCE / f"{session}.yaml").reviews
    assert (written.unit, written.decision, written.reason, written.reviewer) == (
        units[0],
        "fail",
        "two neurons",
        "ada",
    )
    assert written.shown is not None
    assert written.shown.rules[units[0]]["noise_cutoff"] == (7.5, "fail")
    assert saved["ids"] == [written.id]
    assert "+    reviewer: ada" in saved["diff"]
    assert saved["file"] == str(reviews / SOURCE / f"{session}.yaml")
    assert outcome(desk.reviews(SOURCE, session), f"unit {units[0]}")["state"] == "pending"
    assert desk.post(SOURCE, session, post_of("bob", decision(units[0])))[0] == 200
    found = outcome(desk.reviews(SOURCE, session), f"unit {units[0]}")
    assert (found["state"], found["decision"], found["failing"]) == ("counted", "fail", ["ada", "bob"])


def test_every_kind_of_review_can_be_posted(desk: Client, session: str, units: list[str], reviews: Path) -> None:
    kinds = [
        {"units": units[:2], "decision": "pass", "reason": "both isolated"},
        {"interval": [1.0, 2.5], "decision": "fail", "reason": "drift"},
        {"interval": [1.0, 2.5], "scope": "probe00", "decision": "fail", "reason": "drift"},
        {"unit": units[0], "interval": [3.0, 4.0], "decision": "fail", "reason": "lost"},
        {"whole_session": True, "decision": "fail", "reason": "seizures"},
        {"unit": units[1], "comment": "Is this the same as its neighbour?"},
    ]
    status, saved = desk.post(SOURCE, session, post_of("ada", *kinds))
    assert status == 200, saved
    question = saved["ids"][-1]
    answer = {"comment": "No: other depth.", "answers": question, "closes": True}
    withdrawn = {"whole_session": True, "decision": "withdrawn", "reason": "another animal"}
    assert desk.post(SOURCE, session, post_of("ada", answer, withdrawn))[0] == 200
    found = read_reviews(reviews / SOURCE / f"{session}.yaml").reviews
    assert len(found) == 8
    assert outcome(desk.reviews(SOURCE, session), "whole session")["state"] == "withdrawn"


def test_a_reader_is_one_however_the_name_is_spaced(desk: Client, session: str, units: list[str]) -> None:
    for name in ("ada", " ada\u200b "):
        status, state = desk.post(SOURCE, session, post_of(name, decision(units[0], reason=f"said as {len(name)}")))
        assert status == 200, state
    assert outcome(state, f"unit {units[0]}")["state"] == "pending"
    assert {review["reviewer"] for review in state["reviews"]} == {"ada"}


def test_a_preview_shows_the_diff_and_writes_nothing(
    desk: Client, session: str, units: list[str], reviews: Path
) -> None:
    status, found = desk.post(SOURCE, session, post_of("ada", decision(units[0]), preview=True))
    assert status == 200
    assert "+    decision: fail" in found["diff"]
    assert not reviews.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "valid dictionary"),
        ({"reviewer": "ada"}, "reviews"),
        (post_of("ada"), "reviews"),
        (post_of("", {"unit": "x"}), "reviewer"),
        (post_of("a" * 101, {"unit": "x"}), "reviewer"),
        (post_of("a\u202eda", decision("U")), "U+202E"),
        (post_of("a\nda", decision("U")), "U+000A"),
        (post_of("ada", decision("U"), command="rm"), "command"),
        (post_of("ada", decision("U", run="rm")), "run"),
        (post_of("ada", decision("U", reviewer="bob")), "states reviewer"),
        (post_of("ada", decision("U", date="2020-01-01")), "states date"),
        (post_of("ada", decision("U", blind=True)), "states blind"),
        (post_of("ada", decision("U", id="r1")), "states id"),
        (post_of("ada", decision("U", "maybe")), "decision"),
        (post_of("ada", decision("U", reason="")), "reason"),
        (post_of("ada", decision("U", reason="   ")), "spaces alone"),
        (post_of("ada", decision("U", reason="x" * 4001)), "4001 characters"),
        (post_of("ada", decision("U", reason="bell\x07")), "U+0007"),
        (post_of("ada", decision("no-such-unit")), "'no-such-unit' is not in this session"),
        (post_of("ada", {"interval": [1, 2], "scope": "../x", "decision": "fail", "reason": "r"}), "no probe"),
        (post_of("ada", {"interval": [2, 1], "decision": "fail", "reason": "r"}), "interval"),
        (post_of("ada", {"interval": [-1e308, 1e308], "decision": "fail", "reason": "r"}), "interval"),
        (post_of("ada", {"unit": "U", "comment": "c", "answers": "nosuch"}), "0 of its 0 reviews match"),
        (post_of("ada", {"decision": "fail", "reason": "r"}), "about nothing"),
        (post_of("ada", {"whole_session": True, "decision": "withdrawn", "reason": "r"}), "decided nothing before"),
        (post_of("ada", *[decision("U")] * 501), "reviews"),
    ],
)
def test_what_cannot_be_a_review_is_refused_in_words(
    desk: Client, session: str, units: list[str], reviews: Path, content: Any, said: str
) -> None:
    text = json.dumps(content).replace('"U"', json.dumps(units[0]))
    status, found = desk.post(SOURCE, session, json.loads(text))
    assert status == 422, found
    assert said in found["error"]["found"], found
    assert found["error"]["action"]
    assert not (reviews / SOURCE / f"{session}.yaml").exists()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"reviewer": NaN}', b"[" * 200_000, b"1" * 10_000])
def test_what_is_no_json_is_refused_in_words(desk: Client, session: str, body: bytes) -> None:
    headers = {"Origin": f"http://{desk.host}", "Content-Type": "application/json", "X-NH-Token": TOKEN}
    status, _, answer = desk.ask("POST", f"/api/sessions/{SOURCE}/{session}/reviews", headers, body)
    assert status == 422
    assert json.loads(answer)["error"]["thing"] == "what was posted"


@pytest.mark.parametrize(
    "place", ["nope/x", "ibl/nope", "ibl/..%2F..%2Fetc", "ibl/%2e%2e", "..%2Fibl/x", "ibl/x%00y", "ibl/"]
)
def test_a_path_names_no_other_file(desk: Client, reviews: Path, place: str) -> None:
    headers = {"Origin": f"http://{desk.host}", "Content-Type": "application/json", "X-NH-Token": TOKEN}
    body = json.dumps(post_of("ada", decision("x"))).encode()
    assert desk.ask("POST", f"/api/sessions/{place}/reviews", headers, body)[0] in (400, 404, 422)
    assert desk.ask("GET", f"/sessions/{place}")[0] in (400, 404, 422)
    assert not reviews.exists()


def test_who_saw_an_older_file_is_stopped_only_where_another_decided_on_the_same(
    desk: Client, session: str, units: list[str]
) -> None:
    seen = desk.reviews(SOURCE, session)["digest"]
    assert desk.post(SOURCE, session, post_of("ada", decision(units[0]), digest=seen))[0] == 200
    status, other = desk.post(SOURCE, session, post_of("bob", decision(units[1]), digest=seen))
    assert status == 200, other
    status, refused = desk.post(SOURCE, session, post_of("bob", decision(units[0], "pass"), digest=seen))
    assert status == 409
    assert "since it was shown" in refused["error"]["found"]
    again = post_of("bob", decision(units[0], "pass"), digest=refused["error"]["digest"])
    assert desk.post(SOURCE, session, again)[0] == 200
    assert outcome(desk.reviews(SOURCE, session), f"unit {units[0]}")["state"] == "conflict"


def test_a_decision_beside_others_says_that_it_was_not_blind(
    desk: Client, session: str, units: list[str], reviews: Path
) -> None:
    desk.post(SOURCE, session, post_of("ada", decision(units[0])))
    desk.post(SOURCE, session, post_of("bob", decision(units[0]), decision(units[1])))
    blind = [review.blind for review in read_reviews(reviews / SOURCE / f"{session}.yaml").reviews]
    assert blind == [None, False, None]


def test_a_blind_reader_sees_others_only_after_deciding(
    blind_desk: Client, session: str, units: list[str], reviews: Path
) -> None:
    secret = "a secret reason"
    blind_desk.post(
        SOURCE, session, post_of("ada", decision(units[0], reason=secret), decision(units[1], reason=secret))
    )
    blind_desk.post(SOURCE, session, post_of("ada", {"units": units[2:4], "decision": "fail", "reason": secret}))
    blind_desk.post(SOURCE, session, post_of("ada", {"unit": units[0], "comment": secret}))
    for name in ("bob", "", "adam"):
        assert secret not in json.dumps(blind_desk.reviews(SOURCE, session, name))
        for reason in ("near", "differs", "undecided", "second", "conflict", "question"):
            assert secret not in json.dumps(blind_desk.get("/api/queue", reason=reason, reviewer=name))
    second = blind_desk.get("/api/queue", reason="second", reviewer="bob")[1]["items"]
    assert {item["unit"] for item in second} == set(units[:4])
    assert "ada" not in json.dumps(second)
    preview = blind_desk.post(SOURCE, session, post_of("bob", decision(units[0], "pass"), preview=True))[1]
    assert secret not in json.dumps(preview)
    saved = blind_desk.post(SOURCE, session, post_of("bob", decision(units[0], "pass"), decision(units[2], "pass")))[1]
    assert secret not in saved["diff"]
    seen = [one for one in saved["reviews"] if one["reviewer"] == "ada"]
    assert [one["units"] for one in seen] == [[units[0]], [units[2]], [units[0]]]
    blind_desk.post(SOURCE, session, post_of("bob", decision(units[0], "fail", reason="I was wrong")))
    own = [one.blind for one in read_reviews(reviews / SOURCE / f"{session}.yaml").reviews if one.reviewer == "bob"]
    assert own == [True, True, False]


def test_the_queue_leads_on_and_leaves_out_what_one_decided(desk: Client, session: str, units: list[str]) -> None:
    def waiting(reason: str, **more: str) -> list[str]:
        status, found = desk.get("/api/queue", reason=reason, limit="200", **more)
        assert status == 200, found
        return [item["unit"] for item in found["items"] if item["session"] == session]

    assert waiting("undecided") == units
    desk.post(SOURCE, session, post_of("ada", decision(units[1])))
    assert waiting("undecided") == [units[0], *units[2:]]
    assert waiting("second", reviewer="ada") == []
    assert waiting("second", reviewer="bob") == [units[1]]
    behind = {"source": SOURCE, "session": session, "unit": units[1]}
    assert waiting("undecided", **behind) == units[2:]
    near = waiting("near")
    assert near
    assert set(near) < set(units)
    desk.post(SOURCE, session, post_of("ada", decision(near[0], "pass")))
    assert waiting("near", reviewer="ada") == near[1:]
    desk.post(SOURCE, session, post_of("bob", decision(units[1], "pass"), {"unit": units[3], "comment": "Same as 4?"}))
    assert waiting("conflict") == [units[1]]
    assert waiting("question") == [units[3]]
    status, refused = desk.get("/api/queue", reason="sideways")
    assert (status, refused["error"]["thing"]) == (422, "queue 'sideways'")


def test_a_corrupt_review_file_is_named_and_the_others_go_on(desk: Client, session: str, reviews: Path) -> None:
    path = reviews / SOURCE / f"{session}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"source: {SOURCE}\nsession: '{session}'\nreviews:\n  - unit: x\n    decision: perhaps\n")
    before = path.read_bytes()
    status, found = desk.get(f"/api/sessions/{SOURCE}/{session}/reviews")
    assert status == 422
    assert f"{session}.yaml:4" in found["error"]["thing"]
    assert desk.post(SOURCE, session, post_of("ada", {"whole_session": True, "comment": "hm"}))[0] == 422
    assert path.read_bytes() == before
    assert f"{session}.yaml" in desk.ask("GET", "/")[2].decode()
    assert desk.get("/api/queue", reason="undecided")[1]["problems"]
    assert any(item["source"] != SOURCE for item in desk.get("/api/queue", reason="undecided", limit="200")[1]["items"])


def test_a_name_with_markup_is_text_on_the_first_page(desk: Client, session: str, units: list[str]) -> None:
    name = "<script>alert(1)</script>"
    assert (
        desk.post(SOURCE, session, post_of(name, decision(units[0], reason="<img src=x onerror=alert(1)>")))[0] == 200
    )
    status, headers, body = desk.ask("GET", "/")
    assert status == 200
    assert b"<script>alert" not in body
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "unsafe" not in headers["content-security-policy"]


def test_a_session_without_a_page_says_how_to_make_it(desk: Client, session: str) -> None:
    status, headers, body = desk.ask("GET", f"/sessions/{SOURCE}/{session}")
    assert status == 404
    assert f"nh materialize {SOURCE} {session}" in body.decode()
    assert "script-src" in headers["content-security-policy"]


def test_the_desk_answers_only_to_its_own_page(desk: Client, session: str, units: list[str], reviews: Path) -> None:
    own = {"Origin": f"http://{desk.host}", "Content-Type": "application/json", "X-NH-Token": TOKEN}
    body = json.dumps(post_of("ada", decision(units[0]))).encode()
    path = f"/api/sessions/{SOURCE}/{session}/reviews"
    for changed, expected in (
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        ({"X-NH-Token": ""}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ):
        assert desk.ask("POST", path, {**own, **changed}, body)[0] == expected
    assert not reviews.exists()
    assert desk.ask("POST", path, own, body)[0] == 200


OWN_HOST = b"Host: 127.0.0.1:PORT\r\n"
WRITE = (
    OWN_HOST
    + b"Origin: http://127.0.0.1:PORT\r\nContent-Type: application/json\r\nX-NH-Token: "
    + TOKEN.encode()
    + b"\r\n"
)
CHUNK = b"80000\r\n" + b" " * 0x80000 + b"\r\n"


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n" + OWN_HOST * 2 + b"\r\n", {400, 421}, id="two hosts"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", {421}, id="no host"),
        pytest.param(b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", {421}, id="proxy request"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: 127.0.0.1:PORT\r\n\r\n", {421}, id="forwarded"
        ),
        pytest.param(b"GET / HTTP/1.1\r\n" + OWN_HOST + b"X: " + b"a" * 200_000 + b"\r\n\r\n", {400, 431}, id="header"),
        pytest.param(
            b"POST PATH HTTP/1.1\r\n" + WRITE + b"X-NH-Token: x\r\nContent-Length: 2\r\n\r\n{}", {403}, id="two tokens"
        ),
        pytest.param(
            b"POST PATH HTTP/1.1\r\n" + WRITE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            {400, 422},
            id="two lengths",
        ),
        pytest.param(
            b"POST PATH HTTP/1.1\r\n" + WRITE + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK * 3, {413}, id="chunks"
        ),
    ],
)
def test_odd_requests_on_the_wire_are_refused(
    desk: Client, session: str, reviews: Path, request_: bytes, statuses: set[int]
) -> None:
    path = f"/api/sessions/{SOURCE}/{session}/reviews".encode()
    sent = request_.replace(b"PORT", str(desk.port).encode()).replace(b"PATH", path)
    with socket.create_connection(("127.0.0.1", desk.port), timeout=20) as wire:
        try:
            wire.sendall(sent)
            answer = wire.recv(200)
        except ConnectionResetError:  # it stopped reading
            answer = b"HTTP/1.1 413 "
    assert int(answer.split()[1]) in statuses, answer
    assert not reviews.exists()


def test_decisions_are_exported_for_other_tools_and_not_to_a_blind_reader(
    desk: Client, session: str, units: list[str]
) -> None:
    place = f"/api/sessions/{SOURCE}/{session}/export"
    status, headers, body = desk.ask("GET", f"{place}/spikeinterface")
    assert status == 200
    assert headers["content-disposition"] == f'attachment; filename="{SOURCE}-{session}-curation.json"'
    assert sorted(json.loads(body)["unit_ids"]) == sorted(units)
    status, headers, body = desk.ask("GET", f"{place}/phy?probe=probe00")
    assert (status, body.decode().splitlines()[0]) == (200, "cluster_id\tgroup")
    for wrong in ("phy", "phy?probe=..", "sideways"):
        assert desk.ask("GET", f"{place}/{wrong}")[0] == 422


def test_a_blind_reader_gets_no_export(blind_desk: Client, session: str) -> None:
    assert blind_desk.ask("GET", f"/api/sessions/{SOURCE}/{session}/export/spikeinterface")[0] == 422
