"""Noise of a session's channels in memory, as upstream measured it on the raw recordings.

Contains the container. What follows for an insertion is `nh_platform.qc.probe_noise`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from nh_platform.session.recording import Note


@dataclass(frozen=True)
class ChannelNoise:
    """Noise and power of channels.

    Parameters
    ----------
    channels
        One row per channel of the sorting, schema `NOISE_CHANNELS`.
    notes
        What was missing or assumed.
    """

    channels: pd.DataFrame
    notes: tuple[Note, ...] = ()
