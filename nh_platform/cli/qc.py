"""`nh qc …`: what the unit-quality rules say, why, and what changing them would do.

Add a command about rules, labels or reviews here. The rules themselves are YAML in `nh_platform/qc/rulebooks`, and how
they are applied is `nh_platform.qc`; nothing is decided here.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli.qc_reviews import reviews as list_reviews
from nh_platform.cli.qc_validate import validate

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.qc.diff import RulebookDiff

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Unit quality: rules, labels, reasons.")
rules_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="The rulebooks and their rules.")
app.add_typer(rules_app, name="rules")
app.command()(validate)
app.command("reviews")(list_reviews)

DOCS_FOLDER = Path("docs/rulebooks")
GENERATED = "<!-- Written by `nh qc docs`"


class Use(StrEnum):
    """Where values are read."""

    released = "released"
    recomputed = "recomputed"


RulebookName = Annotated[str, typer.Argument(help="Id of a rulebook, or path of a YAML file.")]
UseOption = Annotated[
    Use | None, typer.Option(help="Read these values instead of what the rulebook states.", show_default=False)
]
Rows = Annotated[int, typer.Option(min=0, help="Most sessions and regions to list; 0 for all.")]


@app.command()
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

    Prints how many units there are and pass, one line per rule, and with `--against` how many labels differ.

    **Examples**

        nh qc label --rulebook ibl-2022-10 --units clusters.pqt --against label

        nh qc label --rulebook allen-vc-default --units units.csv --out verdicts.csv
    """
    from nh_platform.qc.label_agreement import compare_labels
    from nh_platform.qc.rule_summary import rule_summary
    from nh_platform.qc.rulebook import load_rulebook
    from nh_platform.qc.units_file import UNIT_COLUMNS, first_column, read_units, unit_names, write_units
    from nh_platform.qc.verdicts import apply_rulebook
    from nh_platform.session import ConfigError

    book = load_rulebook(rulebook)
    table = read_units(units)
    if against is not None and against not in table.columns:
        found = f"{units} has no such column; it has {', '.join(map(str, table.columns[:20]))}"
        raise ConfigError(f"--against {against}", found, "Name one of its columns.")
    verdicts = apply_rulebook(table, book, value_source=use.value if use else None)  # type: ignore[arg-type]
    typer.echo(f"rulebook: {book.id} ({book.title})")
    typer.echo(f"units: {len(table)}")
    typer.echo(f"pass: {int(verdicts.good.sum())}")
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


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="Rulebook now in use: id or path.")],
    new: Annotated[str, typer.Argument(help="Rulebook to compare with: id or path.")],
    units: Annotated[Path | None, typer.Option(help="Units table to apply both to.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Every stored session of this source.", show_default=False)] = None,
    rows: Rows = 15,
    use: UseOption = None,
) -> None:
    """Show which units a change of rules takes in and throws out, by rule, region and session.

    **Examples**

        nh qc diff ibl-2022-03 ibl-2022-10 --units clusters.pqt

        nh qc diff ibl-2022-10 my-proposal.yaml --source ibl --rows 0
    """
    from nh_platform.qc.diff import diff_rulebooks
    from nh_platform.qc.rulebook import load_rulebook
    from nh_platform.qc.units_file import read_units
    from nh_platform.session import ConfigError

    if (units is None) == (source is None):
        raise ConfigError("nh qc diff", "give either --units or --source", "See `nh qc diff --help`.")
    before, after = load_rulebook(old), load_rulebook(new)
    table = read_units(units) if units is not None else _stored_units(str(source))
    found = diff_rulebooks(table, before, after, value_source=use.value if use else None)  # type: ignore[arg-type]
    _print_diff(found, rows)


@rules_app.command("list")
def list_rulebooks() -> None:
    """List the rulebooks: what each is for, and its rules.

    **Examples**

        nh qc rules list
    """
    from nh_platform.qc.rule_summary import criterion
    from nh_platform.qc.rulebook import load_rulebook, rulebook_ids

    for rulebook_id in rulebook_ids():
        book = load_rulebook(rulebook_id)
        typer.echo(f"{book.id}  [{', '.join(book.sources)}]  {book.title}")
        parts = [criterion(rule) for rule in book.rules]
        if book.session:
            parts.append(f"{len(book.session)} rules about sessions, insertions or regions")
        if book.trial_mask:
            parts.append("a trial mask")
        if book.regions:
            parts.append(f"regions with {book.regions.min_units} units in {book.regions.min_sessions} sessions")
        typer.echo(f"    {'; '.join(parts)}")


@rules_app.command("show")
def show_rulebook(rulebook: RulebookName) -> None:
    """Show everything that a rulebook states, as on its page in the documentation.

    **Examples**

        nh qc rules show ibl-2022-10
    """
    from nh_platform.qc.document import rulebook_page
    from nh_platform.qc.rulebook import load_rulebook

    typer.echo(rulebook_page(load_rulebook(rulebook)), nl=False)


@rules_app.command("metrics")
def list_metrics() -> None:
    """List every definition id that a rule may name, with its unit of measure.

    **Examples**

        nh qc rules metrics
    """
    from nh_platform.qc.quantities import quantity, quantity_ids

    for definition_id in quantity_ids():
        found = quantity(definition_id)
        typer.echo(f"{found.id}  [{found.unit}]  {found.meaning}")


@app.command()
def methods(
    rulebook: RulebookName,
    units: Annotated[
        Path | None, typer.Option(help="Units table, to add how many units were kept.", show_default=False)
    ] = None,
    bibtex: Annotated[bool, typer.Option("--bibtex/--no-bibtex", help="Print the BibTeX entries too.")] = True,
) -> None:
    """Write a paragraph for a methods section, with every number and its citations, and the BibTeX entries.

    **Examples**

        nh qc methods ibl-2022-10

        nh qc methods allen-vc-default --units units.csv --no-bibtex
    """
    from nh_platform.qc.methods import bibtex_entries, methods_paragraph
    from nh_platform.qc.rulebook import load_rulebook
    from nh_platform.qc.units_file import read_units
    from nh_platform.qc.verdicts import apply_rulebook

    book = load_rulebook(rulebook)
    n_units = n_good = None
    if units is not None:
        verdicts = apply_rulebook(read_units(units), book)
        n_units, n_good = len(verdicts.index), int(verdicts.good.sum())
    typer.echo(methods_paragraph(book, n_units=n_units, n_good=n_good))
    if bibtex:
        typer.echo(f"\n{bibtex_entries(book)}")


@app.command()
def docs(
    folder: Annotated[Path, typer.Option(help="Where the pages are.")] = DOCS_FOLDER,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a page is out of date.")] = False,
) -> None:
    """Write the pages of the rulebooks, or check that they are up to date.

    **Examples**

        nh qc docs

        nh qc docs --check
    """
    from nh_platform.qc.document import rulebook_pages
    from nh_platform.qc.validation_table import FILE, read_validation

    pages = rulebook_pages(read_validation(folder / FILE))
    gone = [path for path in sorted(folder.glob("*.md")) if path.name not in pages and GENERATED in _text_of(path)]
    stale = [name for name, text in sorted(pages.items()) if _text_of(folder / name) != text]
    if check:
        for name in (*stale, *(path.name for path in gone)):
            typer.echo(f"out of date: {folder / name}")
        typer.echo(f"{len(stale) + len(gone)} of {len(pages)} pages are out of date")
        raise typer.Exit(1 if stale or gone else 0)
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (folder / name).write_text(pages[name], encoding="utf-8")
    for path in gone:
        path.unlink()
    typer.echo(f"{len(stale)} pages written, {len(gone)} removed, {len(pages) - len(stale)} were up to date")


@app.command()
def explain(
    source: Annotated[str, typer.Argument(help="Source, for example ibl.")],
    session: Annotated[str, typer.Argument(help="Session id.")],
    unit: Annotated[str, typer.Argument(help="Unit id, the start of one, or PROBE/CLUSTER, for example probe00/12.")],
) -> None:
    """Say why a unit passed or failed, by every rulebook that judged it, and what reviewers said.

    **Examples**

        nh qc explain ibl 4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b probe00/12
    """
    from nh_platform.defs.settings import load_settings
    from nh_platform.qc.explain import explain_unit, find_unit
    from nh_platform.qc.reviews import read_reviews, review_path
    from nh_platform.reading import open_store

    settings = load_settings()
    view = open_store(settings.home).session(source, session)
    row = find_unit(view.units, unit, f"{source} session {session}")
    reviews = read_reviews(review_path(settings.reviews, source, session))
    for line in explain_unit(row, reviews):
        typer.echo(line)


def _stored_units(source: str) -> pd.DataFrame:
    """Return the units of every stored session of a source, one table."""
    import pandas as pd

    from nh_platform.defs.settings import load_settings
    from nh_platform.reading import open_store
    from nh_platform.session import UnknownSession

    store = open_store(load_settings().home)
    tables = []
    for session_id in store.sessions(source)["session_id"]:
        view = store.session(source, session_id)
        if "units" in view.assets:
            table = view.units.drop(columns=["region", "label", "good"], errors="ignore")
            tables.append(table.assign(session_id=session_id))
    if not tables:
        action = f"Run `nh materialize {source} --missing`."
        raise UnknownSession(f"source {source}", "no session has units yet", action)
    return pd.concat(tables, ignore_index=True)


def _print_diff(found: RulebookDiff, rows: int) -> None:
    old, new = found.old.rulebook, found.new.rulebook
    typer.echo(f"old: {old.id}, {int(found.old.good.sum())} good of {found.n_units}")
    typer.echo(f"new: {new.id}, {int(found.new.good.sum())} good of {found.n_units}")
    typer.echo(f"in: {int(found.came_in.sum())}")
    typer.echo(f"out: {int(found.went_out.sum())}")
    _print_table("by rule", found.by_rule[found.by_rule["units"] > 0], 0)
    _print_table("by region", found.by_region, rows)
    _print_table("by session", found.by_session, rows)
    typer.echo(f"changed: {found.n_changed} of {found.n_units}")


def _print_table(title: str, table: pd.DataFrame, rows: int) -> None:
    if len(table) == 0:
        return
    shown = table if rows == 0 else table.head(rows)
    left_off = f", {len(shown)} shown" if len(shown) < len(table) else ""
    typer.echo(f"\n{title} ({len(table)}{left_off})")
    typer.echo(shown.to_string(index=False))
    typer.echo("")


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
