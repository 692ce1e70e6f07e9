"""Options by which every search asks for the same thing in the same words."""

from __future__ import annotations

from typing import Annotated

import typer

SourceFilter = Annotated[str | None, typer.Option("--source", help="Only this source.", show_default=False)]
RegionOption = Annotated[
    str,
    typer.Option("--region", help="Acronym of the Allen CCF, Beryl or Cosmos with all below it, or V1, LM, LGN, …"),
]
SubjectOption = Annotated[str, typer.Option("--subject", help="Part of the subject's name.")]
LabOption = Annotated[str, typer.Option("--lab", help="Part of the lab's name.")]
LimitOption = Annotated[int, typer.Option("--limit", help="At most this many; 0 for all.")]
