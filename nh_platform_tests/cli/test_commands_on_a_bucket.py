"""Every command on a home whose store lies in a bucket, as a machine that holds nothing of it runs it.

Contains one call of each command, or why a command has none here. Add a call with each new command.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.cli.test_commands import commands
from nh_platform_tests.homes import make_home
from nh_platform_tests.loopback.object_store import BUCKET, ObjectServer, serve_objects

pytestmark = pytest.mark.slow

ELSEWHERE = {
    "demo": "makes a home as the others are made; it takes minutes",
    "ui": "serves until it is stopped: `services/`",
    "review serve": "serves until it is stopped: `services/`",
    "move-history": "of Dagster's history alone: `services/test_history_move.py`",
    "coords": "converts a table that is given",
    "probes": "tables of a release that are fetched by `nh sync --tables`: `cli/search/`",
    "units": "the same",
    "channels": "the same",
    "probes view": "the same",
    "qc docs": "of the rulebooks alone",
    "qc validate": "of simulated sessions alone",
    "qc label": "of a table that is given",
    "qc methods": "of a rulebook alone",
    "qc rules list": "of rulebooks alone",
    "qc rules show": "of rulebooks alone",
    "qc rules metrics": "of rulebooks alone",
    "task score": "of folders that are given",
    "export pictures": "of Allen's pictures, in the folder of the source",
    "export card": "of a folder that was exported",
    "review merge": "needs a file of the desk: `cli/review/test_merging.py`",
    "review carry": "needs a session that was sorted again: `operations/reviewing/`",
    "embed images": "reads pictures, in the folder of the source: `cli/embed/test_images.py`",
}
"""Commands without a call here, each with why."""

CALLS = (
    "sync ibl",
    "status",
    "doctor --offline",
    "metrics",
    "sessions --source ibl --sort notes",
    "show ibl {ibl}",
    "inventory ibl",
    "fetch ibl --all --dry-run",
    "files ibl {ibl}",
    "materialize ibl --missing",
    "materialize ibl {ibl} --asset units",
    "backfill ibl --dry-run",
    "backfill ibl",
    "verify",
    "verify ibl {ibl} --repair",
    "clean ibl",
    "migrate",
    "backup {out}/backups",
    "--home {out}/new restore {out}/backups",
    "prune --raw unlisted",
    "cite ibl allen_vc",
    "qc explain ibl {ibl} probe00/1",
    "qc history ibl {ibl}",
    "qc diff ibl-2022-03 ibl-2022-10 --source ibl",
    "qc report current --source ibl --out {out}/site",
    "qc sessions ibl",
    "qc regions ibl --all-sessions",
    "qc rules history ibl-2022-10 --source ibl",
    "review add ibl {ibl} --unit probe00/1 --decision fail --reviewer ada --reason two",
    "review list ibl",
    "review agree ibl {ibl} r --reviewer bea",
    "review show ibl {ibl} probe00/1",
    "review kappa ibl",
    "export torch-brain ibl --out {out}/torch",
    "export nwb ibl --out {out}/nwb",
    "export hdf5 ibl --out {out}/hdf5",
    "export npz ibl --out {out}/npz",
    "export npy ibl --out {out}/npy",
    "export parquet ibl --out {out}/parquet",
    "export spikes ibl --out {out}/spikes",
    "embed units ibl {ibl}",
    "embed population ibl {ibl}",
    "export stimulus natural_movie_one VISp {out}/stimulus",
    "embed map ibl {ibl} --method pca --output {out}/map.svg",
    "embed compare stored whole-session --source ibl",
    "review export ibl {ibl} --out {out}/curation.json",
    "review import {out}/curation.json ibl {ibl} --curator ben",
    "splits --source ibl",
    "releases list",
    "releases show ibl",
    "releases diff previous latest --source ibl",
    "releases try ibl --sessions 1",
    "releases accept ibl",
    "lock add paper ibl",
    "lock list",
    "lock show paper",
    "lock remove paper",
    "train-set build demo",
    "train-set list",
    "train-set show demo",
    "train-set diff demo demo@1",
    "train-set verify demo",
    "train-set lock demo --out {out}/demo.lock.json",
    "train-set reproduce {out}/demo.lock.json --dry-run",
    "task list",
    "task targets ts1-choice --source ibl",
    "task run ts1-choice --source ibl --seeds 43 --permutations 2",
)
"""In this order: what a call writes or stores, later ones read."""
REFUSED = {
    "splits": "no subject falls into valid or test",
    "releases diff": "there is one snapshot",
    "releases try": "no release of it is held",
    "releases accept": "no release of it is held",
}
"""What calls say that end with 1 on this home as on one of a disk: one session of a source, and one snapshot."""
RECIPE = """\
id: demo
description: One session, divided in time.
sources:
  ibl:
    units: all
split:
  by: causal
  gap_s: 0
"""


class Machine(NamedTuple):
    """A home whose store lies in a bucket, a folder for what it writes, and what calls name."""

    home: Path
    out: Path
    names: dict[str, str]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Make a session of two sources in a bucket, and go on with an empty cache."""
    folder = tmp_path_factory.mktemp("machine")
    with serve_objects() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(folder / "cache").items():
            patch.setenv(name, value)
        prefix = uuid.uuid4().hex[:12]
        patch.setenv("NH_STORE", f"s3://{BUCKET}/{prefix}/store")
        patch.setenv("NH_RAW", f"s3://{BUCKET}/{prefix}/raw")
        patch.setenv("DAGSTER_HOME", "")
        patch.setenv("NH_REVIEWS", "")
        patch.setenv("NH_HOME", str(folder / "home"))
        home = make_home(folder / "home", ("ibl", "allen_vc")).settings.home
        lines = (home / "sources.yaml").read_text().replace("ibl:\n", "ibl:\n  also_assets: [window_embeddings]\n", 1)
        (home / "sources.yaml").write_text(lines)
        (home / "training_sets").mkdir()
        (home / "training_sets" / "demo.yaml").write_text(RECIPE)
        nh(home, "sync", "ibl")
        nh(home, "sync", "allen_vc")
        nh(home, "materialize", "ibl", "--all")
        nh(home, "materialize", "allen_vc", "--all")
        session = nh(home, "sessions", "--source", "ibl", "--ids").output.strip()
        patch.setenv("NH_STORE_CACHE", str(folder / "other"))
        yield Machine(home, folder / "out", {"ibl": session, "out": str(folder / "out")})
        require_nothing_at_home(home, server, prefix)


def require_nothing_at_home(home: Path, server: ObjectServer, prefix: str) -> None:
    """Require that all outputs and reviews went into the bucket."""
    assert not any((home / name).exists() for name in ("store", "reviews", "raw"))
    assert any("/.reviews/" in key for key in server.keys(f"{prefix}/store/"))


def test_every_command_has_a_call_or_a_reason() -> None:
    called = {re.sub(r"^--home \S+ ", "", call) for call in CALLS}
    for command in map(" ".join, commands(typer.main.get_command(app))):
        has_call = any(one == command or one.startswith(f"{command} ") for one in called)
        assert has_call != (command in ELSEWHERE), command


@pytest.mark.parametrize("call", CALLS)
def test_it_works_and_names_no_place_of_the_cache(call: str, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.out.mkdir(exist_ok=True)
    if "restore" in call:
        monkeypatch.setenv("NH_STORE", "")
    words = call.format(**machine.names).split()
    home = [] if words[0] == "--home" else ["--home", str(machine.home)]
    done = CliRunner().invoke(app, [*home, *words], env={"COLUMNS": "300"})
    said = done.output + done.stderr
    refusal = next((text for command, text in REFUSED.items() if call.startswith(command)), "")
    expected = 1 if refusal or (words[0] == "migrate" and done.exit_code) else 0
    assert done.exit_code == expected, (said, done.exception)
    assert refusal in " ".join(said.split())
    assert "store-of-s3" not in said
