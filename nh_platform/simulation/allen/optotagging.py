"""Light after the stimuli of an Allen session: its epochs, which units it drives, and their spikes.

Contains what `processing/optotagging` of a file states, and its ground truth. Animals without the channel
(`CHANNEL` in the genotype) get the same light, which drives nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.spike_trains import ExtraSpikes

Floats = npt.NDArray[np.float64]

CHANNEL = "Ai32"
"""Reporter line with channelrhodopsin-2, as genotypes name it."""

LEAD_S = 3.0
"""Time from the end of the stimuli to the first light."""
SLOT_S = 2.0
N_SLOTS = 18
PULSES_A_SLOT = 4
PULSE_S = 0.01
LEVELS_V = (1.7, 1.1)

TAGGED_SHARE = 0.15
"""Share of the units that fire at all."""
ANSWERED = 0.85
LATENCY_S = 0.003
JITTER_S = 0.0006
"""A driven unit answers a pulse of either level with this probability, one spike, so much after its start."""


def light_epochs(stimuli_end_s: float) -> pd.DataFrame:
    """Return the epochs of light: by turns half a cosine, four single pulses and a train of pulses, at two levels."""
    rows = []
    for slot in range(N_SLOTS):
        start, level = stimuli_end_s + LEAD_S + SLOT_S * slot + 0.001, LEVELS_V[(slot // 3) % 2]
        if slot % 3 == 0:
            rows.append((start, "half-period of a cosine wave", "raised_cosine", 1.0, level))
        elif slot % 3 == 1:
            step = SLOT_S / PULSES_A_SLOT
            rows += [(start + step * k, "a single square pulse", "pulse", PULSE_S, level) for k in range(PULSES_A_SLOT)]
        else:
            rows.append((start, "2.5 ms pulses at 10 Hz", "fast_pulses", 1.0, level))
    table = pd.DataFrame(rows, columns=["start_time", "condition", "stimulus_name", "duration", "level"])
    table["stop_time"] = table["start_time"] + table["duration"]
    return table[["start_time", "condition", "level", "stop_time", "stimulus_name", "duration"]]


def with_tagged(rng: np.random.Generator, truths: Sequence[UnitTruth]) -> list[UnitTruth]:
    """Return the units with those that light drives marked: a share of those that fire often, one at least."""
    able = [k for k, truth in enumerate(truths) if truth.exact_count < 0 and truth.design != "quiet"]
    n_tagged = min(len(able), max(1, round(TAGGED_SHARE * len(able))))
    chosen = set(rng.permutation(able)[:n_tagged].tolist())
    return [replace(truth, optotagged=k in chosen) for k, truth in enumerate(truths)]


def driven_spikes(rng: np.random.Generator, truths: Sequence[UnitTruth], epochs: pd.DataFrame) -> ExtraSpikes:
    """Return the spikes that single pulses cause in the units that light drives."""
    starts = epochs.loc[epochs["stimulus_name"] == "pulse", "start_time"].to_numpy(dtype=np.float64)
    tagged = np.flatnonzero([truth.optotagged for truth in truths])
    unit, pulse = np.nonzero(rng.random((len(tagged), len(starts))) < ANSWERED)
    latency = np.clip(LATENCY_S + JITTER_S * rng.standard_normal(len(unit)), 0.0015, None)
    return ExtraSpikes(tagged[unit], starts[pulse] + latency)
