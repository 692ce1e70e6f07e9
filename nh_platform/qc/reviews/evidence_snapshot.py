"""The evidence of a decision as it was shown: values and verdicts of the rules of a rulebook for some units.

Add here what else a reviewer is shown and a review shall keep. Its model is `review_model.Shown`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook, in_rule_unit, is_numeric

_DIGITS = 6
"""Significant digits of a value: more than a page shows, and a file of 700 units stays below 1 MB."""


def shown_evidence(
    units: pd.DataFrame, rulebook: Rulebook, *, units_version: str | None = None, page: str | None = None
) -> dict[str, Any]:
    """Return what a review states under ``shown``: keys and values of `nh_platform.qc.reviews.review_model.Shown`.

    Parameters
    ----------
    units
        Rows of the units table (schema `UNITS`) that the reviewer was shown.
    rulebook
        The rulebook whose verdicts were shown. Verdicts are those of the table where it has them.
    units_version, page
        Data version of the table, and version of the page or report.

    Returns
    -------
    dict
        Without the keys that are not known. Numbers have 6 significant digits.
    """
    verdicts = apply_rulebook(units, rulebook, missing="nan")
    rules: dict[str, dict[str, tuple[float | str | None, str]]] = {str(unit): {} for unit in units["unit_id"]}
    for column, (rule, values) in enumerate(zip(rulebook.rules, verdicts.values, strict=True)):
        stored = units.get(f"rule.{rulebook.id}.{rule.id}")
        passed = verdicts.passed[:, column] if stored is None else stored.to_numpy(dtype=bool)
        shown = in_rule_unit(rule, values) if is_numeric(values) else values.values
        for row, of_unit in enumerate(rules.values()):
            value = None if values.missing[row] else _plain(shown[row])
            of_unit[rule.id] = (value, "pass" if passed[row] else "fail")
    stated = {"units": units_version, "rulebook": rulebook.id, "digest": rulebook.digest, "page": page, "rules": rules}
    return {key: value for key, value in stated.items() if value is not None}


def _plain(value: Any) -> float | str:
    if isinstance(value, str):
        return value
    number = float(f"{float(value):.{_DIGITS}g}")
    return number if np.isfinite(number) else str(value)
