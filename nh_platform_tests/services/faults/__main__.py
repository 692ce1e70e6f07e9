"""Rehearsal of faults on this machine, with their table: ``python -m nh_platform_tests.services.faults``.

Runs the tests that hold what is made against one machine's; add here how a person asks for them.
"""

from __future__ import annotations

import argparse

import pytest

from nh_platform_tests.services.faults.plans import FEW, FEW_SESSIONS, MANY_SESSIONS, WHOLE

_TEST = "nh_platform_tests/services/test_deployment.py::test_whatever_fails_every_session_is_made_as_on_one_machine"


def main() -> int:
    """Run the rehearsal that is asked for; its table stands in what is printed."""
    parser = argparse.ArgumentParser(
        prog="python -m nh_platform_tests.services.faults",
        description="Make simulated sessions through Celery, Postgres, Redis and a bucket while parts fail; print what "
        "was injected, survived, was lost, and how long it took to recover. Needs postgresql and redis-server.",
    )
    about = (
        f"{MANY_SESSIONS} sessions and {len(WHOLE)} faults, an hour or more, instead of {FEW_SESSIONS} and {len(FEW)}"
    )
    parser.add_argument("--whole", action="store_true", help=about)
    which = "whole" if parser.parse_args().whole else "few"
    return int(pytest.main(["-n", "0", "-s", "-m", "service", f"{_TEST}[{which}]"]))


if __name__ == "__main__":
    raise SystemExit(main())
