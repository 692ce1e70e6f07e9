"""Peak memory of a run, from its assets and the bytes of its session's spikes: what the queue limits runs by.

Contains the estimate and where a session counts as large. What an asset takes is stated in its own file.
"""

from __future__ import annotations

from collections.abc import Iterable

from nh_platform.assets.record import SessionAsset

PROCESS_GB = 0.35
"""Of a run that has imported the platform and holds no session [10⁹ bytes]."""
LARGE_GB = 1.5
"""Peak from which a run is large: of those the queue lets one go at a time, beside a small one."""


def peak_memory_gb(assets: Iterable[SessionAsset], spike_bytes: float) -> float:
    """Return the peak memory that a run of some assets of a session is expected to take [10⁹ bytes].

    Assets of a run are made one after the other, so that the largest counts. What assets take was measured at 18 bytes
    a spike (times of 64 bits, amplitudes and depths of 32, clusters of 16); of files that hold more bytes a spike, as
    IBL's do (30), it is a bound from above.

    Parameters
    ----------
    assets
        The assets of the run.
    spike_bytes
        Size of the session's spike files by its manifest [bytes].

    Examples
    --------
    >>> from nh_platform.assets.registry import session_assets
    >>> round(peak_memory_gb([session_assets("ibl")["raw_spikes"]], 59.4e6 * 18), 1)
    2.2
    """
    return PROCESS_GB + max((asset.memory_per_spike_byte for asset in assets), default=0.0) * spike_bytes / 1e9


def memory_class(peak_gb: float) -> str:
    """Return ``large`` or ``small``, which the queue tells runs by.

    Examples
    --------
    >>> memory_class(0.7), memory_class(2.3)
    ('small', 'large')
    """
    return "large" if peak_gb >= LARGE_GB else "small"
