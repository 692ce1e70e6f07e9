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

out = Console(highlight=False)
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
        table.add_column(column.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    out.print(table)


def show_error(error: NhError) -> None:
    """Print an error: the thing, what was found, and the next step."""
    err.print(f"[bold red]error[/] [bold]{escape(error.thing)}[/]: {escape(error.found)}")
    err.print(f"      {escape(error.action)}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return escape(str(value))
