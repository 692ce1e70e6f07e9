"""`nh review show`: the history of one unit, or a thread: who said what, when, why, and on which evidence.

Contains the command alone. What is gathered is `nh_platform.operations.reviewing.review_lookups`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import SessionArgument, SourceArgument
from nh_platform.home.folder import home_folder

if TYPE_CHECKING:
    from nh_platform.qc.reviews.review_model import Review


def show(
    source: SourceArgument,
    session: SessionArgument,
    thing: Annotated[str, typer.Argument(help="Unit id, the start of one, or PROBE/CLUSTER; or the id of a review.")],
) -> None:
    """Show every review of a unit in the order of their dates, what they come to, and what its reviewers were shown.

    With the id of a review, the thread that it is part of.

    **Examples**

        nh review show ibl aaf4 probe00/12

        nh review show ibl aaf4 r5f0c
    """
    console.require_known(source, [session])
    found = operations.review_history(home_folder(), source, session, thing)
    console.say(f"[bold]{escape(f'{source} {found.session_id}, {found.name}')}[/]", hanging=2)
    for review in found.reviews:
        _say_review(review)
    if not found.reviews:
        console.say("nobody reviewed it")
    alike: dict[str, list[str]] = {}
    for rulebook, outcome in found.outcomes.items():
        alike.setdefault(f"{outcome.state}: {outcome.text}", []).append(rulebook)
    for text, rulebooks in alike.items():
        console.say_beside(f"{', '.join(rulebooks)}:", text)


def _say_review(review: Review) -> None:
    """Print one review, a line for each part of it."""
    of_part = "" if review.interval is None else f"  {review.interval[0]:g}-{review.interval[1]:g} s"
    console.say(
        escape(f"{review.date}  {review.reviewer}  {review.decision or 'comment'}{of_part}  {review.id}"), hanging=2
    )
    console.say_beside("", review.words, indent=2)
    facts = [
        f"answers {review.answers}" if review.answers else "",
        "closes the thread" if review.closes else "",
        {True: "read blind", False: "had seen what others decided", None: ""}[review.blind],
        f"to {review.expiry}" if review.expiry else "",
        f"for {review.rulebook} alone" if review.rulebook else "",
        f"evidence {', '.join(review.evidence)}" if review.evidence else "",
    ]
    if any(facts):
        console.say_beside("", "; ".join(filter(None, facts)), indent=2)
    if review.shown is not None:
        for unit, rules in review.shown.rules.items():
            values = ", ".join(
                f"{rule} {'-' if value is None else value} {word}" for rule, (value, word) in rules.items()
            )
            version = f" in units {review.shown.units[:12]}" if review.shown.units else ""
            of_unit = f" of {unit}" if len(review.shown.rules) > 1 else ""
            console.say_beside(f"shown{of_unit}:", f"{values} ({review.shown.rulebook}{version})", indent=2)
