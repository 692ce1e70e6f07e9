"""Units that light drives are found, others are not, and what cannot be judged is null with a note."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.embeddings.cell_types.optotagging import MAX_Q, light_pulses, optotagged_units
from nh_platform.session import Spikes
from nh_platform.simulation import SIZES
from nh_platform.simulation.allen.allen_session import simulate_allen_session
from nh_platform.simulation.allen.optotagging import light_epochs

PULSES_S = 100.0 + 0.5 * np.arange(40)


def _epochs(starts: np.ndarray = PULSES_S, length_s: float = 0.01, level: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"start_time": starts, "stop_time": starts + length_s, "level": level})


def _spikes(*trains: np.ndarray) -> tuple[Spikes, pd.DataFrame]:
    times = [np.sort(np.asarray(one, dtype=np.float64)) for one in trains]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in times])]).astype(np.int64)
    every = np.concatenate(times) if times else np.zeros(0)
    nothing = np.full(len(every), np.nan, dtype=np.float32)
    units = pd.DataFrame({"unit_id": [f"u{k}" for k in range(len(times))], "probe": "probeA"}, dtype=object)
    return Spikes(every, offsets, nothing, nothing), units


def _poisson(rate_hz: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random(rng.poisson(rate_hz * 200)) * 200.0


def test_a_unit_that_answers_is_tagged_with_its_latency() -> None:
    driven = np.concatenate([_poisson(5.0, 1), PULSES_S + 0.004])
    table, notes = optotagged_units(*_spikes(driven, _poisson(5.0, 2), np.zeros(0)), _epochs())
    assert table["optotagged"].tolist() == [1.0, 0.0, 0.0]
    assert table["reliability"][0] == 1.0
    assert table["latency"][0] == pytest.approx(0.004, abs=1e-3)
    assert np.isnan(table["latency"][2])
    assert table["p_value"][2] == 1.0
    assert table["n_pulses"].tolist() == [40, 40, 40]
    assert notes == ()


def test_late_early_and_slow_answers_are_no_tag() -> None:
    late, artefact = PULSES_S + 0.012, PULSES_S + 0.0005
    table, _ = optotagged_units(*_spikes(late, artefact, _poisson(150.0, 3)), _epochs())
    assert table["optotagged"].tolist() == [0.0, 0.0, 0.0]


def test_numbers_are_those_of_the_pulses_by_hand() -> None:
    """Of 40 pulses 20 are answered; one spike lies 6 ms before each pulse, in no baseline window."""
    table, _ = optotagged_units(*_spikes(np.concatenate([PULSES_S[:20] + 0.005, PULSES_S - 0.006])), _epochs())
    row = table.iloc[0]
    assert (row["reliability"], row["baseline_reliability"], row["baseline_rate"]) == (0.5, 0.0, 0.0)
    assert row["evoked_rate"] == pytest.approx(0.5 / 0.008)
    assert row["jitter"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("epochs", "said"),
    [
        (None, "no optogenetic epochs"),
        (_epochs(length_s=1.0), "0 of 40 optogenetic epochs are pulses"),
        (_epochs(PULSES_S[:9]), "9 of 9 optogenetic epochs are pulses"),
    ],
)
def test_a_session_without_pulses_has_null_and_a_note(epochs: pd.DataFrame | None, said: str) -> None:
    table, notes = optotagged_units(*_spikes(PULSES_S + 0.004), epochs)
    assert table["optotagged"].isna().all()
    assert table["p_value"].isna().all()
    assert said in notes[0].text


def test_the_highest_level_with_enough_pulses_counts() -> None:
    low, high, few = _epochs(level=1.0), _epochs(PULSES_S + 30.0, level=2.0), _epochs(PULSES_S[:3] + 60.0, level=3.0)
    starts, note = light_pulses(pd.concat([low, high, few]))
    assert note is None
    np.testing.assert_array_equal(starts, PULSES_S + 30.0)
    unstated, _ = light_pulses(pd.concat([low, high]).assign(level=np.nan))
    assert len(unstated) == 80


@pytest.mark.parametrize("scope", ["optotagging", "all_probes", "probeA"])
def test_pulses_in_invalid_time_are_left_out(scope: str) -> None:
    invalid = pd.DataFrame({"start_time": [0.0], "stop_time": [110.0], "scope": [scope]})
    table, notes = optotagged_units(*_spikes(PULSES_S + 0.004), _epochs(), invalid)
    assert table["n_pulses"].tolist() == [19]  # that at 110.0 s has its baseline in the interval
    assert "21 of 40 pulses lie in invalid or unrecorded time of probeA" in notes[0].text
    other, _ = optotagged_units(*_spikes(PULSES_S + 0.004), _epochs(), invalid.assign(scope="stimulus"))
    assert other["n_pulses"].tolist() == [40]


def test_pulses_that_were_not_recorded_judge_no_unit() -> None:
    before_light = [one[one < 50.0] for one in (_poisson(5.0, 1), _poisson(5.0, 2))]
    table, notes = optotagged_units(*_spikes(*before_light), _epochs())
    assert table["n_pulses"].tolist() == [0, 0]
    assert table["optotagged"].isna().all()
    assert "40 of 40 pulses lie in invalid or unrecorded time of probeA" in notes[0].text


def test_no_units_make_an_empty_table() -> None:
    table, _ = optotagged_units(*_spikes(), _epochs())
    assert len(table) == 0


@settings(deadline=None, max_examples=15)
@given(rates=st.lists(st.floats(0.1, 60.0), min_size=1, max_size=12), seed=st.integers(0, 2**16))
def test_shares_and_probabilities_are_what_they_are_called(rates: list[float], seed: int) -> None:
    table, _ = optotagged_units(*_spikes(*(_poisson(rate, seed + k) for k, rate in enumerate(rates))), _epochs())
    for name in ("reliability", "baseline_reliability", "p_value", "q_value"):
        assert table[name].between(0.0, 1.0).all()
    assert (table["q_value"] >= table["p_value"] - 1e-12).all()
    assert (table.loc[table["optotagged"] == 1, "q_value"] <= MAX_Q).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tagged_units_of_simulated_sessions_are_recovered(seed: int) -> None:
    """A session with the channel has its planted units and no others; one without has none, by the same light."""
    for index, has_channel in ((0, False), (1, True)):
        session = simulate_allen_session(seed, index, SIZES["tiny"])
        trains = [probe.times[a:b] for probe in session.probes for a, b in _bounds(probe.spikes.offsets)]
        planted = np.array([truth.optotagged for probe in session.probes for truth in probe.truths])
        table, _ = optotagged_units(*_spikes(*trains), light_epochs(session.stimuli_end_s))
        assert planted.any() == has_channel
        assert ((table["optotagged"] == 1) & ~planted).sum() == 0
        assert (table.loc[planted, "optotagged"] == 1).sum() >= planted.sum() - 1
        assert np.all(np.abs(table.loc[planted & (table["optotagged"] == 1), "latency"] - 0.003) < 0.001)


def _bounds(offsets: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(offsets[:-1].tolist(), offsets[1:].tolist()))
