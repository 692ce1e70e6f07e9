"""The figure of a rulebook's validation: values of good and bad units, and the share rejected along the truth.

Contains the drawing alone, as SVG whose bytes depend on the numbers only. Add here another way to show a validation.
Counts and histograms come from `nh_platform.qc.validation.validate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nh_platform.qc.rules.quantities import shown_unit
from nh_platform.qc.validation.validate import RuleValidation

_RED, _BLUE, _GREY = "#d62728", "#4c78a8", "#444444"
_PANEL_INCHES = (3.1, 2.5)
_STYLE: dict[Any, Any] = {
    # Ids in the file are hashed with this instead of a random number, and text stays text.
    "svg.hashsalt": "nh-platform",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_validation(path: Path, found: Sequence[RuleValidation]) -> None:
    """Draw two panels per rule that compares numbers.

    Above, the spread of the values of good and bad units and the threshold between them; below, the share of units that
    the rule rejects by how bad they truly are, blue where they are good and red where they are bad.

    Parameters
    ----------
    path
        SVG file to write. The same numbers give the same bytes.
    found
        From `nh_platform.qc.validation.validate.validate_rulebook`. Rules without a histogram are left out; where none
        has one, the figure says so.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    panels = [one for one in found if one.edges]
    with rc_context(_STYLE):
        width, height = _PANEL_INCHES
        rows = 2 if any(one.bins for one in panels) else 1
        figure = Figure(figsize=(width * max(len(panels), 1), height * rows), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        axes = figure.subplots(rows, max(len(panels), 1), squeeze=False)
        for number, one in enumerate(panels):
            _panel(axes[0][number], one, first=number == 0)
            if rows == 2:
                _along_truth(axes[1][number], one, first=number == 0)
        if not panels:
            axes[0][0].set_axis_off()
            axes[0][0].text(0.5, 0.5, "no rule compares numbers", ha="center", va="center")
        canvas.print_svg(path, metadata={"Date": None, "Creator": None})
    # Trailing blanks, which matplotlib writes after some attributes, would be removed by editors.
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def _panel(axis: Any, one: RuleValidation, *, first: bool) -> None:
    edges = np.array(one.edges)
    axis.stairs(one.counts_good, edges, fill=True, color=_BLUE, alpha=0.65, label="good")
    axis.stairs(one.counts_bad, edges, fill=True, color=_RED, alpha=0.65, label="bad")
    axis.axvline(one.threshold, color=_GREY, linewidth=1.0, linestyle="--")
    # Single misjudged units stay visible beside bins of hundreds.
    axis.set_yscale("symlog", linthresh=1)
    axis.set_ylim(bottom=0)
    axis.set_xlabel(one.criterion)
    axis.set_title(
        f"{one.rule}\nsensitivity {_shown(one.sensitivity)}, specificity {_shown(one.specificity)}", color=_GREY
    )
    if first:
        axis.set_ylabel("units")
        axis.legend(frameon=False)


def _along_truth(axis: Any, one: RuleValidation, *, first: bool) -> None:
    if not one.bins:
        axis.set_axis_off()
        axis.text(0.5, 0.5, "no single quantity decides", ha="center", va="center", color=_GREY)
        return
    places = np.arange(len(one.bins))
    colours = [_RED if part.rejected_bad + part.kept_bad > part.n_units / 2 else _BLUE for part in one.bins]
    axis.bar(places, [part.rejected for part in one.bins], width=0.85, color=colours, alpha=0.8)
    for place, part in zip(places, one.bins, strict=True):
        axis.text(place, min(part.rejected, 1.0) + 0.02, str(part.n_units), ha="center", color=_GREY, fontsize=6)
    unit = shown_unit(one.unit)
    axis.set_xticks(places, [f"{part.low:.3g}\n–{part.high:.3g}" for part in one.bins], fontsize=6)
    axis.set_xlabel(f"true {one.quantity}{f' [{unit}]' if unit else ''}")
    axis.set_ylim(0, 1.12)
    if first:
        axis.set_ylabel("share rejected (units above)")


def _shown(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.3f}"
