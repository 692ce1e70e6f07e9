"""Pages of docs/examples run from top to bottom: their Python in one namespace, their `nh` commands in the same home.

Add here what running a page needs. What a page must show is in the test of that page.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
_BLOCK = re.compile(r"```(python|bash)\n(.*?)```", flags=re.DOTALL)


def run_page(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Run a page in the working directory; return its names, and what each command printed."""
    import matplotlib as mpl

    mpl.use("Agg")
    names: dict[str, Any] = {}
    printed: dict[str, str] = {}
    text = (EXAMPLES / f"{name}.md").read_text(encoding="utf-8")
    for number, (language, block) in enumerate(_BLOCK.findall(text), start=1):
        if language == "python":
            exec(compile(block, f"{name}.md, block {number}", "exec"), names)
        else:
            printed |= {line: _run(line) for line in block.splitlines() if line.strip()}
    return names, printed


def _run(line: str) -> str:
    from nh_platform.cli.app import app

    words = shlex.split(line, comments=True)
    assert words[:3] == ["uv", "run", "nh"], line
    result = CliRunner().invoke(app, words[3:], env={"NH_HOME": "", "COLUMNS": "200"})
    assert result.exit_code == 0, (line, result.output, result.stderr, result.exception)
    return result.output
