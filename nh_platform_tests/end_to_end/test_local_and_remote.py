"""The same ALF session read from disk and through `OneAlyx` from a server gives the same assets, byte for byte."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform_tests.end_to_end.test_sessions import fingerprint
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.loopback import Loopback


def test_local_and_remote_assets_are_identical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = make_home(tmp_path / "local", ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        (here,) = materialize(local, instance, "ibl")
    remote_home = tmp_path / "remote"
    remote_home.mkdir()
    (remote_home / "sources.yaml").write_text("ibl:\n  read: {mode: remote, retry_wait_s: 0.0}\n", encoding="utf-8")
    with Loopback(tmp_path / "local" / "upstream" / "ibl") as servers, dg.DagsterInstance.ephemeral() as instance:
        for name, value in servers.environment.items():
            monkeypatch.setenv(name, value)
        remote = Platform(load_settings(remote_home))
        (there,) = materialize(remote, instance, "ibl")
        assert any("auth-token" in str(request) for request in servers.alyx.requests)
    assert (here.success, there.success) == (True, True), there.errors
    session = here.plan.session_id
    assert fingerprint(remote.store.root / "ibl" / session) == fingerprint(local.store.root / "ibl" / session)
    assert tables(remote) == tables(local)
    # The differences: addresses, and what chose the sessions, by which a wider choice is told from a release.
    assert remote.manifest("ibl").files["url"].str.startswith("http://127.0.0.1").all()
    assert local.manifest("ibl").selection == "local"
    assert remote.manifest("ibl").selection.startswith("remote, server 127.0.0.1")


def tables(platform: Platform) -> dict[str, list[dict[str, object]]]:
    """Return the rows of every table of the stored manifest, but for the addresses: a local tree has none."""
    manifest = platform.manifest("ibl")
    tables = {schema.name: table.drop(columns="url", errors="ignore") for schema, table in manifest.tables()}
    return {name: table.astype(object).where(table.notna(), None).to_dict("records") for name, table in tables.items()}
