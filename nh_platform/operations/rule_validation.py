"""Rules held against simulated units whose truth is known.

Contains the making of the sessions and what is written of the result. What a rule should reject is stated in
`nh_platform.qc.validation.validate`; nothing is counted here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.session import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.qc.rules.rulebook_model import Rulebook
    from nh_platform.qc.validation.validate import RuleValidation

SEED = 2026
N_SESSIONS = 4
SIZE = "graded"
"""Units on both sides of every threshold and close to it; of the other sizes every unit is clearly good or bad."""


@dataclass(frozen=True)
class RulebookValidation:
    """Validation of a rulebook on the simulated units of one source, and its rules without a truth."""

    source: str
    rulebook: Rulebook
    rules: tuple[RuleValidation, ...]
    unvalidated: tuple[str, ...]


def validate_rules(
    seed: int = SEED, size: str = SIZE, n_sessions: int = N_SESSIONS, folder: Path | None = None
) -> list[RulebookValidation]:
    """Count how often each rule is right on simulated units, for every source that has a simulation.

    Parameters
    ----------
    seed
        Seed of the simulation; the same seed gives the same numbers.
    size
        Simulated sessions: ``graded``, or with clear faults alone ``tiny``, ``demo`` or ``benchmark``.
    n_sessions
        Sessions per source.
    folder
        Folder of the rulebook pages to write the table and the figures into; nothing is written where None.

    Raises
    ------
    ConfigError
        If there is no such size.
    """
    from nh_platform.operations.simulated.simulated_sources import simulated_sources
    from nh_platform.qc.validation.validate import recomputed_ids, unvalidated, validate_rulebook

    found = []
    for source in simulated_sources():
        books = rulebooks_of(source)
        units, truth = simulated_units(source, recomputed_ids(books), seed, size, n_sessions)
        for book in books:
            rules = tuple(validate_rulebook(units, truth, book))
            found.append(RulebookValidation(source, book, rules, tuple(unvalidated(book))))
    if folder is not None:
        _write(found, folder, seed, size, n_sessions)
    return found


def rulebooks_of(source: str) -> list[Rulebook]:
    """Return the rulebooks with unit rules that are meant for a source: those shipped, and those of its entry."""
    from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids
    from nh_platform.sources.registry import source_entry

    entry = source_entry(source)
    names = dict.fromkeys((*rulebook_ids(), entry.rulebook, *entry.also_rulebooks))
    books = [load_rulebook(name) for name in names]
    return [book for book in books if book.rules and source in book.sources]


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

    from nh_platform.operations.simulated.simulated_sources import write_simulated
    from nh_platform.qc.metrics import compute_metrics
    from nh_platform.qc.validation.truth import truth_of
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
            positions, released = (
                table.drop(columns="unit_id") for table in (annotation.positions, annotation.released)
            )
            parts = (recording.units, positions, released, metrics)
            units = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
            tables.append(units)
            truths.append(truth_of(units, session.truth))
    return pd.concat(tables, ignore_index=True), pd.concat(truths, ignore_index=True)


def _write(found: Sequence[RulebookValidation], folder: Path, seed: int, size: str, n_sessions: int) -> None:
    from nh_platform.qc.validation.validation_table import FILE, figure_name, validation_rows, write_validation
    from nh_platform.reports.validation_figure import draw_validation

    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for one in found:
        rows += validation_rows(one.source, one.rulebook, one.rules, seed=seed, size=size, sessions=n_sessions)
        draw_validation(folder / figure_name(one.source, one.rulebook.id), list(one.rules))
    write_validation(folder / FILE, rows)
