"""Tables at a terminal's width: whole where they fit, turned where their rows are few, else cut at whole columns.

Contains how a table is shaped. What is printed, and in which form, is `nh_platform.cli.console`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_FEW_ROWS = 4
"""Rows up to which a table that is too wide is turned."""
_SHORT_TEXT = 12
"""Characters of a text up to which it is not broken over lines in a narrow table."""
_LONG_WORD = 32
"""Characters of a word up to which it is not broken, such as the name of a check."""
_ID_CHARACTERS = 12
"""Characters of an id in a narrow table: Allen's whole ids, of others as many as every command takes."""
_IDENTIFIERS = ("session", "session_id", "unit_id", "insertion_id", "pid", "eid")
"""Columns that are never broken over lines, so that they can be copied."""
_BESIDE_A_CELL = 3
"""Columns of the terminal that a column takes beside its longest cell: a line, and a space on both sides."""


def shaped(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], console: Console, title: str
) -> tuple[Table, list[str]]:
    """Return a table as it fits a terminal, and the columns that it has no room for.

    In a table that is wider than the terminal ids are shortened to what commands take. It is turned where its rows are
    few, a column for each row. Of more rows, names of columns stand over several lines, and the last columns that do
    not fit are left out: cut words cannot be read.
    """
    cells = {column: [_text(row.get(column)) for row in rows] for column in columns}
    widths = (max(cell_len(one) for one in (heading(column), *texts)) for column, texts in cells.items())
    if 1 + sum(width + _BESIDE_A_CELL for width in widths) <= console.width:
        is_broken = any("\n" in one for texts in cells.values() for one in texts)
        return _table(rows, columns, title) if is_broken else _unbroken(rows, cells, title), []
    short = _with_short_ids(rows, columns)
    if 0 < len(rows) <= _FEW_ROWS:
        return _turned(short, columns, title), []
    shown = _fitting(short, columns, console.width)
    return _table(short, shown, title, _widths(short, shown, console.width)), [
        column for column in columns if column not in shown
    ]


def _unbroken(rows: Sequence[Mapping[str, Any]], cells: Mapping[str, Sequence[str]], title: str) -> Table:
    """Return a table in which every row takes a line: rich draws a column at once, 700 rows in a fifth of the time."""
    table = Table(title=title or None, title_justify="left")
    for column in cells:
        table.add_column(heading(column), justify="right" if _is_numeric(rows, column) else "left", no_wrap=True)
    if rows:
        table.add_row(*(Text("\n".join(texts), no_wrap=True) for texts in cells.values()))
    return table


def _table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str, widths: Mapping[str, int] | None = None
) -> Table:
    """Return a table; one with ``widths`` breaks names of columns at words, and of its cells the long texts alone."""
    table = Table(title=title or None, title_justify="left")
    for column in columns:
        whole = column in _IDENTIFIERS or (widths is not None and _longest_cell(rows, column) <= _SHORT_TEXT)
        table.add_column(
            heading(column) if widths is None else heading(column).replace(" ", "\n"),
            justify="right" if _is_numeric(rows, column) else "left",
            overflow="fold",
            no_wrap=whole,
            width=None if widths is None else widths[column],
        )
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _fitting(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int) -> list[str]:
    """Return the first columns that stand beside each other in the terminal without a cut word; at least one."""
    left, shown = width - 1, list[str]()
    for column in columns:
        left -= _narrowest(rows, column) + _BESIDE_A_CELL
        if left < 0 and shown:
            break
        shown.append(column)
    return shown


def _widths(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], width: int) -> dict[str, int]:
    """Return the width of each column: none cuts a word, and what the terminal has beyond that goes to long texts.

    Given least widths alone, rich took a column too much of 80 and cut the last words of every line.
    """
    made = {column: _narrowest(rows, column) for column in columns}
    spare = width - 1 - sum(one + _BESIDE_A_CELL for one in made.values())
    while spare > 0 and (wanting := [one for one in columns if made[one] < _longest_cell(rows, one)]):
        for column in wanting:
            more = min(spare, max(1, spare // len(wanting)), _longest_cell(rows, column) - made[column])
            made[column] += more
            spare -= more
    return made


def _narrowest(rows: Sequence[Mapping[str, Any]], column: str) -> int:
    """Return the width below which words of a column would be cut: of its name, ids and short texts."""
    if column in _IDENTIFIERS:
        text = _longest_cell(rows, column)
    else:
        cells = [_cell(row.get(column)) for row in rows]
        words = max((len(word) for cell in cells for word in cell.split()), default=0)
        text = max(min(max(map(len, cells), default=0), _SHORT_TEXT), min(words, _LONG_WORD))
    return max(*map(len, heading(column).split(" ")), text)


def _longest_cell(rows: Sequence[Mapping[str, Any]], column: str) -> int:
    return max((len(_cell(row.get(column))) for row in rows), default=0)


def _with_short_ids(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows whose ids are cut to their first characters, where these tell all of them apart."""
    short = [dict(row) for row in rows]
    for column in set(_IDENTIFIERS).intersection(columns):
        ids = {_cell(row.get(column)) for row in rows}
        if len({one[:_ID_CHARACTERS] for one in ids}) == len(ids):
            for row in short:
                row[column] = _cell(row.get(column))[:_ID_CHARACTERS]
    return short


def _turned(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str) -> Table:
    """Return a table with a line for each of ``columns`` that has a value, and a column for each of ``rows``."""
    first, *others = columns
    table = Table(title=title or None, title_justify="left")
    table.add_column(heading(first))
    for row in rows:
        table.add_column(_cell(row.get(first)), overflow="fold")
    for column in (one for one in others if _longest_cell(rows, one)):
        table.add_row(heading(column), *(_cell(row.get(column)) for row in rows))
    return table


def heading(column: str) -> str:
    """Return the words of a column's name; the id of a definition, such as ``nh.waveform_type@1``, stays as it is."""
    return column if "@" in column else column.replace("_", " ")


def _is_numeric(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    return all(isinstance(row.get(column), int | float | None) for row in rows)


def _cell(value: Any) -> str:
    """Return the text of a value as rich's markup has it."""
    return escape(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)
