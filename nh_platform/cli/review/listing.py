"""`nh review list`: what was reviewed and asked, its state, and what waits for somebody.

Contains the command alone. Rows are made by `nh_platform.qc.reviews.listed_reviews`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SourceArgument
from nh_platform.home.folder import home_folder

if TYPE_CHECKING:
    from nh_platform.qc.reviews.listed_reviews import ListedReview

_COLUMNS = ("session_id", "kind", "about", "state", "decision", "reviewers", "ids", "text")
_COLOURS = {"counted": "green", "conflict": "red", "pending": "yellow", "open": "yellow"}
_TITLES = {
    "session": "whole sessions",
    "unit": "units",
    "interval": "intervals",
    "unit interval": "intervals of units",
    "question": "questions",
    "orphan": "orphans",
}


def list_(
    source: SourceArgument,
    session: Annotated[
        str | None, typer.Argument(help="Session id, or its first characters; all if none.", show_default=False)
    ] = None,
    questions: Annotated[bool, typer.Option("--open", help="Questions that wait for an answer.")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="Decisions that wait for a second reader.")] = False,
    conflicts: Annotated[bool, typer.Option("--conflicts", help="Things on which reviewers disagree.")] = False,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Reviews of units or sessions that are not there.")
    ] = False,
    mine: Annotated[
        str | None,
        typer.Option("--mine", metavar="NAME", help="Only what this reviewer took part in.", show_default=False),
    ] = None,
    day: Annotated[
        str | None,
        typer.Option(help="Day on which reviews count, YYYY-MM-DD; today if none.", show_default=False),
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """List what reviewers decided and asked in a source or a session, and what counts.

    States of decisions: `counted` (enough reviewers agree), `pending` (fewer than the quorum), `conflict` (they
    disagree; nothing is overridden), `expired` (none counts on that day), `withdrawn`. Of questions: `open`,
    `answered`, `closed`. Several of --open, --pending, --conflicts and --orphans show what is one of them. A file with
    a mistake is named by line, the others are listed, and the exit code is 1.

    **Examples**

        nh review list ibl

        nh review list ibl aaf4 --pending --conflicts

        nh review list ibl --open --mine ada

        nh review list ibl --day 2026-12-01 --format csv > reviews.csv
    """
    from nh_platform.qc.reviews.review_model import reviewer_name

    console.require_known(source, [session] if session else None)
    found = operations.list_reviews(home_folder(), source, session, day)
    states = {"open": questions, "pending": pending, "conflict": conflicts}
    mine = None if mine is None else reviewer_name(mine)
    wanted = {state for state, is_wanted in states.items() if is_wanted}
    rows = [
        row
        for row in found.rows
        if (not (wanted or orphans) or row.state in wanted or (orphans and row.kind == "orphan"))
        and (mine is None or mine in row.reviewers)
    ]
    if format_ is Format.table:
        _say_rows(rows)
        for kind, title in _TITLES.items():
            states_of = Counter(row.state for row in rows if row.kind == kind)
            counts = ", ".join(f"{number} {state}" for state, number in sorted(states_of.items()))
            if counts:
                console.say(f"{title}: {counts}")
        if not rows:
            console.say("no review is like that" if found.rows else f"nothing of {session or source} was reviewed")
        console.say(f"counted on {found.day}, quorum {found.quorum} of {found.rulebook}")
    else:
        fields = [{**vars(row), "reviewers": ", ".join(row.reviewers), "ids": ", ".join(row.ids)} for row in rows]
        console.print_rows(fields, _COLUMNS, format_)
    for mistake in found.mistakes:
        console.show_error(mistake)
    if found.mistakes:
        raise typer.Exit(1)


def _say_rows(rows: list[ListedReview]) -> None:
    """Print rows below the id of their session: state and thing on a line, below it the words and the ids."""
    session_id = ""
    for row in rows:
        if row.session_id != session_id:
            session_id = row.session_id
            console.say(f"[bold]{escape(session_id)}[/]")
        colour = _COLOURS.get(row.state, "dim" if row.state in ("expired", "withdrawn", "closed") else "default")
        console.say(f"  [{colour}]{row.state}[/]  {escape(row.about)}", hanging=4)
        console.say(f"    {escape(row.text)}", hanging=4)
        console.say(f"    [dim]{', '.join(row.ids)}[/]", hanging=4)
