"""Windows as people state them, in seconds, laid out in whole bins.

Contains `whole_bins`. Add here another check of what a person states of a window. Counting is
`nh_platform.windows.counts.binning`.
"""

from __future__ import annotations

from nh_platform.session import ConfigError
from nh_platform.windows.counts.binning import US_PER_S, whole_microseconds


def whole_bins(start: float, stop: float, bin_us: int) -> tuple[int, int]:
    """Return the start of a window in µs and its number of bins of ``bin_us`` µs.

    Raises
    ------
    ConfigError
        If it is not a whole, positive number of bins from ``start`` to ``stop`` (s); the text has the nearest stops.

    Examples
    --------
    >>> whole_bins(-0.5, 0.5, 20_000)
    (-500000, 50)
    """
    start_us, stop_us = whole_microseconds(start, "start"), whole_microseconds(stop, "stop")
    window, length = f"window {start} s to {stop} s", stop_us - start_us
    if bin_us <= 0:
        raise ConfigError(
            f"bins of {bin_us / US_PER_S:g} s", "they have no width", "Choose a width above 0, e.g. 0.02."
        )
    if length <= 0:
        nearest = (start_us + bin_us) / US_PER_S
        raise ConfigError(
            window, "it does not end after it starts", f"Choose a stop after the start, from {nearest:g} s."
        )
    if length % bin_us:
        before, after = (start_us + (length // bin_us + more) * bin_us for more in (0, 1))
        stops = [f"{one / US_PER_S:g}" for one in (before, after) if one > start_us]
        found = f"it is not a whole number of bins of {bin_us / US_PER_S:g} s"
        raise ConfigError(window, found, f"Choose a stop of {' or '.join(stops)} s, or another width.")
    return start_us, length // bin_us
