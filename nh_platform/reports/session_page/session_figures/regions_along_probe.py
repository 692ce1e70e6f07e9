"""Regions along a probe: the stretches in which neighbouring channels lie in one region.

Add here what else lies along a probe. Regions are those of the stored channels; nothing is aligned here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reports.page.chart import Layer


@dataclass(frozen=True)
class RegionStretch:
    """A stretch of a probe in one region; ``low_um`` and ``high_um`` from the tip."""

    region: str
    low_um: float
    high_um: float


def regions_along(probe: str, channels: pd.DataFrame, positions: pd.DataFrame) -> list[RegionStretch]:
    """Return the stretches of a probe from the tip upwards; none where no channel has a region.

    Parameters
    ----------
    probe
        Name of the probe.
    channels
        Schema `RAW_CHANNELS`: where channels lie on the probe.
    positions
        Schema `CHANNEL_POSITIONS`: in which region each lies.
    """
    mine = channels[(channels["probe"] == probe) & channels["axial_um"].notna()]
    stated = positions.loc[positions["probe"] == probe, ["channel", "beryl", "acronym"]]
    joined = mine.merge(stated, on="channel")
    names = joined["beryl"].where(joined["beryl"].notna(), joined["acronym"])
    named = names.notna().to_numpy()
    if not named.any():
        return []
    depths, regions = _most_frequent(joined["axial_um"].to_numpy(np.float64)[named], names.to_numpy(object)[named])
    starts = np.flatnonzero(np.r_[True, regions[1:] != regions[:-1]])
    between = (depths[1:] + depths[:-1]) / 2
    lows = np.r_[depths[0], between[starts[1:] - 1]]
    highs = np.r_[between[starts[1:] - 1], depths[-1]]
    return [RegionStretch(str(regions[s]), float(low), float(high)) for s, low, high in zip(starts, lows, highs)]


def _most_frequent(
    depths_um: npt.NDArray[np.float64], names: npt.NDArray[np.object_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.object_]]:
    """Return each depth once, ascending, with the name that is most frequent there; of several the first by letter."""
    depths, at = np.unique(depths_um, return_inverse=True)
    known, which = np.unique(names, return_inverse=True)
    counts = np.bincount(at * len(known) + which, minlength=len(depths) * len(known))
    return depths, known[counts.reshape(len(depths), len(known)).argmax(axis=1)]


def region_bands(stretches: list[RegionStretch], along: str = "x") -> list[Layer]:
    """Return a band per stretch with the region's acronym, neighbours in two colours."""
    return [
        Layer(
            "band",
            [one.low_um, one.high_um],
            colour="muted" if number % 2 else "third",
            along="y" if along == "y" else "x",
            text=one.region,
        )
        for number, one in enumerate(stretches)
    ]
