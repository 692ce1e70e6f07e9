"""`nh coords`: positions of a table converted between IBL's metres and the Allen CCF."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from nh_platform import operations


class Frame(StrEnum):
    """Coordinate frames."""

    ibl = "ibl"
    ccf = "ccf"


class Outside(StrEnum):
    """What becomes of points outside the CCF volume."""

    error = "error"
    nan = "nan"
    keep = "keep"


_OUTSIDE: dict[Outside, Literal["raise", "nan", "keep"]] = {
    Outside.error: "raise",
    Outside.nan: "nan",
    Outside.keep: "keep",
}


def coords(
    from_frame: Annotated[Frame, typer.Option("--from", help="Frame of the table.", show_default=False)],
    to_frame: Annotated[Frame, typer.Option("--to", help="Frame that is printed.", show_default=False)],
    table: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV file with a line of column names; - is standard input.")
    ],
    outside: Annotated[
        Outside,
        typer.Option(help="Of points outside the CCF volume: refuse the table, print them empty, or keep them."),
    ] = Outside.error,
    mirror_ml: Annotated[
        bool, typer.Option("--mirror-ml", help="ML of the CCF counts from right to left, as in Allen's own sessions.")
    ] = False,
) -> None:
    """Convert positions between IBL's metres and the Allen CCF; the table is printed with its other columns.

    `ibl`: columns x, y, z in metres from bregma, right, anterior and dorsal positive. `ccf`: columns ap, dv, ml in µm
    of the Allen CCF, from anterior to posterior, dorsal to ventral, left to right. The platform's own names (x_m,
    ccf_ap_um, …) are read too. The CCF volume is ap 0 to 13,200, dv 0 to 8,000, ml 0 to 11,400 µm; a row without a
    position stays without.

    **Examples**

        nh coords --from ibl --to ccf --table channels.csv > channels_ccf.csv

        nh coords --from ccf --to ibl --table - < points.csv

        nh coords --from ibl --to ccf --table channels.csv --outside keep   # channels above the brain too

        nh coords --from ccf --to ibl --table allen_units.csv --mirror-ml
    """
    found = operations.convert_coordinates(
        sys.stdin if str(table) == "-" else table,  # type: ignore[arg-type]
        from_frame.value,
        to_frame.value,
        outside=_OUTSIDE[outside],
        mirror_ml=mirror_ml,
    )
    found.to_csv(sys.stdout, index=False, lineterminator="\n")
