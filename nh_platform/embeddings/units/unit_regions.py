"""Regions of units beside their vectors: name, id and level in the Allen, Beryl and Cosmos parcellations.

Contains the join. It is done when embeddings are read: regions come from the alignment of the probe, which `units`
follows and embeddings do not (docs/decisions/0017-what-hangs-on-units.md). Add here what else of `units` is joined.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.sources.anatomy.regions import region_levels, regions_of_acronyms

PARCELLATIONS = {"acronym": "atlas", "beryl": "beryl", "cosmos": "cosmos"}
"""Beginning of the names of id and level, by the column of `units` with the acronym."""


def with_regions(embeddings: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return embeddings with the regions of their units behind ``probe``.

    Parameters
    ----------
    embeddings
        Schema `UNIT_EMBEDDINGS`.
    units
        Schema `UNITS`, in any order; units that it lacks are unlocated.

    Returns
    -------
    pandas.DataFrame
        With ``acronym``, ``atlas_id``, ``atlas_level``, and the same of ``beryl`` and ``cosmos``: text or None, int64
        Allen CCF 2017 structure id or 0, float64 level in the tree of structures (0 is the root) or NaN.
    """
    placed = units.set_index("unit_id").reindex(embeddings["unit_id"])
    columns: dict[str, object] = {}
    for name, prefix in PARCELLATIONS.items():
        acronyms = placed[name].astype(object)
        acronyms = acronyms.where(acronyms.notna(), None).tolist()
        ids = regions_of_acronyms(acronyms)["atlas_id"].to_numpy(dtype=np.int64)
        columns |= {name: acronyms, f"{prefix}_id": ids, f"{prefix}_level": region_levels(ids)}
    regions = pd.DataFrame(columns, index=embeddings.index)
    behind = list(embeddings.columns).index("probe") + 1
    return pd.concat([embeddings.iloc[:, :behind], regions, embeddings.iloc[:, behind:]], axis=1)
