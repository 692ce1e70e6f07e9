"""The README's test command installs no extra: every module of tests is collected there, or says why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Modules of the extra and of the group `deploy` in pyproject.toml, which `uv sync` alone leaves out and .ci/run adds.
_BLOCKING = """
import sys
LEFT_OUT = ("dagster_postgres", "dagster_celery", "psycopg2", "celery", "redis", "nbclient", "ipykernel")
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in LEFT_OUT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
import pytest
sys.exit(pytest.main(["-n", "0", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", "--snapshot-warn-unused"]))
"""


@pytest.mark.slow
def test_every_module_of_tests_is_collected_without_the_extras() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    collected = subprocess.run(
        [sys.executable, "-c", _BLOCKING], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert collected.returncode == 0, collected.stdout[-3000:] + collected.stderr[-2000:]
