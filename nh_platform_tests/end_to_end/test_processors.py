"""The same bytes whatever kernels the processor chooses: of the linear algebra library, and of numpy.

Both libraries have several kernels of a function and choose by what the processor can do; environment variables make
them choose as another processor would. Simulated files are held equal for the first alone: they are no product.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ANOTHER_BLAS = {"OPENBLAS_CORETYPE": "Haswell"}
WITHOUT_AVX512 = {"NPY_DISABLE_CPU_FEATURES": "X86_V4,AVX512_ICL,AVX512_SPR"}
MAKE = """
import sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import dagster as dg
from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform_tests.homes import make_home, materialize
home, sources = Path(sys.argv[1]), ("ibl", "allen_vc", "allen_vbn")
platform = Platform(load_settings(home)) if (home / "upstream").exists() else make_home(home, sources)
with dg.DagsterInstance.ephemeral() as instance:
    for source in sources:
        (outcome,) = materialize(platform, instance, source)
        assert outcome.success, outcome.errors
        assert operations.inventory(OpenHome(platform, instance), source).errors == ()
"""


def make(home: Path, variables: dict[str, str]) -> dict[str, str]:
    """Make a home with all three sources in a process of its own; return the hash of every file by its path."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, **variables, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(home)], env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    if "NPY_DISABLE_CPU_FEATURES" in variables and "cannot disable" in done.stderr:
        pytest.skip("this processor lacks the features that were to be left out")
    assert done.returncode == 0, done.stderr[-3000:]
    files = (path for folder in ("upstream", "store") for path in (home / folder).rglob("*"))
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and not path.name.endswith(".lock")
    }


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


@pytest.mark.slow
def test_every_file_is_the_same_under_other_kernels(tmp_path: Path) -> None:
    own = make(tmp_path / "own", {})
    assert len([name for name in own if name.endswith("provenance.json")]) > 20
    assert differing(own, make(tmp_path / "blas", ANOTHER_BLAS)) == []
    (tmp_path / "avx2").mkdir()
    for name in ("upstream", "sources.yaml"):
        (tmp_path / "own" / name).rename(tmp_path / "avx2" / name)
    assert differing(own, make(tmp_path / "avx2", WITHOUT_AVX512)) == []
