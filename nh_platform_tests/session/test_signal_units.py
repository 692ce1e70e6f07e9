"""Every column has the unit of measure that is its own, not the text of all of them."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.reading import SessionView
from nh_platform.session import Signal
from nh_platform.session.tables.signal_units import column_units

BY_END = {"phi": "rad", "area": "px^2", "blink": "1", "cm": "cm", "deg": "deg", "time": "s"}


def units(unit: str, *columns: str) -> tuple[str, ...]:
    return column_units(Signal("one", np.zeros(1), np.zeros((1, len(columns))), unit, columns))


def test_one_unit_is_that_of_all_and_several_are_told_by_name_or_place() -> None:
    assert units("a.u.", "x", "eye_phi") == ("a.u.", "a.u.")
    assert units("px, rad", "a_x", "a_phi", "b_phi", "b_width") == ("px", "rad", "rad", "px")
    assert units("mm, N", "place", "force") == ("mm", "N")
    assert units("mm, N", "place", "force", "torque") == ("mm, N",) * 3
    assert units("mm, N", "x", "y", "force") == ("mm, N",) * 3  # no pixels are stated


@pytest.mark.parametrize("source", ["allen_vc", "allen_vbn", "ibl"])
def test_no_column_of_a_release_has_several(only_session: dict[str, SessionView], source: str) -> None:
    for signal in only_session[source].signals.values():
        for name, unit in zip(signal.columns, column_units(signal)):
            end = name.rpartition("_")[2]
            speed = "cm/s" if signal.name == "running_speed" else ""
            wheel = {"wheel_position": "rad"}.get(signal.name) or ("a.u." if "motion" in signal.name else "px")
            assert unit == (BY_END.get(end) or speed or wheel), (signal.name, name)
