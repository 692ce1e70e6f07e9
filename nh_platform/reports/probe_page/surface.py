"""The surface of the brain, read from a BrainGlobe atlas that is on this machine already.

Contains where such an atlas may lie, and the reading and thinning of its mesh. Nothing is downloaded and nothing is
shipped: the content is the Allen Institute's, whose terms are not those of this package. Add here another layout of an
atlas folder.
"""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError
from nh_platform.sources.anatomy.coordinates import CCF_EXTENT_UM, mirrored_ml_um

ROOT_ID = 997
"""The whole brain in the Allen ontology; a BrainGlobe atlas has its mesh as ``meshes/997.obj``."""

HOW_TO_GET = "pip install brainglobe-atlasapi && brainglobe install -a allen_mouse_25um"

_CELL_UM = 250.0
"""Vertices within a cube of this edge become one: about 10,000 triangles, 100 kB of the page."""


@dataclass(frozen=True)
class Surface:
    """A mesh in CCF µm.

    Parameters
    ----------
    vertices
        (n_vertices, 3) float64: AP, DV, ML in µm, ML from left to right.
    triangles
        (n_triangles, 3) int64 rows of vertices.
    origin
        Name of the atlas that it is of.
    """

    vertices: npt.NDArray[np.float64]
    triangles: npt.NDArray[np.int64]
    origin: str


def find_surface(atlas: Path | None = None) -> Surface | None:
    """Return the surface of an Allen atlas of BrainGlobe on this machine; None where there is none.

    Parameters
    ----------
    atlas
        Folder of the atlas, ``allen_mouse_25um_v1.2``. Otherwise the finest of BrainGlobe's own folder: the one that
        its configuration names, else ``~/.brainglobe``.

    Raises
    ------
    ConfigError
        If the folder that is stated has no mesh of the brain, or the mesh cannot be read.
    """
    if atlas is not None:
        path = atlas / "meshes" / f"{ROOT_ID}.obj"
        if not path.is_file():
            action = f"State the folder of an Allen atlas of BrainGlobe: {HOW_TO_GET}"
            raise ConfigError(f"atlas {atlas}", f"it has no file meshes/{ROOT_ID}.obj", action)
        return read_surface(path)
    found = [
        path for folder in _brainglobe_folders() for path in folder.glob(f"allen_mouse_*um_v*/meshes/{ROOT_ID}.obj")
    ]
    return read_surface(min(found, key=_by_resolution)) if found else None


def read_surface(path: Path) -> Surface:
    """Read a mesh in BrainGlobe's frame, and thin it out.

    BrainGlobe's atlases have their origin in front, on top and on the *right* (``asr``; brainglobe-atlasapi): ML is
    counted from the other side than in the CCF and mirrored here.

    Raises
    ------
    ConfigError
        If it is no mesh, or lies outside the CCF volume.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        vertices = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], dtype=np.float64)
        corners = [[one.split("/")[0] for one in line.split()[1:4]] for line in lines if line.startswith("f ")]
        triangles = np.array(corners, dtype=np.int64).reshape(-1, 3) - 1
        usable = vertices.ndim == 2 and vertices.shape[1] == 3 and len(triangles) > 0
        usable = usable and triangles.min() >= 0 and triangles.max() < len(vertices)
    except (OSError, ValueError) as error:
        raise ConfigError(f"mesh {path}", f"it cannot be read: {error}", _again()) from error
    if not usable or (vertices < -1).any() or (vertices > np.array(CCF_EXTENT_UM) + 1).any():
        raise ConfigError(f"mesh {path}", "it is no surface within the Allen CCF in µm", _again())
    vertices[:, 2] = mirrored_ml_um(vertices[:, 2])
    return Surface(*_thinned(vertices, triangles), origin=path.parent.parent.name)


def _again() -> str:
    return f"Install the atlas again: {HOW_TO_GET}"


def _thinned(
    vertices: npt.NDArray[np.float64], triangles: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the mesh with the vertices of each cube of `_CELL_UM` replaced by their mean."""
    cells = np.floor(vertices / _CELL_UM).astype(np.int64)
    _, cell, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    cell = cell.reshape(-1)
    sums = np.stack([np.bincount(cell, weights=axis, minlength=len(counts)) for axis in vertices.T], axis=1)
    corners = cell[triangles]
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (a != c)]
    _, first = np.unique(np.sort(corners, axis=1), axis=0, return_index=True)
    return sums / counts[:, np.newaxis], corners[np.sort(first)]


def _brainglobe_folders() -> list[Path]:
    """Return the folders in which BrainGlobe keeps atlases for this user."""
    folders = [Path.home() / ".brainglobe"]
    settings = (
        Path(os.environ.get("BRAINGLOBE_CONFIG_DIR") or Path.home() / ".config" / "brainglobe") / "bg_config.conf"
    )
    if settings.is_file():
        parser = configparser.ConfigParser()
        try:
            parser.read(settings, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):  # BrainGlobe's own trouble; its default folder is looked at
            return folders
        stated = parser.get("default_dirs", "brainglobe_dir", fallback="")
        if stated:
            folders.insert(0, Path(stated).expanduser())
    return folders


def _by_resolution(path: Path) -> tuple[int, str]:
    name = path.parent.parent.name
    digits = name.removeprefix("allen_mouse_").partition("um")[0]
    return (int(digits) if digits.isdigit() else 1000, name)
