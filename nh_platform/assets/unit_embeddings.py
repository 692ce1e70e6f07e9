"""The asset `unit_embeddings`: one row per unit that describes how it fires.

Change here what is stored of embeddings and what is shown of them. Features are computed in `nh_platform.embeddings`.
"""

import numpy as np

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, Parameters, SessionAsset
from nh_platform.home.platform import Platform
from nh_platform.session.columns import describe
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.store.parquet import write_table


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the version of the features."""
    from nh_platform.embeddings.unit_features import FEATURES_VERSION

    return {"features": FEATURES_VERSION}


def make(inputs: SessionInputs) -> AssetResult:
    """Describe every unit by its rate, its inter-spike intervals and its coupling to others, over valid time."""
    from nh_platform.embeddings.population_coupling import population_coupling
    from nh_platform.embeddings.unit_features import unit_embeddings
    from nh_platform.windows.binning import bin_edges
    from nh_platform.windows.valid_time import invalid_times, valid_bins
    from nh_platform.windows.window_files import StoredWindows

    recording, units, behavior = inputs.recording(), inputs.units(), inputs.behavior()
    windows = StoredWindows(inputs.stored.folder("windows"))
    invalid = invalid_times(behavior, list(dict.fromkeys(units["probe"])))
    table = unit_embeddings(recording.spikes, units, invalid=invalid)
    table["population_coupling"] = np.float32(np.nan)
    if windows.grid_widths:
        grid = windows.grid(min(windows.grid_widths))
        edges = bin_edges(grid.start_bin * grid.bin_us, grid.counts.shape[1], grid.bin_us)
        table["population_coupling"] = population_coupling(grid.counts, valid_bins(edges, invalid))
    return AssetResult(
        write=lambda folder: write_table(folder / "unit_embeddings.parquet", table, UNIT_EMBEDDINGS),
        rows=len(table),
        columns=describe(UNIT_EMBEDDINGS, table),
        shown={"features": len(table.columns) - len(UNIT_EMBEDDINGS.columns)},
    )


ASSET = SessionAsset(
    name="unit_embeddings",
    code_version="2",
    description=(
        "One row per unit: firing rate, inter-spike-interval statistics and histogram, and coupling to the other units "
        "of the session."
    ),
    kinds=frozenset({"parquet"}),
    tables=((UNIT_EMBEDDINGS, "unit_embeddings.parquet"),),
    make=make,
    inputs=("raw_spikes", "units", "behavior", "windows"),
    parameters=parameters,
)
