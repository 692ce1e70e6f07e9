"""Every command that reads upstream, on sources that read a public bucket: fetched whole, and by ranges."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.operations.backfills.backfill_needs import BackfillNeeds
from nh_platform.simulation import TINY, write_allen_vbn, write_allen_vc
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.sources.allen.vbn_bucket import serve_bucket
from nh_platform_tests.sources.allen.vc_bucket import serve_coding_bucket

pytestmark = pytest.mark.filterwarnings("ignore")


@dataclass(frozen=True)
class Asked:
    """A home that reads a source by ranges, and a file of its upstream."""

    home: Path
    source: str
    nwb: Path

    def read(self, **settings: object) -> None:
        """Change what the source is read with."""
        path = self.home / "sources.yaml"
        now = json.loads(path.read_text())
        now[self.source]["read"] |= settings
        path.write_text(json.dumps(now))


@pytest.fixture(params=["allen_vc", "allen_vbn"])
def asked(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    home, upstream, read = tmp_path / "home", tmp_path / "upstream", {"mode": "s3", "ranges": True}
    home.mkdir()
    if request.param == "allen_vc":
        write_allen_vc(upstream, 1, 3, size=TINY)
        with serve_coding_bucket(upstream, monkeypatch):
            (nwb,) = upstream.glob("session_*/session_*.nwb")
            (home / "sources.yaml").write_text(json.dumps({"allen_vc": {"read": read}}))
            yield Asked(home, "allen_vc", nwb)
        return
    write_allen_vbn(upstream, 1, 3, size=TINY)
    with serve_bucket(monkeypatch) as bucket:
        bucket.publish(upstream, "0.5.0")
        (nwb,) = upstream.glob("*-0.5.0/behavior_ecephys_sessions/*/ecephys_session_*.nwb")
        (home / "sources.yaml").write_text(json.dumps({"allen_vbn": {"read": {**read, "endpoint": bucket.endpoint}}}))
        yield Asked(home, "allen_vbn", nwb)


def _needs(at: Asked) -> BackfillNeeds:
    needs = operations.backfill(at.home, at.source, dry_run=True).needs
    assert needs is not None
    return needs


def test_commands_before_anything_is_made(asked: Asked) -> None:
    home, source = asked.home, asked.source
    assert f"{source}: 1 session" in nh(home, "sync", source).output
    servers = CliRunner().invoke(app, ["--home", str(home), "doctor"]).output
    assert "answers" in " ".join(servers.split())
    (session,) = nh(home, "sessions", "--source", source, "--ids").output.split()
    dry = nh(home, "fetch", source, "--all", "--dry-run")
    assert "in 1 file of 1 session would be fetched" in " ".join(dry.stdout.split())
    assert "no asset needs these whole files" in " ".join(dry.stderr.split())
    (link,) = csv.DictReader(io.StringIO(nh(home, "fetch", source, "--all", "--urls").stdout))
    assert int(link["size"]) == asked.nwb.stat().st_size
    ranged = _needs(asked)
    assert ranged.by_ranges
    assert (ranged.raw_room, ranged.held, ranged.n_unstated) == (0.0, 0.0, 0)
    assert ranged.raw_folder not in ranged.lacking()
    n_reading = 4  # raw_spikes, events, signals and units; none reads more than the file
    assert 0 < ranged.to_fetch <= n_reading * asked.nwb.stat().st_size
    words = " ".join(nh(home, "backfill", source, "--dry-run").output.split())
    assert "ranges: true" in words
    asked.read(ranges=False)
    assert _needs(asked).to_fetch == _needs(asked).raw_room == asked.nwb.stat().st_size
    asked.read(ranges=True)
    assert not list(home.rglob("*.nwb"))
    assert "1 session fetched and verified" in nh(home, "fetch", source, session).output
    (held,) = home.rglob("*.nwb")
    assert held.read_bytes() == asked.nwb.read_bytes()
    needs = _needs(asked)
    assert (needs.to_fetch, needs.held) == (0.0, held.stat().st_size)


@pytest.mark.slow
def test_commands_around_what_is_made(asked: Asked) -> None:
    home, source = asked.home, asked.source
    nh(home, "sync", source)
    (session,) = nh(home, "sessions", "--source", source, "--ids").output.split()
    assert "would run" in nh(home, "materialize", source, "--missing", "--dry-run").output
    nh(home, "materialize", source, session, "--asset", "raw_spikes", "--asset", "events")
    assert not list(home.rglob("*.nwb"))
    assert "read by ranges" in " ".join(nh(home, "show", source, session).output.split())
    nh(home, "verify", source)
    (spikes,) = home.glob(f"store/{source}/{session}/raw_spikes/*/spikes.h5")
    content = spikes.read_bytes()
    spikes.write_bytes(content[:-8] + b"\xff" * 8)
    nh(home, "verify", source, "--repair")
    (spikes,) = home.glob(f"store/{source}/{session}/raw_spikes/*/spikes.h5")
    assert spikes.read_bytes() == content
    nh(home, "verify", source)
    nh(home, "files", source, session)
    assert not list(home.rglob("*.nwb"))
