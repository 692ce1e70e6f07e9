"""Reading what the platform has stored: sessions as objects with lazy parts, for notebooks and training code.

`open_store` is the entry; everything else follows from what it returns. Add here what reads the store for a person. No
asset is made and no upstream file is opened here.
"""

from nh_platform.reading.opening import OpenedStore, open_store
from nh_platform.reading.searching.probe_search import ProbeQuery
from nh_platform.reading.searching.released import Released
from nh_platform.reading.searching.session_search import SessionQuery
from nh_platform.reading.session_view import SessionView
from nh_platform.reading.unit_psth import UnitPsth
from nh_platform.reading.upstream_views import (
    BehaviorEcephysSession,
    EcephysSession,
    EphysSessionLoader,
    SessionLoader,
    SpikeSortingLoader,
)
from nh_platform.reading.windows.windows_view import WindowsView

__all__ = [
    "BehaviorEcephysSession",
    "EcephysSession",
    "EphysSessionLoader",
    "OpenedStore",
    "ProbeQuery",
    "Released",
    "SessionLoader",
    "SessionQuery",
    "SessionView",
    "SpikeSortingLoader",
    "UnitPsth",
    "WindowsView",
    "open_store",
]
