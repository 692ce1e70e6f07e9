"""How time and memory grow with spikes, units and sessions: slopes in logarithms, their table and their figure.

Contains the sizes, the measurement and what is made of it. Add a curve to `CURVES` for another step; it runs in
`benchmarks/jobs/growth.py`. A slope of 1 is linear.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.harness.sides import Side, Worker
from benchmarks.peers import ROOT

RESULTS, FIGURE = ROOT / "docs" / "benchmarks-growth.json", ROOT / "docs" / "benchmarks-growth.svg"
SCRIPT, N_RUNS = "jobs/growth.py", 3
LARGEST_SLOPE = 1.1
"""Between the sizes: a tenth more than linear is what clocks and caches make of it."""
FLOOR_BYTES = 20e6
"""Memory below this is of the interpreter, and no curve is drawn through it."""


@dataclass(frozen=True)
class Curve:
    """One step over several sizes.

    Parameters
    ----------
    job
        ``STEP:AXIS``.
    what
        Words for the table.
    sizes
        Numbers of spikes, units or sessions.
    profile
        What bends it, by a profile; shown where it grows faster than in proportion.
    """

    job: str
    what: str
    sizes: tuple[int, ...]
    profile: str = ""


_SPIKES = (1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000)
_UNITS = (100, 300, 1_000, 3_000, 5_000)
CURVES = (
    Curve("metrics:spikes", "20 IBL metrics, 700 units", _SPIKES),
    Curve("bins:spikes", "bins of 20 ms, 700 units", _SPIKES),
    Curve("order:spikes", "the order of time, 700 units", _SPIKES),
    Curve("metrics:units", "20 IBL metrics, 5,000 spikes a unit", _UNITS),
    Curve(
        "bins:units",
        "bins of 20 ms, 5,000 spikes a unit",
        _UNITS,
        "Counts of the smaller sizes stay in the processor's cache.",
    ),
    Curve("order:units", "the order of time, 5,000 spikes a unit", _UNITS),
    Curve(
        "diff:sessions",
        "two catalogues compared, 210 files a session",
        (10, 30, 100, 300, 1_000),
        "Below 20 MB memory is not told from what the process had, so that two sizes are left for the exponent.",
    ),
)


def measure(curve: Curve, folder: Path, n_runs: int = N_RUNS) -> dict[str, Any]:
    """Run one curve, each size in a process of its own after a run that does not count; return medians and slopes."""
    cpu_s, peak = [], []
    for size in curve.sizes:
        with Worker(Side(curve.what, SCRIPT, curve.job), Path(str(size)), folder / "growth.npz") as worker:
            worker.run()  # what a first run alone does is of no size
            runs = [worker.run() for _ in range(n_runs)]
        cpu_s.append(median(run.cpu_s for run in runs))
        peak.append(median(run.peak_bytes for run in runs))
    found = {"job": curve.job, "what": curve.what, "sizes": list(curve.sizes), "cpu_s": cpu_s, "peak_bytes": peak}
    return {**found, "slope": slope(curve.sizes, cpu_s), "memory_slope": slope(curve.sizes, peak, FLOOR_BYTES)}


def slope(sizes: Sequence[int], values: Sequence[float], least: float = 0.0) -> float | None:
    """Return the exponent of growth from the middle of the sizes on; None where fewer than two values are large enough.

    Small sizes are of what is done once: a slope through them would be too good.

    Examples
    --------
    >>> slope([10, 100, 1000], [1.0, 10.0, 1000.0])
    2.0
    """
    half = len(sizes) // 2
    large = [(n, value) for n, value in zip(sizes[half:], values[half:], strict=True) if value > least]
    if len(large) < 2:
        return None
    x, y = np.log10(np.array(large, dtype=float)).T
    return round(float(np.polyfit(x, y, 1)[0]), 3)


def too_steep(found: Mapping[str, Any]) -> list[str]:
    """Return what grows faster than in proportion."""
    named = (("CPU time", found["slope"]), ("memory", found["memory_slope"]))
    return [
        f"{found['what']}: {name} grows with the power {value:.2f} of {found['job'].partition(':')[2]}"
        for name, value in named
        if value is not None and value > LARGEST_SLOPE
    ]


def table(curves: Sequence[Mapping[str, Any]]) -> str:
    """Return the table in Markdown, with the figure before it."""
    lines = [
        f"![CPU time and memory against spikes, units and sessions]({FIGURE.name})",
        "",
        "| what | against | CPU s, least to largest size | exponent | MB more at the largest | exponent |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in curves:
        axis, sizes = one["job"].partition(":")[2], one["sizes"]
        exponents = ["" if one[name] is None else f"{one[name]:.2f}" for name in ("slope", "memory_slope")]
        lines.append(
            f"| {one['what']} | {sizes[0]:,} to {sizes[-1]:,} {axis} "
            f"| {', '.join(f'{value:.3g}' for value in one['cpu_s'])} | {exponents[0]} "
            f"| {one['peak_bytes'][-1] / 1e6:.0f} | {exponents[1]} |"
        )
    return "\n".join(lines)


def draw(curves: Sequence[Mapping[str, Any]], path: Path = FIGURE) -> None:
    """Draw time and memory against each axis, in logarithms, beside lines of growth in proportion."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    axes_of = list(dict.fromkeys(one["job"].partition(":")[2] for one in curves))
    with mpl.rc_context({"svg.hashsalt": "growth", "font.size": 9}):
        figure = Figure(figsize=(3.6 * len(axes_of), 6.0), layout="constrained")
        plots = figure.subplots(2, len(axes_of), squeeze=False)
        for column, axis in enumerate(axes_of):
            for row, (name, unit, label) in enumerate(
                (("cpu_s", 1.0, "CPU time [s]"), ("peak_bytes", 1e6, "memory [MB]"))
            ):
                plot = plots[row][column]
                for one in (one for one in curves if one["job"].endswith(axis)):
                    values = np.array(one[name]) / unit
                    shown = values > (FLOOR_BYTES / unit if name == "peak_bytes" else 0)
                    exponent = one["slope" if row == 0 else "memory_slope"]
                    words = one["what"].partition(",")[0] + ("" if exponent is None else f" ({exponent})")
                    plot.plot(np.array(one["sizes"])[shown], values[shown], "o-", markersize=4, label=words)
                    if shown.any():
                        size, last = one["sizes"][-1], values[-1]
                        plot.plot([size / 10, size], [last / 10, last], color="0.75", linewidth=1, zorder=0)
                ends = [size for one in curves if one["job"].endswith(axis) for size in one["sizes"]]
                plot.set(xscale="log", yscale="log", xlim=(min(ends) / 1.5, max(ends) * 1.5))
                plot.set(xlabel=f"number of {axis}", ylabel=label)
                plot.xaxis.set_minor_formatter(NullFormatter())
                plot.grid(visible=True, color="0.93")
                if plot.lines:
                    plot.legend(fontsize=7, title="exponent in brackets", title_fontsize=7)
        figure.savefig(path, metadata={"Date": None})


def write(curves: Sequence[Mapping[str, Any]], path: Path = RESULTS) -> None:
    """Store the curves."""
    text = json.dumps(curves, indent=1, sort_keys=True)
    stored = json.loads(text, parse_float=lambda digits: float(f"{float(digits):.5g}"))
    path.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read(path: Path = RESULTS) -> list[dict[str, Any]]:
    """Return stored curves; none where they were not measured."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
