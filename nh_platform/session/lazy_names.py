"""Names that a package offers although their modules are heavy: imported when a name is first asked for.

Contains the one function, for a package's ``__init__``. A package whose modules are light imports its names as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package that imports on demand (PEP 562).

    Parameters
    ----------
    package
        Name of the package.
    modules
        Module, relative to the package, by the name that it holds.

    Examples
    --------
    >>> lazy_names("nh_platform.session", {"Spikes": "recording"})("Spikes").__name__
    'Spikes'
    """

    def offered(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return offered
