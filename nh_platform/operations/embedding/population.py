"""What population states of a stored session explain, and how they hold up in windows that no model has seen.

Contains the summary. What is computed is `nh_platform.embeddings.population`, when the asset is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PopulationSummary:
    """Models of the populations of a session.

    Parameters
    ----------
    session_id
        The session, whole.
    fits
        One row per preset, region and method, schema `POPULATION_FITS`.
    notes
        What was not fitted, and why.
    folder
        Where the tables lie.
    """

    session_id: str
    fits: pd.DataFrame
    notes: tuple[str, ...]
    folder: Path


def describe_population(
    home: Home, source: str, session: str, *, preset: str = "", method: str = "", region: str = ""
) -> PopulationSummary:
    """Return what the population states of a stored session explain and how well they rebuild held-out windows.

    Parameters
    ----------
    home
        The home folder.
    source, session
        The session; its first characters are enough.
    preset, method, region
        Models of these alone; of all where empty.

    Raises
    ------
    UnknownSession
        If the session is not stored, or `window_embeddings` was not made; the text says how it is asked for.
    ConfigError
        If the windows were made without the preset or any, or there is no model of the method or region.
    """
    import pandas as pd

    from nh_platform.assets.on_request.window_embeddings import ASSET
    from nh_platform.embeddings.population import METHODS
    from nh_platform.reading import OpenedStore

    if method and method not in METHODS:
        raise ConfigError(
            f"method {method!r}", "there is no such model of a population", f"Use {' or '.join(METHODS)}."
        )
    with open_home(home) as at:
        view = OpenedStore(at.platform.store).session(source, session)
        presets = [preset] if preset else view.window_presets
        if not presets:
            found = "its windows were made without a preset, so that no population is described"
            action = f"State `presets` of {source} in sources.yaml, then run `nh materialize {source} --missing`."
            raise ConfigError(f"{source} session {view.session_id}", found, action)
        tables = [view.window_embeddings(one).fits for one in presets]
        fits = pd.concat(tables, ignore_index=True)
        if region and region not in set(fits["region"]):
            known = list(dict.fromkeys(fits["region"]))
            raise ConfigError(
                f"region {region!r}",
                f"the models of {source} session {view.session_id} are of {', '.join(known) or 'none'}",
                f"Name one of those.{close_matches(region, known)}",
            )
        for name, asked in (("method", method), ("region", region)):
            fits = fits[fits[name] == asked] if asked else fits
        notes = view.provenance(ASSET.name).left_out
        return PopulationSummary(view.session_id, fits.reset_index(drop=True), tuple(notes), view.folder(ASSET.name))
