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
            f"{saved.reviews.file} holds {len(saved.reviews.reviews)} now; the new one is {ids}. `nh review list "
            f"{source}` says which count; `nh materialize {source} --missing` makes what they change."
        )
    )
