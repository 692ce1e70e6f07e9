"""Writes or checks `requirements.lock`: what `pyproject.toml` resolves to, with hashes and without any address.

Beside it `requirements-deploy.lock`: what the extra `deploy` adds. pip itself cannot resolve extras, because AllenSDK's
old pins contradict ours; uv overrides them.

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
DEPLOY_LOCK = ROOT / "requirements-deploy.lock"
EXTRAS = {LOCK: (), DEPLOY_LOCK: ("deploy",)}
"""Extras of each lock; one with extras has what they add to the other."""
HEADER = """\
# What pyproject.toml resolves to for Python 3.11 to 3.13, with hashes; made by nh_platform_tests/requirements_lock.py.
# Install without uv: pip install --no-deps -r requirements.lock && pip install --no-deps .
"""
DEPLOY_HEADER = """\
# What the extra `deploy` adds to requirements.lock (docs/deploy.md); made by nh_platform_tests/requirements_lock.py.
# Install without uv: pip install --no-deps -r requirements.lock -r requirements-deploy.lock && pip install --no-deps .
"""
_ENTRY = re.compile(r"^([A-Za-z0-9_.\-]+)==(?:.*\n)(?: .*\n)*", re.MULTILINE)


def resolved(lock: Path = LOCK) -> str:
    """Return the text that a lock should have.

    Raises
    ------
    FileNotFoundError
        If uv is not installed.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise FileNotFoundError("uv is not installed; `pip install uv`")
    command = [uv, "export", "--quiet", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate"]
    extras = [part for extra in EXTRAS[lock] for part in ("--extra", extra)]
    done = subprocess.run([*command, *extras], cwd=ROOT, capture_output=True, text=True, check=True)
    if not extras:
        return HEADER + done.stdout
    without = packages(resolved())
    return DEPLOY_HEADER + "".join(entry[0] for entry in _ENTRY.finditer(done.stdout) if entry[1] not in without)


def packages(text: str) -> set[str]:
    """Return the names of the packages that a lock lists.

    Versions of indirect dependencies are not compared: two resolutions within minutes gave platformdirs 4.14.5 and
    4.14.7, because mirrors of the registry are not in step. Direct ones are pinned, and a test compares those.
    """
    return set(re.findall(r"^([A-Za-z0-9_.\-]+)==", text, flags=re.MULTILINE))


def main() -> None:
    """Write the files, or with ``--check`` compare them."""
    if "--check" not in sys.argv[1:]:
        # From nothing, as a fresh clone does: a lock that was carried along keeps older releases that still fit.
        (ROOT / "uv.lock").unlink(missing_ok=True)
    for lock in EXTRAS:
        text = resolved(lock)
        if "--check" not in sys.argv[1:]:
            lock.write_text(text, encoding="utf-8")
            continue
        stored = packages(lock.read_text(encoding="utf-8")) if lock.exists() else set()
        if stored != packages(text):
            differ = ", ".join(sorted(stored ^ packages(text)))
            sys.exit(f"{lock.name} is stale ({differ}): run `python -m nh_platform_tests.requirements_lock`")


if __name__ == "__main__":
    main()
