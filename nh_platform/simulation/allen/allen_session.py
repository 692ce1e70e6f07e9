"""One simulated Visual Coding session in memory: ids, animal, stimuli, and the units of each probe.

Contains the identity of sessions and their content, and the probes that Visual Behavior sessions have as well. Add here
what a session consists of. The NWB file is written in `nh_platform.simulation.allen.coding_nwb`, the tables of
AllenSDK's cache in `nh_platform.simulation.allen.allen_cache`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from nh_platform.simulation.allen.nwb_units import unit_metrics
from nh_platform.simulation.allen.optotagging import CHANNEL, driven_spikes, light_epochs, with_tagged
from nh_platform.simulation.allen.visual_stimuli import (
    CONNECTIVITY,
    MONITOR_HZ,
    OBSERVATORY,
    simulate_stimuli,
    stimulus_responses,
)
from nh_platform.simulation.graded_designs import draw_probe_units
from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.insertions import N_CHANNELS, TRACKS, Track, peak_channels
from nh_platform.simulation.seeding import generator, integer
from nh_platform.simulation.shared_state import draw_shared_state, with_shared_state
from nh_platform.simulation.simulated_session import SimulatedSession
from nh_platform.simulation.size import SimulationSize
from nh_platform.simulation.spike_trains import SAMPLING_RATE_HZ, EvokedResponse, SimulatedSpikes, simulate_spikes
from nh_platform.simulation.truth_table import truth_table
from nh_platform.simulation.unit_types import with_unit_types

GENOTYPES = ("wt", "Sst-IRES-Cre/wt;Ai32(RCL-ChR2(H134R)_EYFP)/wt", "Vip-IRES-Cre/wt;Ai32(RCL-ChR2(H134R)_EYFP)/wt")
FIRST_DAY = datetime.date(2019, 1, 19)
OPTOTAGGING_S = 40.0
"""Length of the optotagging after the stimuli (several minutes upstream)."""
UNREGISTERED_UM = -1000.0
"""Position of a channel without CCF registration, on all axes."""


@dataclass(frozen=True)
class AllenProbe:
    """One probe.

    Parameters
    ----------
    name, probe_id
        ``probeA`` and its id.
    track
        Where it lies.
    registered
        Whether it is registered to the CCF.
    sampling_rate_hz
        Rate of the probe's samples on the session clock.
    channel_ids, unit_ids
        Ids of its channels and units.
    truths, spikes
        Units and their spikes.
    peak_channels
        (n_units,) row of each unit's peak channel.
    metrics
        The columns of ``/units`` except ids and spikes, one row per unit.
    """

    name: str
    probe_id: int
    track: Track
    registered: bool
    sampling_rate_hz: float
    channel_ids: np.ndarray
    unit_ids: np.ndarray
    truths: list[UnitTruth]
    spikes: SimulatedSpikes
    peak_channels: np.ndarray
    metrics: pd.DataFrame

    @property
    def times(self) -> np.ndarray:
        """(n_spikes,) float64 seconds, grouped by unit."""
        return self.spikes.samples / self.sampling_rate_hz


@dataclass(frozen=True)
class FirstIds:
    """Numbers from which the ids of a source's probes, channels and units are counted."""

    probe: int
    channel: int
    unit: int


@dataclass(frozen=True, kw_only=True)
class SimulatedRecording:
    """Recording of a session of either Allen source, before anything is written."""

    source: ClassVar[str]

    seed: int
    index: int
    session_id: int
    date: datetime.date
    genotype: str
    sex: str
    duration_s: float
    probes: list[AllenProbe]

    @property
    def truth(self) -> pd.DataFrame:
        """The ground truth of every unit, schema `truth_table.TRUTH`."""
        tables = [
            truth_table(
                probe.truths,
                probe.spikes,
                probe.track,
                session_id=str(self.session_id),
                probe=probe.name,
                unit_ids=[str(unit) for unit in probe.unit_ids],
                duration_s=self.duration_s,
            )
            for probe in self.probes
        ]
        return pd.concat(tables, ignore_index=True)

    def written_to(self, folder: Path, subject: int) -> SimulatedSession:
        """Return the record of the session that lies in ``folder``."""
        return SimulatedSession(
            source=self.source,
            session_id=str(self.session_id),
            index=self.index,
            folder=folder,
            subject=str(subject),
            lab="Allen Institute",
            date=self.date.isoformat(),
            probes={probe.name: str(probe.probe_id) for probe in self.probes},
        )


@dataclass(frozen=True, kw_only=True)
class AllenSession(SimulatedRecording):
    """One Visual Coding session."""

    source = "allen_vc"

    session_type: str
    specimen_id: int
    age_days: float
    stimuli: dict[str, pd.DataFrame]
    stimuli_end_s: float


def simulate_allen_session(seed: int, index: int, size: SimulationSize, monitor_hz: float = MONITOR_HZ) -> AllenSession:
    """Simulate Visual Coding session number ``index``, shown on a monitor of ``monitor_hz``.

    Every session is another animal; every second is of the other session type. On each third session the last probe is
    not registered to the CCF.
    """
    session_type = (OBSERVATORY, CONNECTIVITY)[index % 2]
    rng = generator(seed, AllenSession.source, index, "stimuli")
    stimuli, end_s = simulate_stimuli(
        rng, size.allen_repeats, session_type, movie_three=size.allen_movie_three, monitor_hz=monitor_hz
    )
    duration_s = end_s + OPTOTAGGING_S + 5.0
    genotype = GENOTYPES[index % len(GENOTYPES)]
    session_id = integer(seed, 700_000_000, 840_000_000, AllenSession.source, index, "session")
    return AllenSession(
        seed=seed,
        index=index,
        session_id=session_id,
        session_type=session_type,
        specimen_id=session_id - 15_000_000,
        date=FIRST_DAY + datetime.timedelta(days=7 * index),
        genotype=genotype,
        sex="MF"[index % 2],
        age_days=100.0 + integer(seed, 0, 40, AllenSession.source, index, "age"),
        stimuli=stimuli,
        stimuli_end_s=end_s,
        duration_s=duration_s,
        probes=simulate_probes(
            seed,
            AllenSession.source,
            index,
            size,
            lambda rng, truths: stimulus_responses(rng, truths, stimuli),
            duration_s,
            first_ids=FirstIds(probe=810_000_000, channel=850_000_000, unit=950_000_000),
            last_registered=index % 3 != 2,
            light=light_epochs(end_s) if CHANNEL in genotype else None,
        ),
    )


def simulate_probes(
    seed: int,
    source: str,
    index: int,
    size: SimulationSize,
    respond: Callable[[np.random.Generator, list[UnitTruth]], list[EvokedResponse]],
    duration_s: float,
    *,
    first_ids: FirstIds,
    last_registered: bool,
    light: pd.DataFrame | None,
) -> list[AllenProbe]:
    """Simulate the probes of session number ``index`` of a source.

    Parameters
    ----------
    seed, source, index
        Which session.
    size
        How large it is.
    respond
        Returns the extra spikes that the stimuli cause in the units of a probe.
    duration_s
        Length of the session in seconds.
    first_ids
        What ids are counted from; channels have every second number.
    last_registered
        Whether the last probe is registered to the CCF, as all others are.
    light
        Epochs of light that drive some of the units; None where the animal has no channel that it opens.
    """
    probes = []
    state = draw_shared_state(seed, source, index, duration_s, size.shared_state)
    for number in range(size.allen_probes):
        name = f"probe{'ABCDEF'[number]}"
        truths = _visual_units(generator(seed, source, index, number, "units"), number, size, duration_s)
        extra = None
        # Generators of their own: nothing else of the session is drawn otherwise.
        if size.unit_types:
            truths, extra = with_unit_types(generator(seed, source, index, name, "unit types"), truths, duration_s)
        if light is not None:
            light_rng = generator(seed, source, index, name, "light")
            truths = with_tagged(light_rng, truths)
            driven = driven_spikes(light_rng, truths, light)
            extra = driven if extra is None else extra + driven
        rng = generator(seed, source, index, name, "spikes")
        rate_hz = SAMPLING_RATE_HZ * (1.0 + 2e-6 * float(rng.standard_normal()))
        responses = with_shared_state(respond(rng, truths), state, truths)
        spikes = simulate_spikes(rng, truths, duration_s, responses, sampling_rate_hz=rate_hz, extra=extra)
        metrics_rng = generator(seed, source, index, name, "metrics")
        of_probe = 100_000 * index + 10_000 * number
        probes.append(
            AllenProbe(
                name=name,
                probe_id=first_ids.probe + 10 * index + number,
                # The visual tracks first: every session has units in V1.
                track=TRACKS[(2 + index + 2 * number) % len(TRACKS)],
                registered=last_registered or number < size.allen_probes - 1,
                sampling_rate_hz=rate_hz,
                channel_ids=first_ids.channel + of_probe + 2 * np.arange(N_CHANNELS),
                unit_ids=first_ids.unit + of_probe + np.arange(len(truths)),
                truths=truths,
                spikes=spikes,
                peak_channels=peak_channels([truth.depth_um for truth in truths]),
                metrics=unit_metrics(metrics_rng, truths, spikes, spikes.samples / rate_hz),
            )
        )
    return probes


def _visual_units(rng: np.random.Generator, number: int, size: SimulationSize, duration_s: float) -> list[UnitTruth]:
    """Draw the units of a probe and give those that respond an orientation and a gain in spikes per second."""
    truths = draw_probe_units(rng, size.allen_units, number=number, duration_s=duration_s, size=size)
    orientation = rng.choice(np.arange(0.0, 180.0, 45.0), len(truths))
    gain_hz = rng.uniform(8.0, 20.0, len(truths))
    return [
        replace(
            _multi_unit(truth) if truth.design.startswith("contaminated_cut") else truth,
            response="none" if truth.response == "none" else "stimulus",
            preferred=float(orientation[i]),
            gain=0.0 if truth.response == "none" else float(gain_hz[i]),
        )
        for i, truth in enumerate(truths)
    ]


def _multi_unit(truth: UnitTruth) -> UnitTruth:
    """Make a unit fire bursts almost without a refractory period.

    Foreign Poisson spikes alone never raise ``isi_violations`` above 0.5, which AllenSDK's default filter allows: a
    pure Poisson train has 0.5, since each pair of neighbours counts once in a window of both sides.
    """
    return replace(truth, refractory_s=0.0005, burst=0.5)
