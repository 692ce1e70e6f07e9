"""Conditions on the columns of a table, as people write them: ``snr>3``, ``quality=good``, ``p_value_rf<=0.01``.

Contains their reading and how rows are chosen by them. Add a comparison here when people need one more. Which tables
there are to search is no matter of this module.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}

_CONDITION = re.compile(r"\s*([^<>=!]+?)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*")


@dataclass(frozen=True)
class Condition:
    """A column, a comparison (one of `COMPARISONS`) and what is compared with."""

    column: str
    comparison: str
    value: str

    def holds(self, values: pd.Series) -> npt.NDArray[np.bool_]:
        """Return (n_rows,) of which values the condition is true; it is of none that is missing.

        Raises
        ------
        ConfigError
            If a column of numbers is compared with a text or NaN, one of truth values with neither, or texts by order.
        """
        compare = COMPARISONS[self.comparison]
        is_truth = pd.api.types.is_bool_dtype(values.dtype) or _are_truths(values)
        if is_truth and (compare not in (operator.eq, operator.ne) or self.value.lower() not in ("true", "false")):
            # `valid=1` would be compared as text, and no row found.
            raise self._refused("the column has true and false", "Use =true or =false.")
        if pd.api.types.is_numeric_dtype(values.dtype) and not is_truth:
            try:
                number = float(self.value)
            except ValueError as error:
                raise self._refused("the column has numbers", "Compare it with a number.") from error
            if math.isnan(number):
                raise self._refused("nothing equals NaN, and a row without a value is never found", "State a number.")
            found = compare(values.to_numpy(dtype=np.float64), number)
        elif compare not in (operator.eq, operator.ne):
            raise self._refused("the column has texts", "Use = or !=.")
        else:
            found = compare(values.astype(str).str.lower(), self.value.lower())
        return np.asarray(found, dtype=bool) & values.notna().to_numpy(dtype=bool)

    def _refused(self, found: str, action: str) -> ConfigError:
        return ConfigError(f"condition {self.column}{self.comparison}{self.value}", found, action)


def _are_truths(values: pd.Series) -> bool:
    """Return whether a column says true and false in texts, as released tables do where some rows say nothing."""
    stated = set(values.dropna().unique()) if values.dtype == object else set()
    return bool(stated) and stated <= {"True", "False", True, False}


def read_conditions(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Return the conditions that texts state.

    Raises
    ------
    ConfigError
        If a text is no condition.
    """
    found = []
    for text in texts:
        parts = _CONDITION.fullmatch(text)
        if parts is None or not parts[3]:
            action = f"Write a column, one of {' '.join(COMPARISONS)} and a value, for example 'snr>3'."
            raise ConfigError(f"condition {text!r}", "it is no comparison", action)
        found.append(Condition(parts[1], "=" if parts[2] == "==" else parts[2], parts[3]))
    return tuple(found)


def rows_where(table: pd.DataFrame, conditions: Sequence[Condition]) -> pd.DataFrame:
    """Return the rows of which every condition is true; the table must have their columns."""
    kept = np.ones(len(table), dtype=bool)
    for one in conditions:
        kept &= one.holds(table[one.column])
    return table if kept.all() else table[kept].reset_index(drop=True)
