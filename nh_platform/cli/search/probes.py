"""`nh probes`: finding probe insertions, by region and freeze, before anything is downloaded; `view` draws them."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.anatomy.probe_view import view
from nh_platform.cli.console import Format, FormatOption
from nh_platform.cli.search.options import (
    FreezeOption,
    LabOption,
    LimitOption,
    MinUnitsOption,
    RegionOption,
    SessionOption,
    SourceFilter,
    SubjectOption,
)
from nh_platform.home.folder import home_folder
from nh_platform.session import ConfigError
from nh_platform.session.display import counted

HEADER = {"insertion_id": "pid", "session_id": "eid", "probe": "probe_name", "number": "session_number"}
"""Columns under the names that published lists of insertions use, so that what is printed is such a list again."""

TABLE_COLUMNS = ("source", "pid", "probe_name", "subject", "date", "units", "regions", "eid", "session_number", "lab")
"""Columns of a table, those first that a narrow terminal must have; csv and json have every column."""

_REGIONS_SHOWN = 5

app = typer.Typer(rich_markup_mode="markdown", context_settings={"help_option_names": ["-h", "--help"]})
app.command()(view)


@app.callback(invoke_without_command=True)
def probes(
    ctx: typer.Context,
    source: SourceFilter = None,
    region: RegionOption = "",
    freeze: FreezeOption = "",
    subject: SubjectOption = "",
    lab: LabOption = "",
    session: SessionOption = "",
    min_units: MinUnitsOption = 0,
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

        nh probes view --source ibl --region LGd --out lgd.html     # the same in the brain

        nh backfill allen_vbn $(nh probes --source allen_vbn --region LGN --min-units 50 --ids)
    """
    if ctx.invoked_subcommand is not None:
        sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
        before = [name for name, source_ in sources.items() if source_ is not None and source_.name == "COMMANDLINE"]
        if before:
            option = f"--{before[0].rstrip('_').replace('_', '-')}"
            raise ConfigError(
                f"option {option}",
                f"it stands before {ctx.invoked_subcommand}",
                f"Write it behind: `nh probes {ctx.invoked_subcommand} {option} …`.",
            )
        return
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
    console.say_notes(found.notes)
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
