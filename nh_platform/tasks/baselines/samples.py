"""Moments of training windows as rows of a regression, and predictions of all moments of windows.

Contains what ridge and Poisson regression share. How they fit stands in their modules.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.baselines.fitting import NoFit, Rows
from nh_platform.tasks.baselines.moments import MomentFeatures
from nh_platform.tasks.task import TaskData

N_WINDOWS, N_MOMENTS = 2_000, 10_000
"""Training windows and moments that are fitted on at most, drawn by the seed: windows every 20 ms overlap by 98 %."""


class Samples:
    """Scaled features (n_moments, n_features) of moments of a split, and their targets.

    Where a task hides the bins of all its moments (`ts2-forecasting`), they have the same features: a window is one
    sample then, its target the mean over its moments.

    Parameters
    ----------
    data
        The task's data.
    features
        Features of its moments.
    split
        ``train`` or ``val``.
    seed
        Of the draw.
    """

    def __init__(self, data: TaskData, features: MomentFeatures, split: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows = data.rows(split)
        self._data = data
        self.rows = np.sort(rng.permutation(rows)[:N_WINDOWS])
        self.pools = pools(features, self.rows)
        n_times = 1 if self.pools else data.mask.shape[1]
        mask = data.mask[self.rows]
        usable = np.flatnonzero(mask.all(axis=1, keepdims=True) if self.pools else mask)
        self.chosen = np.sort(rng.permutation(usable)[:N_MOMENTS])
        found = [features.of(block)[:, :n_times] for block in features.blocks(self.rows)]
        stacked = np.concatenate(found) if found else np.zeros((0, n_times, 1), dtype=np.float32)
        self.values = stacked.reshape(len(self.rows) * n_times, -1)[self.chosen].astype(np.float64)

    def targets(self, targets_from: Rows | None = None) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return (n_moments, k) targets, and (n_moments,) whether each counts: those that were moved may not.

        Parameters
        ----------
        targets_from
            (n,) row whose target each row takes; its own where None.
        """
        taken = self.rows if targets_from is None else targets_from[self.rows]
        true = np.asarray(self._data.outputs(taken), dtype=np.float64)
        mask = self._data.mask[taken]
        if self.pools:
            true, mask = true.mean(axis=1, keepdims=True), mask.all(axis=1, keepdims=True)
        flat = true.reshape(-1, true.shape[-1])[self.chosen]
        return flat, mask.ravel()[self.chosen] & np.isfinite(flat).all(axis=1)


def fitted_samples(data: TaskData, seed: int) -> tuple[MomentFeatures, Samples]:
    """Return features that were found in the training windows, and the training samples.

    Raises
    ------
    NoFit
        If there is no training window with a target.
    """
    rows = data.rows("train")
    rows = rows[data.mask[rows].any(axis=1)]
    samples = None
    if len(rows):
        features = MomentFeatures(data, rows, seed)
        samples = Samples(data, features, "train", seed)
    if samples is None or len(samples.chosen) < 2:
        about = f"no training window of {data.task} has a target that counts"
        raise NoFit(f"{data.source} {data.session_id}", about, "Choose a longer session.")
    return features, samples


def pools(features: MomentFeatures, rows: Rows) -> bool:
    """Whether all moments lie in bins that the task hides, which then have the same features."""
    at = features.bins_of(rows[:1])
    return bool(at.size) and int(at.min()) >= features.n_visible and not features.is_aligned


def predicted(
    features: MomentFeatures, rows: Rows, n_times: int, model: npt.NDArray[np.float64], shift: npt.NDArray[np.float64]
) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    """Yield linear predictions (m, n_times, k) of rows, block by block with their place.

    Parameters
    ----------
    features
        Features of the moments.
    rows
        Rows to predict.
    n_times
        Moments of a window.
    model, shift
        (n_features, k) weights of the unscaled features, and (k,) what is added.
    """
    weights, added, start = model.astype(np.float32), shift.astype(np.float32), 0
    for block in features.blocks(rows):
        given = features.of(block)
        if pools(features, block):
            given = np.broadcast_to(given[:, :1], (len(block), n_times, given.shape[-1]))
        yield slice(start, start + len(block)), given @ weights + added
        start += len(block)
