"""Options and lines that the commands of `nh review` share: who reviews, on which day, and what was saved.

Add here what two of them say in the same words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform.cli import console

if TYPE_CHECKING:
    from nh_platform.qc.reviews.review_saving import SavedReviews

ReviewerOption = Annotated[
    str, typer.Option(envvar="NH_REVIEWER", help="Who reviews, by the name that stands in the file.")
]
DateOption = Annotated[str | None, typer.Option(help="YYYY-MM-DD; today if none.", show_default=False)]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the change of the file, and write nothing.")]


def say_saved(saved: SavedReviews, source: str, *, dry_run: bool) -> None:
    """Print what was added, or the difference that it would make."""
    if dry_run:
        typer.echo(saved.diff, nl=False)
        console.say("nothing was written", to=console.err)
        return
    ids = ", ".join(review.id for review in saved.added)
    console.say(
        escape(
            f"{saved.reviews.file} holds {len(saved.reviews.reviews)} now; the new one is {ids}. {_next(saved, source)}"
        )
    )


def _next(saved: SavedReviews, source: str) -> str:
    """Return what to do next: a decision may change units and all that is made of them, words only the page."""
    if any(review.decision is not None for review in saved.added):
        return (
            f"`nh review list {source}` says which count; `nh materialize {source} --missing` makes what they change."
        )
    session = saved.reviews.session_id
    page = f"`nh materialize {source} {session} --asset session_report`"
    return f"It decides nothing: only the session's page tells it, once {page} makes that again."
