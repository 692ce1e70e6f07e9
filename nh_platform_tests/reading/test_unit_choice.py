"""Units by mask, row or id; whole numbers are whichever of the two all of them are, and never guessed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading.unit_psth import choose_units
from nh_platform.session import UnknownSession

ALLEN = pd.Series(["950912406", "950912408", "950912410"])
COUNTED = pd.Series(["1", "0", "7"])
"""Ids that are small numbers, as of a lab that counts its units."""


@pytest.mark.parametrize(
    "asked", [[950912410, 950912406], np.array([950912410, 950912406]), ["950912410", "950912406"]]
)
def test_allens_ids_are_taken_as_numbers_or_text(asked) -> None:
    assert choose_units(ALLEN, asked).tolist() == [2, 0]


def test_one_unit_needs_no_list() -> None:
    assert choose_units(ALLEN, 950912408).tolist() == choose_units(ALLEN, "950912408").tolist() == [1]


def test_small_numbers_are_rows() -> None:
    assert choose_units(ALLEN, [2, 0]).tolist() == [2, 0]
    assert choose_units(COUNTED, [2]).tolist() == [2]
    assert choose_units(COUNTED, [7]).tolist() == [2]


@pytest.mark.parametrize("asked", [[0], [1, 0]])
def test_numbers_that_mean_two_units_are_refused(asked) -> None:
    with pytest.raises(UnknownSession, match=r"rows of some units and ids of others\. Give ids as text"):
        choose_units(COUNTED, asked)
    assert choose_units(COUNTED, list(map(str, asked))).tolist() == [1 - int(one) for one in asked]


def test_numbers_that_mean_the_same_both_ways_are_taken() -> None:
    assert choose_units(pd.Series(["0", "1"]), [1, 0]).tolist() == [1, 0]


@pytest.mark.parametrize(("asked", "named"), [([0, 950912407], "950912407"), ([950912407], "950912407"), ([3], "3")])
def test_numbers_that_are_neither_are_named(asked, named) -> None:
    with pytest.raises(UnknownSession, match=f"unit {named}: it is neither a row, of which there are 3"):
        choose_units(ALLEN, asked)


def test_rows_and_ids_are_not_mixed() -> None:
    with pytest.raises(UnknownSession, match="unit 950912406: it is the id of a unit, and other numbers"):
        choose_units(ALLEN, [0, 950912406])
