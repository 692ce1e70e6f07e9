"""`nh review`: the group of its commands.

Add a command here by its module.
"""

from __future__ import annotations

import typer

from nh_platform.cli.review.adding import add
from nh_platform.cli.review.agreeing import agree, kappa
from nh_platform.cli.review.carrying import carry
from nh_platform.cli.review.exporting import export
from nh_platform.cli.review.importing import import_
from nh_platform.cli.review.listing import list_
from nh_platform.cli.review.merging import merge
from nh_platform.cli.review.serve import serve
from nh_platform.cli.review.showing import show

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="What people decide and ask about units, intervals and sessions.",
)

app.command("list")(list_)
app.command("import")(import_)
for _command in (add, agree, kappa, show, serve, merge, export, carry):
    app.command()(_command)
