"""`nh qc …`: what the unit-quality rules say, why, and what changing them would do.

Contains the group and its shorter commands, about rulebooks and methods text. Add another short one here, and a longer
one in a module `qc_<name>` beside this. The rules themselves are YAML in `nh_platform/qc/rules/rulebooks`, and how they
are applied is `nh_platform.qc`; nothing is decided here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.qc.diff import diff
from nh_platform.cli.qc.docs import docs
from nh_platform.cli.qc.explain import explain
from nh_platform.cli.qc.history import history
from nh_platform.cli.qc.inclusion import regions, sessions
from nh_platform.cli.qc.label import label
from nh_platform.cli.qc.report import report
from nh_platform.cli.qc.units_used import naming_the_file, units_of_file
from nh_platform.cli.qc.validate import validate
from nh_platform.home.folder import home_folder
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.session.errors import close_matches

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Unit quality: rules, labels, reasons.")
rules_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="The rulebooks and their rules.")
app.command()(explain)
app.command()(history)
app.command()(label)
app.command()(diff)
app.command()(report)
app.command()(sessions)
app.command()(regions)
app.add_typer(rules_app, name="rules")

RulebookName = Annotated[str, typer.Argument(help="Id of a rulebook, or path of a YAML file.")]


@rules_app.command("list")
def list_rulebooks() -> None:
    """List the rulebooks: what each is for, and its rules.

    **Examples**

        nh qc rules list
    """
    from nh_platform.qc.rules.rule_summary import criterion
    from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids

    for rulebook_id in rulebook_ids():
        book = load_rulebook(rulebook_id)
        console.say(escape(f"{book.id}  [{', '.join(book.sources)}]  {book.title}"), hanging=4)
        parts = [criterion(rule) for rule in book.rules]
        if book.session:
            parts.append(f"{counted(len(book.session), 'rule')} about sessions, insertions or regions")
        if book.trial_mask:
            parts.append("a trial mask")
        if book.regions:
            parts.append(f"regions with {book.regions.min_units} units in {book.regions.min_sessions} sessions")
        console.say(escape(f"    {'; '.join(parts)}"), hanging=4)


@rules_app.command("show")
def show_rulebook(rulebook: RulebookName) -> None:
    """Show everything that a rulebook states, as on its page in the documentation.

    **Examples**

        nh qc rules show ibl-2022-10
    """
    from nh_platform.qc.rules.rulebook import load_rulebook

    book = load_rulebook(rulebook)
    from nh_platform.qc.rules.rulebook_pages import rulebook_page  # loads pandas, which a mistyped name need not

    typer.echo(rulebook_page(book), nl=False)


@rules_app.command("history")
def rule_changes(
    rulebook: RulebookName,
    rule: Annotated[str | None, typer.Argument(help="Only this rule.", show_default=False)] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Count what changes did to the sessions of this source, by their checks.", show_default=False
        ),
    ] = None,
) -> None:
    """Tell who changed a rule, when, why, and what it did to units, the newest change first.

    **Examples**

        nh qc rules history ibl-2022-10 noise_cutoff

        nh qc rules history ibl-2022-10 --source ibl
    """
    from nh_platform.qc.rules.changes.rule_history import rule_history
    from nh_platform.qc.rules.rulebook import load_rulebook

    book = load_rulebook(rulebook)
    rules = {one.id: one for one in (*book.rules, *book.session)}
    if rule is not None and rule not in rules:
        found = f"rulebook {book.id} has no such rule"
        action = f"Name one of {', '.join(rules)}.{close_matches(rule, list(rules))}"
        raise ConfigError(f"rule {rule!r}", found, action)
    for name in rules if rule is None else [rule]:
        entries = rule_history(book, name)
        if source is not None:
            entries = operations.rule_history(home_folder(), source, name, book)
        console.say(escape(f"{book.id} {name}, since {rules[name].since}"))
        for entry in entries:
            console.say(escape(f"  {entry.date}  {entry.who}: {entry.what}"), hanging=6)
            console.say(escape(f"      Why: {entry.why}"), hanging=6)
            console.say(escape(f"      Effect: {entry.effect}"), hanging=6)
        if not entries:
            console.say("  no change is recorded")


@rules_app.command("metrics")
def list_metrics() -> None:
    """List every definition id that a rule may name, with its unit of measure.

    **Examples**

        nh qc rules metrics
    """
    from nh_platform.qc.rules.quantities import quantity, quantity_ids

    for definition_id in quantity_ids():
        found = quantity(definition_id)
        console.say(escape(f"{found.id}  [{found.unit}]  {found.meaning}"), hanging=4)


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
    from nh_platform.qc.rules.methods import bibtex_entries, methods_paragraph
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.rules.verdicts import apply_rulebook

    book = load_rulebook(rulebook)
    n_units = n_good = None
    if units is not None:
        table, joined = units_of_file(units)
        with naming_the_file(units, table):
            verdicts = apply_rulebook(table, book)
        for line in joined:
            typer.echo(line, err=True)  # the paragraph is to be pasted
        n_units, n_good = len(verdicts.index), int(verdicts.good.sum())
    typer.echo(methods_paragraph(book, n_units=n_units, n_good=n_good))
    if bibtex:
        typer.echo(f"\n{bibtex_entries(book)}")


app.command()(validate)
app.command()(docs)
