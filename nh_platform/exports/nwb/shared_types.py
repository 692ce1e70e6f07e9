"""One map of types for all objects of a file, where HDMF copies the whole of it for each field that is set.

HDMF 3.14 looks into a copy of its map of types, 7 ms, whenever an object is given a value, only to see whether terms
were configured for it: three quarters of what a small session's file takes. Later versions do so no more; with them
this module goes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hdmf.container import AbstractContainer
from pynwb.core import NWBMixin

_LOOKUP = "_get_type_map"
_OWNERS = (AbstractContainer, NWBMixin)
_lock = threading.Lock()
_held: list[dict[type, Callable[[Any], Any]]] = []
"""Lookups as the libraries have them, once for each context that is open."""


@contextmanager
def shared_types() -> Iterator[None]:
    """Let objects that are made in the context, in whatever thread, look into one map each of HDMF's and PyNWB's."""
    with _lock:
        _held.append(_held[-1] if _held else {owner: vars(owner)[_LOOKUP] for owner in _OWNERS})
        if len(_held) == 1:
            for owner, lookup in _held[0].items():
                setattr(owner, _LOOKUP, _once(lookup))
    try:
        yield
    finally:
        with _lock:
            last = _held.pop()
            if not _held:
                for owner, lookup in last.items():
                    setattr(owner, _LOOKUP, lookup)


def _once(lookup: Callable[[Any], Any]) -> Callable[[Any], Any]:
    kept: list[Any] = []

    def looked_up(container: Any) -> Any:
        if not kept:
            kept.append(lookup(container))
        return kept[0]

    return looked_up
