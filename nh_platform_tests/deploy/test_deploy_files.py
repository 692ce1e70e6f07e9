"""What stands in `deploy/` is what Dagster, Compose, the chart and the image builder take, and holds no credential."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config
from dagster._core.workspace.config_schema import ensure_workspace_config
from dagster._serdes import ConfigurableClassData

from nh_platform.defs.queue.run_coordinator import SizingRunCoordinator
from nh_platform.defs.run_storage import LOCATION
from nh_platform.session.yaml_files.yaml_file import read_text

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
ENVIRONMENT = {"NH_CODE_HOST": "127.0.0.1", "NH_CODE_PORT": "4000"}


def parsed(name: str) -> dict[str, Any]:
    return yaml.safe_load(read_text(DEPLOY / name))  # the platform's own reader refuses the merge keys of Compose


def test_dagster_takes_the_configuration_whose_secrets_are_in_the_environment() -> None:
    config, _ = dagster_instance_config(str(DEPLOY))
    storages = [config[name] for name in ("run_storage", "event_log_storage", "schedule_storage")]
    assert [one["config"] for one in storages] == [{"postgres_url": {"env": "NH_POSTGRES_URL"}}] * 3
    assert config["run_launcher"]["config"] == {name: {"env": "NH_REDIS_URL"} for name in ("broker", "backend")}
    assert config["run_monitoring"]["enabled"]
    assert not config["run_retries"]["retry_on_asset_or_op_failure"]


def test_every_class_that_it_names_is_there_and_made_as_itself() -> None:
    pytest.importorskip("dagster_celery", reason="the extra `deploy` is not installed: uv sync --extra deploy")
    for name, part in parsed("dagster.yaml").items():
        if isinstance(part, dict) and "class" in part:
            found = getattr(importlib.import_module(part["module"]), part["class"])
            if part["module"].startswith("nh_platform"):
                # Dagster's own `from_config_value` of Postgres names its class: a subclass was silently not used.
                is_own = "from_config_value" in vars(found) or "_Configured" in str(found.__mro__)
                assert is_own or type(found.from_config_value(None, part.get("config", {}))) is found, name


def test_what_both_configurations_say_they_say_alike() -> None:
    """The embedded one and this one differ by storages, launcher, logs, and how long a start may take."""
    here, embedded = parsed("dagster.yaml"), yaml.safe_load(read_text(ROOT / "dagster.yaml"))
    for name in (
        "concurrency",
        "run_coordinator",
        "run_retries",
        "retention",
        "freshness",
        "python_logs",
        "telemetry",
        "nux",
    ):
        assert here[name] == embedded[name], name
    own = {"start_timeout_seconds", "cancel_timeout_seconds"}
    shared = {key: value for key, value in embedded["run_monitoring"].items() if key not in own}
    assert shared == {key: value for key, value in here["run_monitoring"].items() if key not in own}


def test_dagster_takes_the_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    (served,) = ensure_workspace_config(parsed("workspace.yaml"), "workspace.yaml")["load_from"]  # type: ignore[misc]
    assert served["grpc_server"]["location_name"] == LOCATION


def test_a_secret_stands_in_no_file() -> None:
    """User names and passwords of addresses are variables, everywhere."""
    for path in DEPLOY.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[Pp]assword: *[^\s${]", text), path.name
        for secret in re.findall(r"://[^/\s:]*:([^@\s]+)@", text):
            assert secret == "PASSWORD" or secret.startswith("${"), path.name


def test_compose_services_are_what_the_page_says() -> None:
    services = parsed("compose.yaml")["services"]
    assert set(services) == {"postgres", "redis", "code", "daemon", "worker", "page"}
    for name, service in services.items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name
        image = service["image"]
        assert re.search(r":\d|:local$", image), f"{name}: {image} is not pinned"
    for name in ("code", "daemon", "worker", "page"):
        assert services[name]["cap_drop"] == ["ALL"]
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1:3000:3000"], "the page alone is reached from outside, and on loopback"
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    application = services["worker"]["command"][2]
    assert application in page
    assert services["code"]["command"][4] in page


def test_options_of_compose_commands_exist() -> None:
    services = parsed("compose.yaml")["services"]
    offered = subprocess.run(
        [sys.executable, "-m", "nh_platform.cli", "ui", "--help"], capture_output=True, text=True, check=True
    ).stdout
    options = [word for word in services["page"]["command"] if word.startswith("--")]
    assert options
    assert [one for one in options if one not in offered] == []


def test_the_image_runs_as_a_user_without_rights_on_a_pinned_base() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^FROM python:3\.1[123]\.\d+-", text, re.MULTILINE)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    for names in re.findall(r"^COPY (?:--\S+ )?(.+) \S+$", text, re.MULTILINE):
        for name in names.split():
            assert (ROOT / name).exists(), name


def test_the_image_file_is_linted() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: uv sync --group deploy")
    done = subprocess.run([hadolint, str(DEPLOY / "Dockerfile")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_chart_gets_the_driver_that_is_installed_and_no_password() -> None:
    values = parsed("helm-values.yaml")
    assert values["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"
    assert "postgresqlPassword" not in values["postgresql"]
    assert not values["generatePostgresqlPasswordSecret"]
    assert values["runLauncher"]["type"] == "K8sRunLauncher"
    assert set(values["runLauncher"]["config"]) == {"k8sRunLauncher"}
    assert not values["rabbitmq"]["enabled"]
    assert values["additionalInstanceConfig"]["run_retries"]["retry_on_asset_or_op_failure"] is False


def test_runs_of_the_chart_wait_in_the_queue_that_states_their_memory() -> None:
    values = parsed("helm-values.yaml")["dagsterDaemon"]["runCoordinator"]
    assert values["type"] == "CustomRunCoordinator"
    named = values["config"]["customRunCoordinator"]
    of_workers = parsed("dagster.yaml")["run_coordinator"]
    assert {**named, "config": of_workers["config"]} == of_workers
    assert of_workers["config"].items() <= named["config"].items()
    queue = ConfigurableClassData(named["module"], named["class"], yaml.safe_dump(named["config"])).rehydrate(
        as_type=SizingRunCoordinator
    )
    assert queue.dequeue_num_workers == 4


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "helm-values.yaml"])
def test_configuration_that_was_never_started_says_so(name: str) -> None:
    head = (DEPLOY / name).read_text(encoding="utf-8")[:900]
    assert "Validated only so far" in head


@pytest.mark.parametrize("page", ["deploy.md", "operate.md"])
def test_units_of_systemd_have_no_comment_behind_a_setting(page: str) -> None:
    """It belongs to the value there: `KillMode=mixed  # …` was ignored, and stopping a worker killed its runs."""
    units = re.findall(r"```ini\n(.*?)```", read_text(ROOT / "docs" / page), re.DOTALL)
    assert units
    settings = [line for unit in units for line in unit.splitlines() if "=" in line and not line.startswith("#")]
    assert [line for line in settings if "#" in line] == []
