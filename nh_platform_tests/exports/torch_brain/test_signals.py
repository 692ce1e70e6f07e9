"""Behaviour on even grids: where its samples are, NaN where there are none, and said how."""

from __future__ import annotations

import numpy as np

from nh_platform.exports.torch_brain.signals import grid_times, own_rate, signal_groups
from nh_platform.session import Signal

BOUNDS = (0.25, 10.25)


class Session:
    """The parts of a session that signals are made of."""

    def __init__(self, *signals: Signal, assets: tuple[str, ...] = ("signals",)) -> None:
        self.signals = {one.name: one for one in signals}
        self.assets = assets
        self.events: dict[str, object] = {}


def groups_of(*signals: Signal, **more: object) -> tuple[dict, list[str]]:
    return signal_groups(Session(*signals, **more), BOUNDS)  # type: ignore[arg-type]


def test_a_signal_keeps_its_rate_and_has_nan_before_after_and_in_gaps() -> None:
    times = np.concatenate([np.arange(1.0, 4.0, 0.02), np.arange(6.0, 9.0, 0.02)])
    found, notes = groups_of(Signal("speed", times, 3 * times, "cm/s", ("velocity",)))
    assert notes == []
    speed, at = found["speed"].arrays["velocity"], grid_times(BOUNDS, 50.0)
    assert (found["speed"].rate_hz, speed.dtype, len(speed)) == (50.0, np.float32, 500)
    known = ((at >= 1.0) & (at <= times[149])) | ((at >= 6.0) & (at <= times[-1]))
    np.testing.assert_array_equal(np.isfinite(speed), known)
    np.testing.assert_allclose(speed[known], 3 * at[known], rtol=1e-6)
    table = found["signals"].arrays
    assert [table[name][0] for name in ("group", "name", "unit", "rate_hz", "how")] == [
        "speed", "velocity", "cm/s", 50.0, "linear",
    ]  # fmt: skip
    assert table["share_known"][0] == known.mean()


def test_states_are_held_and_times_of_samples_are_no_signal() -> None:
    times = np.arange(0.0, 11.0, 0.1)
    values = np.column_stack([times % 1 > 0.5, times]).astype(float)
    found, _ = groups_of(Signal("pupil", times, values, "1, s", ("likely_blink", "end_time")))
    assert set(found["pupil"].arrays) == {"likely_blink"}
    assert set(np.unique(found["pupil"].arrays["likely_blink"])) == {0.0, 1.0}


def test_every_column_has_its_own_unit() -> None:
    times = np.arange(0.0, 11.0, 0.1)
    columns = ("eye_width", "eye_height", "eye_phi", "eye_area")
    found, _ = groups_of(Signal("pupil", times, np.zeros((len(times), 4)), "px, rad, px^2", columns))
    assert found["signals"].arrays["unit"].tolist() == ["px", "px", "rad", "px^2"]


def test_samples_out_of_order_are_sorted_and_too_few_are_left_out() -> None:
    times = np.arange(1.0, 9.0, 0.1)[::-1].copy()
    found, notes = groups_of(
        Signal("turned", times, times, "a.u.", ("v",)), Signal("short", np.array([1.0]), np.array([1.0]), "1", ("v",))
    )
    at = grid_times(BOUNDS, 10.0)
    known = np.isfinite(found["turned"].arrays["v"])
    np.testing.assert_allclose(found["turned"].arrays["v"][known], at[known], rtol=1e-6)
    assert set(found) == {"turned", "signals"}
    assert any(note.startswith("turned: samples are sorted") for note in notes)
    assert any(note.startswith("short: 1 samples") for note in notes)


def test_a_wheel_too_short_for_its_filter_is_left_out() -> None:
    from nh_platform.session import BadUpstreamData

    session = Session(Signal("wheel_position", np.array([0.0, 1.0]), np.zeros(2), "rad", ("position",)))

    def refuse() -> None:
        raise BadUpstreamData("signal wheel_position", "2 samples, too few", "Leave it out.")

    session.wheel_motion = refuse  # type: ignore[attr-defined]
    found, notes = signal_groups(session, BOUNDS)  # type: ignore[arg-type]
    assert set(found) == {"signals"}
    assert notes == ["wheel: 2 samples, too few", "signals of behaviour: the session has none"]


def test_a_session_without_signals_has_an_empty_table() -> None:
    found, notes = groups_of(assets=())
    assert set(found) == {"signals"}
    assert len(found["signals"]) == 0
    assert notes == ["signals of behaviour: the session has none"]


def test_a_signal_that_is_called_as_another_object_is_left_out_and_said() -> None:
    times = np.arange(0.0, 11.0, 0.1)
    session = Session(*(Signal(name, times, times, "1", ("v",)) for name in ("units", "wheel", "own")))
    found, notes = signal_groups(session, BOUNDS, ("units",))  # type: ignore[arg-type]
    assert set(found) == {"own", "signals"}
    assert found["signals"].arrays["group"].tolist() == ["own"]
    assert [note.partition(":")[0] for note in notes] == ["signal units", "signal wheel"]


def test_the_rate_is_the_nearest_whole_number_where_it_is_close() -> None:
    assert own_rate(np.arange(50) / 30.0002) == 30.0
    assert own_rate(np.arange(50) * 3.0) == 0.333
