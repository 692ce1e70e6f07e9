"""The page of probe insertions as HTML: its record packed into the shell.

Change here how the record becomes data of the page. What the page says is `content`, how it looks `static/`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reading.searching.probe_positions import AXES
from nh_platform.reports.page.packing import PackedArrays
from nh_platform.reports.page.shell import html_page, read_static
from nh_platform.reports.probe_page.content import LABELS, ProbePage
from nh_platform.reports.probe_page.surface import HOW_TO_GET
from nh_platform.sources.anatomy.coordinates import BREGMA_AP_UM, BREGMA_DV_UM, BREGMA_ML_UM, CCF_EXTENT_UM

PACKAGE = "nh_platform.reports.probe_page"
SCRIPTS = ("geometry.js", "space.js", "planes.js", "probes.js")

_SHIFT_UM, _PER_UM = 2000.0, 4.0
"""Positions are packed as uint16: 0.25 µm steps from 2 mm outside the volume, where channels above the brain lie."""

_LARGEST = 65535

_FACTS = ("source", "insertion_id", "session_id", "probe", "subject", "lab", "date", "release")


def render_probe_page(page: ProbePage) -> str:
    """Return the page as HTML in one file; the same record gives the same text."""
    arrays = PackedArrays()
    shown = page.insertions[[*_FACTS, "channels", "units", "good", "regions", "side"]]
    surface = page.surface
    data: dict[str, Any] = {
        "title": page.title,
        "insertions": _records(shown),
        "not_drawn": _records(page.not_drawn[[*_FACTS, "why"]]),
        "regions": page.regions[["acronym", "beryl", "colour", "beryl_colour"]].astype(str).to_numpy().tolist(),
        "labels": list(LABELS),
        "labelled_by": list(page.labelled_by),
        "notes": list(page.notes),
        "extent_um": list(CCF_EXTENT_UM),
        "bregma_um": [BREGMA_AP_UM, BREGMA_DV_UM, BREGMA_ML_UM],
        "packed": {"shift_um": _SHIFT_UM, "per_um": _PER_UM},
        "tracks": _columns(page.tracks, ("insertion", "region"), arrays),
        "points": _columns(page.points, ("insertion", "region", "label", "count"), arrays),
        "surface": None,
        "surface_from": HOW_TO_GET if surface is None else surface.origin,
    }
    if surface is not None:
        triangles = surface.triangles.astype(np.uint32)
        data["surface"] = {"vertices": _positions(surface.vertices, arrays), "triangles": arrays.exact(triangles)}
    styles = [read_static(PACKAGE, "probes.css")]
    scripts = [read_static(PACKAGE, name) for name in SCRIPTS]
    return html_page(page.title, read_static(PACKAGE, "probes.html"), data, arrays, styles=styles, scripts=scripts)


def _columns(table: pd.DataFrame, names: tuple[str, ...], arrays: PackedArrays) -> dict[str, Any]:
    numbers = {
        name: arrays.exact(np.minimum(table[name].to_numpy(np.int64), _LARGEST).astype(np.uint16)) for name in names
    }
    return {"n": len(table), "positions": _positions(table[list(AXES)].to_numpy(np.float64), arrays), **numbers}


def _positions(um: npt.NDArray[np.float64], arrays: PackedArrays) -> dict[str, int]:
    return arrays.exact(np.clip(np.rint((um + _SHIFT_UM) * _PER_UM), 0, _LARGEST).astype(np.uint16))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows ready for JSON: numbers whole, nothing missing."""
    return [
        {name: int(value) if isinstance(value, int | np.integer) else str(value) for name, value in row.items()}
        for row in table.astype(object).where(table.notna(), "").to_dict("records")
    ]
