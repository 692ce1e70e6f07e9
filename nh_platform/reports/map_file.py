"""Maps of units as a picture in a file of your own: what the session page draws, and UMAP.

Contains the drawing of charts of points by matplotlib. Add here another kind of layer that such a picture has. Which
points there are is said by `session_page.session_figures.embedding_maps`; nothing here goes into the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nh_platform.reports.page.chart import Chart

SUFFIXES = (".svg", ".png", ".pdf")
_COLOURS = {
    "main": "#4477aa", "second": "#ee6677", "third": "#228833", "event": "#aa3377",
    "good": "#4477aa", "bad": "#ee6677", "muted": "#bbbbbb",
}  # fmt: skip
"""Paul Tol's bright colours, told apart by the colour-blind; roles as of the page."""
_INCHES = 4.6
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "nh-platform",
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_maps(path: Path, title: str, charts: Sequence[Chart]) -> None:
    """Draw charts of points side by side.

    Parameters
    ----------
    path
        File to write, of one of `SUFFIXES`.
    title
        Words above all.
    charts
        Their captions are one line below, said once where they are the same.
    """
    from textwrap import fill

    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(_INCHES * len(charts), _INCHES + 0.8), layout="constrained")
        for axis, chart in zip(figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True):
            for layer in chart.layers:
                axis.scatter(layer.x, layer.y, s=9, linewidths=0, color=_COLOURS[layer.colour], label=layer.name)
            axis.set_title(chart.title, fontsize=9.0)
            axis.set_xlabel(chart.x.label)
            axis.set_ylabel(chart.y.label)
            axis.legend(frameon=False, fontsize=7.5, markerscale=1.6)
        figure.suptitle(title, fontsize=10.0)
        captions = "\n".join(dict.fromkeys(chart.caption for chart in charts))
        figure.supxlabel(fill(captions, 85 * len(charts)), fontsize=7.5)
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
