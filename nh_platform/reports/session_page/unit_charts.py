"""Charts of the card of a unit, each for all units of the session at once.

Add a figure here, as a function that returns a chart; what it counts belongs to a kernel. Charts of the session are
`session_charts.py`.
"""

from __future__ import annotations

import numpy as np

from nh_platform.reports.page.chart import Axis, Chart, Layer
from nh_platform.reports.session_page.material import PageMaterial

_MS_PER_S = 1e3


def unit_charts(material: PageMaterial) -> list[Chart]:
    """Return the charts of a unit's card, in the order in which the card shows them."""
    return [autocorrelogram(material)]


def autocorrelogram(material: PageMaterial) -> Chart:
    """Return the stored autocorrelograms, of both sides."""
    stored = next(one for name, one in material.histograms.items() if "autocorrelogram" in name)
    centres = (stored.edges_s[:-1] + stored.edges_s[1:]) / 2 * _MS_PER_S
    both = np.concatenate([-centres[::-1], centres])
    counts = np.concatenate([stored.counts[:, ::-1], stored.counts], axis=1)
    return Chart(
        "autocorrelogram",
        "Autocorrelogram",
        Axis("lag", "ms"),
        Axis("spikes", "1", low=0),
        (Layer("bars", both, counts, per_unit=True),),
        caption="Pairs of spikes of the unit by the time between them.",
    )
