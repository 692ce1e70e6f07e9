"""What the page of a session is made from: the stored tables and arrays, already read.

Contains the record alone. Add a field here when a figure needs one more thing; the asset fills it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.inclusion import Inclusion
from nh_platform.qc.metrics.histogram_file import UnitHistogram
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Day
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.session_page.content import Link
from nh_platform.session import Events, RawRecording, Session, Signals
from nh_platform.session.columns import ColumnMeanings
from nh_platform.sources.counterparts import Counterpart, UpstreamLabel
from nh_platform.sources.events import EventTimes

if TYPE_CHECKING:
    from nh_platform.reports.session_page.session_figures.embedding_maps import Population
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
    unit_intervals
        Intervals (n, 2), in s, in which counted reviews call single units invalid, by unit id.
    reviews, today
        Reviews of the session and the day on which they count.
    source_title
        Name of the source for people.
    release
        The first release, by name, that lists a file of the session; empty where none is named.
    stated_events, counterparts, upstream_label, waveforms_offered, noise_offered
        Of the source's entry: where its events lie, which released columns stand for recomputed ones, its own judgement
        of units, and whether it has mean waveforms and noise of channels that can be asked for.
    inclusions
        Rulebooks about sessions and insertions, each with its outcome.
    links
        Places elsewhere that are about the session.
    versions
        Data version of each asset that is read.
    notes
        What was missing, assumed or left out of each asset.
    waveforms, noise
        Mean waveforms and noise of channels where they are made, else None.
    unit_embeddings, population
        Features of units (schema `UNIT_EMBEDDINGS`), and population states, where they are made.
    reference_window
        Name of the stretch of the session that the features describe.
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
    unit_intervals: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    source_title: str = ""
    release: str = ""
    stated_events: Mapping[str, EventTimes] = field(default_factory=dict)
    counterparts: Sequence[Counterpart] = ()
    upstream_label: UpstreamLabel | None = None
    waveforms_offered: bool = False
    noise_offered: bool = False
    inclusions: Sequence[tuple[Rulebook, Inclusion]] = ()
    links: Sequence[Link] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    waveforms: MeanWaveforms | None = None
    noise: pd.DataFrame | None = None
    unit_embeddings: pd.DataFrame | None = None
    population: Population | None = None
    reference_window: str = ""
