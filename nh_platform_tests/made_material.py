"""Material of a session's page made in memory: spikes, tables and events as small as a test needs.

Add here what several tests of the page need. Real sessions come from `nh_platform_tests.homes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.unit_columns import column_meanings
from nh_platform.qc.unit_table import build_units
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.session import Events, RawRecording, Session, Signals, Spikes, UnitAnnotation
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNIT_POSITIONS
from nh_platform.sources.ibl.entry import ENTRY

TODAY = "2026-06-01"


def grouped(trains: Sequence[Any], amplitude_v: float = 100e-6, depth_um: float = 100.0) -> Spikes:
    """Return spikes of units from their times (s); amplitudes vary a little and depths by unit."""
    counts = [len(train) for train in trains]
    times = np.concatenate([np.asarray(train, dtype=np.float64) for train in [*trains, []]])
    rng = np.random.default_rng(1)
    amplitudes = (amplitude_v * (1 + 0.1 * rng.standard_normal(len(times)))).astype(np.float32)
    depths = np.repeat(depth_um * (1 + np.arange(len(counts))), counts).astype(np.float32)
    return Spikes(times, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), amplitudes, depths)


def steady(n_units: int = 3, rate_hz: float = 5.0, stop_s: float = 200.0, seed: int = 0) -> list[np.ndarray]:
    """Return Poisson trains with a refractory period of 3 ms."""
    rng = np.random.default_rng(seed)
    trains = []
    for _ in range(n_units):
        gaps = 0.003 + rng.exponential(1 / rate_hz - 0.003, round(rate_hz * stop_s * 1.5))
        times = np.cumsum(gaps)
        trains.append(times[times < stop_s])
    return trains


def made_material(
    spikes: Spikes,
    tables: Mapping[str, pd.DataFrame] | None = None,
    *,
    released: pd.DataFrame | None = None,
    regions: Sequence[str | None] | None = None,
    **changes: Any,
) -> PageMaterial:
    """Return the material of a session of one probe with these spikes.

    Parameters
    ----------
    spikes
        Of every unit.
    tables
        Event tables.
    released
        (n_units,) released columns without their prefix; none where None.
    regions
        (n_units,) acronyms; unlocated where None.
    changes
        Fields of the material.
    """
    n = spikes.n_units
    session = Session("ibl", "eid", "mouse <b>", "lab", "2026-01-02")
    ids = [f"unit-{row}" for row in range(n)]
    depths = 100.0 * (1 + np.arange(n))
    units = pd.DataFrame(
        {
            "unit_id": ids,
            "probe": "probe00",
            "cluster_id": np.arange(n),
            "channel": np.arange(n),
            "depth": depths,
            "amplitude": np.nan,
            "peak_to_trough": np.nan,
            "n_spikes": spikes.counts,
        }
    )
    channels = pd.DataFrame(
        {
            "probe": "probe00",
            "channel": np.arange(max(n, 1)),
            "upstream_id": np.arange(max(n, 1)),
            "lateral_um": 0.0,
            "axial_um": 100.0 * (1 + np.arange(max(n, 1))),
        }
    )
    probes = PROBES.conform(
        pd.DataFrame(
            {"probe": ["probe00"], "collection": "alf/probe00", "revision": "2024-05-06", "sorter": "pykilosort"}
        )
    )
    recording = RawRecording(session, probes, RAW_UNITS.conform(units), RAW_CHANNELS.conform(channels), spikes)
    names = pd.Series(list(regions) if regions is not None else [None] * n, dtype=object)
    positions = UNIT_POSITIONS.conform(
        pd.DataFrame({"unit_id": ids, "atlas_id": 0, "acronym": names, "beryl": names, "histology": "alf"})
    )
    of_channels = CHANNEL_POSITIONS.conform(
        channels[["probe", "channel"]].assign(atlas_id=0, acronym=names, beryl=names, histology="alf")
        if n
        else channels[["probe", "channel"]].assign(atlas_id=0, histology="unlocated")
    )
    stated = pd.DataFrame(index=range(n)) if released is None else released.add_prefix("released.")
    annotation = UnitAnnotation(pd.DataFrame({"unit_id": ids}).join(stated), positions, of_channels)
    rulebooks = ("ibl-2022-10", "nh-common")
    built = build_units(recording, annotation, rulebooks=rulebooks, reviews_file=Path("nowhere") / "ibl" / "eid.yaml")
    material = PageMaterial(
        session=session,
        recording=recording,
        events=Events(session, dict(tables or {})),
        signals=Signals(session, {}),
        units=built.table,
        channels=of_channels,
        histograms=built.histograms,
        meanings=column_meanings(ENTRY),
        rulebooks=[load_rulebook(name) for name in rulebooks],
        reviews=SessionReviews("ibl", "eid"),
        today=TODAY,
        source_title=ENTRY.title,
        stated_events=ENTRY.events,
        counterparts=ENTRY.counterparts,
        upstream_label=ENTRY.upstream_label,
        waveforms_offered=True,
    )
    return replace(material, **changes)
