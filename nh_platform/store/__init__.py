"""Session ↔ bytes: where every asset lies, how it is published atomically, and that its bytes stay what they were.

Add here what every stored file needs; what turns a container into files or back is `codecs`. Nothing here knows an
upstream format, computes a metric or imports Dagster.
"""

from nh_platform.store.layout import Store
from nh_platform.store.provenance import Provenance, UpstreamFile, data_version

__all__ = ["Provenance", "Store", "UpstreamFile", "data_version"]
