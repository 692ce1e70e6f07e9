"""Writes or checks `requirements.lock`: what `pyproject.toml` resolves to, with hashes and without any address.

`uv.lock` is not committed, because it names download hosts. Run `python -m nh_platform_tests.requirements_lock` after
changing a dependency; ``--check`` fails when the file is not what the resolution gives.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
HEADER = """\
# What pyproject.toml resolves to for Python 3.11 to 3.13, with hashes; made by nh_platform_tests/requirements_lock.py.
# Install without uv: pip install --no-deps -r requirements.lock && pip install --no-deps .
"""


def resolved() -> str:
    """Return the text that `requirements.lock` should have.

    Raises
    ------
    FileNotFoundError
        If uv is not installed.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise FileNotFoundError("uv is not installed; `pip install uv`")
    command = [uv, "export", "--quiet", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return HEADER + done.stdout


def packages(text: str) -> set[str]:
    """Return the names of the packages that a lock lists.

    Versions of indirect dependencies are not compared: two resolutions within minutes gave platformdirs 4.14.5 and
    4.14.7, because mirrors of the registry are not in step. Direct ones are pinned, and a test compares those.
    """
    return set(re.findall(r"^([A-Za-z0-9_.\-]+)==", text, flags=re.MULTILINE))


def main() -> None:
    """Write the file, or with ``--check`` compare it."""
    if "--check" not in sys.argv[1:]:
        # From nothing, as a fresh clone does: a lock that was carried along keeps older releases that still fit.
        (ROOT / "uv.lock").unlink(missing_ok=True)
    text = resolved()
    if "--check" not in sys.argv[1:]:
        LOCK.write_text(text, encoding="utf-8")
        return
    stored = packages(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else set()
    if stored != packages(text):
        differ = ", ".join(sorted(stored ^ packages(text)))
        sys.exit(f"requirements.lock is stale ({differ}): run `python -m nh_platform_tests.requirements_lock`")


if __name__ == "__main__":
    main()
