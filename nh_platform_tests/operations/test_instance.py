"""Dagster's history lies in the home folder, whatever the folder is called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage

from nh_platform.defs.deployed.server_address import POSTGRES_VARIABLE
from nh_platform.home.settings import load_settings
from nh_platform.operations.home_status import has_history
from nh_platform.operations.instance import history_is_shared, open_instance, prepare_instance, quoted
from nh_platform.operations.web.serving import Page
from nh_platform.session import ConfigError
from nh_platform_tests.services.deployment import CONFIGURATION

ODD = [
    "plain",
    "rigs #2",
    "it's",
    'a "quoted" one',
    "Größe µV 数据 😀",
    "colon: and, comma",
    "{braces} [brackets] & *stars",
    "back\\slash and \\U0001",
    "50% of %s",
    "$HOME ${HOME} ~",
    " leading and trailing ",
    "line\u2028break\ttab",
]


@dg.job
def nothing() -> None: ...


@pytest.mark.parametrize("name", ODD)
def test_the_history_lies_in_the_home_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.chdir(tmp_path)
    home = tmp_path / name
    home.mkdir()
    settings = load_settings(home)
    with open_instance(settings) as instance:
        run_id = nothing.execute_in_process(instance=instance).run_id
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (home / "dagster" / "history" / "runs.db").is_file()
    assert (home / "dagster" / "history" / "runs" / f"{run_id}.db").is_file()
    with open_instance(settings) as instance:
        assert instance.get_run_by_id(run_id) is not None
        assert len(instance.all_logs(run_id)) > 2


def test_a_run_prints_nothing_and_its_events_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Dagster prints 20 lines for each run, which filled the terminal of `nh ui`."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    with open_instance(load_settings(tmp_path)) as instance:
        run_id = nothing.execute_in_process(instance=instance).run_id
        assert len(instance.all_logs(run_id)) > 2
    assert "RUN_SUCCESS" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(("name", "what"), [("question?mark=1", r"\?"), ("per%20cent", "%20")])
def test_a_path_that_the_databases_cannot_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    with pytest.raises(ConfigError, match=f"whose path has {what}"):
        open_instance(load_settings(tmp_path / name))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ODD)
def test_a_text_is_read_back_from_ascii(name: str) -> None:
    written = quoted(name)
    assert written.isascii()
    assert yaml.safe_load(f"a: {written}") == {"a": name}


def test_an_instance_of_ones_own_that_cannot_be_opened_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = (
        "run_storage: {module: dagster._core.storage.runs, class: SqliteRunStorage, config: {base_dir: {env: NOT_SET}}}"
    )
    (tmp_path / "dagster.yaml").write_text(configuration, encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(ConfigError) as raised:
        open_instance(load_settings(tmp_path))
    assert str(tmp_path) in raised.value.thing
    assert "NOT_SET" in raised.value.found
    assert "the environment that it names" in raised.value.action


def test_the_address_of_a_database_alone_is_where_the_history_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was passed over without a word, and the history of the home shown in its place."""
    pytest.importorskip("dagster_postgres", reason="the extra `deploy` is not installed: uv sync --extra deploy")
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv(POSTGRES_VARIABLE, "postgresql://dagster:Secret@127.0.0.1:1/dagster")
    settings = load_settings(tmp_path)
    assert has_history(settings)
    with pytest.raises(ConfigError) as raised:
        open_instance(settings)
    assert POSTGRES_VARIABLE in raised.value.thing
    assert "Connection refused" in raised.value.found
    assert "without it, nh keeps it in the home" in raised.value.action
    assert "Secret" not in str(raised.value)
    with open_instance(settings, embedded=True) as instance:
        assert isinstance(instance.event_log_storage, SqliteEventLogStorage)
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(tmp_path / "dagster" / "dagster.yaml", own)
    monkeypatch.setenv("DAGSTER_HOME", str(own))
    assert not history_is_shared()


def test_the_configuration_of_a_shared_history_is_the_one_of_the_home_but_for_its_storages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POSTGRES_VARIABLE, "postgresql://dagster:Secret@127.0.0.1:1/dagster")
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_HOME", "")  # which `prepare_instance` sets
    settings = load_settings(tmp_path)
    folder = prepare_instance(settings)
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv(POSTGRES_VARIABLE)
    own = prepare_instance(settings)
    text = (folder / "dagster.yaml").read_text(encoding="utf-8")
    shared, embedded = yaml.safe_load(text), yaml.safe_load((own / "dagster.yaml").read_text(encoding="utf-8"))
    deployed = yaml.safe_load((CONFIGURATION / "dagster.yaml").read_text(encoding="utf-8"))
    storages = {"run_storage", "event_log_storage", "schedule_storage"}
    assert {name: shared[name] for name in storages} == {name: deployed[name] for name in storages}
    beside = {"compute_logs", "local_artifact_storage"}
    assert {name: shared[name] for name in shared if name not in storages | beside} == {
        name: embedded[name] for name in embedded if name not in storages | beside
    }
    assert all(str(folder) in shared[name]["config"]["base_dir"] for name in beside)
    assert "Secret" not in text


def test_a_page_on_a_shared_history_starts_no_second_daemon() -> None:
    assert Page().has_daemon
    assert not Page(daemon_elsewhere=True).has_daemon
    assert not Page(daemon_elsewhere=True, read_only=True).has_daemon


_OPEN = """
import sys
from pathlib import Path
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
with open_instance(load_settings(Path(sys.argv[1]))) as instance:
    print(len(instance.get_handlers()))
"""


def test_the_handler_of_json_lines_is_there_without_a_warning_of_dagster(tmp_path: Path) -> None:
    """Every command and every run began with four lines that the setting of our own dagster.yaml is in beta."""
    environment = {**os.environ, "DAGSTER_HOME": ""}
    command = [sys.executable, "-c", _OPEN, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2"], "Dagster's own of the event log, and ours"
    assert done.stderr == ""
