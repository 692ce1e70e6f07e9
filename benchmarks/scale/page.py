"""The page on what a release costs: tables between marks of ``docs/scale.md``, prose around them.

Contains which table stands at which mark. Add a mark to the page and its table here together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT
from benchmarks.scale import measured_tables
from benchmarks.scale.assumed import Assumed
from benchmarks.scale.results import coefficients
from benchmarks.scale.tables import amounts_table, bills_table, machines_table, prices_table, sessions_table

PAGE = ROOT / "docs" / "scale.md"
_MARKED = re.compile(r"(<!-- made by `python -m benchmarks\.scale`: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def tables(results: Mapping[str, Any], assumed: Assumed) -> dict[str, str]:
    """Return the tables by the names of their marks."""
    by_source, every = coefficients(results, assumed.releases)
    made: dict[str, Callable[[], str]] = {
        "machines": lambda: machines_table(assumed, by_source, every),
        "session": lambda: sessions_table(assumed, by_source),
        "amounts": lambda: amounts_table(assumed, by_source),
        "bills": lambda: bills_table(assumed, by_source),
        "prices": lambda: prices_table(assumed),
        "rehearsal": lambda: measured_tables.rehearsal(results, "rehearsal"),
        "full": lambda: measured_tables.rehearsal(results, "full"),
        "pages": lambda: measured_tables.pages(results),
        "workers": lambda: measured_tables.workers(results),
        "requests": lambda: measured_tables.requests(results),
    }
    return {name: make() for name, make in made.items()}


def filled(text: str, made: Mapping[str, str]) -> str:
    """Return the text of the page with every table at its mark.

    Raises
    ------
    ValueError
        If the page lacks the mark of a table, or has one of no table.
    """
    there = {found.group(2) for found in _MARKED.finditer(text)}
    if there != set(made):
        raise ValueError(f"marks of the page and tables differ: {', '.join(sorted(there ^ set(made)))}")
    return _MARKED.sub(lambda found: f"{found.group(1)}\n{made[found.group(2)]}\n\n{found.group(3)}", text)


def write_page(results: Mapping[str, Any], assumed: Assumed, path: Path = PAGE, *, of: Path = PAGE) -> None:
    """Write the page with its tables made anew; the prose is that of ``of``."""
    path.write_text(filled(of.read_text(encoding="utf-8"), tables(results, assumed)), encoding="utf-8")
