"""Features of the moments of windows: what the units did around a moment, in few numbers, and when in the window it is.

Contains `MomentFeatures`, which ridge and Poisson regression read. Add a feature here if it is linear in the counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nh_platform.tasks.task import TaskData

N_COMPONENTS = 25
"""Principal components of the units' counts; a session of 700 units then has 75 features instead of 105,000."""

HALF_WIDTHS = (1, 5)
"""Bins on either side of a moment that are averaged, and the whole window besides: ±20 and ±100 ms of 20 ms bins."""

N_HATS = 11
"""Hat functions over an aligned window, every 100 ms of 1 s: the mean course around the event."""

N_SAMPLED = 500
"""Training windows from which the components are found."""

PER_COMPONENT = 5
"""Bins whose counts are added before the components are found: single bins of 20 ms are mostly 0."""

BLOCK_BYTES = 2e7
"""How large the counts of a block may be as float32; ten times as much took 40 % longer, beyond the cache."""


class MomentFeatures:
    """Features (m, n_times, n_features) of windows, from components that are found in the training windows.

    Means over three stretches around each moment (`HALF_WIDTHS`, and all) of the principal components of the units'
    counts; bins after the last one with a spike in any training window are what a task hides (``ts2-forecasting``), and
    moments there take the stretches that end with the last visible bin. Of windows around an event the time in the
    window is a feature too.

    Parameters
    ----------
    data
        The task's data.
    rows
        Training rows.
    seed
        Of the windows that are looked at, and of the randomised decomposition.
    """

    def __init__(self, data: TaskData, rows: npt.NDArray[np.int64], seed: int) -> None:
        from sklearn.decomposition import PCA

        self._data = data
        rng = np.random.default_rng(seed)
        sampled = np.sort(rng.permutation(rows)[:N_SAMPLED])
        counts = data.inputs(sampled).astype(np.float32)
        spikes_in = np.flatnonzero(counts.any(axis=(0, 2)))
        self.n_visible = int(spikes_in[-1]) + 1 if len(spikes_in) else counts.shape[1]
        width = min(PER_COMPONENT, self.n_visible)
        whole = self.n_visible // width * width
        parts = counts[:, :whole].reshape(len(counts), -1, width, counts.shape[2]).sum(axis=2)
        flat = parts.reshape(-1, counts.shape[2])
        self._mean, spread = flat.mean(axis=0) / width, flat.std(axis=0)
        self._scale = np.where(spread > 0, spread, 1).astype(np.float32)
        n_components = min(N_COMPONENTS, flat.shape[1], len(flat))
        found = PCA(n_components, svd_solver="randomized", random_state=seed).fit(
            (flat - width * self._mean) / self._scale
        )
        self._components = found.components_.T.astype(np.float32)
        self.is_aligned = not len(data.target_ids)

    def bins_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return (m, n_times) int64, the bin of the window that each moment lies in."""
        return np.floor(self._times_of(rows) / self._data.bin_s + 1e-6).astype(np.int64)

    def of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return (m, n_times, n_features) float32, the features of the moments of rows."""
        counts = self._data.inputs(rows)[:, : self.n_visible].astype(np.float32)
        found = ((counts - self._mean) / self._scale) @ self._components
        sums = np.concatenate([np.zeros_like(found[:, :1]), np.cumsum(found, axis=1)], axis=1)
        at, last = self.bins_of(rows), self.n_visible
        if self._data.timestamps.ndim == 1:
            at = at[:1]  # All windows have the same moments, which are taken at once.
        means = []
        for half in (*HALF_WIDTHS, last):
            start = np.clip(np.minimum(at - half, last - (2 * half + 1)), 0, None)
            stop = np.minimum(np.maximum(at + half + 1, 1), last)
            stretch = (_taken(sums, stop) - _taken(sums, start)) / (stop - start)[..., None]
            means.append(stretch.astype(np.float32))
        if self.is_aligned:
            means.append(self._hats(rows))
        return np.concatenate(means, axis=-1)

    def blocks(self, rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
        """Return the rows in blocks that fit into memory (`BLOCK_BYTES`)."""
        bins = max(round(self._data.window_s / self._data.bin_s), self.n_visible, 1)
        size = max(int(BLOCK_BYTES / (4 * bins * max(len(self._data.input_ids), 3 * N_COMPONENTS))), 1)
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def _times_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        times = self._data.timestamps
        return np.broadcast_to(times, (len(rows), len(times))) if times.ndim == 1 else times[rows]

    def _hats(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return (m, n_times, `N_HATS`) how near each moment is to the knots, 1 at a knot and 0 at its neighbours."""
        knots = np.linspace(0, self._data.window_s, N_HATS)
        own = self._times_of(rows)
        near = 1 - np.abs(own[..., None] - knots) / (knots[1] - knots[0])
        return np.clip(near, 0, 1).astype(np.float32)


def _taken(sums: npt.NDArray[np.float32], at: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return (m, n_times, k) the running sums (m, n_bins + 1, k) before bins, (m, n_times) or (1, n_times) of all."""
    if len(at) == 1:
        return sums[:, at[0]]
    return np.take_along_axis(sums, at[..., None], axis=1)
