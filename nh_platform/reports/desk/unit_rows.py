"""What the desk knows of the units of a session: which they are, and why a person should look at one of them.

Contains the rows that the queue chooses from, kept for as long as the stored units are the same. Add here another
reason to look that the units table holds; what reviews hold is `queue.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.home.platform import Platform
from nh_platform.qc.released_agreement import units_agree
from nh_platform.qc.rules.quantities import after_number, shown_number
from nh_platform.qc.rules.rule_summary import criterion
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook, in_rule_unit, is_numeric
from nh_platform.sources.counterparts import Counterpart
from nh_platform.store.codecs.parquet import read_table

NEAR_SHARE = 0.1
"""A unit is near a threshold where a value is within a tenth of it, on either side."""
_MOST_SESSIONS = 2000
"""Sessions whose rows are kept: some 100 kB each."""


@dataclass(frozen=True)
class UnitRow:
    """A unit and why to look at it.

    Parameters
    ----------
    unit, probe, cluster, region, n_spikes
        Which unit it is; ``cluster`` as text.
    good
        Whether it is good by the active rulebook, reviews included.
    near, nearness
        The rule whose threshold it is nearest to, with the value, in words (empty where it is near none), and how far
        it is away, as a share of the threshold.
    differs
        Metrics whose released and recomputed values differ beyond tolerance, in words; empty where there are none.
    """

    unit: str
    probe: str
    cluster: str
    region: str
    n_spikes: int
    good: bool
    near: str
    nearness: float
    differs: str


@dataclass(frozen=True)
class SessionUnits:
    """The units of a session, in the order of the store.

    Parameters
    ----------
    rows
        One per unit.
    version
        Data version of the units.
    """

    rows: tuple[UnitRow, ...]
    version: str

    @property
    def ids(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(row.unit for row in self.rows)

    @property
    def probes(self) -> tuple[str, ...]:
        """Probes of the session, sorted."""
        return tuple(sorted({row.probe for row in self.rows}))


_kept: dict[tuple[str, str], SessionUnits] = {}
_keeping = threading.Lock()


def session_units(platform: Platform, source: str, session_id: str) -> SessionUnits:
    """Return the units of a session; of the same stored table and rulebook they are made once.

    Raises
    ------
    UnknownSession
        If no units are stored.
    StoreError
        If the table is damaged.
    """
    folder = platform.store.folder(source, session_id, "units")
    book = load_rulebook(platform.config(source).rulebook)
    key = (str(folder), book.content_version())
    found = _kept.get(key)
    if found is None:
        table = read_table(folder / "units.parquet")
        version = platform.store.data_version(source, session_id, "units") or ""
        found = SessionUnits(tuple(unit_rows(table, book, platform.entry(source).counterparts)), version)
        with _keeping:
            while len(_kept) >= _MOST_SESSIONS:
                _kept.pop(next(iter(_kept)))
            _kept[key] = found
    return found


def unit_rows(table: pd.DataFrame, book: Rulebook, counterparts: Iterable[Counterpart]) -> list[UnitRow]:
    """Return the rows of a units table (schema `UNITS`), under a rulebook and the source's released counterparts."""
    near, nearness = _near(table, book)
    differs = _differs(table, counterparts)
    good = table[f"pass.{book.id}"] if f"pass.{book.id}" in table else pd.Series(False, index=table.index)
    region = table["beryl"].where(table["beryl"].notna(), table["acronym"]).fillna("")
    columns = (table["unit_id"], table["probe"], table["cluster_id"], region, table["n_spikes"], good)
    return [
        UnitRow(
            str(unit),
            str(probe),
            str(cluster),
            str(place),
            int(spikes),
            bool(passed),
            near[row],
            nearness[row],
            differs[row],
        )
        for row, (unit, probe, cluster, place, spikes, passed) in enumerate(zip(*columns, strict=True))
    ]


def _near(table: pd.DataFrame, book: Rulebook) -> tuple[list[str], list[float]]:
    words, shares = [""] * len(table), np.full(len(table), np.inf)
    verdicts = apply_rulebook(table, book, missing="nan")
    for rule, values in zip(book.rules, verdicts.values, strict=True):
        threshold = rule.threshold
        if (
            isinstance(threshold, bool)
            or not isinstance(threshold, int | float)
            or not threshold
            or not is_numeric(values)
        ):
            continue
        found = in_rule_unit(rule, values)
        with np.errstate(invalid="ignore"):
            share = np.abs(found - threshold) / abs(threshold)
            nearer = (share <= NEAR_SHARE) & (share < shares) & ~values.missing
        for row in np.flatnonzero(nearer).tolist():
            shares[row] = share[row]
            value = f"{shown_number(float(found[row]), 4)}{after_number(rule.unit)}"
            words[row] = f"{criterion(rule)}: {value}, {100 * share[row]:.1f} % from it"
    return words, shares.tolist()


def _differs(table: pd.DataFrame, counterparts: Iterable[Counterpart]) -> list[str]:
    words: list[list[str]] = [[] for _ in range(len(table))]
    for counterpart, agrees in units_agree(table, counterparts).items():
        released, ours = table[f"released.{counterpart.column}"], table[counterpart.definition]
        for row in np.flatnonzero((agrees == False).fillna(False).to_numpy(dtype=bool)).tolist():  # noqa: E712 - null
            values = f"released {released.iloc[row]:.4g}, recomputed {ours.iloc[row]:.4g}"
            words[row].append(f"{counterpart.column}: {values}")
    return ["; ".join(told) for told in words]
