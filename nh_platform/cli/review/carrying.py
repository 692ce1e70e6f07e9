"""`nh review carry`: reviews after a re-sort, matched by spikes, proposed and agreed with.

Contains the command alone. What it does is `nh_platform.operations.reviewing.review_carrying`.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import SessionArgument, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

_ID_CHARACTERS = 13
"""Of a unit id that a person reads: a uuid up to its second hyphen."""


def carry(
    source: SourceArgument,
    session: SessionArgument,
    agree_as: Annotated[
        str | None, typer.Option(help="Reviewer who agrees with what is proposed.", show_default=False)
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(help="Agree for this unit of today alone; may be repeated.", show_default=False),
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why; the reasons of the proposed reviews if none.", show_default=False)
    ] = "",
    matched: Annotated[bool, typer.Option("--matched", help="Also list the units whose reviews count on.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and write nothing.")] = False,
    form: console.FormatOption = console.Format.table,
) -> None:
    """Say where the reviewed spikes of a session are after it was sorted again.

    When a unit is reviewed, a stretch of its spikes is kept beside the reviews. After a re-sort every reviewed train
    is compared with the units of its probe (spikes within 0.4 ms; matches / (n1 + n2 - matches), as SpikeInterface
    does):

    `same`: id and train stayed (0.95 or more), the review counts on. `proposed`: another unit has most of the train
    (0.5 or more), or the unit has changed; the review is offered for it and counts for nothing until a reviewer
    agrees. `orphan`: no unit has most of it.

    Who agrees (`--agree-as`) adds a review of his own about the unit of today; the quorum is counted as ever. Reviewed
    units of which no spikes are kept yet, as after an entry by hand, are remembered as they are now.

    **Examples**

        nh review carry ibl aaf4

        nh review carry ibl aaf4 --agree-as ada --unit probe00/12 --dry-run
    """
    done = operations.carry_reviews(
        home_folder(), source, session, agree_as=agree_as, units=unit or (), reason=reason, dry_run=dry_run
    )
    rows = [
        {
            "state": one.standing,
            "reviewed unit": one.reviewed_unit,
            "probe": one.probe,
            "unit now": one.unit or "-",
            "agreement": f"{one.agreement:.2f}",
            "decision": one.decision,
            "reviewer": one.review.reviewer,
            "review": one.review.id,
            "agreed": ", ".join(one.taken_up_by) or "-",
        }
        for one in done.reviews
    ]
    if matched:
        rows = [
            {
                "state": one.standing,
                "reviewed unit": one.fingerprint.unit,
                "probe": one.fingerprint.probe,
                "unit now": one.unit,
                "agreement": f"{one.agreement:.2f}",
                "decision": "-",
                "reviewer": "-",
                "review": ", ".join(one.fingerprint.reviews),
                "agreed": "-",
            }
            for one in done.matched
            if one.standing == "same"
        ] + rows
    if form is console.Format.table:  # commands take the first characters of an id
        rows = [row | {name: str(row[name])[:_ID_CHARACTERS] for name in ("reviewed unit", "unit now")} for row in rows]
    columns = ("state", "reviewed unit", "unit now", "agreement", "decision", "reviewer", "review", "agreed", "probe")
    if rows or form is not console.Format.table:
        console.print_rows(rows, columns, form)
    if form is not console.Format.table:
        return
    states = Counter(one.standing for one in done.matched)
    console.say(
        f"reviewed trains of {escape(done.session_id)}: {states['same']} same, {states['proposed']} proposed, "
        f"{counted(states['orphan'], 'orphan')}"
    )
    if done.untied:
        console.say(escape(f"reviewed, not in the session, and nothing of their spikes kept: {', '.join(done.untied)}"))
    if done.remembered:
        would = "would be " if dry_run else ""
        console.say(f"spikes of {counted(done.remembered, 'reviewed unit')} {would}kept now, since none were")
    if agree_as is not None and not done.agreed:
        console.say(escape(f"nothing is proposed that {agree_as} has not agreed with"))
    elif dry_run and done.diff:
        typer.echo(done.diff, nl=False)
    elif done.agreed:
        console.say(
            escape(
                f"{agree_as} agreed for {', '.join(done.agreed)}; `nh materialize {source} {done.session_id} "
                "--missing` makes what changes"
            )
        )
    if dry_run:
        console.say("nothing was written", to=console.err)
