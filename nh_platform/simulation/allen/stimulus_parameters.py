"""Stimulus parameters of a simulated Visual Coding session: one row per presentation, in random order.

Contains one function per stimulus, and the grids that they draw from. Add here another stimulus of either session type.
When they are shown and how units respond stands in `nh_platform.simulation.allen.visual_stimuli`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

N_SCENES = 118
DIRECTIONS_DEG = (0.0, 45.0, 90.0, 135.0)


def shuffled(
    rng: np.random.Generator, *axes: Sequence[float], repeats: int = 1, n_blanks: int = 0
) -> npt.NDArray[np.float64]:
    """Return (n, n_axes) every combination of the values, repeated, and blanks of NaN, in random order."""
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    grid = np.vstack([np.repeat(grid, repeats, axis=0), np.full((n_blanks, len(axes)), np.nan)])
    return grid[rng.permutation(len(grid))]


def gabor_grid(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return (243, 3) horizontal and vertical position and orientation of Gabor patches, in degrees."""
    positions = np.arange(-40.0, 41.0, 10.0).tolist()
    return shuffled(rng, positions, positions, [0.0, 45.0, 90.0])


def gabors(rng: np.random.Generator) -> pd.DataFrame:
    """Gabor patches at 81 places."""
    return pd.DataFrame(gabor_grid(rng), columns=["x_position", "y_position", "orientation"]).assign(
        temporal_frequency=4.0,
        # Text in this stimulus and numbers in the gratings, as in released files.
        spatial_frequency="0.08",
        contrast=0.8,
        opacity=1.0,
        color="[1.0, 1.0, 1.0]",
        mask="gauss",
        phase="[3644.93333333, 3644.93333333]",
        size="[20.0, 20.0]",
        units="deg",
    )


def flashes(rng: np.random.Generator) -> pd.DataFrame:
    """Full-field flashes, half of them dark."""
    color = np.array(["-1.0", "1.0"], dtype=object)[rng.permutation(np.arange(30) % 2)]
    return pd.DataFrame({"color": color}).assign(contrast=0.8, phase="[0.0, 0.0]", size="[300.0, 300.0]", units="deg")


def drifting_gratings(rng: np.random.Generator) -> pd.DataFrame:
    """Eight directions, three times each at a random frequency, and two blank sweeps."""
    orientation = np.concatenate([np.repeat(np.arange(0.0, 360.0, 45.0), 3), [np.nan] * 2])
    frequency = np.where(np.isnan(orientation), np.nan, rng.choice([1.0, 2.0, 4.0, 8.0, 15.0], len(orientation)))
    order = rng.permutation(len(orientation))
    table = pd.DataFrame({"orientation": orientation[order], "temporal_frequency": frequency[order]})
    phase, size = "[42471.86666667, 42471.86666667]", "[250.0, 250.0]"
    return _unless_blank(table, spatial_frequency=0.04, contrast=0.8, phase=phase, size=size, units="deg")


def static_gratings(rng: np.random.Generator) -> pd.DataFrame:
    """Six orientations at five frequencies and four phases, and four blank sweeps."""
    axes = ([0.0, 30.0, 60.0, 90.0, 120.0, 150.0], [0.02, 0.04, 0.08, 0.16, 0.32], [0.0, 0.25, 0.5, 0.75])
    table = pd.DataFrame(shuffled(rng, *axes, n_blanks=4), columns=["orientation", "spatial_frequency", "phase"])
    phase = [str(value) for value in table["phase"]]
    return _unless_blank(table, phase=phase, contrast=0.8, size="[250.0, 250.0]", units="deg")


def natural_scenes(rng: np.random.Generator) -> pd.DataFrame:
    """Every scene once, and two blanks."""
    frames = np.concatenate([np.arange(N_SCENES, dtype=np.float64), [-1.0, -1.0]])
    return pd.DataFrame({"frame": frames[rng.permutation(len(frames))]})


def movie(n_frames: int) -> pd.DataFrame:
    """Frames of a movie, in their order."""
    return pd.DataFrame({"frame": np.arange(n_frames, dtype=np.float64)})


def gratings_75_repeats(rng: np.random.Generator) -> pd.DataFrame:
    """Four directions at two contrasts, three times each (75 times upstream); no blank sweeps."""
    return _connectivity_gratings(shuffled(rng, DIRECTIONS_DEG, [0.4, 0.8], repeats=3))


def gratings_contrast(rng: np.random.Generator) -> pd.DataFrame:
    """Four directions at nine contrasts, once each, and two blank sweeps."""
    contrasts = [0.01, 0.02, 0.04, 0.08, 0.13, 0.2, 0.35, 0.6, 1.0]
    return _connectivity_gratings(shuffled(rng, DIRECTIONS_DEG, contrasts, n_blanks=2))


def dot_motion(rng: np.random.Generator) -> pd.DataFrame:
    """Random dots in four directions at seven speeds, and two blanks."""
    speeds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04]
    table = pd.DataFrame(shuffled(rng, DIRECTIONS_DEG, speeds, n_blanks=2), columns=["Dir", "Speed"])
    return _unless_blank(table, coherence=1.0).assign(dotSize=3.0)


def _connectivity_gratings(grid: npt.NDArray[np.float64]) -> pd.DataFrame:
    table = pd.DataFrame(grid, columns=["orientation", "contrast"])
    phase, size = "[1083.46666667, 1083.46666667]", "[250.0, 250.0]"
    return _unless_blank(table, temporal_frequency=2.0, spatial_frequency=0.04, phase=phase, size=size, units="deg")


def _unless_blank(table: pd.DataFrame, **values: float | str | list[str]) -> pd.DataFrame:
    """Add columns; a blank sweep, whose first column is NaN, has none of them: NaN in numbers, ``N/A`` in texts."""
    blank = table.iloc[:, 0].isna()
    columns = {name: pd.Series(value, index=table.index) for name, value in values.items()}
    nothing = {name: "N/A" if column.dtype == object else np.nan for name, column in columns.items()}
    return table.assign(**{name: column.mask(blank, nothing[name]) for name, column in columns.items()})
