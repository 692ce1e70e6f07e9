"""Charts as records: axes with units of measure, layers of numbers, and what is said where there is nothing to draw.

Contains the words in which every figure of a page is stated; `static/charts.js` draws them. Add here a kind of layer
that several figures need. No figure is named here, and nothing is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nh_platform.reports.page.packing import PackedArrays

LayerKind = Literal["line", "steps", "bars", "points", "image", "band", "mark"]
Colour = Literal["main", "second", "third", "good", "bad", "muted", "event", "heat", "diverging"]
"""Roles, not colours: the page has a light and a dark one for each, told apart by the colour-blind."""


@dataclass(frozen=True)
class Axis:
    """One axis.

    Parameters
    ----------
    label, unit
        What it is and its unit of measure, for example ``time`` and ``s``.
    low, high
        Its range; found from what is drawn where None.
    scale
        ``linear`` or ``log``.
    ticks
        Named places, for example regions along a probe; numbers where empty.
    """

    label: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    scale: Literal["linear", "log"] = "linear"
    ticks: Sequence[tuple[float, str]] = ()

    def payload(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        shown = {"label": self.label, "unit": self.unit, "low": self.low, "high": self.high, "scale": self.scale}
        return shown | {"ticks": [list(tick) for tick in self.ticks]}


@dataclass(frozen=True)
class Layer:
    """Numbers that are drawn in one way.

    Parameters
    ----------
    kind
        ``line`` and ``points`` through (x, y); ``steps`` and ``bars`` of y over bin edges or centres x; ``image`` of
        ``y`` (rows from the bottom, columns from the left) over the axes' whole ranges; ``band`` between two places,
        and ``mark`` at each place of x, across the whole chart.
    x, y
        Numbers; (n,) each, of an image (rows, columns) in ``y`` alone. Of a layer per unit (n_units, …).
    name
        Name in the legend; none where empty.
    colour
        Its role.
    along
        Axis that a band or mark stands on.
    text
        Words beside a band or mark.
    per_unit
        Whether the first axis of y (and of x, where x has as many dimensions as y) are the units of the page.
    exact
        Whether y is packed as float32; else one byte per sample, which is enough for curves and images.
    connected
        Whether a line goes on over values that are not finite.
    """

    kind: LayerKind
    x: npt.ArrayLike | None = None
    y: npt.ArrayLike | None = None
    name: str = ""
    colour: Colour = "main"
    along: Literal["x", "y"] = "x"
    text: str = ""
    per_unit: bool = False
    exact: bool = False
    connected: bool = False

    def payload(self, arrays: PackedArrays) -> dict[str, Any]:
        """Pack its numbers and return it as the page reads it."""
        stated = {"kind": self.kind, "name": self.name, "colour": self.colour, "along": self.along, "text": self.text}
        flags = {"per_unit": self.per_unit, "connected": self.connected}
        x = None if self.x is None else arrays.exact(np.asarray(self.x, dtype=np.float32))
        return {**stated, **flags, "x": x, "y": self._packed_y(arrays)}

    def _packed_y(self, arrays: PackedArrays) -> dict[str, int] | None:
        if self.y is None:
            return None
        if self.exact:
            return arrays.exact(np.asarray(self.y, dtype=np.float32))
        values = np.asarray(self.y, dtype=np.float64)
        return arrays.scaled(values if self.per_unit else values[None])


@dataclass(frozen=True)
class Chart:
    """One figure.

    Parameters
    ----------
    id, title
        Its name in addresses, small letters, digits and ``-``, and for people.
    x, y
        Its axes.
    layers
        What is drawn, in this order.
    caption
        What it shows and how to read it, in a sentence or two.
    lacking
        Why there is nothing to draw, in words; the chart is then a sentence in its place. Empty where there is.
    """

    id: str
    title: str
    x: Axis
    y: Axis
    layers: Sequence[Layer] = ()
    caption: str = ""
    lacking: str = ""

    def payload(self, arrays: PackedArrays) -> dict[str, Any]:
        """Pack its numbers and return it as the page reads it."""
        stated = {"id": self.id, "title": self.title, "caption": self.caption, "lacking": self.lacking}
        axes = {"x": self.x.payload(), "y": self.y.payload()}
        return {**stated, **axes, "layers": [layer.payload(arrays) for layer in self.layers]}
