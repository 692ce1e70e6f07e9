"""Simulated sessions that rows are measured on, made once and kept.

Contains their sizes and where they lie: ``$NH_BENCHMARK_DATA``, or ``~/.cache/nh_benchmarks``. Add here data that
several rows share. The same seed gives the same spikes on every machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VERSION = 1
"""Raised where the same name would hold other data."""


@dataclass(frozen=True)
class SessionSize:
    """Of a simulated session.

    Attributes
    ----------
    n_units
        Number of units.
    duration_s
        Length [s].
    n_spikes
        About how many spikes.
    """

    n_units: int
    duration_s: float
    n_spikes: int


IBL = SessionSize(700, 4200.0, 11_500_000)
LARGE = SessionSize(2000, 9000.0, 58_000_000)
SMALL = SessionSize(60, 600.0, 300_000)
"""An insertion's session of IBL, a large one of Allen's, and one for quick runs."""


def kept(name: str, write: Callable[[Path], None]) -> Path:
    """Return the file of some name, written first where it is not there yet."""
    home = Path(os.environ.get("NH_BENCHMARK_DATA") or Path.home() / ".cache" / "nh_benchmarks") / f"v{VERSION}"
    path = home / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as made:
            write(Path(made) / path.name)
            (Path(made) / path.name).replace(path)
    return path


def spikes_of(size: SessionSize, seed: int = 2022) -> Path:
    """Return ``.npz`` with the spikes of a session, grouped by unit.

    It has ``times`` [s], ``offsets`` (one more than units), ``amplitudes`` [V] and ``depths`` [µm], all float64, and
    ``duration_s``.
    """
    return kept(f"spikes-{size.n_units}-units-{seed}.npz", lambda path: _simulate(size, seed, path))


def _simulate(size: SessionSize, seed: int, path: Path) -> None:
    from nh_platform.simulation.ground_truth import draw_units
    from nh_platform.simulation.spike_trains import simulate_spikes

    mean_rate_hz = size.n_spikes / size.n_units / size.duration_s
    for _ in range(3):
        # Bursts and dead time shift the mean rate: it is scaled until the number of spikes is about right.
        units = draw_units(
            np.random.default_rng(seed),
            size.n_units,
            first=0,
            duration_s=size.duration_s,
            mean_rate_hz=mean_rate_hz,
            depth_range_um=3840.0,
        )
        expected = sum(unit.rate_hz * (1 + unit.burst) / (1 - unit.contamination) for unit in units) * size.duration_s
        mean_rate_hz *= size.n_spikes / expected
    spikes = simulate_spikes(np.random.default_rng(seed + 1), units, size.duration_s)
    np.savez(
        path,
        times=spikes.samples / 30000.0,
        offsets=spikes.offsets,
        amplitudes=spikes.amplitudes.astype(np.float64),
        depths=spikes.depths.astype(np.float64),
        duration_s=size.duration_s,
    )
