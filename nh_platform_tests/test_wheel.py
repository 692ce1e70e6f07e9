"""The wheel holds everything that the installed package reads, and `nh` runs from it where there is no checkout.

Contains the building, the installation beside the dependencies of this environment, and what is asked of the
installed package. Add here what must be found after `pip install`. What the files say is tested with their readers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[1]
ASK = """
import nh_platform
from nh_platform.operations.instance import configuration_file
from nh_platform.defs.build import build_defs
from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.qc.published.published_counts import published_releases
from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids
from nh_platform.windows.presets.preset_files import named_preset, preset_ids
from nh_platform.windows.splits import load_reserved, reserved_ids

print(nh_platform.__file__)
print(configuration_file("dagster.yaml"))
print(configuration_file("workspace.yaml"))
print(*[load_rulebook(name).id for name in rulebook_ids()])
print(*[named_preset(preset_id).id for preset_id in preset_ids()])
print(*[load_reserved(name).id for name in reserved_ids()])
print(*published_releases("ibl"))
print(len(bibliography()))
print(len(list(build_defs().resolve_all_asset_keys())))
"""


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NH_", "DAGSTER_"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the checkout."""
    uv = shutil.which("uv")
    assert uv, "uv is needed to build the wheel; .ci/run installs it"
    folder = tmp_path_factory.mktemp("wheel")
    run(uv, "build", "--wheel", "--quiet", "--out-dir", folder, CHECKOUT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    uv = str(shutil.which("uv"))
    run(uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", folder, wheel, cwd=folder)
    return folder


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    package = CHECKOUT / "nh_platform"
    files = {
        str(path.relative_to(CHECKOUT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("nh_platform/")}
    assert packed == files | {"nh_platform/dagster.yaml", "nh_platform/workspace.yaml"}
    assert sum(name.endswith(".yaml") for name in packed) >= 12


def test_the_installed_package_finds_its_files_outside_a_checkout(installed: Path, tmp_path: Path) -> None:
    lines = run(sys.executable, "-c", ASK, cwd=tmp_path, PYTHONPATH=str(installed)).splitlines()
    package = installed / "nh_platform"
    # The checkout is installed in this environment for editing; that link must not be what was found.
    assert lines[0] == str(package / "__init__.py")
    assert lines[1:3] == [str(package / "dagster.yaml"), str(package / "workspace.yaml")]
    assert {"ibl-2022-10", "allen-vc-default", "allen-vbn-recommended"} <= set(lines[3].split())
    assert "continuous-1s" in lines[4].split()
    assert "brain-wide-bench" in lines[5].split()
    assert "ibl-bwm-2024-05" in lines[6].split()
    assert int(lines[7]) > 10
    assert int(lines[8]) > 20
    for name in ("dagster.yaml", "workspace.yaml"):
        assert (package / name).read_bytes() == (CHECKOUT / name).read_bytes()


def test_the_command_runs_outside_a_checkout(installed: Path, tmp_path: Path) -> None:
    def nh(*arguments: str) -> str:
        return run(sys.executable, installed / "bin" / "nh", *arguments, cwd=tmp_path, PYTHONPATH=str(installed))

    assert "nh demo" in nh("--help")
    assert "ibl-2022-10" in nh("qc", "rules", "list")
    assert "noise_cutoff" in nh("qc", "rules", "show", "ibl-2022-10")
    assert str(installed / "nh_platform" / "dagster.yaml") in nh("doctor", "--offline", "--format", "json")
    assert list(tmp_path.iterdir()) == [], "looking at rules and asking the doctor make nothing"
