"""`nh qc history`: how the checks of one session went over time, and by which rulebook.

Contains the command alone. What is listed is gathered by `nh_platform.operations.check_history`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SessionArgument, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

_COLUMNS = ("date", "rule", "rulebook", "outcome", "found", "run", "digest", "in_force")
_RUN_DIGITS = 8
"""Digits by which Dagster's page calls a run."""


def history(
    source: SourceArgument,
    session: SessionArgument,
    rule: Annotated[str | None, typer.Argument(help="Only the check of this rule.", show_default=False)] = None,
    format_: FormatOption = Format.table,
) -> None:
    """List every evaluation of a session's checks, the newest first: by which rulebook, outcome, run and date.

    What checks recorded under their earlier names, `<rulebook>__<rule>`, stands in the same list.

    **Examples**

        nh qc history ibl aaf4b8ce noise_cutoff

        nh qc history ibl aaf4b8ce --format csv > checks.csv
    """
    console.require_known(source, [session])
    found = operations.check_history(home_folder(), source, session, rule)
    rows = [
        {
            "date": f"{one.evaluated:%Y-%m-%d %H:%M}",
            "rule": one.rule,
            "rulebook": one.rulebook,
            "outcome": "passed" if one.passed else "warned",
            "found": one.found,
            "run": one.run_id if format_ is not Format.table else one.run_id[:_RUN_DIGITS],
            "digest": one.digest,
            "in_force": one.is_in_force,
        }
        for one in found
    ]
    if not rows and format_ is Format.table:
        console.say(f"{source} {session}: Dagster remembers no evaluation of a check of it.")
        return
    if format_ is not Format.table:
        console.print_rows(rows, _COLUMNS, format_)
        return
    for row in rows:  # no table: beside five columns what was found has 14 characters of a terminal of 80
        color = "green" if row["outcome"] == "passed" else "yellow"
        by = f"{row['rule']} by {row['rulebook']}" if row["rulebook"] else row["rule"]
        label = f"{row['date']}  [{color}]{row['outcome']}[/] "
        console.say_beside(label, f"{by}, run {row['run']}: {row['found']}")
    console.say(f"{counted(len(rows), 'evaluation')}, the newest first")
    last = {one.rule: one for one in reversed(found)}
    if others := sorted(name for name, one in last.items() if not one.is_in_force):
        console.say(
            f"Not judged yet by the rules in force: {', '.join(others)}. What is listed of them other rules found; "
            f"the sensor asks for the units again, `nh materialize {source} {session} --missing` makes them."
        )
