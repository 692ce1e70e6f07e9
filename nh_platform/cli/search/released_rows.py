"""`nh units` and `nh channels`: the units and channels of a whole release, listed or counted, without session files."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.cli.search.options import RegionOption
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

SourceOption = Annotated[str, typer.Option(help="Source, for example allen_vbn.", show_default=False)]
ByOption = Annotated[
    list[str] | None,
    typer.Option("--by", help="Count by this column, also of the sessions (genotype, sex); may be repeated."),
]
ColumnOption = Annotated[
    list[str] | None, typer.Option("--column", help="Only this column; may be repeated.", show_default=False)
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", help="Only rows of which this is true, as 'snr>3'; may be repeated.", show_default=False),
]
RowsOption = Annotated[int, typer.Option("--limit", help="At most this many rows; 0 for all. A table shows 20.")]

_FIRST = ("session_id", "probe", "unit_id", "channel_id", "acronym", "beryl", "quality", "label", "snr", "firing_rate")
"""Columns that a table shows where the release has them; csv and json have every column."""

_WITH_UNIT = {"firing_rate": "firing_rate_Hz"}
"""Columns of a table under names that say the unit of measure; every release states this one alike."""

_ROWS_SHOWN = 20


def units(
    source: SourceOption,
    region: RegionOption = "",
    by: ByOption = None,
    column: ColumnOption = None,
    where: WhereOption = None,
    limit: RowsOption = 0,
    format_: FormatOption = Format.table,
) -> None:
    """List the units of a whole release before any filter, or count them, without downloading a session.

    Columns are those of the release under its own names and in its units of measure; in Python
    `open_store(home).released(source).units()` has them. `--column`, `--by` and `--where` also take columns of the
    release's sessions (genotype, sex), and of Allen's analysis metrics of Visual Coding (preferred orientation,
    receptive field, p-values).

    **Examples**

        nh units --source allen_vbn --region V1 --by genotype

        nh units --source allen_vc --by beryl --by session_type

        nh units --source allen_vbn --region LGN --column unit_id --column snr --format csv > lgn.csv

        nh units --source allen_vc --region V1 --where "p_value_rf<0.01" --where "pref_ori_dg=90"
    """
    _print("units", source, region, by, column, where, limit, format_)


def channels(
    source: SourceOption,
    region: RegionOption = "",
    by: ByOption = None,
    column: ColumnOption = None,
    where: WhereOption = None,
    limit: RowsOption = 0,
    format_: FormatOption = Format.table,
) -> None:
    """List the channels of a whole release, or count them, without downloading a session.

    **Examples**

        nh channels --source allen_vbn --by beryl

        nh channels --source ibl --region TH --format csv > thalamus.csv
    """
    _print("channels", source, region, by, column, where, limit, format_)


def _print(
    table: str,
    source: str,
    region: str,
    by: list[str] | None,
    column: list[str] | None,
    where: list[str] | None,
    limit: int,
    format_: Format,
) -> None:
    found = operations.released_rows(
        home_folder(), table, source, region=region, columns=column, by=by or (), where=where or ()
    )
    console.say_notes(found.notes)
    is_table = format_ is Format.table
    shown = found.rows.head(limit or (_ROWS_SHOWN if is_table and not by else None))
    columns = list(shown.columns)
    if is_table and not by and not column:
        columns = [name for name in _FIRST if name in columns]
        shown = shown[columns].rename(columns=_WITH_UNIT)
        columns = list(shown.columns)
    n_rows = len(found.rows)
    what = counted(n_rows, f"kind of {table}", f"kinds of {table}") if by else counted(n_rows, table.removesuffix("s"))
    console.print_rows(console.records(shown), columns, format_, title=what)
    if is_table and len(shown) < len(found.rows):
        console.say(f"{len(found.rows) - len(shown)} more; --format csv has all, and every column")
