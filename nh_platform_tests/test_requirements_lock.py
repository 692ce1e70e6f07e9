"""`requirements.lock` and `pyproject.toml` stay in step, and no address is committed."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from nh_platform_tests.requirements_lock import DEPLOY_LOCK, EXTRAS, LOCK, ROOT, packages, resolved


@pytest.mark.parametrize("lock", EXTRAS, ids=lambda lock: lock.name)
def test_the_lock_names_no_address(lock: Path) -> None:
    assert "://" not in lock.read_text(encoding="utf-8")


def test_the_lock_of_an_extra_has_its_pins_and_nothing_that_the_other_has() -> None:
    """`pip install '.[deploy]'` cannot work: AllenSDK's old pins contradict ours."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    stated, other = (one.read_text(encoding="utf-8").lower() for one in (DEPLOY_LOCK, LOCK))
    for requirement in extras["deploy"]:
        assert f"{requirement.lower()} " in stated + other, requirement
    assert not packages(stated) & packages(other)


def test_every_direct_dependency_is_pinned_exactly_and_locked_as_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = LOCK.read_text(encoding="utf-8").lower()
    for requirement in project["dependencies"]:
        assert re.fullmatch(r"[A-Za-z0-9_.\-]+==[0-9A-Za-z.]+", requirement), requirement
        assert f"{requirement.lower()} " in locked, requirement
        # One version for every Python: an override that is no exact pin lets a newer one in where it fits.
        assert len(re.findall(rf"^{re.escape(requirement.lower().split('==')[0])}==", locked, re.MULTILINE)) == 1


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
@pytest.mark.skipif(not (ROOT / "uv.lock").exists(), reason="not run through uv, so there is no resolution to compare")
@pytest.mark.parametrize("lock", EXTRAS, ids=lambda lock: lock.name)
def test_the_lock_lists_what_the_project_resolves_to(lock: Path) -> None:
    assert packages(lock.read_text(encoding="utf-8")) == packages(resolved(lock))
