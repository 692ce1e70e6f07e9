"""`nh qc validate`: rules against simulated units whose truth is known.

Contains the command and how its result is printed. The sessions are made by `nh_platform.operations.rule_validation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli import console
from nh_platform.operations.rule_validation import N_SESSIONS, SEED, SIZE, validate_rules

if TYPE_CHECKING:
    from nh_platform.qc.validation.validate import RuleValidation


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
    from nh_platform.qc.validation.validation_table import FILE

    with console.err.status("simulating sessions and judging their units"):
        found = validate_rules(seed, size, sessions, folder if write else None)
    for one in found:
        typer.echo(f"\n{one.rulebook.id} on simulated {one.source} sessions")
        _print(one.rules)
        for rule in one.unvalidated:
            typer.echo(f"{rule}: no truth is known for it")
    if write:
        done = f"written: {folder / FILE} and {len(found)} figures"
        typer.echo(f"\n{done}; run `nh qc docs` to bring the pages up to date")


def _print(found: Sequence[RuleValidation]) -> None:
    from nh_platform.qc.rules.quantities import shown_unit

    rows = [
        {
            "rule": one.rule,
            "units": one.n_units,
            "bad": one.rejected_bad + one.kept_bad,
            "rejected": one.rejected_bad,
            "missed": one.kept_bad,
            "kept": one.kept_good,
            "wrongly rejected": one.rejected_good,
            "few": one.rejected_few,
            "sensitivity": f"{one.sensitivity:.3f}",
            "specificity": f"{one.specificity:.3f}",
        }
        for one in found
    ]
    console.print_aligned(rows)
    for one in found:
        typer.echo(f"{one.rule}: {one.criterion}; bad: {one.truth}")
        for part in one.bins:
            bad, good = part.rejected_bad + part.kept_bad, part.kept_good + part.rejected_good
            shares = [f"sensitivity {part.rejected_bad / bad:.3f} of {bad} bad"] if bad else []
            shares += [f"specificity {part.kept_good / good:.3f} of {good} good"] if good else []
            unit = f" {shown_unit(one.unit)}".rstrip()
            typer.echo(f"    {one.quantity} {part.low:.3g} to {part.high:.3g}{unit}: {', '.join(shares)}")
