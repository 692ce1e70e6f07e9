"""While PostgreSQL is away, counters say so with what the store knows, and `nh status --watch` goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

pytest.importorskip("dagster_postgres", reason="the extra `deploy` is not installed: uv sync --extra deploy")

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.deployed.postgres_storage import _IDLE_S
from nh_platform.operations.instance import NoInstance, database_in_words, open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.operations.web.served_metrics import _Counted
from nh_platform_tests.homes import make_home
from nh_platform_tests.operations.watching.test_counters import samples
from nh_platform_tests.services.postgres import Postgres
from nh_platform_tests.services.servers import passable_folder

pytestmark = pytest.mark.service

STORAGES = "".join(
    f"{name}:\n  module: nh_platform.defs.deployed.postgres_storage\n  class: {kind}\n"
    "  config: {postgres_url: {env: NH_POSTGRES_URL}}\n"
    for name, kind in (
        ("run_storage", "PlacingPostgresRunStorage"),
        ("event_log_storage", "PartitionCachingPostgresEventLogStorage"),
        ("schedule_storage", "DriverNamingPostgresScheduleStorage"),
    )
)


@pytest.fixture
def postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """Give a running server, and lead Dagster's history there."""
    with passable_folder() as folder:
        (folder / "postgres").mkdir()
        server = Postgres(folder / "postgres", "secret")
        server.start()
        (tmp_path / "dagster").mkdir()
        (tmp_path / "dagster" / "dagster.yaml").write_text(STORAGES, encoding="utf-8")
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
        monkeypatch.setenv("NH_POSTGRES_URL", server.url)
        try:
            yield server
        finally:
            server.stop("immediate")


def test_counters_and_watching_survive_a_database_that_is_away(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    platform = make_home(home, ("ibl",))
    monkeypatch.setenv("NH_HOME", str(home))
    with open_instance(platform.settings) as instance:
        operations.sync(OpenHome(platform, instance), "ibl")
        served = _Counted(instance)
        up = samples(operations.metrics(home))
        assert (up["nh_database_up",], up["nh_sessions_listed", "ibl"], up["nh_sessions", "ibl", "failed"]) == (1, 1, 0)
        postgres.stop()
        for status, text in ((200, operations.metrics(home)), (served.read()[0], served.read()[1].decode())):
            away = samples(text)
            assert status == 200
            assert away["nh_database_up",] == 0
            assert (away["nh_sessions_listed", "ibl"], away["nh_sessions", "ibl", "not_loaded"]) == (1, 1)
            assert away["nh_source_usable", "ibl"] == 1
            assert not [one for one in away if "failed" in one or one[0].startswith("nh_runs")]
        with pytest.raises(NoInstance, match=r"does not answer: .*(refused|closed|terminat)"), database_in_words():
            instance.get_runs_count()

        looks: list[float] = []

        def sleep(seconds: float) -> None:
            if seconds != 5.0:  # tries of the database
                return
            looks.append(seconds)
            if len(looks) == 1:
                postgres.start()
            if len(looks) == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(sys.modules["nh_platform.cli.status"].time, "sleep", sleep)
        result = CliRunner().invoke(app, ["--home", str(home), "status", "--watch", "5"])
        assert looks == [5.0, 5.0]
        shown = " ".join((result.output + result.stderr).split())
        assert "it cannot be opened" in shown
        assert "it is asked again" in shown
        assert shown.count("not loaded") == 1, "the second look has the table"
        served._until = 0.0
        assert samples(served.read()[1].decode())["nh_database_up",] == 1


def test_the_page_keeps_some_connections_and_a_restart_of_the_database_is_no_error(
    postgres: Postgres, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home", ("ibl",))
    with open_instance(home.settings) as instance, ThreadPoolExecutor(12) as pool:
        instance.optimize_for_webserver(15_000, 3600, 20)
        storage = instance.run_storage

        def ask(_: int) -> str:
            with storage.connect() as connection:  # type: ignore[attr-defined]
                connection.execute(sa.text("select pg_sleep(0.05)"))
                return str(connection.execute(sa.text("show statement_timeout")).scalar_one())

        assert set(pool.map(ask, range(24))) == {"15s"}
        assert storage._engine.pool.checkedin() == 6  # type: ignore[attr-defined]
        postgres.stop("immediate")
        postgres.start()
        time.sleep(_IDLE_S)  # this server has nothing to start with
        assert set(pool.map(ask, range(24))) == {"15s"}
        for table in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
            assert table._engine.pool.size() == 6  # type: ignore[attr-defined]
