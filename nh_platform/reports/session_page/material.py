"""What the page of a session is made from: the stored tables and arrays, already read.

Contains the record alone. Add a field here when a figure needs one more thing; the asset fills it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from nh_platform.qc.metrics.histogram_file import UnitHistogram
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Day
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session import Events, RawRecording, Session, Signals
from nh_platform.session.columns import ColumnMeanings

if TYPE_CHECKING:
    from nh_platform.session.mean_waveforms import MeanWaveforms


@dataclass(frozen=True)
class PageMaterial:
    """Everything that the page of one session is made from.

    Parameters
    ----------
    session
        Who, when and where.
    recording, events, signals
        As stored; the intervals that counted reviews mark are among the events' invalid times.
    units, channels
        Tables of `units` (schemas `UNITS` and `CHANNEL_POSITIONS`).
    histograms
        Interval histograms and autocorrelograms of the units, by name.
    meanings
        Unit of measure and meaning of a metric column.
    rulebooks
        The configured ones, the active one first.
    reviews, today
        Reviews of the session and the day on which they count.
    release, facts
        Name of the release, and what the release states of the session.
    versions
        Data version of each asset that is read.
    notes
        What was missing, assumed or left out of each asset.
    waveforms, noise
        Mean waveforms and noise of channels where they are made, else None.
    """

    session: Session
    recording: RawRecording
    events: Events
    signals: Signals
    units: pd.DataFrame
    channels: pd.DataFrame
    histograms: Mapping[str, UnitHistogram]
    meanings: ColumnMeanings
    rulebooks: Sequence[Rulebook]
    reviews: SessionReviews
    today: Day
    release: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    waveforms: MeanWaveforms | None = None
    noise: pd.DataFrame | None = None
