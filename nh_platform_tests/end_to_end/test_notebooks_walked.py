"""docs/examples/notebooks-walked.md: the first call of a row gives what it says, on the demo or on published lists."""

from __future__ import annotations

import csv
import io
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from nh_platform.cli.app import app
from nh_platform.history.published_freezes import FREEZES_FOLDER
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.simulated.simulated_upstream import SEED, write_upstream
from nh_platform.sources.allen.sdk import restore_numpy_names
from nh_platform_tests.homes import materialize

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "examples" / "notebooks-walked.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in PAGE.splitlines() if line.startswith("| ")]
NOTHING = "–"


def call_of(cell: str) -> str:
    found = re.search(r"`([^`]*)`", cell)
    return found.group(1) if found else ""


def rows_of(width: int, heading: str) -> list[list[str]]:
    """Return the rows of the tables of a width whose first cell is no heading and no rule."""
    return [row for row in ROWS if len(row) == width and row[0] not in (heading, "cell", "example", "---", "here")]


ON_THE_DEMO = [(call_of(row[3]), row[4].strip("`")) for row in rows_of(5, "cell") if row[4] != NOTHING]
ON_THE_LISTS = [(call_of(row[2]), int(row[3])) for row in rows_of(4, "example")]


def nh(home: Path, command: str) -> Result:
    result = CliRunner().invoke(app, ["--home", str(home), *shlex.split(command)[1:]], env={"NH_HOME": ""})
    assert result.exit_code == 0, (command, result.output, result.stderr, result.exception)
    return result


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the first block of the page in a folder with the demo, of which one session of each source is made."""
    folder = tmp_path_factory.mktemp("walked")
    home = folder / "data" / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        patch.chdir(folder)
        write_upstream(home, SEED, ("ibl", "allen_vbn"))
        platform = Platform(load_settings(home))
        with dg.DagsterInstance.ephemeral() as instance:
            for source, session in (("ibl", "aaf4b8ce"), ("allen_vbn", "1041525112")):
                nh(home, f"nh sync {source}")
                whole = platform.manifest(source).session_named(session)
                (outcome,) = materialize(platform, instance, source, [whole])
                assert outcome.success, outcome.errors
        found: dict[str, Any] = {}
        (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
        exec(compile(block, "notebooks-walked.md", "exec"), found)
        yield found


def test_every_cell_and_every_example_has_its_row() -> None:
    first = [row[0] for row in rows_of(5, "cell")]
    assert {f"{n}" for n in range(1, 20)} | {"21", "22", "23"} <= set(first)
    assert first.count("not numbered") == 4
    assert {f"{n:02d}" for n in range(1, 11)} <= set(first)


@pytest.mark.slow
def test_the_first_call_of_each_row_gives_what_the_page_says(names: dict[str, Any]) -> None:
    assert len(ON_THE_DEMO) > 30
    said = {call: gives for call, gives in ON_THE_DEMO if not call.startswith("nh ")}
    assert {call: str(eval(call, names)) for call in said} == said  # every row at once, not the first that differs
    for call, gives in ON_THE_DEMO:
        if call.startswith("nh "):
            assert gives in nh(Path("data/demo"), call).output, call


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_tables_of_the_release_have_as_many_rows_as_in_allensdk(names: dict[str, Any], tmp_path: Path) -> None:
    restore_numpy_names()
    from allensdk.brain_observatory.behavior.behavior_project_cache import VisualBehaviorNeuropixelsProjectCache

    shutil.copytree(names["root"], tmp_path / "cache", symlinks=True)  # AllenSDK writes into its folder
    cache = VisualBehaviorNeuropixelsProjectCache.from_local_cache(cache_dir=tmp_path / "cache")
    releases = [re.sub(r".*_v(.*)\.json", r"\1", name) for name in cache.list_all_downloaded_manifests()]
    assert sorted(releases) == names["source"].releases()
    assert cache.current_manifest().endswith(f"_v{names['released'].release}.json")
    released = names["released"]
    assert len(cache.get_ecephys_session_table(filter_abnormalities=False)) == len(released.sessions())
    assert len(cache.get_behavior_session_table()) == len(names["store"].behavior_sessions("allen_vbn"))
    assert len(cache.get_probe_table()) == len(released.probes())
    assert len(cache.get_channel_table()) == len(released.channels(["acronym"]))
    assert len(cache.get_unit_table()) == len(released.units(["snr"]))


def test_the_published_lists_give_the_numbers_of_the_training(
    reference_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    write_upstream(tmp_path / "home", SEED, ("ibl",))
    home = tmp_path / "home"
    for folder in ("aggregates", FREEZES_FOLDER):
        (home / folder).mkdir()
    shutil.copy(reference_dir / "ibl_releases" / "2022_10_bwm_release.csv", home / FREEZES_FOLDER)
    shutil.copy(reference_dir / "ibl_units" / "channels_bwm.pqt", home / "aggregates" / "channels.pqt")
    nh(home, "nh sync ibl")
    assert len(ON_THE_LISTS) == 3
    for call, gives in ON_THE_LISTS:
        printed = nh(home, call).stdout
        found = list(csv.DictReader(io.StringIO(printed))) if "csv" in call else printed.split()
        assert len(found) == gives, call
