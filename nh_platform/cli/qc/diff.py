"""`nh qc diff`: what a change of rules does to units, unit by unit and counted.

Contains the command and how a difference is printed. The comparison is
`nh_platform.qc.rules.changes.rulebook_diff`; nothing is decided here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform.cli import console
from nh_platform.cli.qc.units_used import UseOption, naming_the_file, stored_units, units_of_file
from nh_platform.session.display import counted

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.qc.rules.changes.rulebook_diff import RulebookDiff


def diff(
    old: Annotated[str, typer.Argument(help="Rulebook now in use: id or path.")],
    new: Annotated[str, typer.Argument(help="Rulebook to compare with: id or path.")],
    units: Annotated[Path | None, typer.Option(help="Units table to apply both to.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Every stored session of this source.", show_default=False)] = None,
    rows: Annotated[int, typer.Option(min=0, help="Most units, regions and sessions to list; 0 for all.")] = 15,
    out: Annotated[
        Path | None, typer.Option(help="Write every changed unit here: .csv or .parquet.", show_default=False)
    ] = None,
    use: UseOption = None,
) -> None:
    """Show which units a change of rules takes in and throws out, and why: by unit, rule, region and session.

    **Examples**

        nh qc diff ibl-2022-03 ibl-2022-10 --units clusters.pqt --out changed.csv

        nh qc diff ibl-2022-10 my-proposal.yaml --source ibl --rows 0
    """
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.session import ConfigError

    if (units is None) == (source is None):
        raise ConfigError("nh qc diff", "give either --units or --source", "See `nh qc diff --help`.")
    after, before = load_rulebook(new), load_rulebook(old)  # one that is there loads pandas, a mistyped one need not
    if source is not None:
        console.require_known(source)
    from nh_platform.qc.rules.changes.rulebook_diff import diff_rulebooks  # loads pandas, which a mistake need not
    from nh_platform.qc.units_file import write_units

    table, joined = units_of_file(units) if units is not None else stored_units(str(source))
    with naming_the_file(units, table):
        found = diff_rulebooks(table, before, after, value_source=use.value if use else None)  # type: ignore[arg-type]
    for line in joined:
        console.say(escape(line))
    _print_diff(found, rows)
    if out is not None:
        write_units(found.units if found.units.index.names != [None] else found.units.reset_index(drop=True), out)
        typer.echo(f"written: {out}, {counted(len(found.units), 'unit')}")
    typer.echo(f"changed: {found.n_changed} of {found.n_units}")


def _print_diff(found: RulebookDiff, rows: int) -> None:
    old, new = found.old.rulebook, found.new.rulebook
    typer.echo(f"old: {old.id}, {int(found.old.good.sum())} good of {found.n_units}")
    typer.echo(f"new: {new.id}, {int(found.new.good.sum())} good of {found.n_units}")
    typer.echo(f"in: {int(found.came_in.sum())}")
    typer.echo(f"out: {int(found.went_out.sum())}")
    _print_table("by rule", found.by_rule[found.by_rule["units"] > 0], 0)
    _print_table("by region", found.by_region, rows)
    _print_table("by session", found.by_session, rows)
    _print_units(found.units, rows)


def _print_units(units: pd.DataFrame, rows: int) -> None:
    """Print one line per unit, so that long reasons do not widen a table."""
    if len(units) == 0:
        return
    shown = units if rows == 0 else units.head(rows)
    rest = f", {len(shown)} shown; --rows 0 shows all, --out FILE writes them" if len(shown) < len(units) else ""
    typer.echo(f"\nby unit ({len(units)}{rest})")
    for row in shown.to_dict("records"):
        where = f"{row['change']:>3}  session {row['session']}, {row['region']}, unit {row['unit']}"
        console.say(escape(f"{where}: {row['old']} → {row['new']}"), hanging=5)
    typer.echo("")


def _print_table(title: str, table: pd.DataFrame, rows: int) -> None:
    if len(table) == 0:
        return
    shown = table if rows == 0 else table.head(rows)
    left_off = f", {len(shown)} shown" if len(shown) < len(table) else ""
    typer.echo(f"\n{title} ({len(table)}{left_off})")
    typer.echo(shown.to_string(index=False))
