"""`nh export nwb` passes on what was typed, says what was left out, and ends with 1 where a session failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.exports.app import app
from nh_platform.operations.exports.session_export import SessionsExport
from nh_platform.session import StoreError


def test_what_was_typed_and_what_was_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def export_sessions(home: Path, layout: str, source: str, folder: Path, sessions: list[str], **how: Any) -> object:
        asked.update(layout=layout, source=source, folder=folder, sessions=sessions, **how)
        return SessionsExport(folder, {"a": "sub-x/a.nwb"}, (), {"a": ("trials: the session has none",)})

    monkeypatch.setattr(operations, "export_sessions", export_sessions)
    typed = ["nwb", "ibl", "a", "--out", str(tmp_path), "--units", "good", "--spikes", "all", "--compression", "gzip"]
    done = CliRunner().invoke(app, typed)
    assert done.exit_code == 0, done.output
    assert (asked["layout"], asked["source"], asked["sessions"], asked["units"]) == ("nwb", "ibl", ["a"], "good")
    assert asked["options"] == {"spikes": "all", "compression": "gzip"}
    assert "a: trials: the session has none" in done.output


def test_a_session_that_failed_ends_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = {"a": StoreError("ibl session a", "it has no units", "Leave the session out.")}
    monkeypatch.setattr(operations, "export_sessions", lambda *given, **how: SessionsExport(tmp_path, failed=failed))
    done = CliRunner().invoke(app, ["nwb", "ibl", "--out", str(tmp_path)])
    assert done.exit_code == 1
