"""Console of `nh`: output for people, tables that also come as CSV or JSON, and errors as sentences.

Add here what several commands print alike. What they print is each command's matter.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from nh_platform.cli.terminal.invocation import with_home
from nh_platform.cli.terminal.tables import heading, shaped
from nh_platform.cli.terminal.wrapping import wrapped
from nh_platform.session import ConfigError, NhError

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import TaskID

    from nh_platform.operations.opened_home import OnProgress, Progress

_PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe, where there is no terminal to ask."""

_UNWRAPPED_WIDTH = 1000
"""Columns of a table that is never wrapped."""

_DRAWN_PER_S = 2
"""How often bars are drawn anew; at rich's own 10 they take 5 % of a core for as long as a command runs."""

_TIMES_WIDTH, _TRANSFER_WIDTH = 38, 66
"""Columns of bar and times (and of transferred bytes). What is worked on has the rest of the line: longer, it squeezed
these to `f… 44… 0…`."""

_SHORTEST_ENDING = 12

_ENDS = {"done": "[green]done[/]", "failed": "[red]failed[/]"}

_IDENTIFIERS = ("session", "session_id", "unit_id", "insertion_id", "channel_id", "pid", "eid")
"""Columns that are never broken over lines, so that they can be copied."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
err = Console(stderr=True, highlight=False)


class Format(StrEnum):
    """Forms in which a table can be printed."""

    table = "table"
    csv = "csv"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="Form of the output.")]
SourceArgument = Annotated[str, typer.Argument(help="Source: ibl, allen_vc, allen_vbn or one of sources.yaml.")]
SessionArgument = Annotated[str, typer.Argument(help="Session id, or its first characters.")]


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: Format, title: str = "") -> None:
    """Print rows for a program (csv, json) with all columns, or for a person as a table that fits the terminal."""
    if form is Format.json:
        sys.stdout.write(json.dumps([{c: row.get(c) for c in columns} for row in rows], indent=1) + "\n")
        return
    if form is Format.csv:
        writer = csv.DictWriter(sys.stdout, list(columns), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return
    table, left_out = shaped(rows, columns, out, title)
    out.print(table)
    if left_out:
        say(f"not shown, a wider terminal has it: {', '.join(heading(column) for column in left_out)}")


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
            counts = 2 * max(len(f"{task.total or 0:.0f}") for task in shown.tasks) + 1
            taken = max(map(len, tasks)) + (_TRANSFER_WIDTH if in_bytes else _TIMES_WIDTH + counts)
            room = err.width - taken
            shown.update(tasks[step.what], total=step.total, completed=step.done, now=escape(_ending(step.now, room)))
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


def _ending(text: str, width: int) -> str:
    """Return the end of a text that is too long: of a path it says more than the beginning."""
    width = max(width, _SHORTEST_ENDING)
    return text if len(text) <= width else f"…{text[1 - width :]}"


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as they are printed; a missing value is None, a whole number no float."""
    whole = {name for name in table if table[name].dtype == "float64" and (table[name].dropna() % 1 == 0).all()}
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    for row in rows:
        row.update({name: int(row[name]) for name in whole if row[name] is not None})
    return rows


def first_of_list(text: str, shown: int) -> str:
    """Return the first names of a comma-separated list, and how many more there are."""
    names = [name for name in text.split(", ") if name]
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" +{more}" if more > 0 else "")


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
    from nh_platform.store import Store

    settings = load_settings()
    settings.entry(source)
    if sessions:
        require_registered(Store(settings.store), source, sessions)


def require_stored(source: str, sessions: Sequence[str] | None = None) -> None:
    """Refuse an unknown source, and sessions of which the store holds nothing, before anything heavy is loaded.

    Raises
    ------
    ConfigError
        If there is no such source, or the settings cannot be used.
    UnknownSession
        If one of the sessions is not stored.
    """
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.upkeep.stored_sessions import stored_session
    from nh_platform.store import Store

    settings = load_settings()
    settings.entry(source)
    store = Store(settings.store)
    for session in sessions or ():
        stored_session(store, source, session)


def say_notes(notes: Iterable[str]) -> None:
    """Print what a reader should know of a result beside it, on the error output, each note in one line."""
    for note in notes:
        err.print(note, markup=False, soft_wrap=True)


def say(text: str, *, hanging: int = 0, to: Console | None = None) -> None:
    """Print lines for a person: a terminal gets them broken between words, a file or pipe whole.

    Parameters
    ----------
    text
        The text, which may have markup.
    hanging
        Columns before each line but the first.
    to
        Where to print it; the output where None.
    """
    console = to or out
    said = Text.from_markup(with_home(text))
    for line in wrapped(said, console.width, hanging=hanging) if console.is_terminal else [said]:
        console.print(line, soft_wrap=True)


def say_beside(label: str, text: str, *, indent: int = 0) -> None:
    """Print a text beside a label: a terminal gets it broken between words below itself, a file or pipe in one line.

    Parameters
    ----------
    label
        The label, which may have markup; empty for none.
    text
        The text, printed as it is.
    indent
        Columns before the label.
    """
    before = f"{' ' * indent}{label}{' ' if label else ''}"
    say(f"{before}{escape(text)}", hanging=Text.from_markup(before).cell_len)


def show_error(error: NhError) -> None:
    """Print an error: the thing, what was found, and the next step."""
    say(f"[bold red]error[/] [bold]{escape(error.thing)}[/]: {escape(error.found)}", hanging=6, to=err)
    say(f"      {escape(error.action)}", hanging=6, to=err)


def warn(problem: NhError) -> None:
    """Print what is left out while the others go on: the thing, and what was found."""
    say(f"[yellow]warning[/]: {escape(problem.thing)} {escape(problem.found)}; the others go on", hanging=9, to=err)


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
