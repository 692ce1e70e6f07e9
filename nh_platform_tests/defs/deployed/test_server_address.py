"""A password that breaks an address is refused before a library names a part of it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from nh_platform.defs.deployed.server_address import readable_address
from nh_platform.session import ConfigError


@pytest.mark.parametrize("odd", list("/?#@[]"))
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2", "redis", "rediss"])
def test_an_unquoted_password_is_refused_and_is_in_no_text(odd: str, scheme: str) -> None:
    """Redis' library called the half of it a port, and psycopg2 another half a host."""
    host = "127.0.0.1:5/0"
    with pytest.raises(ConfigError, match=r"NH_X_URL.*mean something in an address") as refused:
        readable_address(f"{scheme}://me:SECa{odd}SECb@{host}", "NH_X_URL")
    assert "SEC" not in str(refused.value)
    url = f"{scheme}://me:{quote(f'SECa{odd}SECb', safe='')}@{host}"
    assert readable_address(url, "NH_X_URL") == url


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:6379/0", "redis://:a:b!%25@h/0", "postgresql:///d?host=/var/run", ""]
)
def test_other_addresses_go_through(url: str) -> None:
    assert readable_address(url, "NH_X_URL") == url


def test_launcher_and_storage_refuse_such_an_address() -> None:
    pytest.importorskip("dagster_celery", reason="the extra `deploy` is not installed: uv sync --extra deploy")
    from nh_platform.defs.deployed.celery_launcher import WorkerAskingCeleryRunLauncher
    from nh_platform.defs.deployed.postgres_storage import PlacingPostgresRunStorage

    broker = {"broker": "redis://:a/b@h:1/0", "backend": "redis://:a/b@h:1/0", "default_queue": "dagster"}
    with pytest.raises(ConfigError, match="NH_REDIS_URL"):
        WorkerAskingCeleryRunLauncher.from_config_value(None, broker)
    with pytest.raises(ConfigError, match="NH_POSTGRES_URL"):
        PlacingPostgresRunStorage.from_config_value(None, {"postgres_url": "postgresql://me:a@b@h/d"})
