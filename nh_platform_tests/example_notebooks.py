"""Notebooks of docs/examples made from their pages: ``python -m nh_platform_tests.example_notebooks [--check]``.

Contains the writer and what their first cell installs. A page that gets a notebook is named in `PAGES`; no notebook
is edited by hand.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
NOTEBOOKS = EXAMPLES / "notebooks"
ON_THE_DEMO = ("ibl-hands-on", "visual-behavior", "stimulus-hdf5")
ON_A_DEPLOYMENT = ("another-machine",)
PAGES = (*ON_THE_DEMO, *ON_A_DEPLOYMENT)
INSTALLS = "install"
"""Tag of the cell that installs: who runs a notebook where all is installed leaves it out."""

_BLOCK = re.compile(r"```(python|bash)\n(.*?)```\n?", flags=re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)]+)\)")
_INSTALL = """\
# Needs pip alone, and takes a few minutes once. The notebook lies in docs/examples/notebooks of a checkout.
from pathlib import Path

CHECKOUT = Path("../../..").resolve()
%pip install --quiet --no-deps {locks}
%pip install --quiet --no-deps {{CHECKOUT}}
"""
_DEMO = "!nh demo --folder data/demo\n"


def notebook_of(name: str) -> str:
    """Return a page as a notebook (nbformat 4.5): its words as Markdown, its blocks as code without outputs."""
    text = (EXAMPLES / f"{name}.md").read_text(encoding="utf-8")
    locks = ("requirements", *(["requirements-deploy"] if name in ON_A_DEPLOYMENT else []))
    lines = _INSTALL.format(locks=" ".join(f"-r {{CHECKOUT}}/{one}.lock" for one in locks))
    install = _cell("code", lines + (_DEMO if name in ON_THE_DEMO else ""))
    install["metadata"] = {"tags": [INSTALLS]}
    cells, at = [install], 0
    for block in _BLOCK.finditer(text):
        cells.append(_cell("markdown", text[at : block.start()]))
        language, code = block.groups()
        cells.append(_cell("code", code if language == "python" else _commands(code)))
        at = block.end()
    cells.append(_cell("markdown", text[at:]))
    kept = [cell for cell in cells if "".join(cell["source"]).strip()]
    kept = [kept[1], kept[0], *kept[2:]]  # the title stands before the cell that installs
    for number, cell in enumerate(kept):
        cell["id"] = f"cell-{number}"
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    stated = {"cells": kept, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(stated, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _cell(kind: str, text: str) -> dict[str, Any]:
    text = text.strip("\n")
    if kind == "markdown":
        text = _LINK.sub(lambda link: f"](../{link[1]})", text)
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _commands(block: str) -> str:
    """Return shell lines as a notebook runs them, where pip has installed `nh` itself."""
    return "\n".join(f"!{line.removeprefix('uv run ')}" for line in block.splitlines() if line.strip())


def main(arguments: list[str]) -> int:
    """Write every notebook, or with ``--check`` say which are not those of their pages."""
    old = []
    for name in PAGES:
        path, made = NOTEBOOKS / f"{name}.ipynb", notebook_of(name)
        if not path.exists() or path.read_text(encoding="utf-8") != made:
            old.append(name)
            if "--check" not in arguments:
                NOTEBOOKS.mkdir(exist_ok=True)
                path.write_text(made, encoding="utf-8")
    if "--check" in arguments and old:
        print(f"notebooks that are not those of their pages: {', '.join(old)}; run this without --check")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
