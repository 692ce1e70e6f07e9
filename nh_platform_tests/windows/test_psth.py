"""The PSTH is the mean rate over events that have a time, with its standard error."""

import numpy as np
import pytest

from nh_platform.session import ConfigError
from nh_platform.windows import bin_events, psth
from nh_platform_tests.windows.trains import spikes_of


def test_rate_and_sem_by_hand() -> None:
    result = psth(spikes_of([1.01, 1.02, 2.01]), [1.0, 2.0], start=0.0, stop=0.1, bin_us=50_000)
    # counts 2 and 1 in the first bin of 50 ms: 40 Hz and 20 Hz
    assert result.rate[0].tolist() == [pytest.approx(30.0), 0.0]
    assert result.sem[0].tolist() == [pytest.approx(np.std([40, 20], ddof=1) / np.sqrt(2)), 0.0]
    assert result.bin_centers.tolist() == [0.025, 0.075]


def test_equals_the_tensor_that_it_does_not_make() -> None:
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, 100, n)) for n in (0, 1, 2, 3000)]
    events = rng.uniform(5, 95, 40)
    result = psth(spikes_of(*trains), events)
    rates = bin_events(spikes_of(*trains), events, -500_000, 50, 20_000).counts / 0.02
    np.testing.assert_allclose(result.rate, rates.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(result.sem, rates.std(axis=0, ddof=1) / np.sqrt(40), rtol=1e-9, atol=1e-12)


def test_a_bin_above_255_spikes_is_not_saturated() -> None:
    assert psth(spikes_of(np.full(1000, 0.5)), [0.0], 0.0, 1.0, 1_000_000).rate.item() == 1000


def test_nan_events_are_left_out_and_counted() -> None:
    result = psth(spikes_of([1.01]), [1.0, np.nan], 0.0, 0.02)
    assert result.n_events == 1
    assert result.rate.item() == pytest.approx(50)
    assert np.isnan(result.sem).all()


def test_infinite_events_are_left_out_and_counted() -> None:
    result = psth(spikes_of([1.01], [0.5, 1.01]), [-np.inf, 1.0, np.inf], 0.0, 0.02)
    assert result.n_events == 1
    assert result.rate.ravel().tolist() == [pytest.approx(50), pytest.approx(50)]


def test_no_events_give_nan_of_the_right_shape() -> None:
    result = psth(spikes_of([1.0], []), [])
    assert result.rate.shape == (2, 50)
    assert np.isnan(result.rate).all()


@pytest.mark.parametrize(
    ("start", "stop", "text"),
    [
        (0.5, -0.5, "does not end after it starts"),
        (0.0, 0.03, "whole number of bins"),
        (0.0, 0.0, "does not end after it starts"),
    ],
)
def test_a_window_that_is_no_whole_number_of_bins_is_refused(start, stop, text) -> None:
    with pytest.raises(ConfigError, match=text):
        psth(spikes_of([1.0]), [1.0], start, stop)
