"""`nh cite`: what to cite, and what data may be used for."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.home.folder import home_folder


def cite(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE…", help="Sources, one or several.", show_default=False)
    ] = None,
    training_set: Annotated[
        str, typer.Option("--training-set", metavar="NAME", help="A training set, by id or id@number.")
    ] = "",
    format_: Annotated[str, typer.Option("--format", help="text, bibtex or markdown.")] = "text",
) -> None:
    """Say what to cite for data sets or a training set, and the terms of use.

    That is the works of each data set, those of the rulebook that judges its units, and this platform. Nothing need be
    synced for it.

    **Examples**

        nh cite ibl allen_vc

        nh cite allen_vbn --format bibtex > references.bib

        nh cite --training-set demo --format markdown
    """
    from nh_platform.exports.citations import formatted

    parts = operations.cite(home_folder(), sources or (), training_set=training_set)
    typer.echo(formatted(parts, format_))
