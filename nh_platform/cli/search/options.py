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
FreezeOption = Annotated[
    str,
    typer.Option(
        "--freeze", metavar="NAME", help="Only what a list names: 2023_12_bwm_release, one of yours, a CSV file."
    ),
]
SessionOption = Annotated[str, typer.Option("--session", help="Session id, or its first characters.")]
MinUnitsOption = Annotated[
    int, typer.Option("--min-units", help="Least number of units, of the region where one is given.")
]
