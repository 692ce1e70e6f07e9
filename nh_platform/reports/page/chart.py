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
    session_clock
        Whether it is time on the session clock in s: a reviewer may pick an interval on it.
    unit_lows, unit_highs
        (n_units,) range for each unit of the page, in place of ``low`` and ``high``; None where all share one.
    """

    label: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    scale: Literal["linear", "log"] = "linear"
    ticks: Sequence[tuple[float, str]] = ()
    session_clock: bool = False
    unit_lows: npt.ArrayLike | None = None
    unit_highs: npt.ArrayLike | None = None

    def payload(self, arrays: PackedArrays) -> dict[str, Any]:
        """Pack its ranges and return it as the page reads it."""
        ticks = [[float(place), str(name)] for place, name in self.ticks]
        shown = {"label": self.label, "unit": self.unit, "low": self.low, "high": self.high, "scale": self.scale}
        ranges = {"unit_lows": self.unit_lows, "unit_highs": self.unit_highs}
        packed = {name: None if one is None else arrays.exact(_float32(one)) for name, one in ranges.items()}
        return {**shown, **packed, "ticks": ticks, "session_clock": self.session_clock}


@dataclass(frozen=True)
class Layer:
    """Numbers that are drawn in one way.

    Parameters
    ----------
    kind
        ``line`` and ``points`` through (x, y); ``steps`` and ``bars`` of y over bin edges or centres x; ``image`` of
        ``y`` (rows from the bottom, columns from the left) over the axes' whole ranges; ``band`` between each two
        places and ``mark`` at each place of x, across the whole chart.
    x, y
        Numbers; (n,) each, of an image (rows, columns) in ``y`` alone. Of a layer per unit (n_units, …).
    name, unit
        Name in the legend, none where empty; of an image the words and the unit of measure at its colour bar.
    colour
        Its role.
    along
        Axis that a band or mark stands on, and along which the bins of bars and steps lie.
    text
        Words beside a band or mark.
    per_unit
        Whether the first axis of y (and of x, where x has as many dimensions as y) are the units of the page.
        A band or mark per unit has x of (n_units, 2) or (n_units, n_marks).
    exact
        Whether y is packed as float32; else one byte per sample, which is enough for curves and images. Of x that is
        per unit: float32, else two bytes.
    connected
        Whether a line goes on over values that are not finite.
    root
        Of an image, whether the square roots of y are packed and drawn, so that rare things are seen; a read-out and
        the colour bar state their squares.
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
    unit: str = ""
    root: bool = False

    def payload(self, arrays: PackedArrays) -> dict[str, Any]:
        """Pack its numbers and return it as the page reads it."""
        words = {"name": self.name, "unit": self.unit, "text": self.text}
        looks = {"kind": self.kind, "colour": self.colour, "along": self.along}
        flags = {"per_unit": self.per_unit, "connected": self.connected, "root": self.root}
        return {**looks, **words, **flags, "x": self._packed_x(arrays), "y": self._packed_y(arrays)}

    @property
    def x_per_unit(self) -> bool:
        """Whether every unit has an x of its own."""
        if not self.per_unit or self.x is None:
            return False
        return self.y is None or np.ndim(self.x) == np.ndim(self.y)

    def _packed_x(self, arrays: PackedArrays) -> dict[str, Any] | None:
        if self.x is None:
            return None
        if self.x_per_unit and not self.exact:
            return {**arrays.scaled(np.asarray(self.x, dtype=np.float64), fine=True), "per_unit": True}
        return {**arrays.exact(np.asarray(self.x, dtype=np.float32)), "per_unit": self.x_per_unit}

    def _packed_y(self, arrays: PackedArrays) -> dict[str, Any] | None:
        if self.y is None:
            return None
        values = np.asarray(self.y, dtype=np.float64)
        values = np.sqrt(values) if self.root else values
        rows = values if self.per_unit else values[None]
        return arrays.exact(rows.astype(np.float32)) if self.exact else arrays.scaled(rows)


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
    lacking_unit
        The same for a unit of which every layer per unit is NaN, while others have something.
    columns
        Columns of the page's table whose numbers belong to the figure: printed below it and said in its accessible
        name. What is drawn is one byte per sample and no source of numbers.
    wide
        Whether it takes the whole width of the page.
    """

    id: str
    title: str
    x: Axis
    y: Axis
    layers: Sequence[Layer] = ()
    caption: str = ""
    lacking: str = ""
    columns: Sequence[str] = ()
    wide: bool = False
    lacking_unit: str = ""

    def payload(self, arrays: PackedArrays) -> dict[str, Any]:
        """Pack its numbers and return it as the page reads it."""
        stated: dict[str, Any] = {"id": self.id, "title": self.title, "caption": self.caption, "lacking": self.lacking}
        stated |= {"lacking_unit": self.lacking_unit, "columns": list(self.columns), "wide": self.wide}
        axes = {"x": self.x.payload(arrays), "y": self.y.payload(arrays)}
        return {**stated, **axes, "layers": [layer.payload(arrays) for layer in self.layers]}


def _float32(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
