"""Parts of a tensor: presentations, units and bins taken out of groups of arrays, and groups put together again.

Add here what is cut from stored arrays or joined of them. Which presentations are taken is decided in `joined_files`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nh_platform.exports.stimulus.netcdf import Group, Variable

PRESENTATIONS = "presentation_id"


def take(variable: Variable, dimension: str, index: npt.NDArray[np.integer]) -> Variable:
    """Return the elements ``index`` along a dimension; a variable without it as it is."""
    if dimension not in variable.dims:
        return variable
    values = np.take(variable.values, index, axis=variable.dims.index(dimension))
    return Variable(variable.dims, values, variable.attributes)


def cut(group: Group, rows: npt.NDArray[np.integer], n_bins: int) -> dict[str, Variable]:
    """Return a group with the presentations ``rows`` and the first ``n_bins`` bins alone."""
    bins = np.arange(n_bins)
    return {name: take(take(variable, PRESENTATIONS, rows), "time", bins) for name, variable in group.items()}


def joined(parts: Sequence[Group]) -> dict[str, Variable]:
    """Return groups of the same variables and bins as one, ascending by ``presentation_id``.

    Counts are as wide as the largest needs: a part may have held a burst that was cut off.
    """
    order = np.argsort(np.concatenate([part[PRESENTATIONS].values for part in parts]), kind="stable")
    together = {name: take(_end_to_end([part[name] for part in parts]), PRESENTATIONS, order) for name in parts[0]}
    return {name: _narrow(variable) for name, variable in together.items()}


def _end_to_end(variables: Sequence[Variable]) -> Variable:
    first = variables[0]
    if PRESENTATIONS not in first.dims or len(variables) == 1:
        return first
    axis = first.dims.index(PRESENTATIONS)
    values = np.concatenate([variable.values for variable in variables], axis=axis)
    return Variable(first.dims, values, first.attributes)


def _narrow(variable: Variable) -> Variable:
    values = variable.values
    if values.dtype != np.uint16 or values.max(initial=0) > np.iinfo(np.uint8).max:
        return variable
    return Variable(variable.dims, values.astype(np.uint8), variable.attributes)
