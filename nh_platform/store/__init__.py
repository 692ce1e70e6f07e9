"""Session ↔ bytes: where every asset lies, how it is published atomically, and the HDF5 and Parquet codecs.

Add here what turns a container of `nh_platform.session` into files or back. Nothing here knows an upstream format,
computes a metric or imports Dagster.
"""

from nh_platform.store.layout import Store
from nh_platform.store.provenance import Provenance, UpstreamFile, data_version

__all__ = ["Provenance", "Store", "UpstreamFile", "data_version"]
