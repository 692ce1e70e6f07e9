"""`nh doctor` tries the servers of the sources as they are configured; here on loopback, and without any."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.operations import doctor_findings
from nh_platform.sources.registry import source_entry

ALLEN = "http://api.brain-map.org", "https://visual-behavior-neuropixels-data.s3.amazonaws.com"


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Let only loopback be reached, and remember what was asked for."""
    connect, asked = socket.create_connection, []

    def only_loopback(address: tuple[str, int], timeout: float) -> socket.socket:
        asked.append(address)
        assert timeout <= 5
        if address[0] != "127.0.0.1":
            raise OSError("no network in tests")
        return connect(address, timeout=timeout)

    monkeypatch.setattr(doctor_findings.socket, "create_connection", only_loopback)
    return asked


def findings(home: Path, settings: str) -> dict[str, tuple[str, str]]:
    (home / "sources.yaml").write_text(settings, encoding="utf-8")
    result = CliRunner().invoke(app, ["--home", str(home), "doctor", "--format", "json"])
    assert result.exit_code == 0, (result.output, result.stderr, result.exception)
    rows = json.loads(result.stdout)
    return {row["about"]: (row["state"], row["found"]) for row in rows if row["about"].startswith("http")}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", "")
    for name in ("NH_ONE_URL", "NH_ONE_USERNAME", "NH_ONE_PASSWORD", "NH_ONE_TOKEN", "NH_ONE_DATA_SERVER"):
        monkeypatch.delenv(name, raising=False)


def test_a_warehouse_and_a_bucket_that_are_configured_are_tried(
    tmp_path: Path, listening: str, closed: str, tried: list[tuple[str, int]]
) -> None:
    settings = (
        f"allen_vc:\n  read: {{mode: warehouse, address: '{listening}'}}\n"
        f"allen_vbn:\n  read: {{mode: s3, endpoint: '{closed}'}}\n"
    )
    found = findings(tmp_path, settings)
    assert found[listening] == ("ok", "answers (allen_vc)")
    state, text = found[closed]
    assert state == "info"
    assert text.startswith("not reachable (")
    assert "allen_vbn needs it for real data" in text
    assert not set(ALLEN) & set(found)
    assert len(tried) == 4  # IBL's two and these


def test_the_public_addresses_are_tried_where_no_other_is_stated(tmp_path: Path, tried: list[tuple[str, int]]) -> None:
    found = findings(tmp_path, "allen_vc:\n  read: {mode: warehouse}\nallen_vbn:\n  read: {mode: s3}\n")
    assert set(ALLEN) < set(found)
    assert ("api.brain-map.org", 80) in tried
    assert ("visual-behavior-neuropixels-data.s3.amazonaws.com", 443) in tried


def test_a_source_that_reads_a_folder_asks_no_server(tmp_path: Path, tried: list[tuple[str, int]]) -> None:
    assert len(findings(tmp_path, "allen_vc:\n  read: {mode: local}\n")) == len(tried) == 2
    assert not any("brain-map" in host or "visual-behavior" in host for host, _ in tried)


def test_an_alyx_of_ones_own_takes_the_place_of_the_public_one(
    tmp_path: Path, listening: str, tried: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_ONE_URL", listening)
    assert findings(tmp_path, "")[listening] == ("ok", "answers (ibl)")
    assert not any("openalyx" in host for host, _ in tried)


def test_an_address_that_is_none_is_said_to_be_unreachable(tmp_path: Path, tried: list[tuple[str, int]]) -> None:
    settings = "allen_vbn:\n  read: {mode: s3, endpoint: 'http://127.0.0.1:port'}\n"
    assert findings(tmp_path, settings)["http://127.0.0.1:port"][0] == "info"


def test_the_public_servers_of_the_registry_are_those_of_the_sources() -> None:
    from nh_platform.sources.ibl.downloads.bucket_access import public_bucket

    assert public_bucket() in source_entry("ibl").servers({})[1]
