"""Imports run downwards only, and the contracts notice when they do not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts on the package below ``root``."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [*command, "--no-cache"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    shutil.copytree(ROOT / "nh_platform", tmp_path / "nh_platform", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("qc/gate.py", "import dagster"),
        ("qc/gate.py", "import yaml"),
        ("store/layout.py", "import nh_platform.qc.gate"),
        ("windows/counts/binning.py", "from one.api import ONE"),
        ("qc/gate.py", "from nh_platform import simulation"),
        ("simulation/size.py", "import nh_platform.reports"),
    ],
)
def test_an_import_that_runs_upwards_breaks_them(copy: Path, module: str, line: str) -> None:
    write(copy, module, line)
    done = lint_imports(copy)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_every_package_is_named_by_the_contract_that_refuses_it(copy: Path) -> None:
    """One run for all: each offence is reported by the contract that it breaks."""
    offences = {
        "import dagster": [name for name in PACKAGES if name not in ("defs", "operations")],
        "from nh_platform import simulation": [name for name in PACKAGES if name not in ("operations", "simulation")],
        "from one.api import ONE": [name for name in PACKAGES if name != "sources"],
        "import allensdk": [name for name in PACKAGES if name != "sources"],
    }
    for line, packages in offences.items():
        for package in packages:
            write(copy, f"{package}/__init__.py", line)
    report = lint_imports(copy).stdout
    for line, packages in offences.items():
        imported = {"import dagster": "dagster", "from one.api import ONE": "one", "import allensdk": "allensdk"}
        for package in packages:
            says = f"nh_platform.{package} -> {imported.get(line, 'nh_platform.simulation')} "
            assert says in report, f"{says}is not refused"


PACKAGES = tuple(sorted(path.parent.name for path in (ROOT / "nh_platform").glob("*/__init__.py")))


def write(copy: Path, module: str, line: str) -> None:
    file = copy / "nh_platform" / module
    file.write_text(file.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
