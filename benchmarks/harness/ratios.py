"""The figure of ratios: how many times faster, row by row, beside the aim.

Contains its drawing. What is measured stands in `benchmarks.harness.comparison`, the page in `benchmarks.harness.page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

FIGURE = "benchmarks-ratios.svg"
MET, MISSED, NO_AIM = "#1b7837", "#b2182b", "0.35"
_WIDEST = 60
"""Characters of a peer's name that there is room for."""


def draw(found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the median of each comparison with its least and most, in logarithms; a bar is the aim.

    A side that failed or found other values has no ratio, and stands there by name without a point.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    lines = [(result["name"], peer) for result in found for peer in result["peers"]]
    if not lines:
        path.unlink(missing_ok=True)
        return
    with mpl.rc_context({"svg.hashsalt": "ratios", "font.size": 9}):
        figure = Figure(figsize=(10.0, 0.24 * len(lines) + 1.2), layout="constrained")
        plot = figure.subplots()
        for place, (_, peer) in enumerate(lines):
            _point(plot, place, peer)
        plot.axvline(1.0, color="0.6", linewidth=1)
        plot.set(xscale="log", ylim=(len(lines) - 0.5, -0.5), xlabel="times faster here than the other side")
        plot.set_yticks(range(len(lines)), [f"{name}: {_name(peer)}" for name, peer in lines], fontsize=7)
        plot.grid(visible=True, axis="x", color="0.93")
        plot.set_axisbelow(True)
        plot.xaxis.set_major_formatter("{x:g}")
        for words, colour in (("aim met", MET), ("aim missed", MISSED), ("no aim", NO_AIM)):
            plot.plot([], [], "o", markersize=5, color=colour, label=words)
        plot.plot([], [], "|", markersize=9, color="black", label="aim")
        plot.legend(loc="lower right", fontsize=8)
        figure.savefig(path, metadata={"Date": None})


def _point(plot: Any, place: int, peer: Mapping[str, Any]) -> None:
    if "ratios" not in peer:
        plot.text(1.0, place, " no ratio", fontsize=7, color=MISSED, va="center")
        return
    middle, aim = median(peer["ratios"]), peer["at_least"]
    colour = NO_AIM if aim is None else MET if middle >= aim else MISSED
    plot.plot([min(peer["ratios"]), max(peer["ratios"])], [place, place], color=colour, linewidth=1.2)
    plot.plot(middle, place, "o", markersize=5, color=colour)
    if aim is not None:
        plot.plot(aim, place, "|", markersize=9, color="black")


def _name(peer: Mapping[str, Any]) -> str:
    name = str(peer["label"]).replace("`", "")
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…"
