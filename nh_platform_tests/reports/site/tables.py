"""Small tables of units as upstream names their columns, for tests of the site."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.reports.site.building import Site, build_site
from nh_platform.reports.site.material import SiteMaterial
from nh_platform.reports.site.tabled_release import tabled_material

BOOK, BEFORE = "ibl-2022-10", "ibl-2022-03"


def units_table(n_insertions: int = 10, n_units: int = 30, seed: int = 3) -> pd.DataFrame:
    """Return released units of several insertions in two labs, indexed by insertion and number as IBL's table is."""
    rng = np.random.default_rng(seed)
    n = n_insertions * n_units
    insertion = np.repeat([f"pid-{number:02d}" for number in range(n_insertions)], n_units)
    table = pd.DataFrame(
        {
            "slidingRP_viol": rng.integers(0, 2, n).astype(float),
            "noise_cutoff": rng.normal(4, 3, n),
            "amp_median": rng.uniform(20e-6, 120e-6, n),
            "acronym": rng.choice(["CA1", "VISp5", "VISp2/3"], n),
            "lab": np.repeat(["north", "south"], n // 2),
            "subject": "mouse",
            "date": np.repeat([f"2020-0{1 + number % 3}-05" for number in range(n_insertions)], n_units),
        },
        index=pd.MultiIndex.from_arrays([insertion, np.tile(np.arange(n_units), n_insertions)]),
    )
    good = (table["slidingRP_viol"] == 1) & (table["noise_cutoff"] < 5) & (table["amp_median"] > 50e-6)
    return table.assign(label=good.astype(float))


def material_of(table: pd.DataFrame) -> SiteMaterial:
    """Return the material of a site of these units."""
    return tabled_material(table, "ibl", load_rulebook(BOOK), [load_rulebook(BEFORE)], name="units.pqt")


def site_of(table: pd.DataFrame) -> Site:
    """Return the site of these units."""
    return build_site(material_of(table))
