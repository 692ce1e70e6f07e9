"""Units of a session by their cell type.

Contains the one choice that training sets and notebooks share. What the types mean is said by their columns
(`nh_platform.session.tables.cell_types`).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.cell_types import BROAD, CELL_TYPES, NARROW, OPTOTAGGED, WAVEFORM_TYPE


def of_cell_types(units: pd.DataFrame, cell_types: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Return (n_units,) bool, which units are of any of some types; one whose type is not known is of none.

    Parameters
    ----------
    units
        A units table, with the columns of cell types.
    cell_types
        Names of `CELL_TYPES`: ``narrow``, ``broad``, ``optotagged``.

    Raises
    ------
    ConfigError
        If there is no such type, or the units were made before there were types.
    """
    kept = np.zeros(len(units), dtype=bool)
    for name in cell_types:
        if name not in CELL_TYPES:
            action = f"Use {', '.join(CELL_TYPES)}.{close_matches(name, CELL_TYPES)}"
            raise ConfigError(f"cell type {name!r}", "there is none of that name", action)
        column = (WAVEFORM_TYPE if name in (NARROW, BROAD) else OPTOTAGGED).name
        if column not in units:
            action = "Make `units` again: `nh materialize SOURCE --missing`."
            raise ConfigError(f"cell type {name!r}", f"these units were made without {column}", action)
        kept |= (units[column] == (1.0 if column == OPTOTAGGED.name else name)).to_numpy(dtype=bool)
    return kept
