"""One simulated Visual Behavior Neuropixels session in memory: ids, animal, task, stimuli, and the units of each probe.

Contains the identity of sessions, which of them upstream calls abnormal, and their content. Add here what a session
consists of. The NWB file is written in `nh_platform.simulation.allen.behavior.behavior_nwb`, the release around it in
`nh_platform.simulation.allen.behavior.cloud_release`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nh_platform.simulation.allen.allen_session import FirstIds, SimulatedRecording, simulate_probes
from nh_platform.simulation.allen.behavior.stimulus_blocks import VbnStimuli, simulate_stimuli, vbn_responses
from nh_platform.simulation.allen.optotagging import CHANNEL, light_epochs
from nh_platform.simulation.seeding import generator, integer, uuid4
from nh_platform.simulation.size import SimulationSize

SOURCE = "allen_vbn"
GENOTYPES = ("wt/wt", "Sst-IRES-Cre/wt;Ai32(RCL-ChR2(H134R)_EYFP)/wt", "Vip-IRES-Cre/wt;Ai32(RCL-ChR2(H134R)_EYFP)/wt")
FIRST_DAY = datetime.date(2020, 9, 15)
OPTOTAGGING_S = 45.0
DAMAGED_AREAS = ("VISp", "CA1")


@dataclass(frozen=True, kw_only=True)
class VbnSession(SimulatedRecording):
    """One Visual Behavior session.

    Parameters
    ----------
    abnormal_histology
        Areas with possible damage; empty in a normal session.
    abnormal_activity
        Times (s) at which abnormal activity was noted; empty in a normal session.
    has_eye_tracking
        Whether the eye was filmed.
    amplitudes_right_at_first
        Whether release 0.4.0 already had the right scale of waveforms, as for 15 sessions of the real one.
    """

    source = SOURCE

    behavior_session_id: int
    behavior_session_uuid: str
    mouse_id: int
    session_number: int
    age_days: int
    equipment: str
    image_set: str
    novel: bool
    abnormal_histology: tuple[str, ...]
    abnormal_activity: tuple[float, ...]
    has_eye_tracking: bool
    amplitudes_right_at_first: bool
    stimuli: VbnStimuli

    @property
    def session_type(self) -> str:
        """Name of the stage of the task, as the release states it."""
        return f"EPHYS_1_images_{self.image_set}_3uL_reward"


def simulate_vbn_session(seed: int, index: int, size: SimulationSize) -> VbnSession:
    """Simulate Visual Behavior session number ``index``.

    Two sessions in a row are two days of one mouse, the second with novel images. Of every four sessions the second has
    abnormal activity, the third abnormal histology and no CCF registration of its last probe, the fourth no eye
    tracking. The second had the right waveform scale from the beginning.
    """
    kind, mouse = index % 4, index // 2
    rng = generator(seed, SOURCE, index, "stimuli")
    image_set = "GH"[(index + mouse) % 2]
    stimuli = simulate_stimuli(rng, size.allen_repeats, image_set, novel=index % 2 == 1)
    duration_s = stimuli.end_s + OPTOTAGGING_S
    genotype = GENOTYPES[mouse % len(GENOTYPES)]
    session_id = integer(seed, 1_040_000_000, 1_110_000_000, SOURCE, index, "session")
    return VbnSession(
        seed=seed,
        index=index,
        session_id=session_id,
        behavior_session_id=session_id + 32_244,
        behavior_session_uuid=uuid4(seed, SOURCE, index, "behavior"),
        mouse_id=520_000 + 13 * mouse + integer(seed, 0, 9, SOURCE, mouse, "mouse"),
        session_number=1 + index % 2,
        date=FIRST_DAY + datetime.timedelta(days=7 * mouse + index % 2),
        genotype=genotype,
        sex="MF"[mouse % 2],
        age_days=120 + integer(seed, 0, 40, SOURCE, mouse, "age") + index % 2,
        equipment=f"NP.{mouse % 2}",
        image_set=image_set,
        novel=index % 2 == 1,
        abnormal_histology=DAMAGED_AREAS if kind == 2 else (),
        abnormal_activity=_abnormal_times(stimuli) if kind == 1 else (),
        has_eye_tracking=kind != 3,
        amplitudes_right_at_first=kind == 1,
        stimuli=stimuli,
        duration_s=duration_s,
        probes=simulate_probes(
            seed,
            SOURCE,
            index,
            size,
            lambda rng, truths: vbn_responses(rng, truths, stimuli),
            duration_s,
            first_ids=FirstIds(probe=1_044_000_000, channel=1_049_000_000, unit=1_157_000_000),
            last_registered=kind != 2,
            light=light_epochs(stimuli.end_s) if CHANNEL in genotype else None,
        ),
    )


def _abnormal_times(stimuli: VbnStimuli) -> tuple[float, ...]:
    """Return two whole seconds within the task and the passive block."""
    frames: npt.NDArray[np.float64] = stimuli.frame_times
    return float(round(frames[len(frames) // 6])), float(round(frames[-len(frames) // 8]))
