"""NeuroHorizon data platform: public Neuropixels releases as quality-controlled, versioned, ML-ready sessions.

`open_store` is what notebooks import. Nothing else is added here, and nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nh_platform.session.lazy_names import lazy_names

if TYPE_CHECKING:
    from nh_platform.reading import open_store

__all__ = ["open_store"]

__getattr__ = lazy_names(__name__, {"open_store": "reading"})
