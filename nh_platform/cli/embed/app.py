"""`nh embed`: the group of its commands.

Add a command here by its module.
"""

from __future__ import annotations

import typer

from nh_platform.cli.embed.units import units

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Embeddings of units, stimulus images and populations (docs/embeddings.md).",
)

app.command()(units)


@app.callback()
def _group() -> None:
    """Make and compare embeddings of units, stimulus images and populations (docs/embeddings.md)."""
