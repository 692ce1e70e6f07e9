"""`nh review agree` and `nh review kappa`: a second reader's decision, and how far reviewers agree.

Contains the commands alone. What agreement does is `nh_platform.operations.reviewing.review_entries`, Cohen's kappa
`nh_platform.qc.reviews.reviewer_agreement`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SessionArgument, SourceArgument
from nh_platform.cli.review.options import (
    DateOption,
    DryRunOption,
    ReviewerOption,
    say_saved,
)
from nh_platform.home.folder import home_folder


def agree(
    source: SourceArgument,
    session: SessionArgument,
    review: Annotated[str, typer.Argument(help="Id of the review, or the start of it, from `nh review list`.")],
    reviewer: ReviewerOption,
    disagree: Annotated[bool, typer.Option("--disagree", help="Decide the opposite.")] = False,
    reason: Annotated[
        str | None, typer.Option(help="Why; that of the review if none. Disagreeing needs one.", show_default=False)
    ] = None,
    blind: Annotated[bool, typer.Option("--blind", help="You had not seen what others decided.")] = False,
    date: DateOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Agree with a review, or disagree, as a second reader: the same thing is decided under another name.

    Two reviewers who name an interval by the same edges decide about the same thing; this takes those of the review.

    **Examples**

        nh review agree ibl aaf4 r5f0c --reviewer bea

        nh review agree ibl aaf4 r5f0c --reviewer bea --disagree --reason "one neuron that bursts"
    """
    console.require_known(source, [session])
    saved = operations.agree_with_review(
        home_folder(),
        source,
        session,
        review,
        reviewer,
        reason=reason,
        agrees=not disagree,
        blind=blind,
        date=date,
        dry_run=dry_run,
    )
    say_saved(saved, source, dry_run=dry_run)


def kappa(source: SourceArgument, format_: FormatOption = Format.table) -> None:
    """Show how far reviewers of a source agree: Cohen's kappa of every pair, over the units that both decided.

    Expired decisions count, since they were made; withdrawn ones and intervals do not. `blind` is the number of units
    of which both say that they had not seen what others decided. kappa is not defined where both always decided alike.
    A file with a mistake is named by line, the others are counted, and the exit code is 1.

    **Examples**

        nh review kappa ibl

        nh review kappa ibl --format csv > agreement.csv
    """
    console.require_known(source)
    table, mistakes = operations.review_agreement(home_folder(), source)
    rows = console.records(table)
    if format_ is Format.table:
        rows = rows[:-1] if len(rows) == 2 else rows  # of one pair, all pairs are the same again
        for row in rows:
            row["agreement"] = f"{100 * row['agreement']:.0f} %"
            row["kappa"] = "not defined" if row["kappa"] is None else f"{row['kappa']:.2f}"
    if rows or format_ is not Format.table:
        console.print_rows(rows, list(table.columns), format_, title=f"Agreement on units of {source}")
    else:
        console.say(f"no two reviewers decided on the same unit of {source}")
    for mistake in mistakes:
        console.show_error(mistake)
    if mistakes:
        raise typer.Exit(1)
