"""The population state of every window of a session, per region and method, with the models that it comes from.

Contains which units and windows a model is fitted to, and the three tables. Models are fitted to the first part of the
session's causal split alone and scored on the later ones: latents of what is tested have not shaped them. Add here what
decides what is fitted; how is `latent_models`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.embeddings.population.held_out import rebuilt_share, shuffled_shares
from nh_platform.embeddings.population.latent_models import METHODS, LatentModel, fit_latents
from nh_platform.embeddings.population.window_rates import root_rates
from nh_platform.session import ConfigError, Note, Spikes
from nh_platform.session.display import counted
from nh_platform.session.tables.embeddings import N_LATENTS, POPULATION_FITS, POPULATION_UNITS, WINDOW_EMBEDDINGS
from nh_platform.windows.splits.time_ranges import Ranges, causal_ranges, windows_within

WINDOW_STATES_VERSION = "1"
"""Moves whenever a value changes."""

ALL_REGIONS = "all"
"""Name of the population of all good units of a session."""

NO_REGIONS = ("void", "root")
"""Acronyms of what is no region."""

MIN_UNITS = 5
"""Fewest units of a population. Two components of five units are the least that factor analysis can tell apart:
(units − components)² must be at least units + components."""

MIN_FIT, MIN_HELD_OUT = 20, 5
"""Fewest windows that a model is fitted to, and scored on."""

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WindowStates:
    """Population states of a session.

    Parameters
    ----------
    windows
        Schema `WINDOW_EMBEDDINGS`: every window of every preset, in the order of the index.
    units
        Schema `POPULATION_UNITS`.
    fits
        Schema `POPULATION_FITS`.
    notes
        What was not fitted, and why.
    """

    windows: pd.DataFrame
    units: pd.DataFrame
    fits: pd.DataFrame
    notes: tuple[Note, ...]


@dataclass
class _Found:
    """What is gathered while models are fitted."""

    units: list[pd.DataFrame] = field(default_factory=list)
    fits: list[dict[str, object]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def window_states(spikes: Spikes, units: pd.DataFrame, good: BoolArray, index: pd.DataFrame) -> WindowStates:
    """Fit the population of every region in the windows of every preset, and describe each window by it.

    Parameters
    ----------
    spikes
        Spikes, ascending within each unit.
    units
        Units in the order of ``spikes.offsets``, with ``unit_id``, ``probe`` and ``beryl``.
    good
        (n_units,) which of them are used.
    index
        Windows, schema `WINDOW_INDEX`.

    Returns
    -------
    WindowStates
        Of all good units together and of every Beryl region with at least `MIN_UNITS` of them. A preset or region with
        too little has no model, and a note says what it lacks.
    """
    if len(units) != spikes.n_units or len(good) != len(units):
        raise ValueError(f"{len(units)} units, {len(good)} marks, but spikes of {spikes.n_units}")
    from threadpoolctl import threadpool_limits

    import_module("sklearn.decomposition")  # what is loaded later is not limited
    # The matrices are small, and on one thread the bytes do not depend on how many the machine has.
    with threadpool_limits(limits=1):
        return _window_states(spikes, units, good, index)


def _window_states(spikes: Spikes, units: pd.DataFrame, good: BoolArray, index: pd.DataFrame) -> WindowStates:
    found = _Found()
    regions = _populations(units, good, found.notes)
    recorded, ranges = spikes.recorded_time, Ranges()
    if regions and not index.empty:
        try:
            ranges = causal_ranges(recorded.start, recorded.stop)
        except ConfigError as error:
            found.notes.append(Note("causal split", f"{error.thing}: {error.found}; nothing is fitted"))
    tables = [
        _of_preset(str(preset), rows, spikes, units, regions, ranges, found)
        for preset, rows in index.groupby("preset", sort=False)
    ]
    joined = pd.concat(tables, ignore_index=True) if tables else WINDOW_EMBEDDINGS.empty()
    return WindowStates(
        windows=WINDOW_EMBEDDINGS.conform(joined),
        units=POPULATION_UNITS.conform(pd.concat(found.units, ignore_index=True))
        if found.units
        else POPULATION_UNITS.empty(),
        fits=POPULATION_FITS.conform(pd.DataFrame(found.fits)) if found.fits else POPULATION_FITS.empty(),
        notes=tuple(found.notes),
    )


def _populations(units: pd.DataFrame, good: BoolArray, notes: list[Note]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the rows of the units of each population, all of them first, then regions by name."""
    rows = np.flatnonzero(good)
    if len(rows) < MIN_UNITS:
        notes.append(Note("population", f"{counted(len(rows), 'good unit')}; a model needs {MIN_UNITS}"))
        return {}
    beryl = units["beryl"].to_numpy(dtype=object)[rows]
    named = sorted({str(name) for name in beryl if isinstance(name, str) and name not in NO_REGIONS})
    regions = {name: rows[beryl == name] for name in named}
    few = [f"{name} {len(found)}" for name, found in regions.items() if len(found) < MIN_UNITS]
    if few:
        notes.append(Note("regions", f"fewer than {MIN_UNITS} good units, no model of their own: {', '.join(few)}"))
    return {ALL_REGIONS: rows, **{name: found for name, found in regions.items() if len(found) >= MIN_UNITS}}


def _of_preset(
    preset: str,
    rows: pd.DataFrame,
    spikes: Spikes,
    units: pd.DataFrame,
    regions: Mapping[str, npt.NDArray[np.int64]],
    ranges: Ranges,
    found: _Found,
) -> pd.DataFrame:
    """Return the table of the windows of a preset; models and notes go into ``found``."""
    start, stop = (rows[name].to_numpy(dtype=np.float64) for name in ("start", "stop"))
    part = np.full(len(rows), None, dtype=object)
    for name, stretches in ranges.items():
        part[windows_within(start, stop, stretches)] = name
    ids = rows["window_id"].to_numpy()
    table = pd.DataFrame({"preset": preset, "window_id": ids, "start": start, "stop": stop, "part": part})
    if not ranges:
        return table
    rates = root_rates(spikes, regions[ALL_REGIONS], start, stop)
    place = np.full(spikes.n_units, -1, dtype=np.int64)
    place[regions[ALL_REGIONS]] = np.arange(len(regions[ALL_REGIONS]))
    probes = units["probe"].to_numpy(dtype=object)
    columns: dict[str, npt.NDArray[np.float32]] = {}
    for region, unit_rows in regions.items():
        valid = _valid(rows, {str(probe) for probe in probes[unit_rows]})
        # Of what comes later the last tenth alone would be too little: where a passive protocol follows the task, no
        # trial lies in it. Nothing is chosen by the windows between, so that they are held out as well.
        fit, held_out = valid & (part == "train"), valid & np.isin(part.astype(str), ("valid", "test"))
        used = unit_rows[np.ptp(rates[fit][:, place[unit_rows]], axis=0) > 0] if fit.any() else unit_rows[:0]
        lacks = _lacking(int(fit.sum()), len(used))
        if lacks:
            found.notes.append(Note(f"{preset}, {region}", f"no model: {lacks}"))
            continue
        mine = rates[:, place[used]]
        n_components = min(N_LATENTS, len(used) // 2, int(fit.sum()) // 4)
        for method in METHODS:
            model = fit_latents(mine[fit], method, n_components)
            key = {"preset": preset, "region": region, "method": method}
            found.units.append(_unit_rows(key, units["unit_id"].to_numpy(dtype=object)[used], model))
            scored = _scores(model, mine[held_out], "/".join(key.values()))
            limits = {
                "fit_start": float(ranges["train"][0, 0]),
                "fit_stop": float(ranges["train"][-1, 1]),
                "held_out_start": float(ranges["valid"][0, 0]),
            }
            counts = {"n_units": len(used), "n_components": n_components}
            counts |= {"n_fit": int(fit.sum()), "n_held_out": int(held_out.sum())}
            found.fits.append({**key, **counts, **limits, **scored, **_numbered("explained", model.explained)})
            latents = np.where(valid[:, None], model.latents(mine), np.nan).astype(np.float32)
            columns |= {f"{method}.{region}.{k + 1}": latents[:, k] for k in range(n_components)}
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)


def _valid(rows: pd.DataFrame, probes: set[str]) -> BoolArray:
    """Return which windows are valid, and so for every one of some probes."""
    invalid = rows["invalid_probes"].to_numpy(dtype=object)
    spoilt = np.array([not probes.isdisjoint(text.split(",")) for text in invalid], dtype=bool)
    return rows["valid"].to_numpy(dtype=bool) & ~spoilt


def _lacking(n_fit: int, n_units: int) -> str:
    if n_fit < MIN_FIT:
        return f"{counted(n_fit, 'valid window')} in the first part of the causal split, and it needs {MIN_FIT}"
    if n_units < MIN_UNITS:
        return (
            f"{counted(n_units, 'good unit')} with a varying rate in the windows of the fit, and it needs {MIN_UNITS}"
        )
    return ""


def _scores(model: LatentModel, rates: FloatArray, name: str) -> dict[str, float]:
    """Return how well held-out windows are rebuilt, and the best of their shuffles; NaN of too few windows."""
    if len(rates) < MIN_HELD_OUT:
        return {"rebuilt": np.nan, "shuffled": np.nan}
    shuffled = shuffled_shares(model, rates, seed=zlib.crc32(name.encode()))
    return {"rebuilt": round(rebuilt_share(model, rates), 6), "shuffled": round(float(shuffled.max()), 6)}


def _unit_rows(key: Mapping[str, str], unit_ids: npt.NDArray[np.object_], model: LatentModel) -> pd.DataFrame:
    columns = {**key, "unit_id": unit_ids, "mean": model.mean, "noise": model.noise}
    return pd.DataFrame({**columns, **_numbered("weight", model.weights.T), **_numbered("loading", model.loadings.T)})


def _numbered(name: str, values: Sequence[float] | FloatArray) -> dict[str, object]:
    """Return values by ``<name>_<number of the component>``; NaN of those that the model does not have."""
    return {f"{name}_{k + 1}": values[k] if k < len(values) else np.nan for k in range(N_LATENTS)}
