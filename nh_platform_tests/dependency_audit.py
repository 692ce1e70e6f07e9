"""Asks PyPI's advisories about every package of `requirements.lock`: ``python -m nh_platform_tests.dependency_audit``.

Needs the network and `uvx`. `pip-audit` calls a package that PyPI did not answer about skipped, and ends with "no known
vulnerabilities" and 0 where it reached no server at all; here that is a failure. Add nothing but the audit here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from nh_platform_tests.requirements_lock import LOCK

COMMAND = ["uvx", "pip-audit", "-r", str(LOCK), "--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
FOUND, UNKNOWN = 1, 2


def main() -> int:
    """Run the audit, print what it found, and return 0 only where PyPI answered about every package."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True)
        answers = json.loads(done.stdout)["dependencies"]
    except FileNotFoundError:
        print("Nothing is known: `uvx` is not installed (it comes with uv).")
        return UNKNOWN
    except (ValueError, KeyError):
        print(f"Nothing is known: pip-audit did not end as it should. {done.stderr.strip()[-500:]}")
        return UNKNOWN
    status, lines = verdict(answers)
    print("\n".join(lines))
    return status


def verdict(answers: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """Return the exit status and what to print of the packages that `pip-audit` lists."""
    lines = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version'}"
        for one in answers
        for hole in one.get("vulns", [])
    ]
    unknown = [one["name"] for one in answers if "skip_reason" in one]
    known = f"{len(answers) - len(unknown)} of {len(answers)} packages asked about, {len(lines)} known holes"
    if unknown:
        why = "pypi.org is not reached from here" if len(unknown) == len(answers) else ", ".join(unknown)
        return UNKNOWN, [*lines, f"{known}. About {len(unknown)} nothing is known: {why}. Ask again with the network."]
    return (FOUND if lines else 0), [*lines, known]


if __name__ == "__main__":
    sys.exit(main())
