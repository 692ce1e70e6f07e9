"""`nh export`: the group of its commands.

Add a command here by its module.
"""

from __future__ import annotations

import typer

from nh_platform.cli.exports.stimulus import pictures, stimulus

app = typer.Typer(no_args_is_help=True, help="Writes what the store holds in layouts that other tools read.")

for _command in (stimulus, pictures):
    app.command()(_command)
