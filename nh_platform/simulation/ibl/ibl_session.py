"""One simulated IBL session in memory: who and when, the task, and the spikes of each probe.

Contains the identity of sessions and how neurons respond to the task. Add here what a session consists of. Files are
written in `nh_platform.simulation.ibl.alf_tree`, tables of all sessions in `nh_platform.simulation.ibl.one_tables`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.simulation.graded_designs import draw_probe_units
from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.ibl.task import Task, passive_tables, simulate_task
from nh_platform.simulation.insertions import TRACKS, Track
from nh_platform.simulation.regional_firing import with_regional_firing
from nh_platform.simulation.seeding import generator, integer, uuid4
from nh_platform.simulation.shared_state import draw_shared_state, with_shared_state
from nh_platform.simulation.size import SimulationSize
from nh_platform.simulation.spike_trains import SAMPLING_RATE_HZ, EvokedResponse, SimulatedSpikes, simulate_spikes
from nh_platform.simulation.unit_types import with_unit_types

LABS = ("simulatedlab", "phantomlab")
SUBJECT_PREFIXES = ("SWC_sim", "NYU-sim")
TASK_PROTOCOL = "_iblrig_tasks_ephysChoiceWorld6.4.2"
PROJECT = "ibl_neuropixel_brainwide_01"
FIRST_DAY = datetime.date(2022, 3, 1)


@dataclass(frozen=True)
class IblProbe:
    """One probe insertion.

    Parameters
    ----------
    name, pid
        ``probe00`` and its id.
    serial
        Serial number of the probe.
    track
        Where it lies; None where the histology is not resolved, so that no positions are released.
    located_track
        Where it lies in truth.
    truths, spikes
        Units and their spikes.
    sampling_rate_hz
        Rate of the probe's samples on the session clock; a few ppm off 30 kHz.
    """

    name: str
    pid: str
    serial: str
    track: Track | None
    located_track: Track
    truths: list[UnitTruth]
    spikes: SimulatedSpikes
    sampling_rate_hz: float


@dataclass(frozen=True)
class IblSession:
    """One session, before anything is written; parameters as in `SimulatedSession`."""

    seed: int
    index: int
    eid: str
    subject: str
    lab: str
    date: datetime.date
    number: int
    task: Task
    passive: dict[str, pd.DataFrame]
    probes: list[IblProbe]
    size: SimulationSize

    @property
    def relative_path(self) -> str:
        """Path below the root as ONE stores it."""
        return f"{self.lab}/Subjects/{self.subject}/{self.date.isoformat()}/{self.number:03d}"


def simulate_ibl_session(seed: int, index: int, size: SimulationSize) -> IblSession:
    """Simulate session number ``index``.

    Every session is another subject, but each fourth is a second day of the subject before it. On each third session
    the last probe has no resolved histology.
    """
    task = simulate_task(generator(seed, "ibl", index, "task"), size)
    passive = passive_tables(generator(seed, "ibl", index, "passive"), size)
    gabor = passive["_ibl_passiveGabor.table.csv"]
    probes = [_simulate_probe(seed, index, number, size, task, gabor) for number in range(size.ibl_probes)]
    animal = index - 1 if index % 4 == 3 else index
    return IblSession(
        seed=seed,
        index=index,
        eid=uuid4(seed, "ibl", index, "eid"),
        subject=f"{SUBJECT_PREFIXES[animal % 2]}_{animal + 1:03d}",
        lab=LABS[animal % 2],
        date=FIRST_DAY + datetime.timedelta(days=index),
        number=1,
        task=task,
        passive=passive,
        probes=probes,
        size=size,
    )


def _simulate_probe(
    seed: int, index: int, number: int, size: SimulationSize, task: Task, gabor: pd.DataFrame
) -> IblProbe:
    name = f"probe{number:02d}"
    truths = draw_probe_units(
        generator(seed, "ibl", index, name, "units"),
        size.ibl_units,
        number=number,
        duration_s=size.ibl_duration_s,
        size=size,
    )
    track = TRACKS[(2 * index + number) % len(TRACKS)]
    if size.regional:
        truths = with_regional_firing(truths, track)
    trains = None
    if size.unit_types:
        trains_rng = generator(seed, "ibl", index, name, "unit types")
        truths, trains = with_unit_types(trains_rng, truths, size.ibl_duration_s)
    state = draw_shared_state(seed, "ibl", index, size.ibl_duration_s, size.shared_state)
    responses = with_shared_state(task_responses(truths, task, gabor), state, truths)
    rng = generator(seed, "ibl", index, name, "spikes")
    sampling_rate_hz = SAMPLING_RATE_HZ * (1.0 + 2e-6 * float(rng.standard_normal()))
    spikes = simulate_spikes(
        rng, truths, size.ibl_duration_s, responses, sampling_rate_hz=sampling_rate_hz, extra=trains
    )
    unresolved = index % 3 == 2 and number == size.ibl_probes - 1
    return IblProbe(
        name=name,
        pid=uuid4(seed, "ibl", index, name, "pid"),
        serial=str(integer(seed, 18005116101, 20403311724, "ibl", index, name, "serial")),
        track=None if unresolved else track,
        located_track=track,
        truths=truths,
        spikes=spikes,
        sampling_rate_hz=sampling_rate_hz,
    )


def task_responses(truths: list[UnitTruth], task: Task, gabor: pd.DataFrame) -> list[EvokedResponse]:
    """Return the extra spikes that stimuli, movements, feedback and passive Gabor patches cause.

    Responses grow with contrast and are strongest for the preferred side, choice or outcome.
    """
    trials = task.trials
    left = trials["contrastLeft"].notna().to_numpy()
    contrast = trials["contrastLeft"].fillna(trials["contrastRight"]).to_numpy()
    side = np.where(left, 1.0, -1.0)
    stimulus = task.arrays["_ibl_trials.stimOnTrigger_times"] + 0.025
    shown = trials["stimOn_times"].to_numpy()
    stimulus = np.where(np.isnan(shown), stimulus, shown)
    moved = ~np.isnan(task.movement_onset)
    gabor_side = -np.sign(gabor["position"].to_numpy())
    return [
        _response(truths, "stimulus", stimulus, side, 0.4 + 0.6 * contrast),
        _response(truths, "choice", task.movement_onset[moved] - 0.08, trials["choice"].to_numpy()[moved], 1.0),
        _response(truths, "feedback", trials["feedback_times"].to_numpy(), trials["feedbackType"].to_numpy(), 1.0),
        _response(truths, "stimulus", gabor["start"].to_numpy(), gabor_side, gabor["contrast"].to_numpy()),
    ]


def _response(
    truths: list[UnitTruth], name: str, times: np.ndarray, side: np.ndarray, strength: np.ndarray | float
) -> EvokedResponse:
    gain = np.array([truth.gain if truth.response == name else 0.0 for truth in truths])
    preferred = np.array([truth.preferred for truth in truths])
    match = np.where(side[None, :] == preferred[:, None], 1.0, 0.3)
    return EvokedResponse(times=times, durations=np.zeros(len(times)), weights=gain[:, None] * match * strength)
