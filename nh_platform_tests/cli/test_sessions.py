"""`nh sessions` finds by what upstream states, orders and spreads what it found, and says what it cannot do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from nh_platform.cli.app import app
from nh_platform.history.manifest import Manifest
from nh_platform.history.snapshots import ASSET, write_manifest
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.store import Provenance, Store
from nh_platform.store.names import SOURCE_WIDE

COLUMNS = ("session_id", "subject", "lab", "date", "task_protocol", "projects", "n_units_released", "regions",
           "performance")  # fmt: skip
ROWS = (
    ("s1", "mouse1", "angelakilab", "2020-01-01", "ephysChoiceWorld6.4", "brainwide", 500, "VISp,CA1", 0.95),
    ("s2", "mouse1", "angelakilab", "2020-01-02", "ephysChoiceWorld6.4", "brainwide,pilot", 400, "VISp,CA1", 0.85),
    ("s3", "mouse2", "churchlandlab", "2020-01-03", "biasedChoiceWorld", "pilot", 300, "MOs", 0.9),
    ("s4", "mouse3", "zadorlab", "2020-01-04", "ephysChoiceWorld7", "learning", None, None, None),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sessions that were synced, and nothing made of them."""
    folder = tmp_path_factory.mktemp("home")
    table = SESSIONS.conform(pd.DataFrame(ROWS, columns=list(COLUMNS)).assign(number=np.uint16(1)))
    record = Provenance(asset=ASSET, source="ibl", session_id=SOURCE_WIDE, data_version="0" * 64, code_version="1")
    with Store(folder / "store").publish(record) as target:
        write_manifest(target, Manifest("ibl", "test", table, INSERTIONS.empty(), FILES.empty()))
    return folder


def nh(home: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--home", str(home), "sessions", "--source", "ibl", *arguments])
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return result


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", "")  # the command sets it for its children, and monkeypatch takes that back


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--lab", "Angelaki"), "s1 s2"),
        (("--project", "PILOT"), "s2 s3"),
        (("--project", "pilot", "--lab", "angelaki"), "s2"),
        (("--task-protocol", "ephyschoice"), "s1 s2 s4"),
        (("--min-performance", "0.9"), "s1 s3"),
        (("--min-performance", "0.96"), ""),
        (("--sort", "performance"), "s1 s3 s2 s4"),
        (("--sort", "units", "--limit", "2"), "s1 s2"),
        (("--sort", "date"), "s1 s2 s3 s4"),
        (("--sort", "units", "--spread", "region", "--limit", "2"), "s1 s3"),
        (("--sort", "units", "--spread", "lab"), "s1 s3 s4 s2"),
        (("--spread", "subject", "--limit", "3"), "s1 s3 s4"),
        (("--limit", "1", "--min-units", "300", "--sort", "lab"), "s1"),
        (("--limit", "0"), "s1 s2 s3 s4"),
    ],
)
def test_options_find_and_order(home: Path, options: tuple[str, ...], found: str) -> None:
    assert nh(home, *options, "--ids").stdout.split() == found.split()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--sort", "colour"), "Use one of: units"),
        (("--spread", "colour"), "Use region, lab or subject"),
        (("--min-performance", "90"), "Write 0.8 for 80 %"),
        (("--date-from", "2020"), "Write YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(home: Path, options: tuple[str, ...], says: str) -> None:
    assert says in " ".join(nh(home, *options, code=1).stderr.split())
