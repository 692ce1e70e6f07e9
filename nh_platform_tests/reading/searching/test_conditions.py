"""Conditions on columns find rows or say why they cannot; none is answered with nothing for a wrong value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading.searching.conditions import read_conditions, rows_where
from nh_platform.session import ConfigError

TABLE = pd.DataFrame(
    {
        "snr": [1.0, np.nan, 3.0],
        "layer": pd.array([1, None, 3], dtype="Int64"),
        "valid": [True, False, True],
        "area": ["VISp.a", None, "c"],
        "has_lfp": ["True", None, "False"],
    }
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("snr!=1", [2]),
        ("snr >= 1", [0, 2]),
        ("layer>1", [2]),
        ("valid=True", [0, 2]),
        ("valid!=true", [1]),
        ("area=visp.a", [0]),
        ("has_lfp=true", [0]),
        ("has_lfp!=true", [2]),
        ("area!=c", [0]),
    ],
)
def test_a_row_without_a_value_is_never_found(text: str, rows: list[int]) -> None:
    found = rows_where(TABLE.assign(row=range(3)), read_conditions([text]))
    assert found["row"].tolist() == rows


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("snr=nan", "nothing equals NaN"),
        ("snr>nan", "nothing equals NaN"),
        ("snr>1,5", "the column has numbers"),
        ("valid=1", "the column has true and false. Use =true or =false"),
        ("valid>0", "the column has true and false"),
        ("area<c", "the column has texts"),
        ("snr", "it is no comparison"),
    ],
)
def test_a_value_that_can_match_no_row_is_refused(text: str, found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        rows_where(TABLE, read_conditions([text]))
