"""What the platform is made of is listed: licences of every package, and a bill of materials of what the lock has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nh_platform_tests.dependency_audit import verdict
from nh_platform_tests.licences import NOT_OSI, PAGE, licence_of, page
from nh_platform_tests.requirements_lock import LOCK, ROOT, packages

LISTED = packages(LOCK.read_text(encoding="utf-8"))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_page_of_licences_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m nh_platform_tests.licences`"


def test_every_package_has_a_licence_and_allensdk_is_said_to_be_none_of_osi() -> None:
    assert [name for name in LISTED if licence_of(name) == "none stated"] == []
    text = PAGE.read_text(encoding="utf-8")
    assert {"allensdk", "argschema"} == NOT_OSI
    assert "| allensdk | Allen Institute Software License (not OSI) |" in text


def test_no_package_has_a_licence_that_binds_what_uses_it() -> None:
    """GPL and AGPL would; LGPL and MPL bind changes of the package itself."""
    bound = {name: licence_of(name) for name in LISTED if re.search(r"(?<![L])\bA?GPL", licence_of(name))}
    assert bound == {}


@pytest.mark.slow
def test_the_bill_of_materials_lists_what_the_lock_lists(tmp_path: Path) -> None:
    """By the command of docs/security.md."""
    made = tmp_path / "sbom.json"
    command = ["-m", "cyclonedx_py", "requirements", str(LOCK), "--pyproject", str(ROOT / "pyproject.toml")]
    subprocess.run([sys.executable, *command, "--output-reproducible", "-o", str(made)], check=True)
    bill = json.loads(made.read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "nh-platform"
    assert {normal(one["name"]) for one in bill["components"]} == {normal(name) for name in LISTED}
    assert all(one["version"] for one in bill["components"])


def test_an_audit_that_reached_no_server_is_no_good_news() -> None:
    """`pip-audit` ended with 0 and "No known vulnerabilities found" where it had asked about no package."""
    good = {"name": "numpy", "version": "2.4.6", "vulns": []}
    bad = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
    unasked = {"name": "pandas", "skip_reason": "Dependency not found on PyPI and could not be audited"}
    assert verdict([good]) == (0, ["1 of 1 packages asked about, 0 known holes"])
    status, lines = verdict([good, bad])
    assert (status, lines[0]) == (1, "old 1.0: PYSEC-1, mended in 1.1")
    status, lines = verdict([unasked, unasked])
    assert status == 2
    assert "pypi.org is not reached" in lines[-1]
    status, lines = verdict([bad, unasked])
    assert status == 2
    assert lines[-1].endswith("About 1 nothing is known: pandas. Ask again with the network.")
