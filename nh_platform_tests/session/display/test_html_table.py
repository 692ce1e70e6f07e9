"""Notebooks show short lines and small tables, and names of other people's files are no HTML."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.session import Events, Session, Signal, Spikes
from nh_platform.session.display import html_facts, html_rows

SCRIPT = "<script>alert(1)</script>"


def some_spikes(times) -> Spikes:
    nothing = np.full(len(times), np.nan, dtype=np.float32)
    return Spikes(np.asarray(times, dtype=np.float64), np.array([0, len(times), len(times)]), nothing, nothing)


def test_every_text_is_escaped() -> None:
    shown = html_facts(SCRIPT, {SCRIPT: SCRIPT}) + html_rows(SCRIPT, (SCRIPT,), [(SCRIPT,)])
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 6


def test_long_tables_say_how_much_follows() -> None:
    shown = html_rows("numbers", ("n",), [(number,) for number in range(1000)])
    assert "… and 980 more" in shown
    assert len(shown) < 2000
    assert "more" not in html_rows("numbers", ("n",), [(number,) for number in range(20)])


def test_spikes_show_no_array() -> None:
    spikes = some_spikes([1.0, 2.5, 9.25])
    assert repr(spikes) == "Spikes(3 of 2 units, 1.000 to 9.250 s)"
    assert "<td>9.250 s</td>" in spikes._repr_html_()
    assert repr(some_spikes([])) == "Spikes(0 of 2 units)"
    assert "<td>0</td>" in some_spikes([])._repr_html_()


def test_signals_show_no_array() -> None:
    gaze = Signal("gaze", np.array([0.5, 1.5]), np.zeros((2, 2)), "deg", ("x", "y"))
    assert repr(gaze) == "Signal('gaze', 2 samples of 2 columns, deg, 0.500 to 1.500 s)"
    empty = Signal(SCRIPT, np.zeros(0), np.zeros(0), "", ("x",))
    assert repr(empty) == f"Signal({SCRIPT!r}, 0 samples)"
    assert "<script" not in empty._repr_html_()


def test_events_show_the_number_of_rows() -> None:
    events = Events(Session("ibl", "e1", "m"), {"licks": pd.DataFrame({"times": [1.0, 2.0]})})
    assert repr(events) == "Events('ibl', 'e1', tables: licks (2))"
    assert "<td>licks</td><td>2</td>" in events._repr_html_()
