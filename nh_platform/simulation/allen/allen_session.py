"""One simulated Visual Coding session in memory: ids, animal, stimuli, and the units of each probe.

Contains the identity of sessions and their content, and the probes that Visual Behavior sessions have as well. Add here
what a session consists of. The NWB file is written in `simulation.nwb`, the tables of AllenSDK's cache in
`simulation.allen_cache`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nh_platform.simulation.allen.nwb_units import unit_metrics
from nh_platform.simulation.allen.visual_stimuli import CONNECTIVITY, OBSERVATORY, simulate_stimuli, stimulus_responses
from nh_platform.simulation.graded_designs import draw_probe_units
from nh_platform.simulation.ground_truth import UnitTruth, truth_table
from nh_platform.simulation.insertions import N_CHANNELS, TRACKS, Track, channel_regions, peak_channels
from nh_platform.simulation.seeding import generator, integer
from nh_platform.simulation.size import SimulationSize
from nh_platform.simulation.spike_trains import SAMPLING_RATE_HZ, EvokedResponse, SimulatedSpikes, simulate_spikes

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
class ProbeIds:
    """Id of a probe, and the first of the ids of its channels and of its units."""

    probe: int
    channel: int
    unit: int


@dataclass(frozen=True)
class AllenSession:
    """One session, before anything is written."""

    seed: int
    index: int
    session_id: int
    session_type: str
    specimen_id: int
    date: datetime.date
    genotype: str
    sex: str
    age_days: float
    stimuli: dict[str, pd.DataFrame]
    stimuli_end_s: float
    duration_s: float
    probes: list[AllenProbe]

    @property
    def truth(self) -> pd.DataFrame:
        """The ground truth of every unit, schema `ground_truth.TRUTH`."""
        tables = [probe_truth(str(self.session_id), probe, self.duration_s) for probe in self.probes]
        return pd.concat(tables, ignore_index=True)


def simulate_allen_session(seed: int, index: int, size: SimulationSize) -> AllenSession:
    """Simulate Visual Coding session number ``index``.

    Every session is another animal; every second is of the other session type. On each third session the last probe is
    not registered to the CCF.
    """
    session_type = (OBSERVATORY, CONNECTIVITY)[index % 2]
    rng = generator(seed, "allen_vc", index, "stimuli")
    stimuli, end_s = simulate_stimuli(rng, size.allen_repeats, session_type, movie_three=size.allen_movie_three)
    duration_s = end_s + OPTOTAGGING_S + 5.0
    session_id = integer(seed, 700_000_000, 840_000_000, "allen_vc", index, "session")
    genotype = GENOTYPES[index % len(GENOTYPES)]
    return AllenSession(
        seed=seed,
        index=index,
        session_id=session_id,
        session_type=session_type,
        specimen_id=session_id - 15_000_000,
        date=FIRST_DAY + datetime.timedelta(days=7 * index),
        genotype=genotype,
        sex="MF"[index % 2],
        age_days=100.0 + integer(seed, 0, 40, "allen_vc", index, "age"),
        stimuli=stimuli,
        stimuli_end_s=end_s,
        duration_s=duration_s,
        probes=[
            simulate_probe(
                seed,
                "allen_vc",
                index,
                number,
                size,
                lambda rng, truths: stimulus_responses(rng, truths, stimuli),
                duration_s,
                first_ids=ProbeIds(
                    probe=810_000_000 + 10 * index + number,
                    channel=850_000_000 + 100_000 * index + 10_000 * number,
                    unit=950_000_000 + 100_000 * index + 10_000 * number,
                ),
                registered=not (index % 3 == 2 and number == size.allen_probes - 1),
            )
            for number in range(size.allen_probes)
        ],
    )


def simulate_probe(
    seed: int,
    source: str,
    index: int,
    number: int,
    size: SimulationSize,
    respond: Callable[[np.random.Generator, list[UnitTruth]], list[EvokedResponse]],
    duration_s: float,
    *,
    first_ids: ProbeIds,
    registered: bool,
) -> AllenProbe:
    """Simulate one probe of a session of ``source``.

    Parameters
    ----------
    seed, source, index, number
        Which probe: number ``number`` of session number ``index`` of the source.
    size
        How large it is.
    respond
        Returns the extra spikes that the stimuli cause in the probe's units.
    duration_s
        Length of the session in seconds.
    first_ids
        Ids of the probe, of its first channel (then every second number) and of its first unit.
    registered
        Whether it is registered to the CCF.
    """
    name = f"probe{'ABCDEF'[number]}"
    names = (source, index, name)
    truths = _visual_units(seed, source, index, number, size, duration_s)
    rng = generator(seed, *names, "spikes")
    sampling_rate_hz = SAMPLING_RATE_HZ * (1.0 + 2e-6 * float(rng.standard_normal()))
    spikes = simulate_spikes(rng, truths, duration_s, respond(rng, truths), sampling_rate_hz=sampling_rate_hz)
    return AllenProbe(
        name=name,
        probe_id=first_ids.probe,
        # The visual tracks first: every session has units in V1.
        track=TRACKS[(2 + index + 2 * number) % len(TRACKS)],
        registered=registered,
        sampling_rate_hz=sampling_rate_hz,
        channel_ids=first_ids.channel + 2 * np.arange(N_CHANNELS),
        unit_ids=first_ids.unit + np.arange(len(truths)),
        truths=truths,
        spikes=spikes,
        peak_channels=peak_channels(np.array([truth.depth_um for truth in truths])),
        metrics=unit_metrics(generator(seed, *names, "metrics"), truths, spikes, spikes.samples / sampling_rate_hz),
    )


def probe_truth(session_id: str, probe: AllenProbe, duration_s: float) -> pd.DataFrame:
    """Return the ground truth of a probe's units, schema `ground_truth.TRUTH`."""
    _, acronyms = channel_regions(probe.track)
    return truth_table(
        probe.truths,
        session_id=session_id,
        probe=probe.name,
        unit_ids=[str(unit) for unit in probe.unit_ids],
        acronyms=[acronyms[channel] for channel in probe.peak_channels],
        duration_s=duration_s,
        n_spikes=probe.spikes.counts,
        n_contaminating=probe.spikes.n_contaminating,
        n_missing=probe.spikes.n_missing,
    )


def _visual_units(
    seed: int, source: str, index: int, number: int, size: SimulationSize, duration_s: float
) -> list[UnitTruth]:
    """Draw the units of a probe and give those that respond an orientation and a gain in spikes per second."""
    rng = generator(seed, source, index, number, "units")
    truths = draw_probe_units(
        rng,
        size.allen_units,
        first=number * size.allen_units,
        duration_s=duration_s,
        size=size,
        depth_range_um=3720.0,
    )
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
