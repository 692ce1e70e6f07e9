"""`nh qc label`: a rulebook applied to a table of units.

Contains the command alone. How rules are applied is `nh_platform.qc.rules.verdicts`; nothing is decided here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nh_platform.cli.qc.units_used import UseOption, naming_the_file, units_of_file


def label(
    rulebook: Annotated[str, typer.Option(help="Id of a rulebook, or path of a YAML file.")],
    units: Annotated[Path, typer.Option(help="Units table: .parquet, .pqt or .csv.")],
    against: Annotated[
        str | None, typer.Option(help="Column with a label to compare with.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write verdicts and reasons here.", show_default=False)] = None,
    use: UseOption = None,
) -> None:
    """Apply a rulebook to a table of units with upstream's column names, of IBL or Allen.

    Prints how many units there are and how many pass, one line per rule, and with `--against` how many labels differ.
    AllenSDK's `units.csv` of Visual Coding is joined with the `channels.csv` and `probes.csv` that lie beside it.

    **Examples**

        nh qc label --rulebook ibl-2022-10 --units clusters.pqt --against label

        nh qc label --rulebook allen-vc-default --units units.csv --out verdicts.csv
    """
    from nh_platform.qc.rules.label_agreement import compare_labels
    from nh_platform.qc.rules.rule_summary import rule_summary
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.rules.verdicts import apply_rulebook
    from nh_platform.qc.units_file import UNIT_COLUMNS, first_column, unit_names, write_units
    from nh_platform.session import ConfigError

    book = load_rulebook(rulebook)
    table, joined = units_of_file(units)
    if against is not None and against not in table.columns:
        found = f"{units} has no such column; it has {', '.join(map(str, table.columns[:20]))}"
        raise ConfigError(f"--against {against}", found, "Name one of its columns.")
    with naming_the_file(units, table):
        verdicts = apply_rulebook(table, book, value_source=use.value if use else None)  # type: ignore[arg-type]
    typer.echo(f"rulebook: {book.id} ({book.title})")
    typer.echo(f"units: {len(table)}")
    typer.echo(f"pass: {int(verdicts.good.sum())}")
    for line in joined:
        typer.echo(line)
    for summary in rule_summary(verdicts, unit_names(table)):
        without = f", {summary.n_nan} without value" if summary.n_nan else ""
        typer.echo(
            f"{summary.rule}: {summary.n_pass} pass, {summary.n_fail} fail{without}  "
            f"({summary.criterion}; column {summary.column})"
        )
    if out is not None:
        columns = verdicts.columns()
        unit = first_column(table, UNIT_COLUMNS)
        if unit is not None:
            columns.insert(0, unit, table[unit])
        write_units(columns, out)
        typer.echo(f"written: {out}")
    if against is not None:
        agreement = compare_labels(verdicts, table[against])
        typer.echo(f"compared: {agreement.compared}")
        typer.echo(f"mismatches: {agreement.n_mismatches} of {len(table)}")
