"""NeuroHorizon data platform: public Neuropixels releases as quality-controlled, versioned, ML-ready sessions.

`open_store` is what notebooks import. Nothing else is added here, and nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nh_platform.reading import open_store

__all__ = ["open_store"]


def __getattr__(name: str) -> Any:
    if name == "open_store":
        from nh_platform.reading import open_store

        return open_store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
