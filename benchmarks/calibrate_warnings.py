"""Warning limits of rules, held against real insertions: how many would warn, and which limit one in twenty lies under.

A check that never warns tells nothing, and one that warns everywhere is not read. Run it with the reference data::

    NH_REFERENCE=../shared/reference python -m benchmarks.calibrate_warnings

It prints, per rulebook and rule, the limit (`warn_below`), the share of real insertions that would warn, and the limit
whose share is nearest to 5 %. The reference test of `nh_platform_tests/qc/test_warning_limits.py` holds the
rulebooks to it. A metric that a rulebook recomputes is read from the released column that stands for it elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids
from nh_platform.qc.rules.rulebook_model import Rule, Rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook

LOWEST_SHARE, HIGHEST_SHARE = 0.02, 0.10
"""Share of real insertions that a limit may warn of."""
WANTED_SHARE = 0.05
_LOWEST_SHOWN = 6
STANDS_FOR = {"ibl": "ibl", "allen_vc": "allen_vc", "allen_vbn": "allen_vc"}
"""Real insertions by the source of a rulebook. Visual Behavior's were made by the pipeline of Visual Coding's."""


@dataclass(frozen=True)
class Calibration:
    """One rule on one set of real insertions.

    Parameters
    ----------
    rulebook, rule, data
        Which rule, and which insertions.
    n_insertions, n_warned
        How many there are, and how many of them the limit warns of.
    limit
        `warn_below` of the rule.
    lowest
        The lowest shares of passing units among the insertions, ascending.
    suggested
        Limit in hundredths whose share of warned insertions is nearest to `WANTED_SHARE`; NaN where none lies between
        `LOWEST_SHARE` and `HIGHEST_SHARE`, as where every insertion passes whole.
    """

    rulebook: str
    rule: str
    data: str
    n_insertions: int
    n_warned: int
    limit: float
    lowest: tuple[float, ...]
    suggested: float

    @property
    def warned(self) -> float:
        """Share of the insertions that the limit warns of."""
        return self.n_warned / self.n_insertions


def real_units(reference: Path) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """Return released units and the insertion of each, by data set."""
    ibl = pd.read_parquet(reference / "ibl_units" / "clusters_bwm_147.pqt")
    allen = pd.concat(map(pd.read_csv, sorted((reference / "allen_vc").glob("session_*/visual_unit_population.csv"))))
    return {
        "ibl": (ibl, np.asarray(ibl.index.get_level_values(0))),
        "allen_vc": (allen.reset_index(drop=True), np.asarray(allen["ecephys_probe_id"])),
    }


def calibrations(reference: Path) -> Iterator[Calibration]:
    """Yield every rule of the shipped rulebooks on each set of real insertions that has a column for it."""
    units = real_units(reference)
    books = [load_rulebook(name) for name in rulebook_ids()]
    stated = ((metric, sources) for book in books for metric, sources in book.columns.items())
    columns = {metric: sources for metric, sources in stated if all(one.table != "other" for one in sources)}
    for book in books:
        for rule in book.rules:
            if rule.metric not in columns:
                continue
            alone = book.model_copy(
                update={
                    "use": "released",
                    "rules": [rule.model_copy(update={"use": "released"})],
                    "columns": {rule.metric: book.columns.get(rule.metric, columns[rule.metric])},
                }
            )
            for name in {STANDS_FOR[source]: None for source in book.sources if source in STANDS_FOR}:
                table, insertions = units[name]
                yield from _calibration(alone, rule, name, table, insertions)


def _calibration(
    book: Rulebook, rule: Rule, name: str, table: pd.DataFrame, insertions: np.ndarray
) -> Iterator[Calibration]:
    verdicts = apply_rulebook(table, book, missing="nan")
    if not verdicts.values[0].column:
        return
    counted = verdicts.counted[:, 0]
    shares = pd.Series(verdicts.passed[counted, 0]).groupby(insertions[counted]).mean().sort_values()
    grid = np.arange(1, 100) / 100
    warned = np.asarray([(shares < limit).mean() for limit in grid])
    allowed = (warned >= LOWEST_SHARE) & (warned <= HIGHEST_SHARE)
    nearest = np.argmin(np.where(allowed, np.abs(warned - WANTED_SHARE), np.inf))
    suggested = float(grid[nearest]) if allowed.any() else float("nan")
    yield Calibration(
        rulebook=book.id,
        rule=rule.id,
        data=name,
        n_insertions=len(shares),
        n_warned=int((shares < rule.warn_below).sum()),
        limit=rule.warn_below,
        lowest=tuple(round(float(one), 3) for one in shares.iloc[:_LOWEST_SHOWN]),
        suggested=suggested,
    )


def main() -> None:
    """Print the table."""
    reference = Path(os.environ.get("NH_REFERENCE") or "../shared/reference")
    rows = list(calibrations(reference))
    print(f"{'rulebook':22s} {'rule':17s} {'data':9s} limit  would warn     suggested  lowest shares")
    for row in rows:
        outside = "" if LOWEST_SHARE <= row.warned <= HIGHEST_SHARE else "  ← outside 2 to 10 %"
        print(
            f"{row.rulebook:22s} {row.rule:17s} {row.data:9s} {row.limit:5.2f}  "
            f"{row.n_warned:2d} of {row.n_insertions:2d} {row.warned:5.1%}  {row.suggested:6.2f}  "
            f"{', '.join(f'{one:.3f}' for one in row.lowest)}{outside}"
        )


if __name__ == "__main__":
    main()
