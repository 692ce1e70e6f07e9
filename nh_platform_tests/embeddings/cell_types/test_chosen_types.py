"""Units are chosen by cell type; one whose type is not known is of none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.embeddings.cell_types.chosen_types import of_cell_types
from nh_platform.session import ConfigError

UNITS = pd.DataFrame(
    {"nh.waveform_type@1": ["narrow", "broad", None, "broad"], "nh.optotagged@1": [0.0, 1.0, np.nan, np.nan]}
)


def test_any_of_the_types_is_enough() -> None:
    assert of_cell_types(UNITS, ["narrow"]).tolist() == [True, False, False, False]
    assert of_cell_types(UNITS, ["narrow", "optotagged"]).tolist() == [True, True, False, False]
    assert of_cell_types(UNITS, ["broad"]).tolist() == [False, True, False, True]


def test_an_unknown_type_and_units_of_before_are_refused() -> None:
    with pytest.raises(ConfigError, match="'narow'"):
        of_cell_types(UNITS, ["narow"])
    with pytest.raises(ConfigError, match="these units were made without"):
        of_cell_types(UNITS[["nh.waveform_type@1"]], ["optotagged"])
