"""Home folders that read IBL from the loopback servers, with an account from the environment.

Add here what several tests of a remote home share. Local homes are `nh_platform_tests.homes`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.simulation import TINY, write_ibl
from nh_platform_tests.homes import SEED
from nh_platform_tests.loopback import Loopback

SOURCES_YAML = "ibl:\n  read: {mode: remote, retry_wait_s: 0.0, timeout_s: 60}\n"


def write_upstream(folder: Path, n_sessions: int = 1) -> Path:
    """Write simulated sessions for `Loopback` and return their folder."""
    write_ibl(folder, n_sessions, SEED, size=TINY)
    return folder


def make_remote_home(
    folder: Path, servers: Loopback, monkeypatch: pytest.MonkeyPatch, token: str | None = None
) -> Platform:
    """Return the platform of a home that reads from the servers, by password, or by ``token`` alone."""
    account = dict(servers.environment)
    if token is not None:
        account |= {"NH_ONE_TOKEN": token, "NH_ONE_USERNAME": "", "NH_ONE_PASSWORD": ""}
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.yaml").write_text(SOURCES_YAML, encoding="utf-8")
    return Platform(load_settings(folder))
