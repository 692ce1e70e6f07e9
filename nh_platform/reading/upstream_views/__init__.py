"""Views of stored sessions under the names and units of the libraries that existing notebooks use.

`SpikeSortingLoader`, `SessionLoader` and `EphysSessionLoader` are those of brainbox (ibllib 4.1.0), `EcephysSession`
and `BehaviorEcephysSession` those of AllenSDK 2.16.2; each takes a store in the place of a connection or cache.
Objects of pynapple and SpikeInterface are made by `SessionView.to_pynapple` and `to_spikeinterface`. Add a view here
when notebooks of another library are worth keeping as they are. Nothing is downloaded or written, and neither brainbox
nor AllenSDK is imported; docs/notebooks-that-exist.md says what is the same and what differs.
"""

from nh_platform.reading.upstream_views.allen.behavior_ecephys_session import BehaviorEcephysSession
from nh_platform.reading.upstream_views.allen.ecephys_session import EcephysSession
from nh_platform.reading.upstream_views.ephys_session_loader import EphysSessionLoader
from nh_platform.reading.upstream_views.session_loader import SessionLoader
from nh_platform.reading.upstream_views.spike_sorting_loader import SpikeSortingLoader

__all__ = ["BehaviorEcephysSession", "EcephysSession", "EphysSessionLoader", "SessionLoader", "SpikeSortingLoader"]
