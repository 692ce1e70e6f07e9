"""Console of `nh`: output for people, tables that also come as CSV or JSON, and errors as sentences.

Add here what several commands print alike. What they print is each command's matter.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from nh_platform.cli.terminal.invocation import with_home
from nh_platform.session import ConfigError, NhError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from nh_platform.operations.opened_home import OnProgress, Progress

_PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe, where there is no terminal to ask."""

_FEW_ROWS = 4
"""Rows up to which a table that is too wide is turned."""
_SHORT_TEXT = 12
"""Characters of a text up to which it is not broken over lines in a narrow table."""
_ID_CHARACTERS = 12
"""Characters of an id in a narrow table: Allen's whole ids, of others as many as every command takes."""
_UNWRAPPED_WIDTH = 1000
"""Columns of a table that is never wrapped."""

_DRAWN_PER_S = 2
"""How often bars are drawn anew; at rich's own 10 they take 5 % of a core for as long as a command runs."""

_ENDS = {"done": "[green]done[/]", "failed": "[red]failed[/]"}

_IDENTIFIERS = ("session", "session_id", "unit_id", "insertion_id")
"""Columns that are never broken over lines, so that they can be copied."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
err = Console(stderr=True, highlight=False)


class Format(StrEnum):
    """Forms in which a table can be printed."""

    table = "table"
    csv = "csv"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="Form of the output.")]


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: Format, title: str = "") -> None:
    """Print rows for a person (table) or for a program (csv, json), always with the same columns.

    In a table that is wider than the terminal ids are shortened to what commands take. It is turned where its rows are
    few, a column for each row. Of more rows, names of columns stand over several lines, and the last columns that do
    not fit are named below: cut words cannot be read.
    """
    if form is Format.json:
        sys.stdout.write(json.dumps([{c: row.get(c) for c in columns} for row in rows], indent=1) + "\n")
        return
    if form is Format.csv:
        writer = csv.DictWriter(sys.stdout, list(columns), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return
    table = _table(rows, columns, title)
    if Measurement.get(out, out.options.update(max_width=_UNWRAPPED_WIDTH), table).maximum <= out.width:
        out.print(table)
    elif 0 < len(rows) <= _FEW_ROWS:
        out.print(_turned(_with_short_ids(rows, columns), columns, title))
    else:
        short = _with_short_ids(rows, columns)
        shown = _fitting(short, columns)
        out.print(_table(short, shown, title, narrow=True))
        if others := ", ".join(column.replace("_", " ") for column in columns if column not in shown):
            say(f"not shown, a wider terminal has it: {others}")


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str, *, narrow: bool = False) -> Table:
    """Return a table; a ``narrow`` one breaks the names of columns at words, and of its cells the long texts alone."""
    table = Table(title=title or None, title_justify="left")
    for column in columns:
        numeric = all(isinstance(row.get(column), int | float | None) for row in rows)
        whole = column in _IDENTIFIERS or (narrow and _longest_cell(rows, column) <= _SHORT_TEXT)
        table.add_column(
            column.replace("_", "\n" if narrow else " "),
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=whole,
            min_width=_narrowest(rows, column) if narrow else None,
        )
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _fitting(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Return the first columns that stand beside each other in the terminal without a cut word; at least one."""
    left, shown = out.width - 1, list[str]()
    for column in columns:
        left -= _narrowest(rows, column) + 3
        if left < 0 and shown:
            break
        shown.append(column)
    return shown


def _narrowest(rows: Sequence[Mapping[str, Any]], column: str) -> int:
    """Return the width below which words of a column would be cut: of its name, ids and short texts."""
    longest = _longest_cell(rows, column)
    return max(*map(len, column.split("_")), longest if column in _IDENTIFIERS else min(longest, _SHORT_TEXT))


def _longest_cell(rows: Sequence[Mapping[str, Any]], column: str) -> int:
    return max((len(_cell(row.get(column))) for row in rows), default=0)


def _with_short_ids(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows whose ids are cut to their first characters, where these tell all of them apart."""
    short = [dict(row) for row in rows]
    for column in set(_IDENTIFIERS).intersection(columns):
        ids = {str(row.get(column)) for row in rows}
        if len({one[:_ID_CHARACTERS] for one in ids}) == len(ids):
            for row in short:
                row[column] = str(row[column])[:_ID_CHARACTERS]
    return short


def _turned(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str) -> Table:
    """Return a table with a line for each of ``columns`` and a column for each of ``rows``, named by the first."""
    first, *others = columns
    table = Table(title=title or None, title_justify="left")
    table.add_column(first.replace("_", " "))
    for row in rows:
        table.add_column(_cell(row.get(first)), overflow="fold")
    for column in others:
        table.add_row(column.replace("_", " "), *(_cell(row.get(column)) for row in rows))
    return table


def print_table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    """Print rows for a person, with the columns of the first; nothing where there are none."""
    if rows:
        print_rows(rows, list(rows[0]), Format.table, title)


def print_aligned(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows in columns without lines, the first to the left and the others to the right; nothing is wrapped."""
    table = Table(box=None, pad_edge=False, header_style="")
    for column in rows[0]:
        table.add_column(column, justify="right" if table.columns else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row.values()))
    out.print(table, width=_UNWRAPPED_WIDTH, crop=False)


@contextmanager
def progress(*, in_bytes: bool = False) -> Iterator[OnProgress]:
    """Show how far an operation is, a bar for each piece of its work that is in progress, while the context is open.

    A piece that ended is printed once, above the bars, and drawn no more: with a bar for each of 100 sessions drawing
    took 17 CPU s of 53 s, and the one that ran was below the screen.
    """
    from rich import progress as bars

    shown_as = ("{task.description}", bars.BarColumn(bar_width=24))
    counted = (bars.MofNCompleteColumn(), bars.TimeElapsedColumn())
    transferred = (bars.DownloadColumn(), bars.TransferSpeedColumn(), bars.TimeRemainingColumn())
    columns = (*shown_as, *(transferred if in_bytes else counted), "{task.fields[now]}")
    shown = bars.Progress(bars.SpinnerColumn(), *columns, console=err, refresh_per_second=_DRAWN_PER_S)
    tasks: dict[str, TaskID] = {}
    is_begun = False

    def on_progress(step: Progress) -> None:
        nonlocal is_begun
        if not is_begun:
            is_begun = True
            shown.start()
        if step.what not in tasks:
            tasks[step.what] = shown.add_task(step.what, total=step.total, now="")
        if step.now not in _ENDS:
            shown.update(tasks[step.what], completed=step.done, now=escape(step.now))
            return
        ended = tasks.pop(step.what)
        took = timedelta(seconds=int(next(task.elapsed or 0 for task in shown.tasks if task.id == ended)))
        shown.remove_task(ended)
        err.print(f"  {step.what}  {step.done}/{step.total}  {took}  {_ENDS[step.now]}")

    try:
        yield on_progress
    finally:
        if is_begun:
            shown.stop()


def require_one_choice(command: str, session: Sequence[str] | None, all_: bool, missing: bool) -> None:
    """Check that sessions, ``--all`` or ``--missing`` were given, and only one of them.

    Raises
    ------
    ConfigError
        If not.
    """
    if sum([bool(session), all_, missing]) != 1:
        raise ConfigError(command, "it needs session ids, --all or --missing, and only one of them", "See --help.")


def require_known(source: str, sessions: Sequence[str] | None = None) -> None:
    """Refuse an unknown source, and sessions of which none is registered, before anything heavy is loaded.

    Raises
    ------
    ConfigError
        If there is no such source, or the settings cannot be used.
    UnknownSession
        If none of the sessions is registered.
    """
    from nh_platform.history.registered_ids import require_registered
    from nh_platform.home.settings import load_settings
    from nh_platform.sources.registry import source_entry
    from nh_platform.store import Store

    source_entry(source)
    if sessions:
        require_registered(Store(load_settings().store), source, sessions)


def say(text: str) -> None:
    """Print a line for a person; a terminal wraps it, a file or pipe gets it whole."""
    out.print(with_home(text), soft_wrap=True)


def say_beside(label: str, text: str, *, indent: int = 0) -> None:
    """Print a text beside a label: a terminal wraps it at words below itself, a file or pipe gets it in one line.

    Parameters
    ----------
    label
        The label, which may have markup; empty for none.
    text
        The text, printed as it is.
    indent
        Columns before the label.
    """
    if not out.is_terminal or not text:
        out.print(f"{' ' * indent}{label}{' ' if label else ''}{escape(with_home(text))}", soft_wrap=True)
        return
    block = Table.grid(padding=(0, 1, 0, 0))
    if label:
        block.add_column(no_wrap=True)
    block.add_column(overflow="fold")
    block.add_row(*([label] if label else []), escape(with_home(text)))
    out.print(Padding.indent(block, indent))


def show_error(error: NhError) -> None:
    """Print an error: the thing, what was found, and the next step."""
    err.print(f"[bold red]error[/] [bold]{escape(error.thing)}[/]: {escape(error.found)}", soft_wrap=True)
    err.print(f"      {escape(with_home(error.action))}", soft_wrap=True)


def warn(problem: NhError) -> None:
    """Print what is left out while the others go on: the thing, and what was found."""
    err.print(
        f"[yellow]warning[/]: {escape(problem.thing)} {escape(with_home(problem.found))}; the others go on",
        soft_wrap=True,
    )


def warn_of_broken_packages() -> None:
    """Print a warning for everything that an installed package brings and the platform cannot serve.

    Where no package brings anything, nothing is loaded: pandas alone, which the assets need, takes 0.7 s.
    """
    from nh_platform.session.installed import others_bring_anything

    if not others_bring_anything():
        return
    from nh_platform.assets.registry import package_problems

    for problem in package_problems():
        warn(problem)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return escape(str(value))
