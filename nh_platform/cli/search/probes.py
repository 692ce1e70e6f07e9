"""`nh probes`: finding probe insertions, by region and freeze, before anything is downloaded."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.cli.search.options import LabOption, LimitOption, RegionOption, SourceFilter, SubjectOption
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

HEADER = {"insertion_id": "pid", "session_id": "eid", "probe": "probe_name", "number": "session_number"}
"""Columns under the names that published lists of insertions use, so that what is printed is such a list again."""

TABLE_COLUMNS = ("source", "pid", "probe_name", "subject", "date", "units", "regions", "eid", "session_number", "lab")
"""Columns of a table, those first that a narrow terminal must have; csv and json have every column."""

_REGIONS_SHOWN = 5


def probes(
    source: SourceFilter = None,
    region: RegionOption = "",
    freeze: Annotated[
        str, typer.Option(metavar="NAME", help="Only what a list names: 2023_12_bwm_release, one of yours, a CSV file.")
    ] = "",
    subject: SubjectOption = "",
    lab: LabOption = "",
    session: Annotated[str, typer.Option(help="Session id, or its first characters.")] = "",
    min_units: Annotated[int, typer.Option(help="Least number of units, of the region where one is given.")] = 0,
    limit: LimitOption = 0,
    format_: FormatOption = Format.table,
    ids: Annotated[bool, typer.Option("--ids", help="Print pids alone; each stands for its session.")] = False,
) -> None:
    """Find probe insertions of whole releases, before anything of them is downloaded.

    Where an insertion lies is known from the tables of the release (`nh sync`), from sessions that are made, or else
    from Alyx, which is asked. `pid` and `eid` are Allen's probe and session ids where the source is theirs.

    **Examples**

        nh probes --source ibl --region LGd

        nh probes --freeze 2023_12_bwm_release --format csv > bwm.csv

        nh backfill allen_vbn $(nh probes --source allen_vbn --region LGN --min-units 50 --ids)
    """
    found = operations.probes(
        home_folder(),
        source,
        region=region,
        freeze=freeze,
        subject=subject,
        lab=lab,
        session=session,
        min_units=min_units,
    )
    for note in found.notes:
        console.err.print(note, soft_wrap=True, markup=False)
    table = found.rows.rename(columns=HEADER).head(limit or None)
    if ids:
        typer.echo("\n".join(table["pid"]))
        return
    rows = console.records(table)
    columns = list(table.columns)
    if format_ is Format.table:
        columns = [name for name in TABLE_COLUMNS if name != "units" or table["units"].notna().any()]
        for row in rows:
            row["regions"] = console.first_of_list(str(row["regions"] or ""), _REGIONS_SHOWN)
    if rows or format_ is not Format.table:
        console.print_rows(rows, columns, format_, title=counted(len(rows), "probe insertion"))
    else:
        console.say("no probe insertion is like that")
