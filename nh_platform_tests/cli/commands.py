"""A command of `nh` run in this process, and the rows that it prints for a program.

Add here what tests of several commands do with one. What one command alone prints is read by its own test.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from typer.testing import CliRunner, Result

from nh_platform.cli.app import app


def nh(home: Path, *arguments: str, code: int = 0) -> Result:
    """Run a command on a home folder and require its exit code."""
    result = CliRunner().invoke(app, ["--home", str(home), *arguments])
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return result


def rows(result: Result) -> list[dict[str, str]]:
    """Return what a command printed with ``--format csv``."""
    return list(csv.DictReader(io.StringIO(result.stdout)))
