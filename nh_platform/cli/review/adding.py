"""`nh review add`: one decision, withdrawal, question or answer, added to the review file of a session.

Contains the command alone. What it may say is `nh_platform.qc.reviews.review_model`, adding it is
`nh_platform.operations.reviewing`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import SessionArgument, SourceArgument
from nh_platform.cli.review.options import (
    DateOption,
    DryRunOption,
    ReviewerOption,
    say_saved,
)
from nh_platform.home.folder import home_folder


def add(
    source: SourceArgument,
    session: SessionArgument,
    reviewer: ReviewerOption,
    unit: Annotated[
        list[str] | None,
        typer.Option(help="Unit id, the start of one, or PROBE/CLUSTER; may be repeated.", show_default=False),
    ] = None,
    interval: Annotated[
        tuple[float, float] | None,
        typer.Option(help="START STOP in seconds; with --unit, of that unit alone.", show_default=False),
    ] = None,
    scope: Annotated[str | None, typer.Option(help="Probe of an interval; all if none.", show_default=False)] = None,
    whole_session: Annotated[
        bool, typer.Option("--whole-session", help="The session as a whole: `fail` sets it aside.")
    ] = False,
    decision: Annotated[
        str | None,
        typer.Option(help="pass, fail, or withdrawn for an earlier one of your own.", show_default=False),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in a sentence.", show_default=False)] = None,
    comment: Annotated[
        str | None, typer.Option(help="Question or comment, in place of a decision.", show_default=False)
    ] = None,
    answers: Annotated[
        str | None, typer.Option(help="Id of the review that it answers, or the start of it.", show_default=False)
    ] = None,
    closes: Annotated[bool, typer.Option("--closes", help="The thread needs no other answer.")] = False,
    blind: Annotated[
        bool | None,
        typer.Option("--blind/--not-blind", help="Whether you had not seen what others decided.", show_default=False),
    ] = None,
    date: DateOption = None,
    expiry: Annotated[str | None, typer.Option(help="Last day that it counts.", show_default=False)] = None,
    evidence: Annotated[
        list[str] | None, typer.Option(help="A file that shows it; may be repeated.", show_default=False)
    ] = None,
    rulebook: Annotated[str | None, typer.Option(help="Counts for this rulebook alone.", show_default=False)] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Add a review to the file of a session: a decision, its withdrawal, or a question or answer without one.

    It is about units, an interval of all probes or of one, an interval of one unit, or the whole session. A decision
    counts once as many reviewers agree as the active rulebook asks for; `nh review list` says which do. What cannot be
    read back is refused in words, and the file stays as it was. A decision on units keeps the values and verdicts that
    are stored of them.

    **Examples**

        nh review add ibl aaf4 --unit probe00/12 --decision fail --reviewer ada --reason "two neurons"

        nh review add ibl aaf4 --interval 812 845.5 --scope probe00 --decision fail --reviewer ada --reason "drift"

        nh review add ibl aaf4 --unit probe00/12 --interval 0 300 --decision fail --reviewer ada --reason "drifts in"

        nh review add ibl aaf4 --whole-session --decision fail --reviewer ada --reason "seizures" --dry-run

        nh review add ibl aaf4 --unit probe00/12 --reviewer ada --comment "an axon?"

        nh review add ibl aaf4 --answers r5f0c --closes --reviewer bea --comment "yes, by its waveform"
    """
    console.require_known(source, [session])
    units = unit or []
    saved = operations.add_review(
        home_folder(),
        source,
        session,
        {
            "unit": units[0] if len(units) == 1 else None,
            "units": units if len(units) > 1 else None,
            "interval": interval,
            "scope": scope,
            "whole_session": whole_session or None,
            "decision": decision,
            "reason": reason,
            "comment": comment,
            "reviewer": reviewer,
            "date": date,
            "evidence": evidence or None,
            "expiry": expiry,
            "rulebook": rulebook,
            "answers": answers,
            "closes": closes or None,
            "blind": blind,
        },
        dry_run=dry_run,
    )
    say_saved(saved, source, dry_run=dry_run)
