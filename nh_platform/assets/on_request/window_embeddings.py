"""The asset `window_embeddings`: the population state of every window, made where `also_assets` asks for it.

Change here what is stored and shown of population states, and what is checked of them. How they are computed is
`nh_platform.embeddings.population`; why they are made on request, docs/decisions/0043.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetCheck, AssetResult, CheckOutcome, Parameters, SessionAsset, note_texts
from nh_platform.home.platform import Platform
from nh_platform.session.columns import describe
from nh_platform.session.display import counted
from nh_platform.session.tables.embeddings import POPULATION_FITS, POPULATION_UNITS, WINDOW_EMBEDDINGS
from nh_platform.store.codecs.parquet import write_table

if TYPE_CHECKING:
    from nh_platform.embeddings.population import WindowStates

WINDOWS_FILE, UNITS_FILE, FITS_FILE = "window_embeddings.parquet", "population_units.parquet", "population_fits.parquet"

LATENTS = AssetCheck(
    "latents_sound",
    "Latents of valid windows are finite, every component varies, and those of each region and method fill at least "
    "half as many dimensions as there are components.",
)
HELD_OUT = AssetCheck(
    "held_out_windows_rebuilt",
    "In windows that no model was fitted to, each good unit's rate follows from those of the others better than where "
    "the windows of every unit are shuffled for themselves, by one of the methods at least. Where it does not, the "
    "units share nothing in such windows that a model could find. Regions are listed and do not decide: a few units "
    "may well share nothing.",
)


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the version of the models, and the rulebook that chooses their units."""
    from nh_platform.embeddings.population import WINDOW_STATES_VERSION

    return {"population": WINDOW_STATES_VERSION, "good units": platform.config(source).rulebook_ids[0]}


def make(inputs: SessionInputs) -> AssetResult:
    """Fit the populations of the session's good units in the windows of every preset, and describe each window."""
    from nh_platform.embeddings.population import window_states
    from nh_platform.windows.window_files import StoredWindows

    recording, units = inputs.trains(), inputs.units()
    good = units[f"pass.{inputs.config.rulebook_ids[0]}"].to_numpy(dtype=bool)
    index = StoredWindows(inputs.stored.folder("windows")).index
    states = window_states(recording.spikes, units, good, index)

    def write(folder: Path) -> None:
        write_table(folder / WINDOWS_FILE, states.windows, WINDOW_EMBEDDINGS)
        write_table(folder / UNITS_FILE, states.units, POPULATION_UNITS)
        write_table(folder / FITS_FILE, states.fits, POPULATION_FITS)

    return AssetResult(
        write=write,
        rows=len(states.windows),
        columns=describe(WINDOW_EMBEDDINGS, states.windows),
        shown={"good units": int(good.sum()), "models": fit_rows(states)},
        notes=note_texts(states.notes),
        checks={LATENTS.name: _latents_outcome(states), HELD_OUT.name: _held_out_outcome(states)},
    )


def fit_rows(states: WindowStates) -> list[Mapping[str, object]]:
    """Return what a person sees of every model: units, windows, what it explains, and how it holds up."""
    names = ["preset", "region", "method", "n_units", "n_components", "n_fit", "n_held_out", "rebuilt", "shuffled"]
    explained = states.fits.filter(regex="^explained_").sum(axis=1).round(4)
    shown = states.fits[names].assign(explained=explained).astype(object)
    return list(shown.where(shown.notna(), None).to_dict("records"))


def _latents_outcome(states: WindowStates) -> CheckOutcome:
    from nh_platform.embeddings.vector_quality import constant_columns, vector_quality

    rows, wrong = [], []
    for fit in states.fits.to_dict("records"):
        name = f"{fit['method']}.{fit['region']}"
        columns = tuple(f"{name}.{k + 1}" for k in range(fit["n_components"]))
        table = states.windows.loc[states.windows["preset"] == fit["preset"], list(columns)]
        valid = table.notna().any(axis=1)  # latents of a window that is not valid are all NaN
        latents = table[valid].to_numpy()
        found, constant = vector_quality(latents), constant_columns(latents, columns)
        sound = not found.n_not_finite and not constant and found.effective_rank >= len(columns) / 2
        rows.append(
            {
                "preset": fit["preset"],
                "latents": name,
                "windows": found.n_vectors,
                "not finite": found.n_not_finite,
                "constant": ", ".join(constant),
                "effective rank": found.effective_rank,
                "components": len(columns),
                "windows alike": found.n_duplicates,
            }
        )
        wrong += [] if sound else [f"{fit['preset']} {name}"]
    if not rows:
        return CheckOutcome(False, "No model was fitted; the notes say why.", is_known=False)
    text = f"{len(rows) - len(wrong)} of {len(rows)} models have sound latents" + _but(wrong)
    return CheckOutcome(not wrong, text, {"latents": rows})


def _held_out_outcome(states: WindowStates) -> CheckOutcome:
    fits = states.fits[states.fits["rebuilt"].notna()]
    if fits.empty:
        return CheckOutcome(False, "No model has held-out windows; the notes say why.", is_known=False)
    fits = fits.assign(better=fits["rebuilt"] > fits["shuffled"])
    of_all = fits[fits["region"] == "all"].groupby("preset", sort=False)["better"].any()
    wrong = of_all.index[~of_all].tolist()
    text = (
        f"{int(fits['better'].sum())} of {len(fits)} models rebuild held-out windows better than shuffled ones; that "
        f"of all good units does in {int(of_all.sum())} of {counted(len(of_all), 'preset')}{_but(wrong)}"
    )
    names = ["preset", "region", "method", "rebuilt", "shuffled", "better"]
    return CheckOutcome(not wrong, text, {"R² of held-out windows": fits[names].to_dict("records")})


def _but(wrong: list[str]) -> str:
    return f"; not {', '.join(wrong)}." if wrong else "."


ASSET = SessionAsset(
    name="window_embeddings",
    code_version="1",
    description=(
        "The state of the population in every window of every preset: principal components and factors of the good "
        "units of the session and of each region, fitted to the first part of its causal split, with the models "
        "themselves and how well they rebuild windows that they have not seen. Made on request."
    ),
    kinds=frozenset({"parquet"}),
    tables=(
        (WINDOW_EMBEDDINGS, WINDOWS_FILE),
        (POPULATION_UNITS, UNITS_FILE),
        (POPULATION_FITS, FITS_FILE),
    ),
    make=make,
    inputs=("raw_spikes", "units", "windows"),
    parameters=parameters,
    of_every_source=False,
    checks=(LATENTS, HELD_OUT),
)
