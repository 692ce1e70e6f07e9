"""Which units a task of the benchmark is about: all of them, or the selected ones.

Contains the benchmark's build ``selected_units`` and what suite 3 asks on top. Labels that no release states are
`qc_labels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.tasks.brain_wide_bench.qc_labels import FAIL, NEURAL, PASS, not_applied, probe_labels
from nh_platform.tasks.lacking import lacking

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

BoolArray = npt.NDArray[np.bool_]

LABEL = 1.0
"""Released ``label`` of a unit that passes every criterion of its sorting (``UNIT_QC_LABEL``)."""

MIN_RATE_HZ = 1.0
"""Released ``firing_rate`` that a unit must be above (``MIN_FIRING_RATE``)."""

_RELEASED = ("released.label", "released.firing_rate")


def selected_units(
    session: SessionView, qc_labels: pd.DataFrame | None = None, *, trains: bool = False
) -> tuple[BoolArray, tuple[str, ...]]:
    """Return (n_units,) which units are selected, and notes on what was not applied.

    A unit is selected whose released ``label`` is 1 and whose released ``firing_rate`` is above 1 Hz, on a probe whose
    ``qc_neural`` is PASS. No release states the last: without a table of it every probe counts, and a note says so.

    Parameters
    ----------
    session
        The session.
    qc_labels
        The benchmark's ``bwm_qc.csv``. A probe that it does not know passes nothing.
    trains
        Whether the session is one that models are trained on before: there only probes that FAIL are left out.

    Raises
    ------
    TargetMissing
        If the release states no labels or rates of the units, the table has no row of the session, or no unit is left.
    """
    units = session.units
    missing = [name for name in _RELEASED if name not in units or units[name].isna().all()]
    if missing:
        found = f"its units have no {' and no '.join(missing)}, by which the benchmark selects them"
        raise lacking(session, found, "Take sessions whose release states them.")
    label, rate = (units[name].to_numpy(dtype=np.float64) for name in _RELEASED)
    chosen = (label == LABEL) & (rate > MIN_RATE_HZ) & of_probes(session, qc_labels, NEURAL, trains)
    if not chosen.any():
        found = f"none of its {len(units)} units is selected: label 1, above 1 Hz, on a probe that passes"
        raise lacking(session, found, "Leave the session out.")
    return chosen, (not_applied(NEURAL),) if qc_labels is None else ()


def of_probes(
    session: SessionView, qc_labels: pd.DataFrame | None, column: str, with_warnings: bool = False
) -> BoolArray:
    """Return (n_units,) which units are on a probe whose label in ``column`` is PASS; all of them without a table.

    ``with_warnings`` takes every probe that the table knows and that does not FAIL.
    """
    probes = session.units["probe"].astype(str)
    if qc_labels is None:
        return np.ones(len(probes), dtype=bool)
    labels = probe_labels(session, qc_labels, column)
    good = {probe for probe, label in labels.items() if (label != FAIL if with_warnings else label == PASS)}
    return probes.isin(good).to_numpy(dtype=bool)
