"""The card of a unit is found where its page is: in the store's file, or in the page of a running `nh ui`."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.home.running_ui import remove_running_ui, write_running_ui
from nh_platform.home.settings import load_settings
from nh_platform.operations.web.unit_cards import card_address, open_in_browser
from nh_platform.session import UnknownSession
from nh_platform.store import Provenance, Store


def with_page(home: Path) -> Path:
    record = Provenance.make(
        asset="session_report", source="ibl", session_id="eid", code_version="1", inputs={}, parameters={}
    )
    store = Store(home / "store")
    with store.publish(record) as folder:
        (folder / "report.html").write_text("<!doctype html>")
    return store.folder("ibl", "eid", "session_report") / "report.html"


def test_the_card_is_in_the_stored_file_or_in_the_page_that_runs(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    with pytest.raises(UnknownSession, match="session_report"):
        card_address(settings, "ibl", "eid", "a b")
    page = with_page(tmp_path)
    assert card_address(settings, "ibl", "eid", "a b/#1") == f"{page.as_uri()}#unit=a%20b%2F%231"
    write_running_ui(tmp_path, "http://127.0.0.1:3111")
    try:
        assert card_address(settings, "ibl", "eid", "u1") == "http://127.0.0.1:3111/nh/report/ibl/eid#unit=u1"
    finally:
        remove_running_ui(tmp_path)


def test_without_a_screen_there_is_no_browser_and_with_one_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not open_in_browser("http://127.0.0.1:3111/")
    asked = tmp_path / "asked"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {asked}\n')
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(script))
    monkeypatch.setattr("webbrowser._tryorder", None)
    assert open_in_browser("http://127.0.0.1:3111/nh/report/ibl/eid#unit=u1")
    assert asked.read_text() == "http://127.0.0.1:3111/nh/report/ibl/eid#unit=u1"
