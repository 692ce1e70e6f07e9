"""A slow state that all units of a session share: what models of a population should find.

Contains the state, how it drives units, and the table that records it. It is planted where the size asks for it
(`SimulationSize.shared_state`); without it not a byte of a session differs. Add here another state of a session.

The state is an Ornstein-Uhlenbeck process of mean 0, standard deviation 1 and time constant `TIME_CONSTANT_S`. Units of
preference +1 get ``strength × rate × log(1 + exp(state))`` further spikes per second, those of preference −1 the
same of ``−state``: no rate is ever below 0, and the two sides differ by the state itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import Column, TableSchema
from nh_platform.simulation.file_bytes import write_parquet
from nh_platform.simulation.ground_truth import UnitTruth
from nh_platform.simulation.seeding import generator
from nh_platform.simulation.simulated_session import SHARED_STATE_FILE
from nh_platform.simulation.spike_trains import SUSTAINED_DELAY_S, EvokedResponse

TIME_CONSTANT_S = 10.0
STEP_S = 0.1

SHARED_STATE = TableSchema(
    "shared_state",
    (
        Column("time", "float64", "s", "Middle of a step of 0.1 s, in which the state is constant"),
        Column("state", "float64", "1", "State that all units of the session share; standard deviation 1"),
    ),
)
"""Columns of ``shared_state.parquet``."""


@dataclass(frozen=True)
class SharedState:
    """The state of one session.

    Parameters
    ----------
    start
        (n_steps,) begin of each step in seconds.
    values
        (n_steps,) the state, constant within each.
    strength
        How strongly it drives units.
    """

    start: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    strength: float

    @property
    def table(self) -> pd.DataFrame:
        """The table of schema `SHARED_STATE`."""
        return SHARED_STATE.conform(pd.DataFrame({"time": self.start + STEP_S / 2, "state": self.values}))

    def response(self, truths: Sequence[UnitTruth]) -> EvokedResponse:
        """Return the further spikes of the units of a probe; none of those whose number of spikes is exact."""
        side = np.array([1.0 if truth.preferred > 0 else -1.0 for truth in truths])
        # Preferences of Allen's units are orientations, so that halves are told apart by their number.
        if not (side < 0).any():
            side = np.where(np.arange(len(truths)) % 2 == 0, 1.0, -1.0)
        rate = np.array([0.0 if truth.exact_count >= 0 else truth.rate_hz for truth in truths])
        driven = np.logaddexp(0.0, side[:, None] * self.values[None, :])
        return EvokedResponse(
            times=self.start - SUSTAINED_DELAY_S,
            durations=np.full(len(self.start), STEP_S),
            weights=self.strength * rate[:, None] * driven * STEP_S,
        )


def with_shared_state(
    responses: Sequence[EvokedResponse], state: SharedState | None, truths: Sequence[UnitTruth]
) -> list[EvokedResponse]:
    """Return the responses of the units of a probe, with that to the state where there is one."""
    return [*responses, *([] if state is None else [state.response(truths)])]


def write_shared_state(folder: Path, state: SharedState | None) -> None:
    """Write the table of the state into the folder of a session; nothing where there is none."""
    if state is not None:
        write_parquet(folder / SHARED_STATE_FILE, state.table)


def draw_shared_state(seed: int, source: str, index: int, duration_s: float, strength: float) -> SharedState | None:
    """Draw the state of session number ``index`` of a source; None where it has no strength."""
    if not strength:
        return None
    rng = generator(seed, source, index, "shared state")
    n_steps = int(np.ceil(duration_s / STEP_S))
    decay = np.exp(-STEP_S / TIME_CONSTANT_S)
    values = np.empty(n_steps)
    values[0] = rng.standard_normal()
    for step, push in enumerate(np.sqrt(1 - decay**2) * rng.standard_normal(n_steps - 1), start=1):
        values[step] = decay * values[step - 1] + push
    return SharedState(np.arange(n_steps, dtype=np.float64) * STEP_S, values, strength)
