"""The table `unit_embeddings`: one row per unit, features as columns of one pattern.

Add the table of another embedding here. What a feature means is said where it is computed.
"""

from nh_platform.session.columns import Column, ColumnPattern, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE
from nh_platform.session.tables.spikes import UNIT_ID

FEATURE = ColumnPattern(
    r"[a-z][a-z0-9_]*",
    ("float32", "float64"),
    "see the feature",
    "Feature of the unit; NaN where it is undefined",
    shown="<feature>",
)

UNIT_EMBEDDINGS = TableSchema(
    "unit_embeddings",
    (
        UNIT_ID,
        PROBE,
        Column("n_spikes", "int64", "1", "Valid spikes of the unit in the reference window"),
        Column(
            "is_silent",
            "bool",
            "-",
            "Whether the unit fires too little there to be described: fewer than 8 pairs of neighbouring intervals",
        ),
    ),
    patterns=(FEATURE,),
    key=("unit_id",),
)

N_LATENTS = 10
"""Most components of a model of a population."""

LATENT = ColumnPattern(
    r"(pca|fa)\.[^.]+\.[0-9]+",
    ("float32",),
    "√Hz",
    "State of a population in the window: method, region (`all` for all good units), and number of the component; NaN "
    "where the window is not valid for its probes, or the preset has no such component",
    shown="<method>.<region>.<component>",
)

WINDOW_EMBEDDINGS = TableSchema(
    "window_embeddings",
    (
        Column("preset", "string", "-", "Window preset"),
        Column("window_id", "int64", "1", "Row of the window within its preset"),
        Column("start", "float64", "s", "Start of the window, included"),
        Column("stop", "float64", "s", "End of the window, excluded"),
        Column("part", "string", "-", "Part of the causal split that holds the window whole; null in the gaps", True),
    ),
    patterns=(LATENT,),
    key=("preset", "window_id"),
)

_FIT_KEY = (
    Column("preset", "string", "-", "Window preset"),
    Column("region", "string", "-", "Beryl region of the units; all for every good unit of the session"),
    Column("method", "string", "-", "pca, or fa for factor analysis"),
)


def _per_component(name: str, unit: str, meaning: str) -> tuple[Column, ...]:
    """Return a column per component; NaN where the model has fewer."""
    return tuple(
        Column(f"{name}_{k}", "float64", unit, f"{meaning}, component {k}", nullable=True)
        for k in range(1, N_LATENTS + 1)
    )


POPULATION_UNITS = TableSchema(
    "population_units",
    (
        *_FIT_KEY,
        UNIT_ID,
        Column("mean", "float64", "√Hz", "Mean square root of the rate in the windows of the fit"),
        Column("noise", "float64", "Hz", "Variance of the square root of the rate that the unit shares with no other"),
        *_per_component("weight", "1", "What the unit adds to the latent per √Hz above its mean"),
        *_per_component("loading", "1", "What the latent adds to the unit's square root of the rate"),
    ),
    key=("preset", "region", "method", "unit_id"),
)
"""Models of the population of a region, a row per unit: what projects rates to latents and back."""

POPULATION_FITS = TableSchema(
    "population_fits",
    (
        *_FIT_KEY,
        Column("n_units", "int64", "1", "Good units that fire in the windows of the fit"),
        Column("n_components", "int64", "1", "Components"),
        Column("n_fit", "int64", "1", "Valid windows of the first part of the causal split, which it is fitted to"),
        Column("n_held_out", "int64", "1", "Valid windows of the later parts, which it is scored on"),
        Column("fit_start", "float64", "s", "Start of the first part"),
        Column("fit_stop", "float64", "s", "End of the first part: what lies before has been seen"),
        Column("held_out_start", "float64", "s", "Start of the later parts"),
        Column("rebuilt", "float64", "1", "R² of held-out rates, each unit's rebuilt from the others", nullable=True),
        Column(
            "shuffled", "float64", "1", "The best of ten, each unit's windows shuffled for themselves", nullable=True
        ),
        *_per_component("explained", "1", "Share of the variance of all units in the windows of the fit"),
    ),
    key=("preset", "region", "method"),
)
"""Models of populations, a row each: what they were fitted to, what they explain, and how they hold up."""
