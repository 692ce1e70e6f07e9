"""Objects of pynapple and SpikeInterface hold what the session holds; each library runs beside the platform."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import OpenedStore, SessionView
from nh_platform.reading.upstream_views.pynapple_objects import SHORTEST_GAP_S, _apart
from nh_platform_tests.reading.upstream_views.conftest import only_session

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
INTERVALS = {"ibl": "trials", "allen_vc": "presentations", "allen_vbn": "change_trials"}


class Answered:
    """A session and what the objects of both libraries answered of it."""

    def __init__(self, simulated: Path, session: SessionView, folder: Path) -> None:
        sys.path.insert(0, str(BENCHMARKS))
        try:
            from peers import run_in_peer
        finally:
            sys.path.remove(str(BENCHMARKS))
        script = BENCHMARKS / "peer_objects.py"
        run_in_peer("readers", script, simulated, session.source, session.session_id, folder)
        self.session = session
        self.pynapple, self.sorting = (dict(np.load(folder / f"{name}.npz")) for name in ("pynapple", "spikeinterface"))
        self.warnings = (folder / "warnings.txt").read_text()


@pytest.fixture(scope="module", params=list(INTERVALS))
def answered(
    request: pytest.FixtureRequest, simulated: Path, store: OpenedStore, tmp_path_factory: pytest.TempPathFactory
) -> Answered:
    session = store.session(request.param, only_session(store, request.param))
    return Answered(simulated, session, tmp_path_factory.mktemp(request.param))


@pytest.mark.peer
def test_pynapple_has_every_spike_of_the_recorded_time_and_what_is_known_of_units(answered: Answered) -> None:
    session, found = answered.session, answered.pynapple
    recorded = session.spikes.recorded_time
    assert (found["support"][0, 0], found["support"][-1, 1]) == (recorded.start, recorded.stop)
    assert found["index"].tolist() == list(range(len(session.units)))
    n_spikes = 0
    for row in found["index"].tolist():
        times = session.spikes.of_unit(row)
        inside = times[(times >= recorded.start) & (times <= recorded.stop)]
        np.testing.assert_array_equal(found[f"train.{row}"], inside)
        n_spikes += len(inside)
    assert n_spikes > 1000
    for name in ("unit_id", "probe", "region", "label", "good", "depth"):
        _same(found[f"about.{name}"], session.units[name])
    assert [name for name in found if name.startswith("about.released_")]
    assert answered.warnings == ""


@pytest.mark.peer
def test_pynapple_has_the_trials_and_signals(answered: Answered) -> None:
    session, found = answered.session, answered.pynapple
    table = INTERVALS[session.source]
    name = "trials" if table == "change_trials" else table
    stored = session.events[table]
    rows = found[f"{name}.row"]
    assert len(rows) >= 0.9 * len(stored) > 10
    np.testing.assert_array_equal(found[f"{name}.start"], stored["start_time"].to_numpy()[rows])
    late = stored["stop_time"].to_numpy()[rows] - found[f"{name}.end"]
    assert (late >= 0).all()
    ends_at_stop = np.append(found[f"{name}.start"][1:], np.inf) - stored["stop_time"].to_numpy()[rows] > SHORTEST_GAP_S
    assert (late[ends_at_stop] == 0).all()
    columns = {str(one) for one in found[f"{name}.columns"]}
    assert {"choice", "feedbackType"} <= columns or {"stimulus_name"} <= columns or {"hit", "go"} <= columns
    recorded = session.spikes.recorded_time
    assert session.signals
    for signal in session.signals.values():
        inside = (signal.timestamps >= recorded.start) & (signal.timestamps <= recorded.stop)
        np.testing.assert_array_equal(found[f"{signal.name}.t"], signal.timestamps[inside])
        np.testing.assert_array_equal(found[f"{signal.name}.d"], signal.values[inside])


@pytest.mark.peer
def test_spikeinterface_has_every_spike_within_half_a_sample(answered: Answered) -> None:
    session, found = answered.session, answered.sorting
    rate = float(found["rate"])
    assert rate == 30_000.0
    assert found["ids"].tolist() == session.units["unit_id"].tolist()
    for row, unit in enumerate(found["ids"].tolist()):
        times = session.spikes.of_unit(row)
        np.testing.assert_array_equal(found[f"samples.{unit}"], np.rint(times * rate).astype(np.int64))
        assert np.abs(found[f"seconds.{unit}"] - times).max(initial=0) <= 0.5 / rate + 1e-9
    for name, column in (("group", "probe"), ("depth", "depth"), ("label", "label"), ("brain_area", "acronym")):
        _same(
            found[f"about.{name}"], session.units[column].fillna("") if name == "brain_area" else session.units[column]
        )


def _same(found: np.ndarray, expected: pd.Series) -> None:
    values: Any = expected.to_numpy()
    np.testing.assert_array_equal(found, values.astype(str) if values.dtype == object else values)


def test_intervals_that_meet_end_before_the_next_and_one_without_length_is_left_out() -> None:
    start, stop = np.array([0.0, 1.0, 2.0, 2.0, 5.0]), np.array([1.0, 2.5, 2.2, 3.0, 6.0])
    rows, ends = _apart(np.arange(5), start, stop)
    assert rows.tolist() == [0, 1, 3, 4]
    np.testing.assert_allclose(ends, [1.0 - 1e-6, 2.0 - 1e-6, 3.0, 6.0], rtol=1e-12)
    rows, ends = _apart(np.empty(0, np.int64), start, stop)
    assert (len(rows), len(ends)) == (0, 0)
