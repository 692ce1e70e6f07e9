"""The tables of a training set as training code reads them, and counts scaled by its statistics.

Contains `SetTables`, of which `OpenTrainingSet` is what people use. Add here what follows from the tables alone. What
needs the store is `nh_platform.training_sets.opened`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.embeddings.unit_vectors import COMPONENT_KIND, VectorFit
from nh_platform.load import Batch, WindowSet
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.display import counted
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.across_sessions.training_sets import SET_STATISTICS
from nh_platform.training_sets.training_set import TrainingSet
from nh_platform.windows.presets.preset_files import renamed

FloatArray = npt.NDArray[np.float64]


class SetTables:
    """Tables and statistics of a training set.

    Parameters
    ----------
    content
        The set.
    """

    def __init__(self, content: TrainingSet) -> None:
        self.content = content
        self._scales: dict[tuple[str, str | None, str | None], tuple[FloatArray, FloatArray]] = {}

    @property
    def sessions(self) -> pd.DataFrame:
        """One row per session, schema `SET_SESSIONS`: subject, split and why."""
        return self.content.tables["set_sessions"]

    @property
    def units(self) -> pd.DataFrame:
        """One row per unit that is used, schema `SET_UNITS`."""
        return self.content.tables["set_units"]

    @property
    def presets(self) -> list[str]:
        """Window presets of the set."""
        return list(dict.fromkeys(self.content.tables["set_windows"]["preset"]))

    @property
    def images(self) -> pd.DataFrame:
        """One row per embedding of images that joins, schema `SET_IMAGES`; none where the recipe names none."""
        return self.content.images

    @property
    def vector_names(self) -> tuple[str, ...]:
        """Names of the entries of the units' vectors, in order; none where the set has no vectors."""
        entries = self.content.tables.get("set_vectors")
        return () if entries is None else tuple(entries["entry"])

    @property
    def explained_variance(self) -> pd.Series:
        """Share of the variance of the training units' histograms that each component of the vectors has, by name."""
        entries = self._vector_fit.entries
        return entries[entries["kind"] == COMPONENT_KIND].set_index("entry")["explained_variance"]

    @cached_property
    def _vector_fit(self) -> VectorFit:
        """What vectors are made by.

        Raises
        ------
        ConfigError
            If the set has none.
        """
        tables = self.content.tables
        if "set_vectors" not in tables:
            joins, name = self.content.recipe.embeddings, self.content.id
            found = "it was built before there were vectors" if joins else "its recipe does not join embeddings"
            action = f"{'' if joins else 'State `embeddings: true` and '}run `nh train-set build {name}`."
            raise ConfigError(f"vectors of units of training set {name}", found, action[0].upper() + action[1:])
        return VectorFit(tables["set_vectors"], tables["set_loadings"])

    def statistics(self, session_id: str, preset: str | None = None, source: str | None = None) -> pd.DataFrame:
        """Return mean and standard deviation of counts per bin by unit, as of training windows alone.

        Returns
        -------
        pandas.DataFrame
            ``unit_id``, ``mean``, ``std`` and ``own`` in the order of the units: whether they are the unit's own, or
            those of all units of the training windows, as for a unit that is in no training window.

        Raises
        ------
        UnknownSession
            If the session is none of the set.
        ConfigError
            If the set has no such preset.
        """
        chosen, key = self._preset(preset), (self._source(session_id, source), session_id)
        own = self._statistics.get((*key, chosen), SET_STATISTICS.empty())
        found = self._units[key][["unit_id"]].merge(own[["unit_id", "mean", "std"]], on="unit_id", how="left")
        found["own"] = found["mean"].notna()
        of_all = self.content.header["statistics"].get(chosen)
        if of_all is None:
            action = "Take one with bins, of which windows train."
            raise ConfigError(f"statistics of {chosen} in {self.content.id}", "the set has none", action)
        return found.fillna({"mean": of_all["mean"], "std": of_all["std"]}).reset_index(drop=True)

    def standardise(
        self,
        counts: npt.NDArray[Any],
        session_id: str,
        preset: str | None = None,
        source: str | None = None,
        valid: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Return (…, n_units, n_bins) counts less the mean over the spread of each unit; of training windows alone.

        A unit that never varied is 0, and so is what is not ``valid``. Raises as `statistics`, and `ConfigError` if the
        units are not those of the set in this session; batches of several sessions are `standardise_batch`'s.
        """
        key = (session_id, preset, source)
        if key not in self._scales:
            of = self.statistics(session_id, preset, source)
            spread = of["std"].to_numpy()[:, None]
            self._scales[key] = of["mean"].to_numpy()[:, None], np.where(spread > 0, spread, np.inf)
        mean, spread = self._scales[key]
        if counts.ndim < 2 or counts.shape[-2] != len(mean):
            found = f"they are of shape {counts.shape}, and {counted(len(mean), 'unit')} of the session are in the set"
            raise ConfigError(f"counts of session {session_id}", found, "Take those of a window of the set.")
        scaled = np.asarray((counts - mean) / spread, dtype=np.float32)
        return scaled if valid is None else np.where(valid, scaled, np.float32(0))

    def standardise_batch(self, batch: Batch, windows: WindowSet) -> npt.NDArray[np.float32]:
        """Return the (n, n_units, n_bins) counts of a batch as `standardise` has them; 0 where they are not valid.

        Parameters
        ----------
        batch
            A batch of ``windows``, with whichever units it has.
        windows
            The windows of the set that it is of.
        """
        n = windows.vocabulary.n_units
        mean, spread = np.zeros(n), np.full(n, np.inf)
        for part in windows.parts:
            of = self.statistics(part.session_id, windows.preset, part.source).set_index("unit_id")
            of = of.loc[list(part.unit_ids)]
            mean[part.unit_numbers] = of["mean"]
            spread[part.unit_numbers] = of["std"].where(of["std"] > 0, np.inf)
        assert batch.counts is not None
        scaled = (batch.counts - mean[batch.units][..., None]) / spread[batch.units][..., None]
        return np.where(batch.valid, scaled, 0).astype(np.float32)

    def _source(self, session_id: str, source: str | None) -> str:
        """Return the source of a session of the set."""
        rows = self.sessions[self.sessions["session_id"] == session_id]
        of = rows["source"].tolist()
        if source is not None and source in of:
            return source
        if not of or source is not None:
            known = self.sessions["session_id"].tolist()
            action = f"Use one of `sessions`.{close_matches(session_id, known)}"
            thing = f"session {session_id!r}" if source is None else f"{source} session {session_id!r}"
            raise UnknownSession(thing, f"it is not in training set {self.content.id}", action)
        if len(of) > 1:
            found = f"sessions of {' and '.join(of)} have that id"
            raise UnknownSession(f"session {session_id!r}", found, f"State its source, as source={of[0]!r}.")
        return str(of[0])

    def _preset(self, preset: str | None) -> str:
        if preset is None and len(self.presets) == 1:
            return self.presets[0]
        if preset is None or renamed(preset) not in self.presets:
            thing = f"training set {self.content.id}" + (f", preset {preset!r}" if preset else "")
            found = (
                "it has none of that name"
                if preset
                else f"it has {counted(len(self.presets), 'preset')}, and none is named"
            )
            action = f"Name one of: {', '.join(self.presets)}.{close_matches(preset or '', self.presets)}"
            raise ConfigError(thing, found, action)
        return renamed(preset)

    @cached_property
    def _units(self) -> dict[tuple[str, str], pd.DataFrame]:
        return dict(list(self.units.groupby(["source", "session_id"], sort=False)))

    @cached_property
    def _statistics(self) -> dict[tuple[str, str, str], pd.DataFrame]:
        return dict(list(self.content.tables["set_statistics"].groupby(["source", "session_id", "preset"], sort=False)))
