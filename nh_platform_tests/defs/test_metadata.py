"""Numbers in the UI: without the digits that nobody reads, and still numbers."""

from __future__ import annotations

import math

import dagster as dg
import numpy as np
import pytest

from nh_platform.defs.metadata import records_table, rounded, shown_metadata


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5238095238, 0.5238), (1.0, 1.0), (0.0, 0.0), (-12.34567, -12.346), (3599.98765, 3599.988), (5e-05, 5e-05)],
)
def test_four_digits_and_at_least_milliseconds(value: float, shown: float) -> None:
    assert rounded(value) == shown
    assert rounded(np.float64(value)) == shown


def test_what_is_no_finite_number_stays() -> None:
    assert math.isnan(rounded(math.nan))
    assert rounded(math.inf) == math.inf
    assert shown_metadata({"share": 1 / 3, "units": 7, "name": "x", "ok": True}) == {
        "share": 0.3333,
        "units": 7,
        "name": "x",
        "ok": True,
    }


def test_a_table_keeps_what_tells_two_values_apart() -> None:
    table = records_table([{"released": 4.3100001234e-05, "recomputed": 4.3100101234e-05, "unit": "a"}])
    assert isinstance(table, dg.TableMetadataValue)
    assert table.records[0].data == {"released": 4.31e-05, "recomputed": 4.31001e-05, "unit": "a"}
