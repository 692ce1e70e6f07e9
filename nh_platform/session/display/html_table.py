"""Small HTML tables, in which every text is escaped: names come from files of other people.

Add here another form in which a notebook shows something. What is shown of an object stands at the object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

SHOWN_ROWS = 20
"""Most rows of a table; how many follow is said."""


def html_facts(caption: str, facts: Mapping[str, object]) -> str:
    """Return a table with one fact per row.

    Examples
    --------
    >>> html_facts("a <b>", {"units": 3})
    '<table><caption>a &lt;b&gt;</caption><tr><th>units</th><td>3</td></tr></table>'
    """
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts.items())
    return f"<table><caption>{escape(caption)}</caption>{rows}</table>"


def html_rows(caption: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table with a head; of more than `SHOWN_ROWS` rows the first ones, and how many follow."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    shown = ["".join(f"<td>{escape(str(value))}</td>" for value in row) for row in rows[:SHOWN_ROWS]]
    if len(rows) > SHOWN_ROWS:
        shown.append(f'<td colspan="{len(columns)}">… and {len(rows) - SHOWN_ROWS} more</td>')
    body = "".join(f"<tr>{row}</tr>" for row in shown)
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"
