"""Parameters of the stimuli that only sessions of type ``functional_connectivity`` have.

Contains one function per stimulus. Add here another stimulus of that session type. When they are shown and how units
respond stands in `simulation.visual_stimuli`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

N_BLANKS = 2
_TEXTS = {"phase": "[1083.46666667, 1083.46666667]", "size": "[250.0, 250.0]", "units": "deg"}


def gratings_75_repeats(rng: np.random.Generator) -> pd.DataFrame:
    """Four directions at two contrasts, three times each (75 times upstream); no blank sweeps."""
    grid = _grid([0.0, 45.0, 90.0, 135.0], [0.4, 0.8], repeats=3)
    return _gratings(grid[rng.permutation(len(grid))])


def gratings_contrast(rng: np.random.Generator) -> pd.DataFrame:
    """Four directions at nine contrasts, once each, and two blank sweeps."""
    grid = _grid([0.0, 45.0, 90.0, 135.0], [0.01, 0.02, 0.04, 0.08, 0.13, 0.2, 0.35, 0.6, 1.0], repeats=1)
    grid = np.vstack([grid, np.full((N_BLANKS, 2), np.nan)])
    return _gratings(grid[rng.permutation(len(grid))])


def dot_motion(rng: np.random.Generator) -> pd.DataFrame:
    """Random dots in four directions at seven speeds, and two blanks."""
    speeds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04]
    grid = np.vstack([_grid([0.0, 45.0, 90.0, 135.0], speeds, repeats=1), np.full((N_BLANKS, 2), np.nan)])
    grid = grid[rng.permutation(len(grid))]
    blank = np.isnan(grid[:, 0])
    return pd.DataFrame(
        {"Dir": grid[:, 0], "Speed": grid[:, 1], "coherence": np.where(blank, np.nan, 1.0), "dotSize": 3.0}
    )


def _grid(first: list[float], second: list[float], repeats: int) -> np.ndarray:
    pairs = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.repeat(pairs, repeats, axis=0)


def _gratings(grid: np.ndarray) -> pd.DataFrame:
    blank = np.isnan(grid[:, 0])
    texts = {name: np.where(blank, "N/A", text).astype(object) for name, text in _TEXTS.items()}
    return pd.DataFrame(
        {
            "orientation": grid[:, 0],
            "contrast": grid[:, 1],
            "temporal_frequency": np.where(blank, np.nan, 2.0),
            "spatial_frequency": np.where(blank, np.nan, 0.04),
            **texts,
        }
    )
