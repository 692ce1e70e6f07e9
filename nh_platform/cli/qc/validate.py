"""`nh qc validate`: rules against simulated units whose truth is known.

Contains the command and the making of the sessions. What a rule should reject is stated in
`nh_platform.qc.validation.validate`, figures are drawn in `nh_platform.reports`; nothing is counted here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.qc.rules.rulebook_model import Rulebook
    from nh_platform.qc.validation.validate import RuleValidation

SEED = 2026
N_SESSIONS = 4
SIZE = "graded"
"""Units on both sides of every threshold and close to it; of the other sizes every unit is clearly good or bad."""


def validate(
    seed: Annotated[int, typer.Option(help="Seed of the simulation; the same seed gives the same numbers.")] = SEED,
    size: Annotated[
        str, typer.Option(help="Simulated sessions: graded, or with clear faults alone tiny, demo or benchmark.")
    ] = SIZE,
    sessions: Annotated[int, typer.Option(min=1, help="Sessions per source.")] = N_SESSIONS,
    write: Annotated[bool, typer.Option("--write", help="Write the table and the figures.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the pages of the rulebooks are.")] = Path("docs/rulebooks"),
) -> None:
    """Count how often each rule is right on simulated units whose contamination, missing spikes and so on are known.

    Sensitivity is the share of bad units that the rule rejects, specificity the share of good ones that it keeps. What
    makes a unit bad is stated beside each rule. `few` of the wrongly rejected have fewer than 500 spikes. Below each
    rule, its units by how bad they truly are.

    **Examples**

        nh qc validate

        nh qc validate --seed 7 --size tiny --sessions 1

        nh qc validate --write
    """
    from nh_platform.operations.simulated_sources import simulated_sources
    from nh_platform.qc.validation.validate import unvalidated
    from nh_platform.qc.validation.validation_table import validation_rows, write_validation

    rows = []
    figures = {}
    for source in simulated_sources():
        books = rulebooks_of(source)
        for book, found in _validated(source, books, seed, size, sessions):
            rows += validation_rows(source, book, found, seed=seed, size=size, sessions=sessions)
            figures[(source, book.id)] = found
            typer.echo(f"\n{book.id} on simulated {source} sessions")
            _print(found)
            for rule in unvalidated(book):
                typer.echo(f"{rule}: no truth is known for it")
    if write:
        from nh_platform.qc.validation.validation_table import FILE, figure_name
        from nh_platform.reports.validation_figure import draw_validation

        folder.mkdir(parents=True, exist_ok=True)
        write_validation(folder / FILE, rows)
        for (source, rulebook_id), found in figures.items():
            draw_validation(folder / figure_name(source, rulebook_id), found)
        typer.echo(
            f"\nwritten: {folder / FILE} and {len(figures)} figures; run `nh qc docs` to bring the pages up to date"
        )


def rulebooks_of(source: str) -> list[Rulebook]:
    """Return the rulebooks with unit rules that are meant for a source: those shipped, and those of its entry."""
    from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids
    from nh_platform.sources.registry import source_entry

    entry = source_entry(source)
    names = dict.fromkeys((*rulebook_ids(), entry.rulebook, *entry.also_rulebooks))
    books = [load_rulebook(name) for name in names]
    return [book for book in books if book.rules and source in book.sources]


def _validated(
    source: str, books: list[Rulebook], seed: int, size: str, sessions: int
) -> list[tuple[Rulebook, list[RuleValidation]]]:
    from nh_platform.qc.validation.validate import recomputed_ids, validate_rulebook

    units, truth = simulated_units(source, recomputed_ids(books), seed, size, sessions)
    return [(book, validate_rulebook(units, truth, book)) for book in books]


def simulated_units(
    source: str, metric_ids: list[str], seed: int, size: str, sessions: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate sessions, read them as the platform reads a release, and return their units and the truth, row by row.

    Raises
    ------
    ConfigError
        If there is no such size.
    """
    import pandas as pd

    from nh_platform.operations.simulated_sources import write_simulated
    from nh_platform.qc.metrics import compute_metrics
    from nh_platform.qc.validation.truth import truth_of
    from nh_platform.session import ConfigError
    from nh_platform.simulation import SIZES
    from nh_platform.sources.registry import source_entry

    if size not in SIZES:
        raise ConfigError(f"--size {size}", "there is no such size", f"Use one of: {', '.join(SIZES)}.")
    tables, truths = [], []
    with tempfile.TemporaryDirectory(prefix="nh-validate-") as folder:
        made = write_simulated(source, Path(folder) / source, sessions, seed, SIZES[size])
        reader = source_entry(source).open({"mode": "local", "root": source}, Path(folder))
        manifest = reader.manifest()
        for session in made:
            files = manifest.session(session.session_id)
            recording = reader.read_spikes(files)
            annotation = reader.read_annotation(files, recording.units, recording.channels)
            metrics, _ = compute_metrics(recording.spikes, recording.units, metric_ids)
            parts = [
                recording.units,
                annotation.positions.drop(columns="unit_id"),
                annotation.released.drop(columns="unit_id"),
                metrics,
            ]
            units = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
            tables.append(units)
            truths.append(truth_of(units, session.truth))
    return pd.concat(tables, ignore_index=True), pd.concat(truths, ignore_index=True)


def _print(found: list[RuleValidation]) -> None:
    from nh_platform.qc.rules.quantities import shown_unit

    head = (
        "rule",
        "units",
        "bad",
        "rejected",
        "missed",
        "kept",
        "wrongly rejected",
        "few",
        "sensitivity",
        "specificity",
    )
    rows = [
        (
            one.rule,
            one.n_units,
            one.rejected_bad + one.kept_bad,
            one.rejected_bad,
            one.kept_bad,
            one.kept_good,
            one.rejected_good,
            one.rejected_few,
            f"{one.sensitivity:.3f}",
            f"{one.specificity:.3f}",
        )
        for one in found
    ]
    widths = [max(len(str(row[i])) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        typer.echo(
            "  ".join(
                str(cell).rjust(width) if i else str(cell).ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths))
            )
        )
    for one in found:
        typer.echo(f"{one.rule}: {one.criterion}; bad: {one.truth}")
        for part in one.bins:
            bad, good = part.rejected_bad + part.kept_bad, part.kept_good + part.rejected_good
            shares = [f"sensitivity {part.rejected_bad / bad:.3f} of {bad} bad"] if bad else []
            shares += [f"specificity {part.kept_good / good:.3f} of {good} good"] if good else []
            unit = f" {shown_unit(one.unit)}".rstrip()
            typer.echo(f"    {one.quantity} {part.low:.3g} to {part.high:.3g}{unit}: {', '.join(shares)}")
