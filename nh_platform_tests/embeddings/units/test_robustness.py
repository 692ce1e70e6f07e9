"""Units of a kind of their own are known again in the other half of a session, units that fire alike are not."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.embeddings.units.reference_windows import UsedWindow
from nh_platform.embeddings.units.robustness import disjoint_windows, robustness, robustness_rows
from nh_platform.embeddings.units.window_places import used_window
from nh_platform.session import ConfigError
from nh_platform_tests.windows.trains import spikes_of, units_of

N = 12


def trains(shapes, rates, seed=1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    made = [np.cumsum(rng.gamma(shape, 1 / (shape * rate), int(600 * rate))) for shape, rate in zip(shapes, rates)]
    return [train[train < 400] for train in made]


def test_units_of_their_own_kind_are_identified_and_equal_ones_are_at_chance() -> None:
    units = units_of(*["probe00"] * N)
    own = spikes_of(*trains(np.geomspace(0.3, 8, N), np.geomspace(2, 40, N)))
    ((first, second),) = disjoint_windows(own)
    found = robustness(own, units, first, second)
    assert found.identified >= 0.9
    assert found.times_chance == pytest.approx(found.identified * N)
    assert np.median(found.correlation) > 0.8
    assert np.median(found.other_correlation) < 0.2
    alike = spikes_of(*trains([1.0] * 40, [5.0] * 40))
    ((first, second),) = disjoint_windows(alike)
    assert robustness(alike, units_of(*["probe00"] * 40), first, second).times_chance < 5


def test_a_reference_window_is_compared_with_its_like_further_on() -> None:
    spikes = spikes_of(*trains([1.0] * 3, [10.0] * 3), [7.0])
    pairs = disjoint_windows(spikes, used_window(spikes, "start-20s"))
    assert [first.id for first, _ in pairs] == ["first half", "start-20s", "start-20s", "start-20s"]
    found = [robustness(spikes, units_of(*["probe00"] * 4), *pair) for pair in pairs]
    rows = robustness_rows(found)
    assert [row["seconds"] for row in rows[1:]] == [20, 20, 20]
    assert {row["units"] for row in rows} == {3}
    assert {row["silent units"] for row in rows} == {1}
    assert rows[0]["chance"] == pytest.approx(0.333)


def test_windows_that_overlap_are_refused() -> None:
    spikes = spikes_of([1.0, 2.0])
    with pytest.raises(ConfigError, match="both hold"):
        robustness(spikes, units_of("probe00"), UsedWindow("a", 0.0, 2.0), UsedWindow("b", 1.5, 3.0))


@pytest.mark.parametrize("given", [[], [[]], [[3.0]]])
def test_a_session_without_spikes_or_units_has_nothing_to_compare(given) -> None:
    spikes = spikes_of(*given)
    pairs = disjoint_windows(spikes, used_window(spikes, "start-30s"))
    rows = robustness_rows([robustness(spikes, units_of(*["probe00"] * len(given)), *pair) for pair in pairs])
    assert all(row["identified"] is None for row in rows)
