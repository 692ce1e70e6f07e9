"""`nh probes view`: found insertions in the brain, as a page in one file and as points for brainrender."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.search.options import (
    FreezeOption,
    LabOption,
    MinUnitsOption,
    RegionOption,
    SessionOption,
    SourceFilter,
    SubjectOption,
)
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted


def view(
    source: SourceFilter = None,
    region: RegionOption = "",
    freeze: FreezeOption = "",
    subject: SubjectOption = "",
    lab: LabOption = "",
    session: SessionOption = "",
    min_units: MinUnitsOption = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PAGE.html", help="Page to write: one file that opens from disk.", show_default=False),
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Points to write: .npy (n × 3, µm: AP, DV, ML from right to left), which brainrender's Points draws "
            "unchanged, or .csv with ids and labels.",
            show_default=False,
        ),
    ] = None,
    atlas: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of a BrainGlobe atlas of the Allen CCF, whose surface is drawn. Default: of ~/.brainglobe.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw the insertions of a selection in the brain: a page in one file, and points for brainrender.

    The page turns in three dimensions and has coronal, sagittal and horizontal projections, coloured by region, lab,
    release or label. Positions are those of the sessions that are made, else of the tables of the release (`nh sync`);
    nothing is downloaded. Insertions without a position are listed in the page, not drawn.

    **Examples**

        nh probes view --source ibl --region LGd --out lgd.html

        nh probes view --freeze 2023_12_bwm_release --out bwm.html --points bwm.npy

        nh probes view --subject KS096 --out mouse.html --atlas ~/.brainglobe/allen_mouse_25um_v1.2
    """
    found = operations.draw_probes(
        home_folder(),
        out,
        source,
        region=region,
        freeze=freeze,
        subject=subject,
        lab=lab,
        session=session,
        min_units=min_units,
        points=points,
        atlas=atlas,
    )
    console.say_notes(found.notes)
    if found.page is not None:
        console.say(f"{escape(str(found.page))}: {counted(found.n_drawn, 'insertion')} drawn")
        if not found.has_surface:
            console.say(
                "without a surface of the brain: there is no BrainGlobe atlas here; the page says how to get one"
            )
    if found.points_file is not None:
        console.say(f"{escape(str(found.points_file))}: {counted(found.n_points, 'point')} for brainrender")
    if found.n_not_drawn:
        what = counted(found.n_not_drawn, "insertion")
        console.say(f"{what} without a position" + (", listed in the page" if found.page else ""))
