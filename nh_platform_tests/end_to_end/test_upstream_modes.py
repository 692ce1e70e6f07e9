"""Whatever way a session's file comes, the store holds the same bytes: only the record beside them says which way.

Warehouse and bucket of Visual Coding know a file by other things than its md5, so that versions have other names in
each mode; the page of a session states the versions that it was made of, and is compared without them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nh_platform.simulation import TINY, write_allen_vbn, write_allen_vc
from nh_platform.store.names import PROVENANCE
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.sources.allen import warehouse_server
from nh_platform_tests.sources.allen.vbn_bucket import serve_bucket
from nh_platform_tests.sources.allen.vc_bucket import serve_coding_bucket

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def _made(home: Path, source: str, read: str) -> Path:
    """Sync a source and make its first session, as a person does, and return the session's folder of the store."""
    home.mkdir()
    (home / "sources.yaml").write_text(f"{source}:\n  read: {read}\n")
    nh(home, "sync", source)
    session = nh(home, "sessions", "--source", source, "--ids").output.split()[0]
    nh(home, "materialize", source, session)
    return home / "store" / source / session


def _records(session: Path) -> dict[str, dict[str, Any]]:
    return {path.parts[-3]: json.loads(path.read_text()) for path in session.glob(f"*/*/{PROVENANCE}")}


def _content(session: Path) -> dict[str, bytes]:
    """Return every stored file but the records, by asset and path within its version."""
    found = {}
    for path in sorted(path for path in session.rglob("*") if path.is_file()):
        asset, _, *rest = path.relative_to(session).parts
        if rest and rest[-1] != PROVENANCE:
            found[f"{asset}/{'/'.join(rest)}"] = path.read_bytes()
    for asset, record in _records(session).items():
        page = found["session_report/report.html"].replace(record["data_version"].encode(), asset.encode())
        found["session_report/report.html"] = page
    return found


def _require_same(folders: Mapping[str, Path], origins: Mapping[str, str]) -> None:
    """Require the same content of all modes, and that each asset that reads upstream states its origin, if any."""
    (first, expected), *others = ((mode, _content(folder)) for mode, folder in folders.items())
    assert len(expected) > 30
    for mode, content in others:
        assert content.keys() == expected.keys(), (first, mode)
        assert [name for name, bytes_ in content.items() if bytes_ != expected[name]] == [], (first, mode)
    notes = []
    for mode, folder in folders.items():
        records = _records(folder)
        notes.append({asset: record["left_out"] for asset, record in records.items()})
        for asset, record in records.items():
            stated = mode in origins and asset in ("raw_spikes", "events", "signals", "units")
            assert len(record["origins"]) == stated, (mode, asset)
            assert all(origins[mode] in text for text in record["origins"])
    assert all(one == notes[0] for one in notes)


def test_visual_coding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_allen_vc(tmp_path / "upstream", 1, 3, size=TINY)
    with (
        warehouse_server.serve(tmp_path / "upstream") as warehouse,
        serve_coding_bucket(tmp_path / "upstream", monkeypatch),
    ):
        modes = {
            "local": f"{{root: '{tmp_path / 'upstream'}'}}",
            "warehouse": f"{{mode: warehouse, address: '{warehouse.address}'}}",
            "s3": "{mode: s3}",
            "passing": "{mode: s3, keep_raw: false}",
            "ranges": "{mode: s3, ranges: true}",
        }
        folders = {mode: _made(tmp_path / mode, "allen_vc", read) for mode, read in modes.items()}
        shown = nh(tmp_path / "ranges", "show", "allen_vc", folders["ranges"].name).output
    came = "the md5 of what came is"
    origins = {"warehouse": came, "s3": came, "passing": came, "ranges": "read by ranges of s3://"}
    _require_same(folders, origins)
    assert "origin, events, raw_spikes, signals, units: session_" in " ".join(shown.split())


def test_visual_behavior(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = tmp_path / "upstream"
    write_allen_vbn(upstream, 1, 3, size=TINY)
    with serve_bucket(monkeypatch) as bucket:
        bucket.publish(upstream, "0.5.0")
        modes = {
            "local": f"{{root: '{upstream}'}}",
            "s3": f"{{mode: s3, endpoint: '{bucket.endpoint}'}}",
            "passing": f"{{mode: s3, endpoint: '{bucket.endpoint}', keep_raw: false}}",
            "ranges": f"{{mode: s3, endpoint: '{bucket.endpoint}', ranges: true}}",
        }
        folders = {mode: _made(tmp_path / mode, "allen_vbn", read) for mode, read in modes.items()}
    _require_same(folders, {"ranges": "the file as a whole was not hashed"})
