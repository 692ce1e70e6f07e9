"""The stored page as the desk serves it: what is changed of it, what a blind reader is not sent, what is refused."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from nh_platform.home.platform import Platform
from nh_platform.reports.desk import served_page as module
from nh_platform.reports.desk.served_page import served_page
from nh_platform.reports.desk.settings import Desk
from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform.session import StoreError
from nh_platform_tests.made_pages import made_page


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "report.html"
    file.write_text(render_session_page(made_page(5)), encoding="utf-8")
    monkeypatch.setattr(module, "stored_page", lambda *_: file)
    return file


def data_of(text: str, element: str = "nh-data") -> Any:
    found = re.search(rf'id="{element}">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_it_may_ask_its_own_server_and_nothing_else_changes(three_sources: Platform, stored: Path) -> None:
    page = served_page(Desk(three_sources, 'to"ken', "ada <b>"), "ibl", "a")
    before = stored.read_text(encoding="utf-8")
    policy = re.search(r'Policy" content="([^"]*)"', page.html)
    assert policy
    assert "connect-src 'self'" in html.unescape(policy[1])
    assert page.policy == f"{html.unescape(policy[1])}; frame-ancestors 'none'"
    assert "unsafe" not in page.policy
    meta = re.search(r'name="nh-desk" content="([^"]*)"', page.html)
    assert meta
    assert json.loads(html.unescape(meta[1])) == {"token": 'to"ken', "reviewer": "ada <b>", "blind": False}
    assert page.html.split('<meta name="viewport"')[1] == before.split('<meta name="viewport"')[1]


def test_the_release_stands_beside_the_session_where_its_snapshot_is_at_hand(
    three_sources: Platform, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(three_sources, "token")
    assert desk.release("ibl") is None
    assert 'id="nh-release">' not in served_page(desk, "ibl", "a").html
    monkeypatch.setattr(Desk, "release", lambda *_: {"text": "<b>", "rules": []})
    assert data_of(served_page(desk, "ibl", "a").html, "nh-release") == {"text": "<b>", "rules": []}


def test_a_blind_reader_is_not_sent_what_others_decided(three_sources: Platform, stored: Path) -> None:
    assert "Is this axonal?" in stored.read_text(encoding="utf-8")
    page = served_page(Desk(three_sources, "token", blind=True), "ibl", "a")
    assert "Is this axonal?" not in page.html
    data = data_of(page.html)
    assert data["reviews"] == []
    assert not [one["name"] for one in data["columns"] if one["name"].startswith("review")]
    assert len(data["columns"]) > 5


@pytest.mark.parametrize("text", ["", "<html></html>", "no-form"])
def test_a_page_without_the_form_says_how_to_make_it_again(three_sources: Platform, stored: Path, text: str) -> None:
    without = stored.read_text(encoding="utf-8").replace('meta[name="nh-desk"]', "")
    stored.write_text(without if text == "no-form" else text, encoding="utf-8")
    with pytest.raises(StoreError, match="nh materialize ibl a --asset session_report"):
        served_page(Desk(three_sources, "token"), "ibl", "a")
