"""A map of the units of a stored session, drawn into a file on request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.session import ConfigError

METHODS = ("pca", "umap")


@dataclass(frozen=True)
class DrawnMap:
    """A map that was drawn.

    Parameters
    ----------
    path
        The file.
    session_id
        The session, whole.
    n_units
        Units that have a place.
    """

    path: Path
    session_id: str
    n_units: int


def map_units(
    home: Home, source: str, session: str, output: Path | str, *, method: Literal["pca", "umap"] = "umap"
) -> DrawnMap:
    """Draw the units of a stored session by how they fire, coloured by region and by verdict.

    Parameters
    ----------
    home
        The home folder.
    source, session
        The session; its first characters are enough.
    output
        Picture to write: ``.svg``, ``.png`` or ``.pdf``.
    method
        ``umap``, or ``pca``, which the session's page has as well.

    Raises
    ------
    ConfigError
        If the file can be no picture, UMAP is not installed, or too few units are described.
    UnknownSession
        If the session is not stored, or its units are not described.
    """
    import numpy as np

    from nh_platform.embeddings.flat_maps import has_umap
    from nh_platform.reading import OpenedStore
    from nh_platform.reports.map_file import SUFFIXES, draw_maps
    from nh_platform.reports.session_page.session_figures.embedding_maps import unit_maps

    path = Path(output)
    if path.suffix not in SUFFIXES:
        raise ConfigError(str(path), "it is no picture", f"Name a file that ends with {', '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise ConfigError(str(path), "its folder is not there", "Make the folder, or name another.")
    if method not in METHODS:
        raise ConfigError(f"method {method!r}", "there is no such map", f"Use {' or '.join(METHODS)}.")
    if method == "umap" and not has_umap():
        action = "Run `pip install umap-learn`, or draw principal components: `--method pca`."
        raise ConfigError("maps by UMAP", "umap-learn is not installed", action)
    with open_home(home) as at:
        view = OpenedStore(at.platform.store).session(source, session)
        rulebook = at.platform.config(source).rulebook_ids[0]
        charts = unit_maps(view.embeddings, view.units, rulebook, method, view.embeddings_window.id)
        if charts[0].lacking:
            action = "Take a session with more units, or describe them from a longer reference window."
            raise ConfigError(f"{source} session {view.session_id}", charts[0].lacking.rstrip("."), action)
        draw_maps(path, f"{source} session {view.session_id}", charts)
        return DrawnMap(path, view.session_id, sum(len(np.asarray(layer.x)) for layer in charts[0].layers))
