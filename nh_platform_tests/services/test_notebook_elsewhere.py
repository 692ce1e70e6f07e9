"""A notebook on another machine, which knows the addresses of bucket and database alone, reads, trains and reviews.

The first machine makes sessions into a bucket and its history into a real Postgres; the notebook is the committed one,
run by a kernel of Jupyter's with a home, a cache and an environment of its own.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.operations.simulated.simulated_upstream import SEED, write_upstream
from nh_platform_tests.example_notebooks import INSTALLS, NOTEBOOKS
from nh_platform_tests.homes import materialize
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer, serve_objects
from nh_platform_tests.reports.desk.served import served_desk
from nh_platform_tests.services.deployment import CONFIGURATION
from nh_platform_tests.services.postgres import DATABASE_USER, Postgres
from nh_platform_tests.services.servers import passable_folder

pytestmark = pytest.mark.service

ADDRESS = f"s3://{BUCKET}/lab/store"
ASSETS = ("raw_spikes", "events", "signals", "units")
OF_A_SYSTEM = ("LANG", "TMPDIR")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class FirstMachine:
    """The machine that made the sessions: its home and its environment, and what others may know of it."""

    home: Path
    environment: Mapping[str, str]
    server: ObjectServer
    postgres: Postgres
    sessions: tuple[str, ...]

    def others_know(self) -> dict[str, str]:
        """Return the environment of a machine that is told two addresses and the keys of the bucket."""
        keys = {name: value for name, value in self.environment.items() if name.startswith("AWS_")}
        return {
            **{name: os.environ[name] for name in OF_A_SYSTEM if name in os.environ},
            **keys,
            "AWS_ENDPOINT_URL": self.server.url,
            "NH_STORE": ADDRESS,
            "NH_POSTGRES_URL": self.postgres.url,
        }


@pytest.fixture(scope="module")
def machine_folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def first(machine_folder: Path) -> Iterator[FirstMachine]:
    pytest.importorskip("dagster_postgres", reason="the extra `deploy` is not installed: uv sync --extra deploy")
    folder = machine_folder
    database, dagster_home, home = folder / "postgres", folder / "dagster", folder / "home"
    for one in (database, dagster_home):
        one.mkdir()
    postgres = Postgres(database, secrets.token_hex(8))
    shutil.copy(CONFIGURATION / "dagster.yaml", dagster_home)
    postgres.start()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # tells each of a thousand requests
    try:
        with serve_objects() as server, pytest.MonkeyPatch.context() as patch:
            environment = {
                **server.environment(folder / "cache"),
                "NH_STORE": ADDRESS,
                "NH_HOME": str(home),
                "DAGSTER_HOME": str(dagster_home),
                "NH_POSTGRES_URL": postgres.url,
                "NH_REDIS_URL": "redis://127.0.0.1:1/0",
                "NH_COMPUTE_LOGS": str(folder / "printed"),
            }
            for name, value in environment.items():
                patch.setenv(name, value)
            write_upstream(home, SEED, ("ibl",))
            platform = Platform(load_settings(home))
            with open_instance(platform.settings) as instance:
                made = materialize(platform, instance, "ibl", assets=ASSETS)
            assert all(one.success for one in made), [one.errors for one in made]
            sessions = tuple(one.plan.session_id for one in made)
            yield FirstMachine(home, environment, server, postgres, sessions)
    finally:
        postgres.stop("immediate")


def test_the_notebook_reads_trains_and_reviews_and_the_first_machine_counts_it(
    first: FirstMachine, tmp_path: Path
) -> None:
    ran = executed("another-machine", tmp_path, first.others_know())
    printed = {number: text_of(cell) for number, cell in enumerate(ran["cells"])}
    everything = "\n".join(printed.values())
    # What there is: bucket and database answer, and the history is the deployment's.
    assert "PostgreSQL:" in everything
    assert f"store {ADDRESS}" in everything
    (runs,) = [text for text in printed.values() if "took [s]" in text and "SUCCESS" in text]
    for session in first.sessions:
        assert session in runs
    # What came of it: a decoder above its control, figures, a decision.
    (scored,) = [text for text in printed.values() if "bacc" in text and "control" in text and "all" in text]
    (of_all,) = [line.split() for line in scored.splitlines() if " all " in line]
    accuracy, control = float(of_all[-3]), float(of_all[-2])
    assert accuracy > 0.6 > control
    assert (
        sum("image/png" in output.get("data", {}) for cell in ran["cells"] for output in cell.get("outputs", ())) == 2
    )
    assert "fail by ada; 1 of 2 reviewers needed" in everything
    assert first.postgres.password not in everything
    # Nothing of the store or the history lies there but the cache and a configuration.
    home = tmp_path / "folder" / "data"
    assert sorted(path.name for path in home.iterdir()) == ["dagster_postgres"]
    assert not list(home.rglob("*.db"))
    assert (tmp_path / "user" / ".cache" / "nh_platform" / "stores").is_dir()
    # The first machine lists it, and its desk shows it.
    listed = CliRunner().invoke(app, ["--home", str(first.home), "review", "list", "ibl"])
    assert "fail by ada; 1 of 2 reviewers needed" in listed.output, listed.output
    platform = Platform(load_settings(first.home))
    with served_desk(platform, platform.settings.reviews) as desk:
        (review,) = desk.reviews("ibl", first.sessions[0])["reviews"]
    assert review["reviewer"] == "ada"
    assert "hardly fires" in str(review)


def test_a_role_that_may_only_read_sees_the_history_and_makes_nothing(
    first: FirstMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster keeps a summary of partitions while it reads: `nh show` ended in a traceback."""
    first.postgres.query(
        "create role viewer login password 'reads'; grant select on all tables in schema public to viewer"
    )
    for name in first.environment:
        monkeypatch.delenv(name)
    for name, value in first.others_know().items():
        monkeypatch.setenv(name, value)
    account = f"//{DATABASE_USER}:{first.postgres.password}@"
    monkeypatch.setenv("NH_POSTGRES_URL", first.postgres.url.replace(account, "//viewer:reads@"))
    monkeypatch.setenv("NH_STORE_CACHE", str(tmp_path / "cache"))

    def nh(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), *arguments], env={"COLUMNS": "200"})
        assert done.exit_code == status, (done.output, done.exception)
        return done.output

    (ibl,) = [one for one in json.loads(nh("status", "--format", "json")) if one["source"] == "ibl"]
    assert (ibl["sessions"], ibl["failed"]) == (2, 0)
    assert re.search(r"checks: \d+ ok", nh("show", "ibl", first.sessions[0]))
    assert "PostgreSQL:" in nh("doctor")
    said = nh("materialize", "ibl", first.sessions[0], status=1)
    assert "permission denied" in said
    assert "Traceback" not in said


def executed(name: str, folder: Path, environment: Mapping[str, str]) -> Any:
    """Run a committed notebook as Jupyter does, in an empty folder of a machine; its cell that installs is left out."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: uv sync --group deploy")
    import nbformat

    pytest.importorskip("ipykernel", reason="ipykernel is not installed: uv sync --group deploy")
    for one in ("folder", "user"):
        (folder / one).mkdir()
    own = {
        **environment,
        "HOME": str(folder / "user"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
    }
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=600,
        skip_cells_with_tag=INSTALLS,
        resources={"metadata": {"path": str(folder / "folder")}},
    )
    return client.execute(env=own)


def text_of(cell: Mapping[str, Any]) -> str:
    """Return what a cell printed and what it gave, as text without colours."""
    outputs = cell.get("outputs", ())
    given = [one.get("text", "") or one.get("data", {}).get("text/plain", "") for one in outputs]
    return _COLOUR.sub("", "\n".join(given))
