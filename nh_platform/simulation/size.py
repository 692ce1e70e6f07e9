"""Sizes of simulated sessions: the presets used by tests, the demo and the benchmarks.

Contains one record of durations, counts and rates, and its named presets. Add a field here when a writer needs another
size that differs between presets. What the sessions contain is decided elsewhere in `simulation`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SimulationSize:
    """Durations, counts and rates of the sessions to simulate.

    Parameters
    ----------
    name
        Name of the preset.
    ibl_task_s, ibl_passive_s
        Length of the task and of the passive protocol that follows it, in seconds.
    ibl_trials
        Trials in the task. About 4.5 s each; they must fit in ``ibl_task_s``.
    ibl_probes, ibl_units
        Probe insertions of a session, and sorted units on each.
    allen_probes, allen_units
        The same for Visual Coding sessions.
    allen_repeats
        How often each block of visual stimuli is repeated; one repeat of all lasts about 6 minutes.
    mean_rate_hz
        Median firing rate that units are drawn around.
    camera_fraction
        Share of the camera frames that is kept (60, 150 and 30 Hz upstream); the files are long and little read.
    graded
        Whether units have the graded faults of `graded_designs` instead of clear ones.
    regional
        Whether the units of IBL's sessions fire as their region does (`regional_firing`).
    allen_movie_three
        Whether Visual Coding sessions of the first type show natural_movie_three as well, which lasts 2 minutes.
    shared_state
        How strongly a slow state that all units of a session share drives them (`shared_state`); 0 for no such state.
    unit_types
        Whether all units are of the types of `unit_types`, of known bursts and rhythm, instead of the designs of
        `ground_truth`; neither ``graded`` nor ``regional`` then.
    allen_pictures
        Whether the pictures of natural scenes and of natural_movie_one are written for Visual Coding sessions.
    """

    name: str
    ibl_task_s: float
    ibl_passive_s: float
    ibl_trials: int
    ibl_probes: int
    ibl_units: int
    allen_probes: int
    allen_units: int
    allen_repeats: int
    mean_rate_hz: float
    camera_fraction: float = 0.1
    graded: bool = False
    regional: bool = False
    allen_movie_three: bool = False
    shared_state: float = 0.0
    unit_types: bool = False
    allen_pictures: bool = False

    def __post_init__(self) -> None:
        if self.ibl_trials * 4.5 > self.ibl_task_s:
            raise ValueError(f"size {self.name}: {self.ibl_trials} trials do not fit in {self.ibl_task_s} s")
        if self.unit_types and (self.graded or self.regional):
            raise ValueError(f"size {self.name}: units of `unit_types` are neither graded nor regional")

    @property
    def ibl_duration_s(self) -> float:
        """Length of an IBL session in seconds."""
        return self.ibl_task_s + self.ibl_passive_s


TINY = SimulationSize("tiny", 225.0, 75.0, 40, 2, 12, 2, 12, 1, 6.0)
"""For unit tests: written in well under a second."""

DEMO = SimulationSize("demo", 1890.0, 180.0, 420, 2, 70, 2, 28, 4, 6.0, camera_fraction=1.0, allen_pictures=True)
"""For `nh demo`. More than 400 trials, which the Brain-wide Map asks of a session, and every frame of the cameras."""

BENCHMARK = SimulationSize("benchmark", 3600.0, 600.0, 600, 1, 700, 4, 250, 8, 3.7)
"""The size of a real insertion: 700 units, 70 min, about 11.5 million spikes."""

GRADED = SimulationSize("graded", 1020.0, 180.0, 200, 2, 100, 2, 100, 4, 6.0, camera_fraction=0.01, graded=True)
"""For `nh qc validate` alone: as long as `DEMO`, with units on both sides of every threshold and close to it."""

SIZES: dict[str, SimulationSize] = {size.name: size for size in (TINY, DEMO, BENCHMARK, GRADED)}
