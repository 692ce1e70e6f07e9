"""`nh embed`: embeddings of units, stimulus images and populations.

Add a command here in a module of its own. What embeddings are is docs/embeddings.md.
"""

from __future__ import annotations

import typer

from nh_platform.cli.embed.compare import compare
from nh_platform.cli.embed.images import images
from nh_platform.cli.embed.map import map_
from nh_platform.cli.embed.population import population
from nh_platform.cli.embed.units import units

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Embeddings of units, stimulus images and populations (docs/embeddings.md).",
)

app.command()(units)
app.command()(images)
app.command()(population)
app.command("map")(map_)
app.command()(compare)


@app.callback()
def _group() -> None:
    """Make and compare embeddings of units, stimulus images and populations (docs/embeddings.md)."""
