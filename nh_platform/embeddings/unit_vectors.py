"""The vector of a unit that models use: features standardised, histograms by their principal components.

Contains the fit on units of training and its use on any unit. What is fitted on is the choice of whoever fits
(`nh_platform.training_sets`); stored embeddings stay raw. Nothing here reads a file.

A feature is less the mean over the standard deviation of the training units. The columns of all histograms
(`histogram_of`: inter-spike intervals, autocorrelogram) are put side by side, each histogram divided by the root of its
summed variance, so that each weighs the same, and replaced by the first `N_COMPONENTS` principal components, divided by
their standard deviation over the training units. A histogram that most training units lack takes no part, and units
that lack another have no components: either is a note.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.embeddings.standardised import epsilon, rounding_norm, varying
from nh_platform.session.display import counted
from nh_platform.session.tables.across_sessions.unit_vectors import SET_LOADINGS, SET_VECTORS

FloatArray = npt.NDArray[np.float64]

N_COMPONENTS = 10
"""Principal components of the histograms at most; with fewer units or bins there are fewer."""

LEAST_KNOWN = 0.5
"""Share of the training units that have a histogram, below which it takes no part in the components."""

_HISTOGRAM = re.compile(r"((?:[a-z0-9_]*_)?(?:hist|acg))_\d+")
_DIGITS = 9
"""Significant digits of what is fitted: an eigenvector's last ones differ between processors."""

FEATURE_KIND, COMPONENT_KIND = "feature", "component"


def histogram_of(column: str) -> str | None:
    """Return the histogram that a column of `unit_embeddings` is a bin of; None for other columns.

    Examples
    --------
    >>> histogram_of("isi_hist_03"), histogram_of("acg_11"), histogram_of("rate_hz")
    ('isi_hist', 'acg', None)
    """
    found = _HISTOGRAM.fullmatch(column)
    return None if found is None else found[1]


def numbers_of(embeddings: pd.DataFrame) -> list[str]:
    """Return the columns that are features: those of floating point, as every encoder makes them."""
    return [str(name) for name, dtype in embeddings.dtypes.items() if dtype.kind == "f"]


@dataclass(frozen=True)
class UnitVectors:
    """Vectors of the units of a session.

    Parameters
    ----------
    unit_ids
        (n_units,) ids.
    names
        (n_entries,) names: features, then ``hist_pc_00`` and so on.
    values
        (n_units, n_entries) float32; 0, the mean of training, where a feature of a unit is undefined.
    known
        (n_units, n_entries) bool, where it is not.
    is_silent
        (n_units,) bool, units that fired too little to be described; their values are what a few spikes give, where
        these define any.
    """

    unit_ids: npt.NDArray[np.object_]
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    is_silent: npt.NDArray[np.bool_]

    def table(self) -> pd.DataFrame:
        """Return ``unit_id``, ``is_silent`` and a column per entry, NaN where it is undefined."""
        values = np.where(self.known, self.values, np.float32(np.nan))
        first = pd.DataFrame({"unit_id": self.unit_ids, "is_silent": self.is_silent})
        return pd.concat([first, pd.DataFrame(values, columns=list(self.names))], axis=1)


@dataclass(frozen=True)
class VectorFit:
    """What was fitted on the units of training.

    Parameters
    ----------
    entries, loadings
        Schemas `SET_VECTORS` and `SET_LOADINGS`.
    notes
        Histograms that units lack, and what became of them.
    """

    entries: pd.DataFrame
    loadings: pd.DataFrame
    notes: tuple[str, ...] = ()

    def vectors(self, embeddings: pd.DataFrame) -> UnitVectors:
        """Return the vectors of units.

        Parameters
        ----------
        embeddings
            Schema `UNIT_EMBEDDINGS`, in any order of the columns; one that is lacking is undefined for every unit.
        """
        is_feature = (self.entries["kind"] == FEATURE_KIND).to_numpy(dtype=bool)
        names = self.entries["entry"].tolist()
        raw = np.full((len(embeddings), len(names)), np.nan)
        features = [name for name, of in zip(names, is_feature) if of]
        raw[:, is_feature] = _matrix(embeddings, features)
        components = [name for name, of in zip(names, is_feature) if not of]
        if components:
            by_column = self.loadings.drop_duplicates("column")
            columns, loadings = by_column["column"].tolist(), _loadings(self.loadings, components)
            bins = _matrix(embeddings, columns) - by_column["center"].to_numpy()
            raw[:, ~is_feature] = _product(bins / by_column["scale"].to_numpy(), loadings)
        mean, spread = self.entries["mean"].to_numpy(), self.entries["std"].to_numpy()
        scaled = (raw - mean) / np.where(spread > 0, spread, np.inf)
        known = np.isfinite(scaled)
        return UnitVectors(
            embeddings["unit_id"].to_numpy(dtype=object),
            tuple(names),
            np.where(known, scaled, 0.0).astype(np.float32),
            known,
            silent_units(embeddings),
        )


def silent_units(embeddings: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return (n_units,) which units fired too little to be described: as marked, else those without any interval."""
    if "is_silent" in embeddings:
        return embeddings["is_silent"].to_numpy(dtype=bool)
    return (embeddings["n_spikes"] < 2).to_numpy(dtype=bool)


def fit_vectors(embeddings: Sequence[pd.DataFrame]) -> VectorFit:
    """Fit on units of training; silent ones are left out.

    Parameters
    ----------
    embeddings
        Schema `UNIT_EMBEDDINGS` of each session that trains, in an order that does not depend on chance.

    Returns
    -------
    VectorFit
        Without entries where no unit is left. The same to the last digit on every processor: what is fitted is rounded
        to 9 significant digits, and of a component's two signs that one is taken whose largest loading is positive.
    """
    tables = [table[~silent_units(table)] for table in embeddings]
    units = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if not len(units):
        return VectorFit(SET_VECTORS.empty(), SET_LOADINGS.empty())
    columns = numbers_of(units)
    features = [name for name in columns if histogram_of(name) is None]
    entries = pd.DataFrame({"entry": features, "kind": FEATURE_KIND, "explained_variance": np.nan})
    mean, spread, n = _moments(_matrix(units, features))
    # What varies by the rounding of its type alone would else be scaled up to deviations.
    varies = [bool(varying(units[[name]].to_numpy(dtype=np.float64), units[name].dtype)[0]) for name in features]
    entries = entries.assign(mean=_rounded(mean), std=_rounded(np.where(varies, spread, 0.0 * spread)), n_units=n)
    used, notes = _used_histograms(units, [name for name in columns if histogram_of(name) is not None])
    components, loadings = _components(units, used)
    return VectorFit(SET_VECTORS.conform(pd.concat([entries, components], ignore_index=True)), loadings, notes)


def _used_histograms(units: pd.DataFrame, columns: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the columns of the histograms that most units have, and notes of the others.

    Components need every histogram of a unit: one that few units have, as an encoder of a laboratory may make, would
    leave none.
    """
    by_name: dict[str, list[str]] = {}
    for column in columns:
        by_name.setdefault(str(histogram_of(column)), []).append(column)
    has = {name: np.isfinite(_matrix(units, of)).all(axis=1) for name, of in by_name.items()}
    used = {name: known for name, known in has.items() if known.mean() >= LEAST_KNOWN}
    while used and np.logical_and.reduce(list(used.values())).sum() < min(2, len(units)):
        used.pop(min(used, key=lambda name: int(used[name].sum())))
    notes = []
    for name, known in has.items():
        lacking = f"histogram {name} ({counted(len(by_name[name]), 'bin')}) is undefined in {int((~known).sum())} of "
        lacking += counted(len(units), "training unit")
        if name not in used:
            notes.append(f"{lacking}; it takes no part in the components")
        elif not known.all():
            notes.append(f"{lacking}; these have no components")
    return [column for name in used for column in by_name[name]], tuple(notes)


def _components(units: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the entries and loadings of the principal components of the histograms."""
    none = pd.DataFrame({name: SET_VECTORS.empty()[name] for name in SET_VECTORS.names}), SET_LOADINGS.empty()
    bins = _matrix(units, columns)
    bins = bins[np.isfinite(bins).all(axis=1)]
    if len(bins) < 2 or not columns:
        return none
    center = _rounded(bins.mean(axis=0))
    variance = ((bins - center) ** 2).mean(axis=0)
    groups = np.array([histogram_of(name) for name in columns], dtype=object)
    scale = np.ones(len(columns))
    for group in dict.fromkeys(groups):
        total = float(variance[groups == group].sum())
        scale[groups == group] = np.sqrt(total) if total > 0 else 1.0
    scale = _rounded(scale)
    wide = (bins - center) / scale
    covariance = _product(wide.T, wide) / len(wide)
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][: min(N_COMPONENTS, len(wide) - 1, len(columns))]
    # Rounding has a direction as well: as a component it would be scaled up to what a histogram varies by.
    stored = max((units[name].dtype for name in columns), key=epsilon)
    of_rounding = rounding_norm(bins / scale, stored) ** 2 / len(wide)
    of_product = len(columns) * epsilon(np.float64) * values.max()
    order = order[values[order] > max(of_rounding, of_product)]
    if not len(order):
        return none
    kept = vectors[:, order]
    largest = np.argmax(np.round(np.abs(kept), 6), axis=0)
    kept = _rounded(kept * np.sign(kept[largest, np.arange(kept.shape[1])]))
    names = [f"hist_pc_{k:02d}" for k in range(len(order))]
    entries = pd.DataFrame(
        {
            "entry": names,
            "kind": COMPONENT_KIND,
            "mean": 0.0,
            "std": _rounded(np.sqrt(values[order])),
            "explained_variance": _rounded(values[order] / values.sum()),
            "n_units": len(wide),
        }
    )
    rows = [
        pd.DataFrame(
            {"component": name, "column": list(columns), "center": center, "scale": scale, "loading": kept[:, k]}
        )
        for k, name in enumerate(names)
    ]
    return entries, SET_LOADINGS.conform(pd.concat(rows, ignore_index=True))


def _matrix(table: pd.DataFrame, columns: Sequence[str]) -> FloatArray:
    return table.reindex(columns=list(columns)).to_numpy(dtype=np.float64).reshape(len(table), len(columns))


def _loadings(loadings: pd.DataFrame, components: Sequence[str]) -> FloatArray:
    by_component = loadings.set_index("component")["loading"]
    return np.column_stack([by_component.loc[[name]].to_numpy(dtype=np.float64) for name in components])


def _product(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the matrix product, summed in one order on every processor, as a library for matrices does not."""
    return np.stack([(one * column).sum(axis=1) for column in other.T], axis=1) if other.size else one[:, :0]


def _moments(values: FloatArray) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Return mean, standard deviation and number of what is known in each column; NaN where that is nothing."""
    known = np.isfinite(values)
    n = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=0) / n
        spread = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / n)
    return mean, spread, n.astype(np.int64)


def _rounded(values: FloatArray) -> FloatArray:
    """Return values in `_DIGITS` significant digits."""
    texts = [f"{value:.{_DIGITS}g}" for value in np.asarray(values, dtype=np.float64).ravel().tolist()]
    return np.array(texts, dtype=np.float64).reshape(np.shape(values))
