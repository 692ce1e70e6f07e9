"""The layouts that sessions are exported in, by the name that the command has for them.

Add a layout here by its record, which stands in the layout's own folder or module. Nothing heavy is imported before a
layout is asked for.
"""

from __future__ import annotations

from importlib import import_module

from nh_platform.exports.layout import Layout
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

_PLACES: dict[str, str] = {
    "hdf5": "nh_platform.exports.unified.hdf5_file:LAYOUT",
    "npz": "nh_platform.exports.plain.npz:LAYOUT",
    "npy": "nh_platform.exports.plain.npy:LAYOUT",
    "parquet": "nh_platform.exports.plain.parquet:LAYOUT",
    "torch-brain": "nh_platform.exports.torch_brain.layout:LAYOUT",
    "nwb": "nh_platform.exports.nwb.layout:LAYOUT",
}
"""Dotted name of each layout's record."""


def find_layout(name: str) -> Layout:
    """Return a layout by its name.

    Raises
    ------
    ConfigError
        If there is none; the text names the nearest.
    """
    if name not in _PLACES:
        raise ConfigError(
            f"layout {name!r}", f"there are {', '.join(_PLACES)}", f"Use one of those.{close_matches(name, _PLACES)}"
        )
    module, attribute = _PLACES[name].split(":")
    layout: Layout = getattr(import_module(module), attribute)
    return layout
