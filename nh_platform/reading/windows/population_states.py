"""The population state of the windows of one preset of a stored session, and the models that it comes from.

Contains `PopulationStates`. Add here what people read of population states; they are computed in
`nh_platform.embeddings.population` when the asset is made.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.embeddings.population.latent_models import latents_of
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.store.codecs.parquet import read_table

FloatArray = npt.NDArray[np.float64]
METHOD = "fa"
"""Factor analysis, where no method is stated: one unit that fires much decides little."""


class PopulationStates:
    """Population states of the windows of one preset.

    Parameters
    ----------
    folder
        Folder of the asset.
    preset
        Id of the preset, as the windows were made with it.
    session
        Words for the session, for errors.
    """

    def __init__(self, folder: Path, preset: str, session: str) -> None:
        self.preset = preset
        self._folder, self._session = folder, session

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"PopulationStates({self.preset!r}, windows={len(self)}, regions={len(self.regions)})"

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per window: ``window_id``, ``start``, ``stop``, ``part`` of the causal split, and every latent.

        Columns are ``<method>.<region>.<component>`` in √Hz; NaN where a window is not valid for a probe of the region.
        """
        rows = self._rows("window_embeddings").reset_index(drop=True)
        fits = self.fits
        names = [
            f"{fit.method}.{fit.region}.{k + 1}"
            for fit in fits.itertuples()
            for k in range(fit.n_components)  # type: ignore[arg-type]
        ]
        return rows[["window_id", "start", "stop", "part", *names]]

    @cached_property
    def fits(self) -> pd.DataFrame:
        """One row per region and method, schema `POPULATION_FITS`: what was fitted, what it explains, how it holds up.

        What lies before ``fit_stop`` has been seen by the models and is not to be tested.
        """
        return self._rows("population_fits").reset_index(drop=True)

    @property
    def regions(self) -> tuple[str, ...]:
        """Populations with a model: ``all`` for every good unit of the session, then Beryl regions."""
        return tuple(dict.fromkeys(self.fits["region"]))

    def latents(self, region: str = "all", method: str = METHOD) -> npt.NDArray[np.float32]:
        """Return (n_windows, n_components) float32 the latents of a region in √Hz; rows are those of the windows.

        Parameters
        ----------
        region
            One of `regions`.
        method
            ``pca`` or ``fa`` (factor analysis).

        Raises
        ------
        ConfigError
            If there is no such model; the text names those that there are.
        """
        fit = self._fit(region, method)
        names = [f"{method}.{region}.{k + 1}" for k in range(int(fit["n_components"]))]
        return self.table[names].to_numpy(dtype=np.float32)

    def units(self, region: str = "all", method: str = METHOD) -> pd.DataFrame:
        """Return the model of a region, a row per unit: ``mean``, ``noise``, ``weight_<k>`` and ``loading_<k>``.

        Parameters are those of `latents`; schema `POPULATION_UNITS` without the key of the model.

        Raises
        ------
        ConfigError
            If there is no such model.
        """
        fit = self._fit(region, method)
        rows = self._rows("population_units")
        rows = rows[(rows["region"] == region) & (rows["method"] == method)].reset_index(drop=True)
        numbered = [f"{name}_{k + 1}" for name in ("weight", "loading") for k in range(int(fit["n_components"]))]
        return rows[["unit_id", "mean", "noise", *numbered]]

    def project(
        self, counts: npt.ArrayLike, seconds: npt.ArrayLike, region: str = "all", method: str = METHOD
    ) -> FloatArray:
        """Return the latents of windows of your own, by a stored model.

        Parameters
        ----------
        counts
            (n_windows, n_units) spikes of the units of `units`, in that order.
        seconds
            Length of the windows, one or (n_windows,).
        region, method
            As of `latents`.

        Returns
        -------
        numpy.ndarray
            (n_windows, n_components) float64, √Hz.

        Raises
        ------
        ConfigError
            If there is no such model, or the counts are of another number of units.
        """
        units, spikes = self.units(region, method), np.asarray(counts, dtype=np.float64)
        if spikes.ndim != 2 or spikes.shape[1] != len(units):
            raise ConfigError(
                f"counts of shape {spikes.shape}",
                f"the model {method} of {region} has {len(units)} units",
                "Give (n_windows, n_units) of the units of `units(region, method)`, in that order.",
            )
        lengths = np.broadcast_to(np.asarray(seconds, dtype=np.float64), len(spikes))
        rates = np.sqrt(spikes / lengths[:, None])
        weights = units.filter(regex="^weight_").to_numpy(dtype=np.float64)
        return latents_of(rates, units["mean"].to_numpy(dtype=np.float64), weights)

    def rebuild(self, latents: npt.ArrayLike, region: str = "all", method: str = METHOD) -> FloatArray:
        """Return (n_windows, n_units) the square roots of the rates (√Hz) that a model says of latents.

        Parameters
        ----------
        latents
            (n_windows, n_components) √Hz.
        region, method
            As of `latents`.

        Raises
        ------
        ConfigError
            If there is no such model.
        """
        units = self.units(region, method)
        loadings = units.filter(regex="^loading_").to_numpy(dtype=np.float64)
        return units["mean"].to_numpy() + np.asarray(latents, dtype=np.float64) @ loadings.T

    def _fit(self, region: str, method: str) -> pd.Series:
        found = self.fits[(self.fits["region"] == region) & (self.fits["method"] == method)]
        if found.empty:
            known = sorted({f"{one.method} of {one.region}" for one in self.fits.itertuples()})
            raise ConfigError(
                f"{method} of {region} in the windows of {self.preset}",
                f"{self._session} has {', '.join(known) or 'no model; the notes of window_embeddings say why'}",
                f"Name one of those.{close_matches(region, self.regions)}",
            )
        return found.iloc[0]

    def _rows(self, name: str) -> pd.DataFrame:
        table = read_table(self._folder / f"{name}.parquet")
        return table[table["preset"] == self.preset]
