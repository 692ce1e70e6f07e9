"""Task data with a known answer, made here: classes, values and counts that the spikes carry, or do not.

Add here what several test modules of tasks score. What one test alone needs stands in that test.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nh_platform.session import Session
from nh_platform.tasks.brain_wide_bench.suite3 import REGIONS
from nh_platform.tasks.task import TargetMissing, Task, TaskData

SHARES = {"train": 0.4, "val": 0.2, "test": 0.4}
SESSION = "6a4ebd54-7f9c-4b9c-9f5b-0c6f3a6b9d11"


def split_of(n: int) -> npt.NDArray[np.object_]:
    """Return 40 % train, 20 % val, 40 % test, in order."""
    sizes = [round(SHARES["train"] * n), round(SHARES["val"] * n)]
    return np.array(["train"] * sizes[0] + ["val"] * sizes[1] + ["test"] * (n - sum(sizes)), dtype=object)


def unit_ids(n: int) -> npt.NDArray[np.object_]:
    return np.array([f"unit-{row:02d}" for row in range(n)], dtype=object)


def classes(
    n: int = 200, n_classes: int = 2, strength: float = 1.0, name: str = "ts1-choice", seed: int = 0
) -> TaskData:
    """Return trials of a class each, which moves the rates of 12 units by ``strength``: by nothing where it is 0."""
    rng = np.random.default_rng(seed)
    of = rng.integers(0, n_classes, n)
    tuning = rng.normal(size=(n_classes, 12)) * strength
    counts = rng.poisson(np.exp(-2 + tuning[of])[:, None, :].repeat(50, axis=1)).astype(np.uint8)
    return TaskData(
        task=name,
        source="ibl",
        session_id=SESSION,
        row_ids=np.arange(n) * 2 + 1,
        starts=np.arange(n) * 3.0,
        window_s=1.0,
        bin_s=0.02,
        inputs=lambda rows: counts[rows],
        outputs=lambda rows: of[rows],
        input_ids=unit_ids(12),
        timestamps=np.zeros(0),
        mask=np.ones(n, dtype=bool),
        split=split_of(n),
        label_names=tuple("abcdefghij"[:n_classes]),
    )


def moments(
    n: int = 150, counts: bool = False, strength: float = 1.0, name: str = "ts1-wheel_speed", seed: int = 0
) -> TaskData:
    """Return windows in which a slow latent value moves the rates of 12 units, and is the target, or its events are."""
    rng = np.random.default_rng(seed)
    latent = 0.3 * np.cumsum(rng.normal(size=(n, 50)), axis=1)
    tuning = strength * rng.normal(size=12) * 0.7
    spikes = rng.poisson(np.exp(np.clip(-1.5 + latent[..., None] * tuning, -6, 2))).astype(np.uint8)
    targets = (rng.poisson(np.exp(np.clip(latent - 1, -6, 2))).astype(np.float32) if counts else latent)[..., None]
    return TaskData(
        task=name,
        source="ibl",
        session_id=SESSION,
        row_ids=np.arange(n),
        starts=np.arange(n) * 3.0,
        window_s=1.0,
        bin_s=0.02,
        inputs=lambda rows: spikes[rows],
        outputs=lambda rows: targets[rows],
        input_ids=unit_ids(12),
        timestamps=np.tile(np.arange(50) * 0.02 + 0.008, (n, 1)),
        mask=np.ones((n, 50), dtype=bool),
        split=split_of(n),
    )


def population(n: int = 1_500, forecast: bool = False, seed: int = 0) -> TaskData:
    """Return windows every 20 ms of 24 units that follow two slow latent values: 4 are hidden, or the last 5 bins."""
    rng = np.random.default_rng(seed)
    latent = np.zeros((n + 50, 2))
    for bin_ in range(1, n + 50):
        latent[bin_] = 0.98 * latent[bin_ - 1] + 0.2 * rng.normal(size=2)
    spikes = rng.poisson(np.exp(np.clip(-2 + latent @ rng.normal(size=(2, 24)), -6, 1.5))).astype(np.uint8)
    within, ids = np.arange(50), unit_ids(24)

    def read(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        return spikes[rows[:, None] + within]

    def past(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        found = read(rows)
        found[:, 45:] = 0
        return found

    at = within[45:] if forecast else within
    return TaskData(
        task="ts2-forecasting" if forecast else "ts2-co_smoothing",
        source="ibl",
        session_id=SESSION,
        row_ids=np.arange(n),
        starts=100 + np.arange(n) * 0.02,
        window_s=1.0,
        bin_s=0.02,
        inputs=past if forecast else lambda rows: read(rows)[:, :, 4:],
        outputs=lambda rows: (read(rows)[:, 45:] if forecast else read(rows)[:, :, :4]).astype(np.float32),
        input_ids=ids if forecast else ids[4:],
        timestamps=(at + 0.5) * 0.02,
        mask=np.ones((n, len(at)), dtype=bool),
        split=split_of(n),
        target_ids=ids if forecast else ids[:4],
    )


def units(session_id: str, n: int = 120, split: str = "train", strength: float = 1.0, seed: int = 0) -> TaskData:
    """Return units of three regions, which differ in 6 features."""
    rng = np.random.default_rng(seed)
    of = rng.choice([2, 6, 9], n)
    features = rng.normal(size=(n, 6)) + strength * np.random.default_rng(99).normal(size=(10, 6))[of]
    return TaskData(
        task="ts3-unit_cosmos",
        source="ibl",
        session_id=session_id,
        row_ids=np.arange(n),
        starts=np.full(n, np.nan),
        window_s=4_000.0,
        bin_s=np.nan,
        inputs=lambda rows: features[rows],
        outputs=lambda rows: of[rows],
        input_ids=np.array([f"feature {one}" for one in range(6)], dtype=object),
        timestamps=np.zeros(0),
        mask=np.ones(n, dtype=bool),
        split=np.full(n, split, dtype=object),
        label_names=REGIONS,
        target_ids=unit_ids(n),
    )


def placed(data: TaskData) -> TaskData:
    """Return units of which those of a region lie side by side, regions far apart."""
    region = data.outputs(np.arange(len(data))).astype(np.int64)
    rank = np.array([int((region[:row] == one).sum()) for row, one in enumerate(region)])
    return replace(
        data, target_depths=1e5 * region + 20.0 * rank, target_probes=np.full(len(data), "probe00", dtype=object)
    )


class View:
    """What running reads of a session: its id, its animal."""

    def __init__(self, session_id: str, subject: str = "mouse") -> None:
        self.source, self.session_id = "ibl", session_id
        self.info = Session("ibl", session_id, subject, "lab", "2026-01-01", "task")


METRICS = {
    "classes": ("bacc", "f1", "ap"),
    "values": ("r2", "mae", "pearson"),
    "counts": ("poisson_d2", "bps", "mae"),
}


def task(data: dict[str, TaskData], kind: str = "classes", metrics: tuple[str, ...] = ()) -> Task:
    """Return a task that has these targets, by session, and says what others lack."""

    def make(view: View) -> TaskData:
        if view.session_id not in data:
            raise TargetMissing(f"session {view.session_id}", "it has no trials", "Choose another session.")
        return data[view.session_id]

    name = next(iter(data.values())).task
    return Task(name, name, kind, metrics or METRICS[kind], make, ("ibl",))  # type: ignore[arg-type]
