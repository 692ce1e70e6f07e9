"""How `nh` speaks: one console for people, tables that also come as CSV or JSON, and errors as sentences.

Add here what several commands print alike. What they print is each command's matter.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nh_platform.session import NhError

_PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe, where there is no terminal to ask."""

_IDENTIFIERS = ("session", "session_id", "unit_id", "insertion_id")
"""Columns that are never broken over lines, so that they can be copied."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
err = Console(stderr=True, highlight=False)


class Format(StrEnum):
    """Forms in which a table can be printed."""

    table = "table"
    csv = "csv"
    json = "json"


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: Format, title: str = "") -> None:
    """Print rows for a person (table) or for a program (csv, json), always with the same columns."""
    if form is Format.json:
        sys.stdout.write(json.dumps([{c: row.get(c) for c in columns} for row in rows], indent=1) + "\n")
        return
    if form is Format.csv:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(columns), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        sys.stdout.write(text.getvalue())
        return
    table = Table(title=title or None, title_justify="left")
    for column in columns:
        numeric = all(isinstance(row.get(column), int | float | None) for row in rows)
        whole = column in _IDENTIFIERS
        table.add_column(
            column.replace("_", " "), justify="right" if numeric else "left", overflow="fold", no_wrap=whole
        )
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    out.print(table)


def say(text: str) -> None:
    """Print a line for a person; a terminal wraps it, a file or pipe gets it whole."""
    out.print(text, soft_wrap=True)


def show_error(error: NhError) -> None:
    """Print an error: the thing, what was found, and the next step."""
    err.print(f"[bold red]error[/] [bold]{escape(error.thing)}[/]: {escape(error.found)}", soft_wrap=True)
    err.print(f"      {escape(error.action)}", soft_wrap=True)


def warn(problem: NhError) -> None:
    """Print what is left out while the others go on: the thing, and what was found."""
    err.print(f"[yellow]warning[/]: {escape(problem.thing)} {escape(problem.found)}; the others go on", soft_wrap=True)


def warn_of_broken_packages() -> None:
    """Print a warning for everything that an installed package brings and the platform cannot serve."""
    from nh_platform.assets.registry import package_problems

    for problem in package_problems():
        warn(problem)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return escape(str(value))
