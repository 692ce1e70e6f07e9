"""Maps of what embeddings say of a session: its units by how they fire, and the state of its population.

Contains the charts of `unit_embeddings` and `window_embeddings`. Maps are computed in `nh_platform.embeddings`; add
here another way to colour them. A chart has five colours: the four groups with most points have one, the others share
the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.reports.page.chart import Axis, Chart, Colour, Layer
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.session.display import counted
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.session.tables.events import PRESENTATIONS, TRIALS

Floats = npt.NDArray[np.float64]
MapMethod = Literal["pca", "umap"]

COLOURS: tuple[Colour, ...] = ("main", "second", "third", "event")
_VERDICTS: tuple[tuple[str, Colour], ...] = (("not good", "bad"), ("good", "good"))
OTHERS = "others"
MOST_POINTS = 4000
"""Of a map, evenly chosen in time: more fill it, and make the page larger."""
MOST_STEPS = 600
"""Along the session: means of as many stretches, about one for every second pixel."""
NO_EMBEDDINGS = "The session's units are not described yet."
NO_STATES = "Population states are made where `also_assets: [window_embeddings]` asks for them."


def embedding_charts(material: PageMaterial) -> list[Chart]:
    """Return the maps of units by region and by verdict, and those of the population's state."""
    maps = unit_maps(
        material.unit_embeddings,
        material.units,
        material.rulebooks[0].id,
        reference_window=material.reference_window,
    )
    return [*maps, *population_charts(material)]


def unit_maps(
    embeddings: pd.DataFrame | None,
    units: pd.DataFrame,
    rulebook: str,
    method: MapMethod = "pca",
    reference_window: str = "",
) -> list[Chart]:
    """Return the map of a session's units by how they fire, by region and by verdict.

    Parameters
    ----------
    embeddings
        Schema `UNIT_EMBEDDINGS`; None where the units are not described.
    units
        Units with ``unit_id``, ``beryl`` and ``pass.<rulebook>``.
    rulebook
        Whose verdicts colour the second map.
    method
        ``pca``, or ``umap`` where it is installed: its places are those of the processor at hand, so that no page has
        them.
    reference_window
        The stretch that the features describe, which the caption names; nothing where it is said elsewhere.
    """
    from nh_platform.embeddings.flat_maps import MIN_UMAP, MIN_VECTORS, placed_vectors, principal_map, umap_map
    from nh_platform.embeddings.units.waveform_features import FEATURES

    # Depth and waveform say nothing of firing, and by depth alone the units of a region would lie near each other.
    aside = {*UNIT_EMBEDDINGS.names, *(column.name for column in FEATURES)}
    features = [] if embeddings is None else [one for one in embeddings.columns if one not in aside]
    features = [one for one in features if embeddings is not None and embeddings[one].notna().any()]
    title = "Units by how they fire" if method == "pca" else "Units by how they fire (UMAP)"
    start = "units" if method == "pca" else "units-umap"
    if embeddings is None or not features:
        return [_no_map(f"{start}-by-region", title, NO_EMBEDDINGS)]
    joined = embeddings.merge(units, on="unit_id", how="left", suffixes=("", "_unit"))
    scaled, placed = placed_vectors(joined[features].to_numpy())
    axes: tuple[Axis, ...] = Axis("UMAP 1"), Axis("UMAP 2")
    if method == "pca":
        found = principal_map(scaled)
        places = None if found is None else found[0]
        axes = tuple(
            Axis(f"component {k + 1}, {share:.0%} of the variance")
            for k, share in enumerate(() if found is None else found[1])
        )
    else:
        places = umap_map(scaled)
    if places is None:
        least = MIN_VECTORS if method == "pca" else MIN_UMAP
        lacking = f"{counted(len(scaled), 'unit')} fire enough to be described; a map needs {least}."
        return [_no_map(f"{start}-by-region", title, lacking)]
    joined = joined[placed]
    good = joined[f"pass.{rulebook}"].to_numpy(dtype=bool)
    region = joined["beryl"].fillna("no region").astype(str).to_numpy(dtype=object)
    verdict = np.where(good, "good", "not good").astype(object)
    near = (
        "Units that fire alike lie near each other. "
        if method == "pca"
        else "Who is near means something, how far the others are does not. "
    )
    of = f" in {reference_window}" if reference_window else ""
    near += f"{len(features)} features of each unit's firing{of}, in deviations from their means."
    if left_out := int((~placed).sum()):
        have = "has" if left_out == 1 else "have"
        near += f" {counted(left_out, 'unit')} of few spikes {have} no place."
    return _coloured(start, title, axes, places, region, verdict, near)


def _coloured(
    start: str,
    title: str,
    axes: Sequence[Axis],
    places: Floats,
    region: npt.NDArray[np.object_],
    verdict: npt.NDArray[np.object_],
    caption: str,
) -> list[Chart]:
    """Return a map twice: coloured by region, and by verdict."""
    by_verdict = tuple(
        _points(places[verdict == name], name, colour) for name, colour in _VERDICTS if (verdict == name).any()
    )
    return [
        Chart(f"{start}-by-region", f"{title}, by region", axes[0], axes[1], _groups(places, region), caption),
        Chart(f"{start}-by-label", f"{title}, by verdict", axes[0], axes[1], by_verdict, caption),
    ]


def population_charts(material: PageMaterial) -> list[Chart]:
    """Return where the population was in the session's windows: by what was shown or done, and over time by region."""
    states = material.population
    titles = ("population-map", "State of the population"), ("population-time", "State of the population over time")
    if states is None:
        return [_no_map(*title, NO_STATES) for title in titles]
    if not states.names:
        return [_no_map(*title, "No model could be fitted; the notes say why.") for title in titles]
    return [_state_map(material, states), _states_over_time(states)]


@dataclass(frozen=True)
class Population:
    """Population states of one preset, as the page draws them.

    Parameters
    ----------
    preset
        The preset.
    windows
        One row per window in order of time: ``start`` and ``stop`` (s), and latents by column name.
    names
        Populations in the order of their units, ``all`` first; none where no model was fitted.
    explained
        Share of the variance by component of the factors of all good units.
    """

    preset: str
    windows: pd.DataFrame
    names: tuple[str, ...]
    explained: tuple[float, ...]

    @staticmethod
    def of(windows: pd.DataFrame, fits: pd.DataFrame) -> Population:
        """Choose the preset whose windows cover most time among those with a model, and its factors."""
        fits = fits[fits["method"] == "fa"]
        of_all = fits[fits["region"] == "all"]
        if of_all.empty:
            return Population("", windows[:0], (), ())
        covered = [_covered_s(windows[windows["preset"] == preset]) for preset in of_all["preset"]]
        best = of_all.iloc[int(np.argmax(covered))]
        preset = str(best["preset"])
        mine = fits[fits["preset"] == preset].sort_values("n_units", ascending=False, kind="stable")
        table = windows[windows["preset"] == preset].sort_values("start", kind="stable")
        explained = tuple(float(best[f"explained_{k + 1}"]) for k in range(int(best["n_components"])))
        return Population(preset, table.reset_index(drop=True), tuple(mine["region"]), explained)


def _covered_s(windows: pd.DataFrame) -> float:
    """Return how many seconds lie in at least one of the windows of a preset."""
    ordered = windows.sort_values("start", kind="stable")
    start, stop = ordered["start"].to_numpy(dtype=np.float64), ordered["stop"].to_numpy(dtype=np.float64)
    until = np.minimum(stop, np.append(start[1:], np.inf))
    return float(np.maximum(until - start, 0.0).sum())


def _state_map(material: PageMaterial, states: Population) -> Chart:
    table = states.windows[np.isfinite(states.windows[["fa.all.1", "fa.all.2"]].to_numpy()).all(axis=1)]
    table = table.iloc[_evenly(len(table), MOST_POINTS)]
    axes = [Axis(f"factor {k + 1}, {states.explained[k]:.0%} of variance", "√Hz") for k in range(2)]
    middle = (table["start"].to_numpy() + table["stop"].to_numpy()) / 2
    words, what = _at_times(material, middle)
    layers = _groups(table[["fa.all.1", "fa.all.2"]].to_numpy(dtype=np.float64), words)
    caption = f"Factors of all good units. A point is a window of {states.preset}, coloured by {what} in its middle."
    return Chart("population-map", "State of the population", axes[0], axes[1], layers, caption)


def _states_over_time(states: Population) -> Chart:
    table, layers = states.windows, []
    middle = ((table["start"] + table["stop"]) / 2).to_numpy(dtype=np.float64)
    pieces = np.array_split(np.arange(len(table)), min(MOST_STEPS, len(table)))
    for name, colour in zip(states.names, COLOURS):
        values = table[f"fa.{name}.1"].to_numpy(dtype=np.float64)
        known = [piece[np.isfinite(values[piece])] for piece in pieces]
        means = np.array([values[piece].mean() if len(piece) else np.nan for piece in known])
        times = np.array([middle[piece].mean() for piece in pieces])
        layers.append(Layer("line", times, np.round(means, 4), name=name, colour=colour, exact=True))
    time = Axis("time", "s", float(table["start"].min()), float(table["stop"].max()), session_clock=True)
    caption = (
        "The first factor of all good units and of the regions with most of them: means of short stretches of windows "
        f"of {states.preset}. A factor is fitted to the first part of the session."
    )
    title = "State of the population over time"
    return Chart("population-time", title, time, Axis("factor 1", "√Hz"), tuple(layers), caption, wide=True)


def _at_times(material: PageMaterial, times: Floats) -> tuple[npt.NDArray[np.object_], str]:
    """Return a word for each time, and what it says: the stimulus, the outcome of the trial, or the part of time."""
    tables = material.events.tables
    shown, trials = tables.get(PRESENTATIONS.name), tables.get(TRIALS.name)
    if shown is not None and len(shown):
        return _within(shown, shown["stimulus_name"].astype(str), times, "nothing shown"), "what was shown"
    if trials is not None and len(trials):
        outcome = np.select([trials["feedbackType"] > 0, trials["feedbackType"] < 0], ["reward", "error"], "no go")
        return _within(trials, pd.Series(outcome), times, "between trials"), "the outcome of the trial"
    thirds = np.array(["first third", "second third", "last third"], dtype=object)
    place = np.minimum(np.argsort(np.argsort(times)) * 3 // max(len(times), 1), 2)
    return thirds[place], "part of the session"


def _within(table: pd.DataFrame, words: pd.Series, times: Floats, otherwise: str) -> npt.NDArray[np.object_]:
    """Return the word of the row that holds each time; ``otherwise`` where none does."""
    known = table["start_time"].notna().to_numpy() & table["stop_time"].notna().to_numpy()
    order = np.argsort(table["start_time"].to_numpy()[known], kind="stable")
    start, stop = (table[name].to_numpy(dtype=np.float64)[known][order] for name in ("start_time", "stop_time"))
    named = words.to_numpy(dtype=object)[known][order]
    at = np.searchsorted(start, times, side="right") - 1
    inside = (at >= 0) & (times < stop[np.maximum(at, 0)]) if len(stop) else np.zeros(len(times), dtype=bool)
    found = np.full(len(times), otherwise, dtype=object)
    found[inside] = named[at[inside]]
    return found


def _groups(places: Floats, words: npt.NDArray[np.object_]) -> tuple[Layer, ...]:
    """Return a layer of points for each of the largest groups, in the order of their size, the others below them."""
    names, counts = np.unique(words.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    largest = [str(names[at]) for at in order[: len(COLOURS)]]
    rest = ~np.isin(words.astype(str), largest)
    layers = [_points(places[rest], OTHERS, "muted")] if rest.any() else []
    for name, colour in zip(largest, COLOURS):
        layers.append(_points(places[words.astype(str) == name], name, colour))
    return tuple(layers)


def _points(places: Floats, name: str, colour: Colour) -> Layer:
    return Layer("points", places[:, 0], places[:, 1], name=name, colour=colour, exact=True)


def _evenly(n: int, most: int) -> npt.NDArray[np.int64]:
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)) if n else np.zeros(0, dtype=np.int64)


def _no_map(chart_id: str, title: str, lacking: str) -> Chart:
    return Chart(chart_id, title, Axis("component 1"), Axis("component 2"), (), "", lacking)
