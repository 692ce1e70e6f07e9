"""`nh embed map`: the units of a session as a picture, those that fire alike near each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted


def map_(
    source: Annotated[str, typer.Argument(help="Source, for example ibl.")],
    session: Annotated[str, typer.Argument(help="Session id, or its first characters.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Picture to write: .svg, .png or .pdf.")
    ] = Path("map.svg"),
    method: Annotated[str, typer.Option(help="umap (needs the extra umap), or pca.")] = "umap",
) -> None:
    """Draw the units of a stored session by how they fire, coloured by region and by verdict.

    Session pages have the map by principal components. UMAP keeps neighbours together better, and places them otherwise
    on another processor: it is drawn here, and nothing that is stored has it.

    **Examples**

        nh embed map ibl aaf4b8ce --method pca

        nh embed map allen_vc 729067706 --output units.png   # by UMAP
    """
    console.require_known(source, [session])
    found = operations.map_units(home_folder(), source, session, output, method=method)  # type: ignore[arg-type]
    console.say(escape(f"{found.path}: {counted(found.n_units, 'unit')} of session {found.session_id}"))
